// SPDX-License-Identifier: Apache-2.0
import type {
  Audience,
  ClaimIssuer,
  ClaimStatus,
  Doubt,
  ForeignClaim,
  KnownIssuers,
  VexEntry,
} from "../claims";
import type { ErrorCode } from "../errors";
import type { Outcome, ResolvedTrustPolicy, VerifyContext } from "../notation";
import type { Annotations } from "../oci/descriptor";
import type { Digest } from "../oci/digest";
import type { SignatureReport } from "./signature-report";

export interface ObserveOptions extends VerifyContext {
  /**
   * Without it nothing is ever `verified` or `effective`: signatures are only checked for being
   * whole.
   */
  trust?: ResolvedTrustPolicy | undefined;
  /**
   * `verdict`: what a verdict needs, the artifact's signatures until one verifies, and its claims
   * with theirs. `claims`: also each further signature, and what other tools have left.
   * `everything`: also an index's manifests with all of that. @default "everything"
   */
  extent?: "verdict" | "claims" | "everything" | undefined;
  /** Whose claims win over whose, see `effectiveClaims`. */
  precedence?: KnownIssuers["precedence"];
  /** Who may issue lifecycle claims. @default every verified signer */
  lifecycleIssuers?: KnownIssuers["lifecycleIssuers"];
}

/** What is known of one claim. */
export interface ClaimReport {
  /** Of the claim's manifest. */
  digest: Digest;
  /** Predicate type URI, where it says. */
  type?: string;
  /** The type's short name, where it has one, else the URI. */
  name: string;
  /**
   * What it speaks about within its type; claims of one issuer, type and scope supersede each
   * other.
   */
  scope: string;
  audience: Audience;
  /** What it is attached to. */
  subject: Digest;
  /**
   * `unchecked`: nothing is wrong with it, but there was no trust policy to say whether it counts.
   */
  status: ClaimStatus | "unchecked";
  reason: string;
  /** The claim that superseded or revoked it. */
  by?: Digest;
  /**
   * Subject of the signer's certificate; only for verified claims, as the times. Of several
   * signers, the first in precedence, then by name.
   */
  issuer?: string;
  issuedAt?: string;
  expiresAt?: string;
  /** Where several have signed it, all of them. */
  issuers?: ClaimIssuer[];
  /** Signatures of it that could not be judged: who may have signed it as well. */
  doubts?: Doubt[];
  /** Only for effective claims. */
  predicate?: unknown;
  signatures: SignatureReport[];
  /** Claims about this claim. */
  claims: ClaimReport[];
  related: RelatedReport[];
}

/** A referrer that is neither a signature nor a claim. */
export interface RelatedReport {
  digest: Digest;
  artifactType?: string;
}

/**
 * An artifact with everything that refers to it, judged. Plain data: it can be written as JSON as
 * it is.
 */
export interface ObservedArtifact {
  /** `repository@digest` */
  reference: string;
  digest: Digest;
  mediaType: string;
  artifactType?: string;
  /** Of an index's member, as `linux/arm64`. */
  platform?: string;
  /** Bytes of the manifest. */
  size: number;
  /** Bytes of config and layers; absent for an index. */
  contentSize?: number;
  annotations?: Annotations;
  /** Name of the trust policy; absent where there was none. */
  policy?: string;
  /** On the artifact's signatures, under the policy; absent without one. */
  verdict?: { outcome: Outcome; code?: ErrorCode; reason?: string; warnings: string[] };
  signatures: SignatureReport[];
  /** Sorted by name, time and digest. */
  claims: ClaimReport[];
  /** What the effective OpenVEX documents say together. */
  vex: VexEntry[];
  /** Why it may be that it is redirected, where nobody can tell; for who follows redirects. */
  redirectDoubt?: string;
  /** Claims that other tools left in ways of their own; never effective. */
  foreign: ForeignClaim[];
  related: RelatedReport[];
  /** An index's manifests, in its order. */
  manifests: ObservedArtifact[];
  /**
   * Of what cannot be read: the manifest is not there, or broken. What is said about it may be there
   * all the same.
   */
  problem?: { code: ErrorCode; reason: string };
  /** Of an index, manifests that were looked for and are gone; `all`: no other is there. */
  absent?: { digests: Digest[]; all: boolean };
  /**
   * The registry keeps no lists of what refers to what: they are tags, and whoever may push can leave
   * things out of them.
   */
  listedByTags?: true;
}
