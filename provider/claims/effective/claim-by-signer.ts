// SPDX-License-Identifier: Apache-2.0
import type { Digest } from "../../oci/digest";
import type { Revocation } from "../lifecycle";
import type { ReadClaim } from "../read-claim";
import { kindOf, typeKey } from "../types";
import { isDatedAhead } from "./dated-ahead";
import { canonicalSubject, matchesIdentity } from "./identity";
import type { EffectiveInput } from "./terms";
import type { LifecycleIssuers } from "./terms";
import type { ClaimVerdict } from "./claim-verdict";

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
