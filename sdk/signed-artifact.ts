// SPDX-License-Identifier: Apache-2.0
import type * as pulumi from "@pulumi/pulumi";
import { ConsignResource, type Deep } from "./stub";
import type { ArtifactLike, Descriptor, SignatureRecord, SigningArgs } from "./values";

export interface SignedArtifactFile {
  path: string;
  /** @default application/octet-stream */
  mediaType?: string;
  /** Name the file gets when the artifact is pulled. @default the file's name */
  title?: string;
  annotations?: Record<string, string>;
}

export interface SignedArtifactArgs extends SigningArgs {
  /** `host[:port]/repository` or `oci:path`. A change replaces. */
  repository: pulumi.Input<string>;
  /**
   * Tags to point at the artifact, after it is signed. One that somebody moved since it was last
   * seen is not moved back before a refresh has shown that, and one that is taken out of the list
   * goes only where it is still as this resource set it. Update. @default none
   */
  tags?: pulumi.Input<pulumi.Input<string>[]>;
  /**
   * Files to pack, one layer each. The digest follows from their bytes alone. Exactly one of
   * `files`, `layout`, `from`. Update.
   */
  files?: pulumi.Input<Deep<string | SignedArtifactFile>[]>;
  /** What a build wrote: `oci:path:tag` or `oci:path@digest`. Update. */
  layout?: pulumi.Input<string>;
  /** What is pushed already, by tag or digest; copied if it is elsewhere. Update. */
  from?: pulumi.Input<string>;
  /**
   * Of an artifact packed from `files`. Update. @default application/vnd.dev.consign.artifact.v1
   */
  artifactType?: pulumi.Input<string>;
  /** Of an artifact packed from `files`. Update. */
  annotations?: pulumi.Input<Record<string, pulumi.Input<string>>>;
  /**
   * What `destroy` does: leave everything, remove the tags, or remove the artifact with its tags
   * and signatures. Only what this resource made goes: not what it found there, be it its own from
   * before its state was lost, or from before it was renamed without an alias (use `aliases`). With
   * `purge` the artifact stays as it is, with a warning, while another tag, an index, or another
   * resource still has it, or others have signed it or made claims about it. `onDestroy` says what
   * will go. With `retain` a tag that is taken out of `tags`
   * stays where a registry cannot remove tags alone. Update.
   * @default "retain"
   */
  onDelete?: pulumi.Input<"retain" | "untag" | "purge">;
}

/**
 * Pushes an artifact, signs it with COSE as `notation sign` does, and tags it last. `digest`,
 * `reference` and `descriptor` are known in the preview, before anything is pushed.
 *
 * A refresh reads the artifact, its signature and its tags back and verifies the signature again.
 * Each fault is one changed line: content that is damaged shows under `content`, a tag that moved
 * under `tagged`, a signature that is missing, invalid, expired or revoked under `signature`. `up`
 * repairs what signing, pushing and tagging again can repair, and says why where it cannot. A valid
 * signature of the signer that is there already, whoever put it there, is not made again.
 *
 * Errors: `INPUT_INVALID`, `REFERENCE_INVALID`, `FILE_NOT_FOUND`, `KEY_*`, `CERTIFICATE_INVALID`,
 * `TIMESTAMP_FAILED`, `SIGNATURE_REVOKED` and `SIGNATURE_EXPIRED` (nobody would accept the
 * signature, so it is not written), `PLAN_STALE`, `TAG_MOVED` (somebody moved a tag: refresh to see
 * it), `READ_BACK_FAILED`, `REGISTRY_*`.
 *
 * @example
 * ```ts
 * const netMonitor = new SignedArtifact("net-monitor", {
 *   repository: "registry.wabbit-networks.io/net-monitor",
 *   tags: ["v1"],
 *   files: ["dist/net-monitor.tar.gz"],
 *   signer: { keyFile: "keys/wabbit.key", certificateChainFile: "keys/wabbit.chain.pem" },
 * });
 * export const reference = netMonitor.reference;
 * ```
 */
export class SignedArtifact extends ConsignResource implements ArtifactLike {
  declare readonly repository: pulumi.Output<string>;
  declare readonly tags: pulumi.Output<string[]>;
  declare readonly digest: pulumi.Output<string>;
  /** `repository@sha256:…` */
  declare readonly reference: pulumi.Output<string>;
  declare readonly descriptor: pulumi.Output<Descriptor>;
  /** `complete`, or what a refresh found wrong with the artifact itself. */
  declare readonly content: pulumi.Output<string>;
  /** Where each tag points. */
  declare readonly tagged: pulumi.Output<Record<string, string>>;
  /** `valid`, or what a refresh found wrong with the signature. */
  declare readonly signature: pulumi.Output<string>;
  /** `none`, or in a plan `due: expires …`: the signature is about to end and is made anew. */
  declare readonly renewal: pulumi.Output<string>;
  /** The signatures as they were when they were last made or adopted. */
  declare readonly signatures: pulumi.Output<SignatureRecord[]>;
  declare readonly signedBy: pulumi.Output<{ subject: string; thumbprint: string }>;
  /**
   * `reference`, but there only once the signature was read back and verified. Depend on this one
   * to depend on the signature.
   */
  declare readonly signedReference: pulumi.Output<string>;
  /** What a destroy will remove, and what it will keep: its preview asks nobody. */
  declare readonly onDestroy: pulumi.Output<string[]>;

  constructor(name: string, args: SignedArtifactArgs, options?: pulumi.CustomResourceOptions) {
    const outputs = [
      "digest",
      "reference",
      "descriptor",
      "content",
      "tagged",
      "signature",
      "renewal",
      "signatures",
      "signedBy",
      "signedReference",
      "onDestroy",
    ];
    super("SignedArtifact", name, { tags: undefined, ...args }, outputs, options);
  }
}
