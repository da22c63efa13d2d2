// SPDX-License-Identifier: Apache-2.0
import type { Digest } from "../../oci/digest";
import type { Revocation } from "../lifecycle";
import type { ReadClaim } from "../read-claim";
import { kindOf, typeKey } from "../types";
import { isDatedAhead } from "./dated-ahead";
import type { Issuer } from "./issuer";
import type { KnownIssuer, LifecycleIssuers } from "./issuer-entry";
import type { ClaimVerdict } from "./claim-verdict";

/** A claim as the word of one issuer. */
export interface ClaimBySigner extends Issuer {
  /** Of the claim; equal for all who have signed it. */
  digest: Digest;
}

/**
 * A claim that may be relied upon as the word of one of its signers, with what the later steps
 * compare.
 */
export interface AdmittedClaim extends ClaimBySigner {
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

/** By claim, the words of all who have signed it. */
export function signersByClaim<W extends ClaimBySigner>(
  claimsBySigner: readonly W[],
): Map<Digest, W[]> {
  const claims = new Map<Digest, W[]>();
  for (const claimBySigner of claimsBySigner) {
    const others = claims.get(claimBySigner.digest);
    if (others === undefined) claims.set(claimBySigner.digest, [claimBySigner]);
    else others.push(claimBySigner);
  }
  return claims;
}

/**
 * The list that decides whether a revocation, redirect or end of life is admitted. Claims have
 * stricter rules of their own (step 2).
 */
export function allowedIssuers(
  kind: string | undefined,
  lists: LifecycleIssuers | undefined,
): readonly KnownIssuer[] | undefined {
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
