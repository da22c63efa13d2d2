// SPDX-License-Identifier: Apache-2.0
import type { Digest } from "../../oci/digest";
import { identify, ranksAbove, sameIssuer, type Issuer } from "./issuer";
import { anyMayName } from "./issuer-entry";
import type { EndOfLife, Revocation } from "../lifecycle";
import type { ReadClaim } from "../read-claim";
import { objectionToArtifact, objectionToClaim, type Revocations } from "./revocation";
import { lapsedSignings, timeOf, together, type Signing } from "./signers";
import { kindOf, typeKey } from "../types";
import type { EffectiveInput, JudgedClaim } from "./terms";
import {
  allowedIssuers,
  targetOf,
  type AdmittedClaim,
  type ClaimBySigner,
} from "./claim-by-signer";

/**
 * A revocation or an end of life that somebody has signed without an end, and whose certificate has
 * ended since. Nobody has taken it back; that it is silent now is nothing but the calendar's doing.
 */
export interface Lapsed {
  claim: ReadClaim;
  signings: Signing[];
  /** For each of them. */
  claimsBySigner: ClaimBySigner[];
}

const FORBIDS: ReadonlySet<string> = new Set(["revocation", "endOfLife", "content-purged"]);

/** Whether a claim of a type can only be held against the artifact. */
export function forbids(type: string | undefined): boolean {
  return type !== undefined && FORBIDS.has(typeKey(type));
}

export function lapsedClaims(input: EffectiveInput): Map<Digest, Lapsed> {
  return new Map(
    input.claims.flatMap(({ claim, verdict }): [Digest, Lapsed][] => {
      if ("broken" in claim || !forbids(claim.type)) return [];
      const signings = lapsedSignings(verdict, input.now);
      const claimsBySigner = signings.map(({ signer, root }) => ({
        digest: claim.digest,
        ...identify({ subject: signer, root }, input),
      }));
      return signings.length === 0 ? [] : [[claim.digest, { claim, signings, claimsBySigner }]];
    }),
  );
}

/** What counts in any case, or speaks of something else: a lapsed signature beside adds nothing. */
const SETTLED: ReadonlySet<JudgedClaim["status"]> = new Set([
  "effective",
  "inconclusive",
  "subject-mismatch",
]);

/**
 * Step 4 of `effective.ts`: whether a lapsed claim still forbids cannot be told, so it is not taken
 * for nothing where it would if it were signed again, until somebody who may revokes it or its
 * issuer says otherwise later.
 */
export function holdLapsed(
  judged: readonly JudgedClaim[],
  lapsed: ReadonlyMap<Digest, Lapsed>,
  admittedClaims: readonly AdmittedClaim[],
  revocations: Revocations,
  input: EffectiveInput,
): JudgedClaim[] {
  return judged.map((claim) => {
    const found = SETTLED.has(claim.status) ? undefined : lapsed.get(claim.digest);
    return found === undefined
      ? claim
      : {
          ...claim,
          ...judgeLapsed(found, claim.status === "expired", admittedClaims, revocations, input),
        };
  });
}

/** @param alone whether nobody else's signature of it is good */
function judgeLapsed(
  lapsed: Lapsed,
  alone: boolean,
  admittedClaims: readonly AdmittedClaim[],
  revocations: Revocations,
  input: EffectiveInput,
): Partial<JudgedClaim> {
  const { claim, signings, claimsBySigner } = lapsed;
  const objections = claimsBySigner.map((claimBySigner) =>
    objectionTo(claim, claimBySigner, admittedClaims, input),
  );
  const believed = claimsBySigner.filter((_, index) => objections[index] === undefined);
  if (believed.length === 0)
    return alone && objections[0] !== undefined
      ? { status: "untrusted", reason: objections[0] }
      : {};
  const open = believed.filter(
    (claimBySigner) => revocations.revocationOf(claimBySigner) === undefined,
  );
  const [first] = believed.map(revocations.revocationOf);
  if (open.length === 0) return first === undefined ? {} : { status: "revoked", ...first };
  if (!isDue(claim, admittedClaims, revocations, input)) return {};
  const last = open.filter((claimBySigner) => !isReplaced(lapsed, claimBySigner, revocations.left));
  if (last.length === 0) return {};
  const ended = signings.find((signing) =>
    last.some((claimBySigner) => isSigner(claimBySigner, signing)),
  )?.verdict.certificateExpiresAt;
  const who = together(last.map(({ signer }) => signer));
  return {
    status: "inconclusive",
    reason: `${who} signed it to last, and the certificate has ended, ${String(ended)}: it has to be signed again, or revoked [SIGNATURE_EXPIRED]`,
  };
}

/** Why it would count for nothing if its signature were good. */
function objectionTo(
  claim: ReadClaim,
  claimBySigner: ClaimBySigner,
  admittedClaims: readonly AdmittedClaim[],
  input: EffectiveInput,
): string | undefined {
  if (typeKey(claim.type) === "endOfLife") {
    const allowed = allowedIssuers("endOfLife", input.lifecycleIssuers);
    if (anyMayName(allowed, { subject: claimBySigner.signer }) !== "no") return undefined;
    return `its signer, ${claimBySigner.signer}, is not among those who may issue an endOfLife here`;
  }
  if (typeKey(claim.type) === "content-purged") return undefined;
  const target = targetOf(claim);
  const targets = admittedClaims.filter(({ digest }) => digest === target);
  const objections =
    target === input.subject || targets.length === 0
      ? [objectionToArtifact(claimBySigner, input)]
      : targets.map((each) => objectionToClaim(claimBySigner, each, input));
  return objections.includes(undefined) ? undefined : objections[0];
}

/**
 * Whether its time has come, and there is something that it forbids. What it says is not known
 * where its content was not read.
 */
function isDue(
  { type, predicate }: ReadClaim,
  admittedClaims: readonly AdmittedClaim[],
  { left }: Revocations,
  { subject, now }: EffectiveInput,
): boolean {
  if (predicate === undefined) return true;
  if (kindOf(type)?.name === "endOfLife")
    return !(Date.parse((predicate as EndOfLife).date) > now.getTime());
  if (kindOf(type)?.name === "content-purged") return true;
  const { target, since } = predicate as Revocation;
  if (since !== undefined && Date.parse(since) > now.getTime()) return false;
  const inForce = new Set(left.map(({ digest }) => digest));
  return (
    target === subject ||
    (inForce.has(target) && speaksFor(target, subject, admittedClaims, new Set()))
  );
}

/**
 * Whether a claim speaks for the artifact, so that to revoke it forbids: every claim but a
 * revocation of something that does.
 */
function speaksFor(
  digest: Digest,
  subject: Digest,
  admittedClaims: readonly AdmittedClaim[],
  seen: Set<Digest>,
): boolean {
  if (digest === subject) return true;
  const found = admittedClaims.find((claim) => claim.digest === digest);
  if (found === undefined || seen.has(digest)) return false;
  const target = targetOf(found.claim);
  return target === undefined || !speaksFor(target, subject, admittedClaims, seen.add(digest));
}

/**
 * Its issuer, or one above, has said something else since. Of revocations it is the revoked that
 * decides.
 */
function isReplaced(
  { claim, signings }: Lapsed,
  claimBySigner: ClaimBySigner,
  left: readonly AdmittedClaim[],
): boolean {
  if (typeKey(claim.type) !== "endOfLife") return false;
  const at = timeOf(
    signings.find((signing) => isSigner(claimBySigner, signing))?.verdict.signedAt,
    Infinity,
  );
  return left.some(
    (other) =>
      other.type === "endOfLife" &&
      ((sameIssuer(other, claimBySigner) === "sure" &&
        (other.signedAt > at || other.claim.supersedes.includes(claim.digest))) ||
        (ranksAbove(other, claimBySigner) === "sure" && claimBySigner.rank !== Infinity)),
  );
}

function isSigner(a: Pick<Issuer, "signer" | "root">, b: Signing): boolean {
  return a.signer === b.signer && a.root === b.root;
}
