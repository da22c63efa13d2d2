// SPDX-License-Identifier: Apache-2.0
import type { ErrorCode } from "../../errors";
import type { Digest } from "../../oci/digest";
import { issuersOf } from "./judged-claim";
import { forbids } from "./lapsed";
import type { BrokenClaim } from "../read-claim";
import { objectionToArtifact, objectionToClaim, type Revocations } from "./revocation";
import {
  doubtsOf,
  lapsedSignings,
  signingsOf,
  together,
  type Doubt,
  type Signing,
} from "./signers";
import { typeKey } from "../types";
import type { EffectiveInput, JudgedClaim } from "./terms";
import { identify, type Issuer } from "./issuer";
import { anyMayName } from "./issuer-entry";
import { allowedIssuers, type AdmittedClaim, type ClaimBySigner } from "./claim-by-signer";

/**
 * A claim that is signed, or maybe so, and that a store has lost or altered, its manifest or its
 * content, or that is not what its type asks for.
 */
export interface Unreadable extends About {
  broken: BrokenClaim["broken"];
  signings: Signing[];
  /** For each who has signed it. */
  claimsBySigner: ClaimBySigner[];
  /** Who may have signed it as well. */
  doubts: Doubt[];
}

/** What is known of a claim all the same: from its manifest, or else from where it is listed. */
interface About {
  /** Predicate type URI; undefined where only what cannot be read says it. */
  type: string | undefined;
  subject: Digest;
  /** Undefined where only the manifest says it. */
  supersedes: readonly Digest[] | undefined;
}

const LOST: ReadonlySet<ErrorCode> = new Set([
  "BLOB_UNKNOWN",
  "DIGEST_MISMATCH",
  "SIZE_MISMATCH",
  "STATEMENT_INVALID",
  "PREDICATE_INVALID",
]);
/** Of a manifest. One that refers to something else is a claim about that. */
const LOST_MANIFEST: ReadonlySet<ErrorCode> = new Set([
  "MANIFEST_UNKNOWN",
  "MANIFEST_INVALID",
  "MANIFEST_TOO_LARGE",
  "DIGEST_MISMATCH",
  "SIZE_MISMATCH",
  "STATEMENT_INVALID",
]);

/** Whether a claim is there, or listed, and what it says is lost, or makes no sense. */
export function isLost(claim: BrokenClaim): boolean {
  return aboutOf(claim) !== undefined;
}

function aboutOf({ type, head, listedUnder, broken: { code } }: BrokenClaim): About | undefined {
  if (head === undefined)
    return LOST_MANIFEST.has(code) && listedUnder !== undefined
      ? { type, subject: listedUnder, supersedes: undefined }
      : undefined;
  // What is wrapped in another tool's signature is signed all the same where somebody has signed
  // around that, and may be anything where its type is inside.
  const isLost = LOST.has(code) || (code === "ENVELOPE_UNSUPPORTED" && mayForbid(type));
  return isLost ? { type, subject: head.subject.digest, supersedes: head.supersedes } : undefined;
}

/** Whether a claim can be held against the artifact, as far as is known. */
export function mayForbid(type: string | undefined): boolean {
  return type === undefined || forbids(type);
}

/** Of the claims that were found, those that are signed, or maybe so, and cannot be read. */
export function unreadableClaims(input: EffectiveInput): Map<Digest, Unreadable> {
  return new Map(
    input.claims.flatMap(({ claim, verdict }): [Digest, Unreadable][] => {
      const about = "broken" in claim ? aboutOf(claim) : undefined;
      if (!("broken" in claim) || about === undefined) return [];
      const signings = [
        ...signingsOf(verdict, input.now),
        ...(mayForbid(about.type) ? lapsedSignings(verdict, input.now) : []),
      ];
      const doubts = doubtsOf(verdict, signings);
      const claimsBySigner = signings.map(({ signer, root }) => ({
        digest: claim.digest,
        ...identify({ subject: signer, root }, input),
      }));
      const { broken } = claim;
      return signings.length + doubts.length === 0
        ? []
        : [[claim.digest, { ...about, broken, signings, claimsBySigner, doubts }]];
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
    const found = unreadable.get(claim.digest);
    return found === undefined
      ? claim
      : { ...claim, ...judgeUnreadable(found, admittedClaims, revocationOf, input) };
  });
}

function judgeUnreadable(
  found: Unreadable,
  admittedClaims: readonly AdmittedClaim[],
  revocationOf: Revocations["revocationOf"],
  input: EffectiveInput,
): Partial<JudgedClaim> {
  const { type, broken, signings, claimsBySigner, doubts } = found;
  const isAgainst = mayForbid(type);
  const objections = claimsBySigner.map((claimBySigner) =>
    objectionTo(found, claimBySigner, admittedClaims, input),
  );
  const believed = isAgainst
    ? claimsBySigner.filter((_, index) => objections[index] === undefined)
    : claimsBySigner;
  const unsure = isAgainst
    ? doubts.filter(
        ({ signer: subject, root }) =>
          subject === undefined ||
          objectionTo(found, identify({ subject, root }, input), admittedClaims, input) ===
            undefined,
      )
    : doubts;
  const revocations = believed.map(revocationOf);
  const [revoked] = revocations;
  if (revoked !== undefined && unsure.length === 0 && !revocations.includes(undefined))
    return { status: "revoked", ...revoked };
  const signed = { ...issuersOf(signings), ...(doubts.length === 0 ? {} : { doubts }) };
  if (!isAgainst) return signed;
  const who =
    believed.length > 0
      ? `it is signed by ${together(believed.map(({ signer }) => signer))}`
      : unsure[0]?.reason;
  if (who === undefined)
    // It may be of a type that somebody denies.
    return type === undefined
      ? signed
      : {
          status: "untrusted",
          reason: objections[0] ?? "nobody who may issue it has signed it",
        };
  return {
    status: "inconclusive",
    reason: `${who}, and what it says cannot be read: ${broken.reason} (${broken.code}) [SIGNATURE_INCONCLUSIVE]`,
  };
}

/** Why what may forbid would count for nothing if it could be read. */
function objectionTo(
  { type, subject }: About,
  issuer: Issuer,
  admittedClaims: readonly AdmittedClaim[],
  input: EffectiveInput,
): string | undefined {
  const name = type === undefined ? undefined : typeKey(type);
  // Of what nobody can tell what it is, everything that it may be has to be ruled out.
  const objections = [
    ...(name === undefined || name === "endOfLife" ? [objectionToEnd(issuer, input)] : []),
    ...(name === undefined || name === "revocation"
      ? [objectionToRevocation(subject, issuer, admittedClaims, input)]
      : []),
  ];
  return objections.includes(undefined) ? undefined : objections[0];
}

function objectionToEnd(
  { signer }: Issuer,
  { lifecycleIssuers }: EffectiveInput,
): string | undefined {
  const allowed = allowedIssuers("endOfLife", lifecycleIssuers);
  return anyMayName(allowed, { subject: signer }) !== "no"
    ? undefined
    : `its signer, ${signer}, is not among those who may issue an endOfLife here`;
}

/**
 * Beside a claim, it revokes that one. Beside the artifact, it revokes the artifact or any claim
 * about it.
 */
function objectionToRevocation(
  subject: Digest,
  issuer: Issuer,
  admittedClaims: readonly AdmittedClaim[],
  input: EffectiveInput,
): string | undefined {
  const objections = subject === input.subject ? [objectionToArtifact(issuer, input)] : [];
  const targets = admittedClaims.filter(
    ({ digest }) => subject === input.subject || subject === digest,
  );
  objections.push(...targets.map((target) => objectionToClaim(issuer, target, input)));
  return objections.includes(undefined)
    ? undefined
    : (objections[0] ?? `it is about ${subject}, which does not count`);
}
