// SPDX-License-Identifier: Apache-2.0
import type { KeyObject } from "node:crypto";
import type { Descriptor } from "../../oci/descriptor";
import type { Digest } from "../../oci/digest";

export type ForeignOrigin =
  "buildkit" | "cosign-attestation" | "cosign-signature" | "cosign-sbom" | "sigstore-bundle";

/**
 * A claim that another tool stored in its own way. It has no notation signature, so it never is an
 * effective claim.
 */
export interface ForeignClaim {
  origin: ForeignOrigin;
  /** Of the blob that holds it. */
  digest: Digest;
  /** Of the manifest that holds the blob. */
  manifest: Digest;
  /** The artifact it is about; of a multi-platform index, one of its manifests. */
  subject: Digest;
  /** Predicate type URI, as far as it says. */
  type: string | undefined;
  /** Nothing in it says that it may be published. */
  audience: "internal";
  predicate?: unknown;
  /** Where the document is, if it is one. */
  document?: Descriptor;
  /**
   * `verified-by-key` only if a key that was given verifies its signature; `broken` if it cannot be
   * read or speaks about something else.
   */
  status: "unverified" | "verified-by-key" | "broken";
  /** Why, for people. */
  reason: string;
  /** SHA-256 of the SubjectPublicKeyInfo of each key that verified it. */
  keys?: string[];
}

/** What a blob turned out to be, before it is known where it lay. */
export type Finding = Pick<ForeignClaim, "type" | "status" | "reason"> &
  Partial<Pick<ForeignClaim, "predicate" | "document" | "keys">>;

/** The one place that says `verified-by-key`. */
export function judgeKeys(
  verifiedBy: string[],
  keys: readonly KeyObject[],
): Pick<ForeignClaim, "status" | "reason" | "keys"> {
  if (verifiedBy.length > 0)
    return {
      status: "verified-by-key",
      reason: `signed with the key ${verifiedBy.join(", ")}`,
      keys: verifiedBy,
    };
  return {
    status: "unverified",
    reason:
      keys.length === 0
        ? "no public key was given to verify it with"
        : "none of the given keys verifies it",
  };
}
