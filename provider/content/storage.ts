// SPDX-License-Identifier: Apache-2.0
import type { Descriptor } from "../oci/descriptor";
import type { Digest } from "../oci/digest";
import type { Manifest } from "../oci/manifest";

export interface CallOptions {
  signal?: AbortSignal | undefined;
  /**
   * Ask the place itself, whatever is known from before: for what is about to be taken for gone, or
   * proves that something is there. @default false
   */
  fresh?: boolean | undefined;
}

/**
 * Content that streams. Whoever iterates it to the end has bytes of the right size and digest, or
 * an error.
 */
export type Content = AsyncIterable<Uint8Array>;

/** Says a tag or digest in a store; a digest is anything that parses as one. */
export type TagOrDigest = string;

/**
 * A place to read from: a remote repository, an OCI image layout, memory. Every byte it hands out
 * has been checked against its descriptor (size, digest, nothing trailing); nothing above this
 * interface handles unverified bytes.
 */
export interface ReadStore {
  /**
   * For messages and keys: `host/repository`, `oci:path` or `memory:name`. Never holds a secret.
   */
  readonly name: string;
  /**
   * One look, as are `manifest` and `has`: who lets something go because it is absent asks twice,
   * with `presenceOf` or `manifestIfThere`. @throws ConsignError `MANIFEST_UNKNOWN` only if it is
   * definitely not there
   */
  resolve(reference: TagOrDigest, options?: CallOptions): Promise<Descriptor>;
  /**
   * Reads a manifest by descriptor or by tag or digest, at most 4 MiB. @throws ConsignError
   * `MANIFEST_UNKNOWN`, `DIGEST_MISMATCH`, `SIZE_MISMATCH`, `MANIFEST_TOO_LARGE`,
   * `MANIFEST_INVALID`
   */
  manifest(target: Descriptor | TagOrDigest, options?: CallOptions): Promise<Manifest>;
  /**
   * Opens a blob. @throws ConsignError `BLOB_UNKNOWN`; here or while iterating `DIGEST_MISMATCH`,
   * `SIZE_MISMATCH`
   */
  blob(target: Descriptor, options?: CallOptions): Promise<Content>;
  /**
   * Whether the store has it: a manifest by its media type, else a blob. Uncertain answers throw.
   */
  has(target: Descriptor, options?: CallOptions): Promise<boolean>;
  /**
   * Everything that is listed with this digest as its `subject`, each once, with `artifactType` and
   * `annotations` filled in, sorted by digest. Lists are written by whoever may push, so an entry is
   * a hint: who acts on one reads its manifest and compares the `subject`. Nothing is answered only
   * where there surely is nothing. @throws ConsignError `REFERRERS_UNKNOWN` where that cannot be told
   */
  referrers(subject: Digest, options?: ReferrersOptions): Promise<Descriptor[]>;
  /**
   * All tags, sorted. A repository that does not exist has none. Fallback tags of referrers are not
   * listed, leases only on demand, and what cannot be asked for not at all.
   */
  tags(options?: TagListOptions): Promise<string[]>;
}

/** A place that can also be written to. Every verb is idempotent. */
export interface Store extends ReadStore {
  /**
   * Stores a blob unless it is there. `open` may be called again for a retry, and is not called if
   * nothing needs to be sent. Says whether bytes were sent.
   */
  pushBlob(
    target: Descriptor,
    open: () => Promise<Content>,
    options?: PushOptions,
  ): Promise<boolean>;
  /**
   * Stores a manifest by digest and, if it has a subject, makes sure that the subject's referrers
   * show it (read back).
   */
  pushManifest(manifest: Manifest, options?: PushManifestOptions): Promise<void>;
  /**
   * Points a tag at a manifest that is there. With `expected`, only if the tag is still that digest
   * (`undefined`: absent). @throws ConsignError `TAG_MOVED`
   */
  tag(manifest: Manifest, tag: string, options?: TagOptions): Promise<void>;
  /**
   * Removes a tag, and nothing else. Absent is fine. @throws ConsignError `REGISTRY_UNSUPPORTED`
   */
  untag(tag: string, options?: CallOptions): Promise<void>;
  /**
   * Removes a manifest by digest, its tags with it, and its entry in its subject's referrers.
   * Absent is fine.
   */
  deleteManifest(target: Descriptor, options?: CallOptions): Promise<void>;
  /** Removes a blob. Absent is fine. @throws ConsignError `REGISTRY_UNSUPPORTED` */
  deleteBlob(target: Descriptor, options?: CallOptions): Promise<void>;
  /**
   * Runs work while no other process lists a manifest here, where that can be had. The work itself
   * must not either.
   */
  whileLocked?<T>(work: () => Promise<T>): Promise<T>;
}

export interface ReferrersOptions extends CallOptions {
  /**
   * Referrers of which the caller needs nothing but the digest: what a list leaves out or gets
   * wrong about them is not looked up. @default none
   */
  settled?: ((digest: Digest) => boolean) | undefined;
  /**
   * Leave out what is listed and gone (twice), where the list is kept by clients and not by the
   * registry.
   * @default false
   */
  present?: boolean | undefined;
  /**
   * For copying only: a list that may lack something is answered all the same, and why is told here,
   * each time. A registry that answers all else, and whose referrers API was never seen to work, is
   * asked for what clients list under the fallback tag. What is missed is brought by a later copy. @default `REFERRERS_UNKNOWN`, or what went wrong, is thrown
   */
  unproven?: ((why: string) => void) | undefined;
}

export interface TagListOptions extends CallOptions {
  /** The tags of leases, and no others. @default false */
  leases?: boolean | undefined;
  /** Told what is listed and cannot be asked for, by its name as far as it has one, and why. */
  odd?: ((name: string, why: string) => void) | undefined;
}

export interface PushManifestOptions extends CallOptions {
  /**
   * `later`: the caller writes more and then reads all of it back itself, so that it need not be
   * done for each. @default "now"
   */
  readBack?: "now" | "later" | undefined;
  /**
   * Told each time that the store had taken the manifest and lost it, so that it is written again.
   */
  onRepair?: (() => void) | undefined;
}

export interface PushOptions extends CallOptions {
  /**
   * A store that already holds the blob; where both are repositories of one registry it is mounted
   * rather than sent.
   */
  from?: ReadStore | undefined;
  /** The caller knows that the blob is not there, so it is not asked for. */
  absent?: boolean | undefined;
}

export interface TagOptions extends CallOptions {
  /** Present (even as `undefined`, for "no such tag") makes the move conditional. */
  expected?: Digest | undefined;
}

/**
 * Reads a blob whole, for what is known to be small. @throws ConsignError `SIZE_MISMATCH` if it is
 * larger than `limit` bytes
 */
export type SmallBlobReader = (
  store: ReadStore,
  target: Descriptor,
  limit: number,
) => Promise<Uint8Array>;
