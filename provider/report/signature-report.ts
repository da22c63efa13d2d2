// SPDX-License-Identifier: Apache-2.0
import type { ErrorCode } from "../errors";
import type { Check, Outcome, SignatureVerdict } from "../notation";
import type { Digest } from "../oci/digest";

/** What is known of one signature. */
export interface SignatureReport {
  /** Of the signature's manifest. */
  digest: Digest;
  /**
   * `valid`: it is whole and signs this artifact, but nobody was asked whether its signer is to be
   * trusted. Never as good as `verified`.
   */
  status: Exclude<Outcome, "missing"> | "valid";
  code?: ErrorCode;
  reason?: string;
  /** Only where the signature is whole. */
  signer?: NonNullable<SignatureVerdict["signer"]>;
  /** RFC 3339. */
  signedAt?: string;
  expiresAt?: string;
  certificateExpiresAt?: string;
  userMetadata?: Record<string, string>;
  /** What was checked; empty where there was no trust policy. */
  checks: Check[];
}
