// SPDX-License-Identifier: Apache-2.0
import type { ClaimVerdict } from "./claim-verdict";
import { isDatedAhead } from "./dated-ahead";
import { canonicalSubject } from "./identity";
import type { Signer } from "./issuer-entry";

/** A signature by which a claim counts as its signer's. */
export interface Signing {
  /** Subject of the signer's certificate. */
  signer: string;
  /** Thumbprint of the trust anchor of his chain; absent where it is not known. */
  root?: string | undefined;
  verdict: ClaimVerdict;
}

/** A signature of which it could not be told whether it is good. */
export interface Doubt {
  /** Subject of the signer's certificate; absent where it may be anybody's. */
  signer?: string;
  root?: string;
  reason: string;
}

export type Unreliable = {
  status: "unsigned" | "untrusted" | "inconclusive" | "expired" | "tampered";
  reason: string;
};

/**
 * Those whose word a claim is: each who has signed it and can be relied upon, once, by the
 * signature that he made last. Sorted by subject.
 */
export function signingsOf(verdict: ClaimVerdict, now: Date): Signing[] {
  if (verdict.outcome !== "verified") return [];
  const last = new Map<string, Signing>();
  for (const each of verdict.signatures ?? [verdict]) {
    if (each.signer === undefined || refusalOf(each, now) !== undefined) continue;
    const { subject: signer, root } = each.signer;
    const key = signerKey(each.signer);
    const known = last.get(key);
    if (known === undefined || compareAges(each, known.verdict, now) > 0)
      last.set(key, { signer, root, verdict: each });
  }
  return [...last].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, signing]) => signing);
}

/** Equal for signatures of one signer; a namesake under another root is somebody else. */
export function signerKey({ subject, root }: Signer): string {
  return JSON.stringify([canonicalSubject(subject), root]);
}

function keyOfSigning({ signer, root }: Signing): string {
  return signerKey({ subject: signer, root });
}

/**
 * Those who have signed it without an end, and with whose signature nothing is wrong but that a
 * certificate has ended since. Once each, sorted by subject.
 */
export function lapsedSignings(verdict: ClaimVerdict, now: Date): Signing[] {
  const sure = new Set(signingsOf(verdict, now).map(keyOfSigning));
  const found = new Map<string, Signing>();
  for (const each of verdict.signatures ?? [verdict]) {
    const key =
      each.signer === undefined || !hasLapsed(each, now) ? undefined : signerKey(each.signer);
    if (each.signer === undefined || key === undefined || sure.has(key)) continue;
    const known = found.get(key);
    if (known === undefined || compareAges(each, known.verdict, now) > 0)
      found.set(key, { signer: each.signer.subject, root: each.signer.root, verdict: each });
  }
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, signing]) => signing);
}

/** An end that the signer chose is meant; that of a certificate comes whatever is meant. */
function hasLapsed(
  { outcome, checks = [], expiresAt, certificateExpiresAt }: ClaimVerdict,
  now: Date,
): boolean {
  const resultOf = (name: string) => checks.find(({ check }) => check === name)?.result;
  const isOver = (time: string | undefined) =>
    time !== undefined && Date.parse(time) <= now.getTime();
  return (
    outcome === "untrusted" &&
    isOver(certificateExpiresAt) &&
    !isOver(expiresAt) &&
    resultOf("authenticity") === "passed" &&
    resultOf("authenticTimestamp") === "failed"
  );
}

/**
 * The verdict on a claim of which copies were found at two places, each with signatures of its own.
 */
export function combined(verdict: ClaimVerdict, other: ClaimVerdict): ClaimVerdict {
  const [better, worse] =
    WORTH[verdict.outcome] < WORTH[other.outcome] ? [other, verdict] : [verdict, other];
  const signatures = [...(better.signatures ?? [better]), ...(worse.signatures ?? [worse])];
  return { ...better, signatures, unseen: (better.unseen ?? 0) + (worse.unseen ?? 0) };
}

const WORTH: Readonly<Record<ClaimVerdict["outcome"], number>> = {
  missing: 0,
  invalid: 1,
  untrusted: 2,
  inconclusive: 3,
  verified: 4,
};

/**
 * By time of signature, one that lies ahead being none, at equal times by how long it holds; where
 * both are equal it is of no consequence which one counts.
 */
function compareAges(a: ClaimVerdict, b: ClaimVerdict, now: Date): number {
  const ahead = (verdict: ClaimVerdict) => Number(isDatedAhead(verdict, now));
  return (
    ahead(b) - ahead(a) ||
    timeOf(a.signedAt, -Infinity) - timeOf(b.signedAt, -Infinity) ||
    timeOf(a.expiresAt, Infinity) - timeOf(b.expiresAt, Infinity) ||
    ((a.signer?.subject ?? "") < (b.signer?.subject ?? "") ? 1 : -1)
  );
}

/** Milliseconds since 1970 of an RFC 3339 time. */
export function timeOf(text: string | undefined, otherwise: number): number {
  const time = Date.parse(text ?? "");
  return Number.isNaN(time) ? otherwise : time;
}

/**
 * Who may have signed a claim besides those who have: whoever keeps us from judging a signature
 * must not gain by that.
 */
export function doubtsOf(verdict: ClaimVerdict, signings: readonly Signing[]): Doubt[] {
  if (verdict.outcome !== "verified" && verdict.outcome !== "inconclusive") return [];
  const { signatures = [verdict], unseen = 0 } = verdict;
  const sure = new Set(signings.map(keyOfSigning));
  const unsure = signatures.filter(
    (each) =>
      each.outcome === "inconclusive" &&
      (each.signer === undefined || !sure.has(signerKey(each.signer))),
  );
  const doubts = unsure.map(({ signer, reason = "it could not be checked" }): Doubt => {
    if (signer === undefined)
      return { reason: `whose one of its signatures is cannot be told: ${reason}` };
    return {
      signer: signer.subject,
      ...(signer.root === undefined ? {} : { root: signer.root }),
      reason: `whether ${signer.subject} has signed it cannot be told: ${reason}`,
    };
  });
  doubts.sort((a, b) => (a.reason < b.reason ? -1 : 1));
  return unseen === 0
    ? doubts
    : [...doubts, { reason: `${unseen} more signatures of it are there than are looked at` }];
}

/** Why a claim with this verdict, or a signature, cannot be relied upon. */
export function refusalOf(verdict: ClaimVerdict, now: Date): Unreliable | undefined {
  const reason = (otherwise: string) => verdict.reason ?? otherwise;
  if (verdict.outcome === "missing")
    return { status: "unsigned", reason: reason("no signature refers to it") };
  if (verdict.outcome === "inconclusive")
    return { status: "inconclusive", reason: reason("its signature could not be checked") };
  if (verdict.outcome !== "verified") {
    if (verdict.code === "SIGNATURE_EXPIRED")
      return { status: "expired", reason: reason("its signature has expired") };
    if (verdict.outcome === "invalid")
      return { status: "tampered", reason: reason("its signature does not verify") };
    return { status: "untrusted", reason: reason("its signer is not trusted") };
  }
  const authenticity = verdict.checks?.find(({ check }) => check === "authenticity");
  if (authenticity !== undefined && authenticity.result !== "passed") {
    const why = authenticity.reason ?? "not checked";
    return {
      status: "untrusted",
      reason: `its signer is not authenticated, which the trust policy only logs: ${why}`,
    };
  }
  if (verdict.expiresAt === undefined || Date.parse(verdict.expiresAt) > now.getTime())
    return undefined;
  return { status: "expired", reason: `it was valid until ${verdict.expiresAt}` };
}

/** Signers as people read them: "A", "A and B", "A, B and C". */
export function together(signers: readonly string[]): string {
  return signers.length < 2
    ? signers.join("")
    : `${signers.slice(0, -1).join(", ")} and ${signers.at(-1)}`;
}
