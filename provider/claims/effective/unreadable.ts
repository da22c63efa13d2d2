// SPDX-License-Identifier: Apache-2.0
import type { ErrorCode } from "../../errors";
import type { Digest } from "../../oci/digest";
import { matchesIdentity } from "./identity";
import { issuersOf } from "./judged-claim";
import { forbids } from "./lapsed";
import type { BrokenClaim, ClaimHead } from "../read-claim";
import { objectionToArtifact, objectionToClaim, type Revocations } from "./revocation";
import {
  doubtsOf,
  lapsedSignings,
  signingsOf,
  together,
  type Doubt,
  type Signing,
} from "./signers";
import { kindOf } from "../types";
import type { EffectiveInput, JudgedClaim } from "./terms";
import {
  allowedIssuers,
  identify,
  type Issuer,
  type AdmittedClaim,
  type ClaimBySigner,
} from "./claim-by-signer";

/**
 * A claim whose manifest is there and signed, or maybe so, and whose content a store has lost or
 * altered, or is not what its type asks for.
 */
export interface Unreadable {
  head: ClaimHead;
  broken: BrokenClaim["broken"];
  signings: Signing[];
  /** For each who has signed it. */
  claimsBySigner: ClaimBySigner[];
  /** Who may have signed it as well. */
  doubts: Doubt[];
}

const LOST: ReadonlySet<ErrorCode> = new Set([
  "BLOB_UNKNOWN",
  "DIGEST_MISMATCH",
  "SIZE_MISMATCH",
  "STATEMENT_INVALID",
  "PREDICATE_INVALID",
]);

/** Whether a claim is there, and only what it says is lost, or makes no sense. */
export function isLost(claim: BrokenClaim): claim is BrokenClaim & { head: ClaimHead } {
  return claim.head !== undefined && LOST.has(claim.broken.code);
}

/** Of the claims that were found, those that are signed, or maybe so, and cannot be read. */
export function unreadableClaims(input: EffectiveInput): Map<Digest, Unreadable> {
  return new Map(
    input.claims.flatMap(({ claim, verdict }): [Digest, Unreadable][] => {
      if (!("broken" in claim) || !isLost(claim)) return [];
      const signings = [
        ...signingsOf(verdict, input.now),
        ...(forbids(claim.head.type) ? lapsedSignings(verdict, input.now) : []),
      ];
      const doubts = doubtsOf(verdict, signings);
      const claimsBySigner = signings.map(({ signer }) => ({
        digest: claim.digest,
        ...identify(signer, input),
      }));
      return signings.length + doubts.length === 0
        ? []
        : [
            [
              claim.digest,
              { head: claim.head, broken: claim.broken, signings, claimsBySigner, doubts },
            ],
          ];
    }),
  );
}

/**
 * Step 1 of `effective.ts`, for what forbids: a revocation or an end of life that is signed by one
 * who may issue it, and whose content a store has lost or altered, or is malformed. What it says
 * cannot be told, and whoever keeps us from reading it must not undo it by that; whoever may revoke
 * it, whatever it says, can. Of other claims it is noted who signed them, for those who deny such
 * claims.
 */
export function holdUnreadable(
  refused: readonly JudgedClaim[],
  unreadable: ReadonlyMap<Digest, Unreadable>,
  admittedClaims: readonly AdmittedClaim[],
  { revocationOf }: Revocations,
  input: EffectiveInput,
): JudgedClaim[] {
  return refused.map((claim) => {
    const found =
      claim.status === "tampered" || claim.status === "malformed"
        ? unreadable.get(claim.digest)
        : undefined;
    return found === undefined
      ? claim
      : { ...claim, ...judgeUnreadable(found, admittedClaims, revocationOf, input) };
  });
}

function judgeUnreadable(
  { head, broken, signings, claimsBySigner, doubts }: Unreadable,
  admittedClaims: readonly AdmittedClaim[],
  revocationOf: Revocations["revocationOf"],
  input: EffectiveInput,
): Partial<JudgedClaim> {
  const mayForbid = forbids(head.type);
  const objections = claimsBySigner.map((claimBySigner) =>
    objectionTo(head, claimBySigner, admittedClaims, input),
  );
  const believed = mayForbid
    ? claimsBySigner.filter((_, index) => objections[index] === undefined)
    : claimsBySigner;
  const unsure = mayForbid
    ? doubts.filter(
        ({ signer }) =>
          signer === undefined ||
          objectionTo(head, identify(signer, input), admittedClaims, input) === undefined,
      )
    : doubts;
  const revocations = believed.map(revocationOf);
  const [revoked] = revocations;
  if (revoked !== undefined && unsure.length === 0 && !revocations.includes(undefined))
    return { status: "revoked", ...revoked };
  if (!mayForbid) return { ...issuersOf(signings), ...(doubts.length === 0 ? {} : { doubts }) };
  const who =
    believed.length > 0
      ? `it is signed by ${together(believed.map(({ signer }) => signer))}`
      : unsure[0]?.reason;
  if (who === undefined)
    return {
      status: "untrusted",
      reason: objections[0] ?? "nobody who may issue it has signed it",
    };
  return {
    status: "inconclusive",
    reason: `${who}, and what it says cannot be read: ${broken.reason} (${broken.code}) [SIGNATURE_INCONCLUSIVE]`,
  };
}

function nameOf({ type }: ClaimHead): string | undefined {
  return type === undefined ? undefined : kindOf(type)?.name;
}

/** Why what forbids would count for nothing if it could be read. */
function objectionTo(
  head: ClaimHead,
  issuer: Issuer,
  admittedClaims: readonly AdmittedClaim[],
  input: EffectiveInput,
): string | undefined {
  if (nameOf(head) === "endOfLife") {
    const allowed = allowedIssuers("endOfLife", input.lifecycleIssuers);
    if (
      allowed === undefined ||
      allowed.some((identity) => matchesIdentity(identity, issuer.signer))
    )
      return undefined;
    return `its signer, ${issuer.signer}, is not among those who may issue an endOfLife here`;
  }
  const { subject } = head;
  // Beside a claim, it revokes that one. Beside the artifact, it revokes the artifact or any claim
  // about it.
  const objections = subject.digest === input.subject ? [objectionToArtifact(issuer, input)] : [];
  const targets = admittedClaims.filter(
    ({ digest }) => subject.digest === input.subject || subject.digest === digest,
  );
  objections.push(...targets.map((target) => objectionToClaim(issuer, target, input)));
  return objections.includes(undefined)
    ? undefined
    : (objections[0] ?? `it is about ${subject.digest}, which does not count`);
}
