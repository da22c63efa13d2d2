// SPDX-License-Identifier: Apache-2.0
import type { EffectiveClaims } from "../effective/effective";
import { anyMayName, type KnownIssuer, type LifecycleIssuers } from "../effective/issuer-entry";
import type { JudgedClaim } from "../effective/terms";
import { typeKey } from "../types";

/**
 * Why an artifact may be redirected, where a claim that would say so cannot be read, or who has
 * signed it cannot be told: whoever follows redirects must not be kept at a place by that.
 */
export function redirectDoubt(
  { claims }: EffectiveClaims,
  issuers: LifecycleIssuers | undefined,
): string | undefined {
  const doubtful = claims.find((claim) => isDoubtful(claim, issuers?.redirect));
  return doubtful === undefined
    ? undefined
    : `where ${doubtful.digest} redirects it cannot be told: ${doubtful.reason}`;
}

function isDoubtful(
  { type, status, issuer, issuers, doubts = [] }: JudgedClaim,
  allowed: readonly KnownIssuer[] | undefined,
): boolean {
  if (type === undefined || typeKey(type) !== "redirect") return false;
  if (status === "inconclusive") return true;
  if (status !== "tampered" && status !== "malformed") return false;
  const mayIssue = (subject: string) => anyMayName(allowed, { subject }) !== "no";
  const signers = issuers?.map((each) => each.issuer) ?? (issuer === undefined ? [] : [issuer]);
  return (
    signers.some(mayIssue) || doubts.some(({ signer }) => signer === undefined || mayIssue(signer))
  );
}
