// SPDX-License-Identifier: Apache-2.0
import { z } from "zod";
import { isConsignError, type ErrorCode } from "../../errors";
import type { Digest } from "../../oci/digest";
import { isDatedAhead } from "./dated-ahead";
import type { ClaimStatus, EffectiveInput, JudgedClaim } from "./effective";
import { canonicalSubject, identitySchema, matchesIdentity } from "./identity";
import type { Revocation } from "../lifecycle";
import type { BrokenClaim, ReadClaim } from "../read-claim";
import {
  doubtsOf,
  refusalOf,
  signingsOf,
  timeOf,
  together,
  type ClaimVerdict,
  type Doubt,
} from "./signers";
import { kindOf, typeKey } from "../types";

export interface ObservedClaim {
  claim: ReadClaim | BrokenClaim;
  verdict: ClaimVerdict;
}

const identities = z.array(identitySchema).max(100).optional();

/**
 * Identities that may issue each type of lifecycle claim. A type without a list is open to every
 * verified signer; an empty list, to none.
 */
export const lifecycleIssuersSchema = z.strictObject({
  revocation: identities,
  redirect: identities,
  endOfLife: identities,
});

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

/** A claim as the word of one issuer. */
export interface Word extends Issuer {
  /** Of the claim; equal for all who have signed it. */
  digest: Digest;
}

/**
 * A claim that may be relied upon as the word of one of its signers, with what the later steps
 * compare.
 */
export interface Standing extends Word {
  claim: ReadClaim;
  /** On that signer's signature. */
  verdict: ClaimVerdict;
  /** {@link typeKey} of its type. */
  type: string;
  scope: string;
  /** Milliseconds since 1970; -Infinity if not known, or not believed. */
  signedAt: number;
  /** See {@link isDatedAhead}. */
  datedAhead: boolean;
}

export interface Admission {
  /**
   * For each claim as often as it has issuers; those of one claim follow each other, the highest
   * ranked first.
   */
  standing: Standing[];
  refused: JudgedClaim[];
  /** By claim that stands: who else may have issued it. */
  doubts: Map<Digest, Doubt[]>;
}

type Refusal = {
  status: Exclude<ClaimStatus, "effective" | "superseded" | "revoked">;
  reason: string;
};

/**
 * Step 1 of `effective.ts`.
 * @param revocable claims that cannot be read and may be revoked all the same
 */
export function admit(input: EffectiveInput, revocable: (digest: Digest) => boolean): Admission {
  const admitted = new Map<Digest, Admitted>();
  const refused = new Map<Digest, JudgedClaim>();
  const judgeAll = (claims: readonly ObservedClaim[]) => {
    for (const observed of claims) {
      const { digest, type } = observed.claim;
      const outcome = judge(observed, input);
      if (!("status" in outcome)) admitted.set(digest, outcome);
      else if (!refused.has(digest)) refused.set(digest, { digest, type, scope: "", ...outcome });
    }
    for (const digest of refused.keys()) admitted.delete(digest);
  };
  const attachedToClaim = ({ claim }: ObservedClaim) =>
    !("broken" in claim) &&
    claim.subject.digest !== input.subject &&
    targetOf(claim) === claim.subject.digest;
  const sorted = sortedOnce(input.claims);
  judgeAll(sorted.filter((observed) => !attachedToClaim(observed)));
  let waiting = sorted.filter(attachedToClaim);
  for (let before = -1; before !== waiting.length;) {
    before = waiting.length;
    judgeAll(
      waiting.filter(
        (observed) => admitted.has(subjectOf(observed)) || revocable(subjectOf(observed)),
      ),
    );
    waiting = waiting.filter(
      (observed) => !admitted.has(observed.claim.digest) && !refused.has(observed.claim.digest),
    );
  }
  for (const { claim } of waiting) {
    const { digest, type } = claim;
    const reason = `it revokes a claim that is not among those of ${input.subject}`;
    refused.set(digest, { digest, type, scope: "", status: "subject-mismatch", reason });
  }
  return {
    standing: [...admitted.values()].flatMap(({ standing }) => standing),
    refused: [...refused.values()],
    doubts: new Map([...admitted].map(([digest, { doubts }]) => [digest, doubts])),
  };
}

/**
 * In an order of its own, so that the input's does not matter even where one claim was given twice;
 * then the refusal counts.
 */
function sortedOnce(claims: readonly ObservedClaim[]): ObservedClaim[] {
  const keyed = claims.map((observed) => ({
    observed,
    key: JSON.stringify([
      observed.claim.digest,
      "broken" in observed.claim ? observed.claim.broken : null,
      observed.verdict,
    ]),
  }));
  return keyed
    .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
    .map(({ observed }) => observed);
}

function subjectOf({ claim }: ObservedClaim): Digest {
  return "broken" in claim ? claim.digest : claim.subject.digest;
}

interface Admitted {
  standing: Standing[];
  doubts: Doubt[];
}

function judge({ claim, verdict }: ObservedClaim, input: EffectiveInput): Admitted | Refusal {
  if ("broken" in claim)
    return { status: statusOf(claim.broken.code), reason: claim.broken.reason };
  const kind = kindOf(claim.type);
  const subject = claim.subject.digest;
  if (subject !== input.subject && targetOf(claim) !== subject) {
    return {
      status: "subject-mismatch",
      reason: `it is about ${subject}, not about ${input.subject}`,
    };
  }
  const scope = scopeOf(claim);
  if (typeof scope !== "string") return scope;
  const allowed = allowedIssuers(kind?.name, input.lifecycleIssuers);
  const mayIssue = (signer: string) =>
    allowed === undefined || allowed.some((identity) => matchesIdentity(identity, signer));
  const signings = signingsOf(verdict, input.now);
  const doubts = doubtsOf(verdict, signings).filter(
    ({ signer }) => signer === undefined || mayIssue(signer),
  );
  const issued = signings.filter(({ signer }) => mayIssue(signer));
  const common = { digest: claim.digest, claim, type: typeKey(claim.type), scope };
  const standing = issued.map(({ signer, verdict: signing }): Standing => ({
    ...common,
    verdict: signing,
    ...identify(signer, input),
    ...datedBy(signing, input.now),
  }));
  if (standing.length > 0)
    return {
      standing: standing.sort(byRank).map((each) => ({ ...each, ...lastBy(each, standing) })),
      doubts,
    };
  const [doubt] = doubts;
  if (doubt !== undefined && verdict.outcome === "verified")
    return { status: "inconclusive", reason: doubt.reason };
  if (signings.length === 0)
    return (
      refusalOf(verdict, input.now) ?? {
        status: "untrusted",
        reason: "its signature was not checked, so its issuer is not known",
      }
    );
  return {
    status: "untrusted",
    reason: `its signer, ${together(signings.map(({ signer }) => signer))}, is not among those who may issue a ${kind?.name} here`,
  };
}

/** By claim, the words of all who have signed it. */
export function wordsByClaim<W extends Word>(words: readonly W[]): Map<Digest, W[]> {
  const claims = new Map<Digest, W[]>();
  for (const word of words) {
    const others = claims.get(word.digest);
    if (others === undefined) claims.set(word.digest, [word]);
    else others.push(word);
  }
  return claims;
}

function byRank(a: Issuer, b: Issuer): number {
  return a.rank === b.rank ? 0 : a.rank - b.rank;
}

type Dated = Pick<Standing, "signedAt" | "datedAhead">;

function datedBy(signing: ClaimVerdict, now: Date): Dated {
  const datedAhead = isDatedAhead(signing, now);
  return { signedAt: datedAhead ? -Infinity : timeOf(signing.signedAt, -Infinity), datedAhead };
}

/**
 * Of an issuer whose certificates have several names, the signature that was made last orders the
 * claim among his.
 */
function lastBy({ issuer }: Issuer, standing: readonly Standing[]): Dated {
  const his = standing.filter((each) => each.issuer === issuer);
  return {
    signedAt: Math.max(...his.map(({ signedAt }) => signedAt)),
    datedAhead: his.every(({ datedAhead }) => datedAhead),
  };
}

export function identify(
  signer: string,
  { precedence }: Pick<EffectiveInput, "precedence">,
): Issuer {
  const place = precedence?.findIndex((identity) => matchesIdentity(identity, signer)) ?? -1;
  // Everybody is not one issuer: else a stranger could replace what another says.
  const known = place !== -1 && precedence?.[place] !== "*";
  return {
    signer,
    issuer: known ? `#${place}` : canonicalSubject(signer),
    rank: place === -1 ? Infinity : place,
  };
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
    if (isConsignError(error, "PREDICATE_INVALID"))
      return { status: "malformed", reason: error.message };
    throw error;
  }
}

/**
 * The list that decides whether a revocation, redirect or end of life is admitted. Claims have
 * stricter rules of their own (step 2).
 */
export function allowedIssuers(
  kind: string | undefined,
  lists: LifecycleIssuers | undefined,
): readonly string[] | undefined {
  return kind === "redirect"
    ? lists?.redirect
    : kind === "endOfLife"
      ? lists?.endOfLife
      : undefined;
}

/** What a well-formed revocation names. */
export function targetOf(claim: ReadClaim): Digest | undefined {
  const { target } = (claim.predicate ?? {}) as Partial<Revocation>;
  return kindOf(claim.type)?.name === "revocation" ? target : undefined;
}
