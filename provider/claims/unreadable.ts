// SPDX-License-Identifier: Apache-2.0
import type { ErrorCode } from "../errors";
import { allowedIssuers, identify, refusalOf, type Issuer, type ObservedClaim, type Standing } from "./admission";
import type { EffectiveInput, JudgedClaim } from "./effective";
import { matchesIdentity } from "./identity";
import type { ClaimHead } from "./read-claim";
import { objectionToArtifact, objectionToClaim } from "./revocation";
import { kindOf } from "./types";

type Outcome = Partial<Pick<JudgedClaim, "status" | "reason" | "issuer">>;

/**
 * Step 1 of `effective.ts`, for what forbids: a revocation or an end of life that is signed by one who may issue it, and whose content a store has
 * lost or altered. What it says cannot be told, and whoever keeps us from reading it must not undo it by that. Of other claims it is noted who
 * signed them, for those who deny such claims.
 */
export function holdUnreadable(refused: readonly JudgedClaim[], standing: readonly Standing[], input: EffectiveInput): JudgedClaim[] {
  const unreadable = new Map(input.claims.flatMap((observed) => {
    const outcome = judgeUnreadable(observed, standing, input);
    return outcome === undefined ? [] : [[observed.claim.digest, outcome] as const];
  }));
  return refused.map((claim) => (claim.status === "tampered" ? { ...claim, ...unreadable.get(claim.digest) } : claim));
}

const LOST: ReadonlySet<ErrorCode> = new Set(["BLOB_UNKNOWN", "DIGEST_MISMATCH", "SIZE_MISMATCH"]);

function judgeUnreadable({ claim, verdict }: ObservedClaim, standing: readonly Standing[], input: EffectiveInput): Outcome | undefined {
  if (!("broken" in claim) || claim.head === undefined || !LOST.has(claim.broken.code)) return undefined;
  const signer = verdict.signer?.subject;
  if (signer === undefined || refusalOf(verdict, input.now) !== undefined) return undefined;
  const objection = objectionTo(claim.head, identify(signer, input), standing, input);
  if (objection === undefined) return { issuer: signer };
  if (objection !== "none") return { status: "untrusted", reason: objection };
  const { code, reason } = claim.broken;
  return { status: "inconclusive", reason: `it is signed by ${signer}, and what it says cannot be read: ${reason} (${code}) [SIGNATURE_INCONCLUSIVE]` };
}

/** Why it would count for nothing if it could be read; undefined where it forbids nothing in any case. */
function objectionTo({ type, subject }: ClaimHead, issuer: Issuer, standing: readonly Standing[], input: EffectiveInput): string | "none" | undefined {
  const name = type === undefined ? undefined : kindOf(type)?.name;
  if (name === "endOfLife") {
    const allowed = allowedIssuers(name, input.lifecycleIssuers);
    if (allowed === undefined || allowed.some((identity) => matchesIdentity(identity, issuer.signer))) return "none";
    return `its signer, ${issuer.signer}, is not among those who may issue an endOfLife here`;
  }
  if (name !== "revocation") return undefined;
  // Beside a claim, it revokes that one. Beside the artifact, it revokes the artifact or any claim about it.
  const objections = subject.digest === input.subject ? [objectionToArtifact(issuer, input)] : [];
  const targets = standing.filter(({ digest }) => subject.digest === input.subject || subject.digest === digest);
  objections.push(...targets.map((target) => objectionToClaim(issuer, target, input)));
  return objections.some((objection) => objection === undefined) ? "none" : objections[0];
}
