// SPDX-License-Identifier: Apache-2.0
import type { Digest } from "../../oci/digest";
import type { ReadClaim } from "../read-claim";
import type { Issuer } from "./issuer";
import type { KnownIssuer, LifecycleIssuers } from "./issuer-entry";
import type { BrokenClaim } from "../read-claim";
import type { ClaimVerdict } from "./claim-verdict";
import type { Doubt } from "./signers";

export type ClaimStatus =
  | "effective"
  | "superseded"
  | "revoked"
  | "expired"
  | "untrusted"
  | "unsigned"
  | "inconclusive"
  | "malformed"
  | "subject-mismatch"
  | "tampered";

export interface EffectiveInput {
  /** The artifact. */
  subject: Digest;
  now: Date;
  claims: readonly ObservedClaim[];
  /** Highest first. @default none is above another */
  precedence?: readonly KnownIssuer[] | undefined;
  /** Who may issue lifecycle claims. @default every verified signer */
  lifecycleIssuers?: LifecycleIssuers | undefined;
  /** By signer, who has been identified before in one run of the algorithm. */
  identified?: Map<string, Issuer> | undefined;
}

/** One of several who have signed a claim. */
export interface ClaimIssuer {
  issuer: string;
  issuedAt?: string;
  expiresAt?: string;
}

export interface JudgedClaim {
  digest: Digest;
  /** Predicate type URI, as far as it is known. */
  type: string | undefined;
  scope: string;
  status: ClaimStatus;
  /** Why, for people. */
  reason: string;
  /** The claim that superseded or revoked it. */
  by?: Digest;
  /**
   * Subject of the signer's certificate; only for verified claims, and for those that are signed
   * and have lost their content. Of several signers, the highest ranked, then the first by subject.
   */
  issuer?: string;
  /** When that issuer signed it, RFC 3339; only for verified claims. */
  issuedAt?: string;
  expiresAt?: string;
  /**
   * Where several have signed it, all of them, `issuer` first; of an effective claim, those as
   * whose word it is effective.
   */
  issuers?: ClaimIssuer[];
  /** Who may have signed it as well: signatures that could not be judged. */
  doubts?: Doubt[];
  /** Its issuer dates it ahead, and nobody else vouches for that; only for effective claims. */
  datedAhead?: true;
  /** The claim's predicate; only for effective claims. */
  predicate?: unknown;
}

export interface ObservedClaim {
  claim: ReadClaim | BrokenClaim;
  verdict: ClaimVerdict;
}
