// SPDX-License-Identifier: Apache-2.0
import type * as pulumi from "@pulumi/pulumi";
import { ConsignResource, type Deep } from "./stub";
import { artifactArgument, type ArtifactInput, type ArtifactLike, type Descriptor, type SignatureRecord, type Signer } from "./values";

export interface ClaimArgs {
  /** What the claim is about. Another digest is an update: the claim about the earlier one is still true and stays. Another repository replaces. */
  subject: ArtifactInput;
  /**
   * A predicate type's URI, or a short name: `sbom/spdx`, `sbom/cyclonedx`, `provenance`, `vulnerabilities`, `test-result`, `vex`, `vsa`,
   * `deployment`, `revocation`, `redirect`, `endOfLife`. Update.
   */
  type: pulumi.Input<string>;
  /** What the claim says, as a value; checked against the type's schema. Exactly one of `predicate` and `document`. Update. */
  predicate?: pulumi.Input<Record<string, unknown>>;
  /** What the claim says, as a file that is stored as it is (an SPDX or CycloneDX document, up to 64 MiB). Update. */
  document?: Deep<string | { path: string; mediaType?: string }>;
  /** Whether mirrors that publish only public claims take it along. Update. @default "internal" */
  audience?: pulumi.Input<"internal" | "public">;
  /** References or digests of claims that this one takes the place of. Update. */
  supersedes?: pulumi.Input<pulumi.Input<string>[]>;
  annotations?: pulumi.Input<Record<string, pulumi.Input<string>>>;
  /** How long the claim holds from its signing, as `"30d"`. @default without end */
  validFor?: pulumi.Input<string>;
  /** Who signs the claim. Another certificate is an update that signs again. */
  signer: Deep<Signer>;
  /** What `destroy` does: remove the claim and everything that refers to it, or leave it. @default "purge" */
  onDelete?: pulumi.Input<"retain" | "purge">;
}

/**
 * A signed statement about an artifact, stored beside it as an OCI referrer. `digest` and `reference` are known in the preview. A refresh
 * reads the claim back, checks what it says and verifies its signature: a claim that is gone shows as one to create, one that is
 * altered, unsigned or expired under `status`, and `up` puts it right.
 *
 * Errors: `INPUT_INVALID`, `PREDICATE_INVALID`, `MANIFEST_UNKNOWN` (the subject does not exist), `KEY_*`, `CERTIFICATE_INVALID`,
 * `PLAN_STALE`, `READ_BACK_FAILED`, `REGISTRY_*`.
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
  /** `valid`, or what a refresh found. */
  declare readonly status: pulumi.Output<string>;
  declare readonly signatures: pulumi.Output<SignatureRecord[]>;

  constructor(name: string, args: ClaimArgs, options?: pulumi.CustomResourceOptions) {
    const outputs = ["digest", "reference", "descriptor", "about", "predicateType", "issuer", "issuedAt", "expiresAt", "status", "signatures", "signedBy"];
    super("Claim", name, { audience: undefined, ...args, subject: artifactArgument(args.subject) }, outputs, options);
  }
}
