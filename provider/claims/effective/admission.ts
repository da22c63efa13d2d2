// SPDX-License-Identifier: Apache-2.0
import { isConsignError, type ErrorCode } from "../../errors";
import type { Digest } from "../../oci/digest";
import type { ReadClaim } from "../read-claim";
import { kindOf, typeKey } from "../types";
import type { AdmittedClaim } from "./claim-by-signer";
import { allowedIssuers, targetOf } from "./claim-by-signer";
import type { ClaimVerdict } from "./claim-verdict";
import { isDatedAhead } from "./dated-ahead";
import type { Match } from "./identity";
import { identify, type Issuer } from "./issuer";
import { anyMayName, names, type Signer } from "./issuer-entry";
import type { ClaimStatus, EffectiveInput, JudgedClaim } from "./terms";
import type { ObservedClaim } from "./terms";
import { doubtsOf, refusalOf, signingsOf, timeOf, together, type Doubt } from "./signers";

export interface Admission {
  /**
   * For each claim as often as it has issuers; those of one claim follow each other, the highest
   * ranked first.
   */
  admittedClaims: AdmittedClaim[];
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
    admittedClaims: [...admitted.values()].flatMap(({ admittedClaims }) => admittedClaims),
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
  admittedClaims: AdmittedClaim[];
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
  const may = (signer: Signer) => mayIssue(kind?.name, signer, input);
  const signings = signingsOf(verdict, input.now);
  const answers = signings.map(({ signer, root }) => may({ subject: signer, root }));
  const doubts = [
    ...doubtsOf(verdict, signings).filter(
      ({ signer, root }) => signer === undefined || may({ subject: signer, root }) !== "no",
    ),
    ...signings
      .filter((_, index) => answers[index] === "unknown")
      .map(({ signer }): Doubt => ({ signer, reason: cannotBeCompared(signer, kind?.name) })),
  ];
  const issued = signings.filter((_, index) => answers[index] === "yes");
  const common = { digest: claim.digest, claim, type: typeKey(claim.type), scope };
  const admittedClaims = issued.map(({ signer, root, verdict: signing }): AdmittedClaim => ({
    ...common,
    verdict: signing,
    ...identify({ subject: signer, root }, input),
    ...datedBy(signing, input.now),
  }));
  if (admittedClaims.length > 0)
    return {
      admittedClaims: admittedClaims
        .sort(byRank)
        .map((each) => ({ ...each, ...lastBy(each, admittedClaims) })),
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

/**
 * Who may say that a life ends forbids by it; a redirect opens another place. Revocations have a
 * step of their own.
 */
function mayIssue(
  kind: string | undefined,
  signer: Signer,
  { lifecycleIssuers }: EffectiveInput,
): Match {
  const allowed = allowedIssuers(kind, lifecycleIssuers);
  if (kind !== "redirect") return anyMayName(allowed, signer);
  return allowed === undefined || allowed.some((entry) => names(entry, signer)) ? "yes" : "no";
}

/** Why it is not known whether a signer may forbid. */
export function cannotBeCompared(signer: string, kind: string | undefined): string {
  return `whether its signer, ${signer}, is among those who may issue a ${kind} here cannot be told: his subject cannot be compared`;
}

function byRank(a: Issuer, b: Issuer): number {
  return a.rank === b.rank ? 0 : a.rank - b.rank;
}

type Dated = Pick<AdmittedClaim, "signedAt" | "datedAhead">;

function datedBy(signing: ClaimVerdict, now: Date): Dated {
  const datedAhead = isDatedAhead(signing, now);
  return { signedAt: datedAhead ? -Infinity : timeOf(signing.signedAt, -Infinity), datedAhead };
}

/**
 * Of an issuer whose certificates have several names, the signature that was made last orders the
 * claim among his.
 */
function lastBy({ issuer }: Issuer, admittedClaims: readonly AdmittedClaim[]): Dated {
  const his = admittedClaims.filter((each) => each.issuer === issuer);
  return {
    signedAt: Math.max(...his.map(({ signedAt }) => signedAt)),
    datedAhead: his.every(({ datedAhead }) => datedAhead),
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
