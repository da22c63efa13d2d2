// SPDX-License-Identifier: Apache-2.0
import { isConsignError, type ErrorCode } from "../errors";
import type { Digest } from "../oci/digest";
import type { ClaimStatus, EffectiveInput, JudgedClaim } from "./effective";
import { canonicalSubject, matchesIdentity } from "./identity";
import type { Revocation } from "./lifecycle";
import type { BrokenClaim, ReadClaim } from "./read-claim";
import { kindOf, typeKey } from "./types";

/** What the verification of a claim's signatures came to; a notation `SignatureVerdict` is one. */
export interface ClaimVerdict {
  outcome: "verified" | "invalid" | "untrusted" | "inconclusive" | "missing";
  code?: ErrorCode | undefined;
  reason?: string | undefined;
  signer?: { subject: string } | undefined;
  /** RFC 3339. */
  signedAt?: string | undefined;
  /** RFC 3339; the claim does not count from then on. */
  expiresAt?: string | undefined;
  /** The checks behind the outcome. Under a policy that only logs authenticity a signer may be anyone, so that check must have passed. */
  checks?: readonly { check: string; result: string; reason?: string | undefined }[] | undefined;
}

export interface ObservedClaim {
  claim: ReadClaim | BrokenClaim;
  verdict: ClaimVerdict;
}

/** Identities that may issue each type of lifecycle claim. A type without a list is open to every verified signer; an empty list, to none. */
export interface LifecycleIssuers {
  revocation?: readonly string[] | undefined;
  redirect?: readonly string[] | undefined;
  endOfLife?: readonly string[] | undefined;
}

/** Who issued a claim, as the later steps compare it. */
export interface Issuer {
  /** Subject of the signer's certificate. */
  signer: string;
  /** Equal for two claims of the same issuer. */
  issuer: string;
  /** Place in the precedence; Infinity if not listed. */
  rank: number;
}

/** A claim that may be relied upon, with what the later steps compare. */
export interface Standing extends Issuer {
  digest: Digest;
  claim: ReadClaim;
  verdict: ClaimVerdict;
  /** {@link typeKey} of its type. */
  type: string;
  scope: string;
  /** Milliseconds since 1970; -Infinity if not known. */
  signedAt: number;
}

type Refusal = { status: Exclude<ClaimStatus, "effective" | "superseded" | "revoked">; reason: string };

/** Step 1 of `effective.ts`. */
export function admit(input: EffectiveInput): { standing: Standing[]; refused: JudgedClaim[] } {
  const standing = new Map<Digest, Standing>();
  const refused = new Map<Digest, JudgedClaim>();
  const judgeAll = (claims: readonly ObservedClaim[]) => {
    for (const observed of claims) {
      const { digest, type } = observed.claim;
      const outcome = judge(observed, input);
      if (!("status" in outcome)) standing.set(digest, outcome);
      else if (!refused.has(digest)) refused.set(digest, { digest, type, scope: "", ...outcome });
    }
    for (const digest of refused.keys()) standing.delete(digest);
  };
  const attachedToClaim = ({ claim }: ObservedClaim) =>
    !("broken" in claim) && claim.subject.digest !== input.subject && targetOf(claim) === claim.subject.digest;
  const sorted = sortedOnce(input.claims);
  judgeAll(sorted.filter((observed) => !attachedToClaim(observed)));
  let waiting = sorted.filter(attachedToClaim);
  for (let before = -1; before !== waiting.length; ) {
    before = waiting.length;
    judgeAll(waiting.filter((observed) => standing.has(subjectOf(observed))));
    waiting = waiting.filter((observed) => !standing.has(observed.claim.digest) && !refused.has(observed.claim.digest));
  }
  for (const { claim } of waiting) {
    const { digest, type } = claim;
    const reason = `it revokes a claim that is not among those of ${input.subject}`;
    refused.set(digest, { digest, type, scope: "", status: "subject-mismatch", reason });
  }
  return { standing: [...standing.values()], refused: [...refused.values()] };
}

/** In an order of its own, so that the input's does not matter even where one claim was given twice; then the refusal counts. */
function sortedOnce(claims: readonly ObservedClaim[]): ObservedClaim[] {
  const keyed = claims.map((observed) => ({
    observed,
    key: JSON.stringify([observed.claim.digest, "broken" in observed.claim ? observed.claim.broken : null, observed.verdict]),
  }));
  return keyed.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)).map(({ observed }) => observed);
}

function subjectOf({ claim }: ObservedClaim): Digest {
  return "broken" in claim ? claim.digest : claim.subject.digest;
}

function judge({ claim, verdict }: ObservedClaim, input: EffectiveInput): Standing | Refusal {
  if ("broken" in claim) return { status: statusOf(claim.broken.code), reason: claim.broken.reason };
  const kind = kindOf(claim.type);
  const subject = claim.subject.digest;
  if (subject !== input.subject && targetOf(claim) !== subject) {
    return { status: "subject-mismatch", reason: `it is about ${subject}, not about ${input.subject}` };
  }
  const scope = scopeOf(claim);
  if (typeof scope !== "string") return scope;
  const refusal = refusalOf(verdict, input.now);
  if (refusal !== undefined) return refusal;
  const signer = verdict.signer?.subject;
  if (signer === undefined) return { status: "untrusted", reason: "its signature was not checked, so its issuer is not known" };
  const allowed = allowedIssuers(kind?.name, input.lifecycleIssuers);
  if (allowed !== undefined && kind !== undefined && !allowed.some((identity) => matchesIdentity(identity, signer))) {
    return { status: "untrusted", reason: `its signer, ${signer}, is not among those who may issue a ${kind.name} here` };
  }
  const signedAt = Date.parse(verdict.signedAt ?? "");
  return {
    digest: claim.digest,
    claim,
    verdict,
    type: typeKey(claim.type),
    scope,
    ...identify(signer, input),
    signedAt: Number.isNaN(signedAt) ? -Infinity : signedAt,
  };
}

export function identify(signer: string, { precedence }: Pick<EffectiveInput, "precedence">): Issuer {
  const place = precedence?.findIndex((identity) => matchesIdentity(identity, signer)) ?? -1;
  return { signer, issuer: place === -1 ? canonicalSubject(signer) : `#${place}`, rank: place === -1 ? Infinity : place };
}

function statusOf(code: ErrorCode): Refusal["status"] {
  switch (code) {
    case "DIGEST_MISMATCH":
    case "SIZE_MISMATCH":
    case "MANIFEST_UNKNOWN":
    case "BLOB_UNKNOWN":
      return "tampered";
    case "SUBJECT_MISMATCH":
      return "subject-mismatch";
    case "ENVELOPE_UNSUPPORTED":
      return "untrusted";
    case "STATEMENT_INVALID":
    case "PREDICATE_INVALID":
    case "MANIFEST_INVALID":
    case "MANIFEST_TOO_LARGE":
      return "malformed";
    default:
      return "inconclusive";
  }
}

function scopeOf(claim: ReadClaim): string | Refusal {
  if (claim.predicate === undefined) return "";
  try {
    return kindOf(claim.type)?.scopeOf(claim.predicate) ?? "";
  } catch (error) {
    if (isConsignError(error, "PREDICATE_INVALID")) return { status: "malformed", reason: error.message };
    throw error;
  }
}

/** Why a claim with this verdict cannot be relied upon. */
export function refusalOf(verdict: ClaimVerdict, now: Date): Refusal | undefined {
  const reason = (otherwise: string) => verdict.reason ?? otherwise;
  if (verdict.outcome === "missing") return { status: "unsigned", reason: reason("no signature refers to it") };
  if (verdict.outcome === "inconclusive") return { status: "inconclusive", reason: reason("its signature could not be checked") };
  if (verdict.outcome !== "verified") {
    if (verdict.code === "SIGNATURE_EXPIRED") return { status: "expired", reason: reason("its signature has expired") };
    if (verdict.outcome === "invalid") return { status: "tampered", reason: reason("its signature does not verify") };
    return { status: "untrusted", reason: reason("its signer is not trusted") };
  }
  const authenticity = verdict.checks?.find(({ check }) => check === "authenticity");
  if (authenticity !== undefined && authenticity.result !== "passed") {
    const why = authenticity.reason ?? "not checked";
    return { status: "untrusted", reason: `its signer is not authenticated, which the trust policy only logs: ${why}` };
  }
  if (verdict.expiresAt === undefined || Date.parse(verdict.expiresAt) > now.getTime()) return undefined;
  return { status: "expired", reason: `it was valid until ${verdict.expiresAt}` };
}

/** The list that decides whether a revocation, redirect or end of life is admitted. Claims have stricter rules of their own (step 2). */
export function allowedIssuers(kind: string | undefined, lists: LifecycleIssuers | undefined): readonly string[] | undefined {
  return kind === "redirect" ? lists?.redirect : kind === "endOfLife" ? lists?.endOfLife : undefined;
}

/**
 * Of several signatures of one claim, those that let it count: whoever may sign as well must not be able to hide them by that. Only of one that
 * verifies is it asked whether it can be relied upon; one that cannot be judged now may be such a one.
 */
export function prefersIssuers(kind: string | undefined, lists: LifecycleIssuers | undefined, now: Date): (verdict: ClaimVerdict) => boolean {
  const allowed = kind === "revocation" ? lists?.revocation : allowedIssuers(kind, lists);
  return (verdict) => {
    const signer = verdict.signer?.subject;
    if (signer === undefined || (verdict.outcome === "verified" && refusalOf(verdict, now) !== undefined)) return false;
    return allowed === undefined || allowed.some((identity) => matchesIdentity(identity, signer));
  };
}

/** What a well-formed revocation names. */
export function targetOf(claim: ReadClaim): Digest | undefined {
  const { target } = (claim.predicate ?? {}) as Partial<Revocation>;
  return kindOf(claim.type)?.name === "revocation" ? target : undefined;
}
