// SPDX-License-Identifier: Apache-2.0
import type { ErrorCode } from "../../errors";
import type { Digest } from "../../oci/digest";
import type { Signer } from "./issuer-entry";

/**
 * What the verification of a claim's signatures came to; a notation `ArtifactVerdict` or
 * `SignatureVerdict` is one.
 */
export interface ClaimVerdict {
  outcome: "verified" | "invalid" | "untrusted" | "inconclusive" | "missing";
  code?: ErrorCode | undefined;
  reason?: string | undefined;
  /** The signature manifest, where it came from a store. */
  signature?: Digest | undefined;
  /** With the thumbprint of the chain's trust anchor, where the signer is authentic. */
  signer?: Signer | undefined;
  /** RFC 3339. */
  signedAt?: string | undefined;
  /** Whether somebody else than the signer vouches for that time. */
  signedAtProven?: boolean | undefined;
  /** RFC 3339; the claim does not count from then on. */
  expiresAt?: string | undefined;
  /** RFC 3339; when the first certificate of the chain ends. */
  certificateExpiresAt?: string | undefined;
  /**
   * The checks behind the outcome. Under a policy that only logs authenticity a signer may be
   * anyone, so that check must have passed.
   */
  checks?: readonly { check: string; result: string; reason?: string | undefined }[] | undefined;
  /**
   * The verdict on each signature that was looked at; absent where this is the verdict on the only
   * one.
   */
  signatures?: readonly ClaimVerdict[] | undefined;
  /** Signatures that are there and too many to be looked at. */
  unseen?: number | undefined;
}
