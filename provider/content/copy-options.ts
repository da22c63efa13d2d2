// SPDX-License-Identifier: Apache-2.0
import type { Descriptor } from "../oci/descriptor";
import type { Digest } from "../oci/digest";
import type { Manifest } from "../oci/manifest";
import type { CallOptions, Content, ReadStore, ReferrersOptions } from "./storage";

/**
 * A tag to point at what is copied; with `expected` (even undefined, for absent) only if the tag is
 * still there.
 */
export interface TagMove {
  tag: string;
  expected?: Digest | undefined;
  /** The caller has just seen that the tag is there and has to move. */
  looked?: boolean | undefined;
}

/** One artifact among several that are copied together. */
export interface CopyItem {
  root: Descriptor;
  tags?: readonly TagMove[] | undefined;
}

/**
 * Sends one blob by calling `push` with what opens its content: `open`, the source's, or another
 * place that has the same bytes. @returns whether bytes were sent
 */
export type SendBlob = (
  target: Descriptor,
  open: () => Promise<Content>,
  push: (open: () => Promise<Content>) => Promise<boolean>,
) => Promise<boolean>;

export interface CopyAllOptions extends CallOptions {
  /** Which of a manifest's referrers to take along. @default all that the source lists */
  referrers?: ((subject: Descriptor) => Promise<Descriptor[]>) | undefined;
  /** Artifact types whose own referrers are not asked for. @default none */
  leafTypes?: readonly string[] | undefined;
  /**
   * What the caller knows about the destination: that it has a manifest with all it needs, or has
   * it not. @default nothing: the destination is asked
   */
  held?: ((target: Descriptor) => boolean | undefined) | undefined;
  /**
   * An earlier copy of the same was begun and did not end: what it left is looked for, as blobs of
   * any size, and as referrers of what is not there yet. @default false: what belongs to an absent
   * manifest is taken to be absent where sending it is no dearer than asking
   */
  resumes?: boolean | undefined;
  /** @default push(open) */
  sendBlob?: SendBlob | undefined;
  /** Where blobs can be mounted from, if that is not the source itself. */
  mountFrom?: ReadStore | undefined;
  /**
   * Which children of an index to take along. An index without some of its children is not accepted
   * everywhere. @default all
   */
  takesChild?: ((child: Descriptor, index: Manifest) => boolean) | undefined;
  /**
   * Whether an index that the destination has may lack parts that are to go along: then each of
   * them is asked for. @default never: an index is there with its parts
   */
  mayLackChildren?: ((index: Descriptor) => boolean) | undefined;
  /**
   * Look into manifests that the destination has already, and send what they lack. @default false
   */
  deep?: boolean | undefined;
  /**
   * A manifest that is about to be written is looked for once more, fresh: who counts what was
   * written as made is not to count what was there. @default false
   */
  certain?: boolean | undefined;
  /**
   * Before a tag is set the destination is asked, fresh, for every blob of what was written, and of
   * what was found there. @default false
   */
  prove?: boolean | undefined;
  /** Requests under way at once, at both ends together. @default 8 */
  concurrency?: number | undefined;
  onProgress?: ((event: CopyProgress) => void) | undefined;
  /**
   * Told why lists of referrers at either end are those that clients keep; see
   * {@link ReferrersOptions}. @default such a list ends the copy
   */
  unproven?: ReferrersOptions["unproven"];
  /** Longest way from a root over children and referrers. @default 32 */
  maxDepth?: number | undefined;
  /** Most manifests that may belong to the roots of one batch. @default 100000 */
  maxNodes?: number | undefined;
  /** Artifacts that are copied together, before their tags are set. @default 64 */
  batch?: number | undefined;
}

export interface CopyOptions extends Omit<CopyAllOptions, "batch"> {
  /** Tags to point at the root when everything is there. */
  tags?: readonly TagMove[] | undefined;
}

/** One thing that is done, or under way. `skipped`: the destination had it. */
export type CopyProgress =
  | { kind: "blob"; action: "copied" | "skipped"; descriptor: Descriptor }
  /**
   * `found`: it was there when the destination was asked; and not known to be. `within`: the index
   * below which it is.
   */
  | {
      kind: "manifest";
      action: "copied" | "skipped";
      descriptor: Descriptor;
      found?: boolean;
      within?: Digest | undefined;
    }
  | { kind: "tag"; action: "copied" | "skipped"; tag: string }
  /**
   * So many bytes of a blob have been read for sending; fewer than before where it had to begin
   * anew.
   */
  | { kind: "bytes"; descriptor: Descriptor; bytes: number };

export interface CopyReport {
  manifests: number;
  /** Manifests that the destination had. */
  manifestsSkipped: number;
  blobs: number;
  /**
   * Blobs that were looked at and not sent: the destination had them, or they are foreign and the
   * source has not.
   */
  blobsSkipped: number;
  /** Bytes of the blobs that were sent. */
  bytes: number;
  /** What the source listed as a referrer of something it does not refer to; left out. */
  referrersIgnored: number;
  /** Manifests that the destination took and lost, written again. */
  repaired: number;
  tagsMoved: number;
}

export function emptyReport(): CopyReport {
  return {
    manifests: 0,
    manifestsSkipped: 0,
    blobs: 0,
    blobsSkipped: 0,
    bytes: 0,
    referrersIgnored: 0,
    repaired: 0,
    tagsMoved: 0,
  };
}
