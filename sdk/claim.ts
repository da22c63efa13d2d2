// SPDX-License-Identifier: Apache-2.0
import type * as pulumi from "@pulumi/pulumi";
import { ConsignResource, type Deep } from "./stub";
import {
  artifactArgument,
  type ArtifactInput,
  type ArtifactLike,
  type ClaimType,
  type Descriptor,
  type SignatureRecord,
  type SigningArgs,
} from "./values";

export interface ClaimArgs extends SigningArgs {
  /**
   * What the claim is about. Another digest is an update: the claim about the earlier one is still
   * true and stays. Another repository replaces.
   */
  subject: ArtifactInput;
  /**
   * A predicate type's URI, or a short name: `sbom/spdx`, `sbom/cyclonedx`, `provenance`,
   * `vulnerabilities`, `test-result`, `vex`, `vsa`, `deployment`, `revocation`, `redirect`,
   * `endOfLife`, `derived-from`, `archived`, `content-purged`. Update.
   */
  type: pulumi.Input<ClaimType>;
  /**
   * What the claim says, as a value; checked against the type's schema. Exactly one of `predicate`
   * and `document`. Update.
   */
  predicate?: pulumi.Input<Record<string, unknown>>;
  /**
   * What the claim says, as a file that is stored as it is (an SPDX or CycloneDX document, up to 64
   * MiB). Update.
   */
  document?: Deep<string | { path: string; mediaType?: string }>;
  /** Whether mirrors that publish only public claims take it along. Update. @default "internal" */
  audience?: pulumi.Input<"internal" | "public">;
  /** References or digests of claims that this one takes the place of. Update. */
  supersedes?: pulumi.Input<pulumi.Input<string>[]>;
  annotations?: pulumi.Input<Record<string, pulumi.Input<string>>>;
  /**
   * What `destroy` does: remove the claim with the signatures that this resource made on it, or
   * leave it. What this resource has only found there stays (another stack's, its own from before
   * its state was lost, or from before it was renamed without an alias: use `aliases`), and so does
   * a claim that others refer to, or have signed too. A correction takes the place of the claim
   * before, whatever this says. `onDestroy` says what will go. @default "purge"; for revocations,
   * ends of life, redirects and records (`vsa`, `deployment`, `archived`, `content-purged`)
   * "retain", as their absence would say something
   */
  onDelete?: pulumi.Input<"retain" | "purge">;
}

/**
 * A signed statement about an artifact, stored beside it as an OCI referrer. `digest` and
 * `reference` are known in the preview.
 *
 * A refresh reads the claim back, checks what it says, verifies its signature, and looks whether it
 * still counts. A claim that is gone shows as one to create; one that is altered, unlisted,
 * unsigned, untrusted, expired, revoked or superseded as one changed line, `status`. `up` puts
 * right what it can. A claim that a later one of the same issuer, type and scope has superseded it
 * does not: it fails with `CLAIM_SUPERSEDED` until the program gives way or names the other in
 * `supersedes`, and signs nothing anew meanwhile, neither to repair nor to renew: that would bring
 * the old claim back over the later one. What the same issuer superseded or revoked *by name* (as
 * another `Claim` of the program with `supersedes` does) was on purpose: the next refresh records
 * `superseded by sha256:…` or `revoked by sha256:…` as the status, and that is no drift from then
 * on.
 *
 * A corrected claim takes the place of the one before. Where a registry deletes nothing, that one
 * is still there: a warning says so, and the next update tries again.
 *
 * Errors: `INPUT_INVALID`, `PREDICATE_INVALID`, `MANIFEST_UNKNOWN` (the subject does not exist),
 * `KEY_*`, `CERTIFICATE_INVALID`, `TIMESTAMP_FAILED`, `SIGNATURE_REVOKED`, `SIGNATURE_EXPIRED`,
 * `CLAIM_SUPERSEDED`, `PLAN_STALE`, `READ_BACK_FAILED`, `REGISTRY_*`.
 *
 * @example
 * ```ts
 * new Claim("sbom", {
 *   subject: netMonitor,
 *   type: "sbom/spdx",
 *   document: "dist/net-monitor.spdx.json",
 *   audience: "public",
 *   signer,
 * });
 * ```
 */
export class Claim extends ConsignResource implements ArtifactLike {
  declare readonly digest: pulumi.Output<string>;
  declare readonly reference: pulumi.Output<string>;
  declare readonly descriptor: pulumi.Output<Descriptor>;
  /** The subject's pinned reference. */
  declare readonly about: pulumi.Output<string>;
  declare readonly predicateType: pulumi.Output<string>;
  declare readonly audience: pulumi.Output<"internal" | "public">;
  /** Distinguished name of the signing certificate. */
  declare readonly issuer: pulumi.Output<string>;
  declare readonly issuedAt: pulumi.Output<string>;
  declare readonly expiresAt: pulumi.Output<string | undefined>;
  /**
   * `valid`; `superseded by …` or `revoked by …` if its issuer did that by name; or what a refresh
   * found wrong.
   */
  declare readonly status: pulumi.Output<string>;
  /** `none`, or in a plan `due: expires …`: the signature is about to end and is made anew. */
  declare readonly renewal: pulumi.Output<string>;
  declare readonly signatures: pulumi.Output<SignatureRecord[]>;
  /** What a destroy will remove, and what it will keep: its preview asks nobody. */
  declare readonly onDestroy: pulumi.Output<string[]>;

  constructor(name: string, args: ClaimArgs, options?: pulumi.CustomResourceOptions) {
    const outputs = [
      "digest",
      "reference",
      "descriptor",
      "about",
      "predicateType",
      "issuer",
      "issuedAt",
      "expiresAt",
      "status",
      "renewal",
      "signatures",
      "signedBy",
      "onDestroy",
    ];
    super(
      "Claim",
      name,
      { audience: undefined, ...args, subject: artifactArgument(args.subject) },
      outputs,
      options,
    );
  }
}
