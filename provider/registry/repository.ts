// SPDX-License-Identifier: Apache-2.0
import type {
  CallOptions,
  Content,
  PushManifestOptions,
  PushOptions,
  ReadStore,
  ReferrersOptions,
  Store,
  TagListOptions,
  TagOptions,
  TagOrDigest,
} from "../content/storage";
import { isLeaseTag } from "../content/tags";
import { ConsignError, isConsignError } from "../errors";
import type { Descriptor } from "../oci/descriptor";
import { isDigest, parseDigest, type Digest } from "../oci/digest";
import { referrerDescriptor, type Manifest } from "../oci/manifest";
import { isManifestType, MEDIA_TYPES } from "../oci/media-types";
import { isTag } from "../oci/reference";
import { Blobs } from "./blobs";
import type { Connection } from "./transport/connection";
import type { ReferrersEvidence, RegistryReferrers } from "./capabilities";
import { ManifestDeletion } from "./manifest-deletion";
import type { ManifestCache } from "./manifest-cache";
import { Manifests } from "./manifests";
import { Memo } from "./memo";
import { confirmManifest } from "./read-back";
import { Referrers } from "./referrers";
import { TagMoves } from "./tag-moves";
import { listTags, type TagList } from "./tags";

/**
 * One repository of a registry. Manifests read by digest come from a bounded cache for the life of
 * the client, as they cannot change; what can change (a tag's target, presence, lists) is believed
 * for 30 s, until {@link forget}, or until a write of ours changes it. `resolve` and `has` say what
 * the registry has; `manifest` by digest may answer from the cache although it has been deleted
 * meanwhile. With `fresh` each of them asks the registry. One answer is one look: who lets something
 * go because it is absent asks twice, see `content/presence.ts`.
 */
export class Repository implements Store {
  readonly name: string;
  readonly #cache: ManifestCache;
  readonly #manifests: Manifests;
  readonly #blobs: Blobs;
  readonly #referrers: Referrers;
  readonly #tagMoves: TagMoves;
  readonly #located: Memo<Descriptor | undefined>;
  readonly #presentBlobs: Memo<boolean>;
  readonly #tagLists: Memo<TagList>;
  readonly #reads = new Memo<Manifest>(0);
  readonly #pushes = new Memo<boolean>(0);

  /** Use {@link RegistryClient.repository}. */
  constructor(
    readonly connection: Connection,
    readonly repository: string,
    cache: ManifestCache,
    referrers: RegistryReferrers,
  ) {
    this.name = `${connection.registry}/${repository}`;
    this.#cache = cache;
    this.#manifests = new Manifests(connection, repository);
    this.#blobs = new Blobs(connection, repository);
    this.#referrers = new Referrers(this.#manifests, referrers);
    this.#tagMoves = new TagMoves(this.#manifests);
    this.#located = new Memo(connection.limits.mutableCacheMs);
    this.#presentBlobs = new Memo(connection.limits.mutableCacheMs);
    this.#tagLists = new Memo(connection.limits.mutableCacheMs);
  }

  /**
   * Drops everything that may have changed since it was read. Call it where a new look at the
   * registry begins.
   */
  forget(): void {
    this.#located.clear();
    this.#presentBlobs.clear();
    this.#tagLists.clear();
    this.#referrers.forget();
  }

  /** What is known of this repository's referrers API, and from what. */
  get referrersSupport(): ReferrersEvidence {
    return {
      support: this.#referrers.capability.support,
      evidence: this.#referrers.capability.evidence,
    };
  }

  async resolve(reference: TagOrDigest, options: CallOptions = {}): Promise<Descriptor> {
    this.#check(reference);
    if (options.fresh === true) this.#located.delete(reference);
    const located = await this.#located.get(
      reference,
      async (signal) => (await this.#manifests.head(reference, { signal }))?.descriptor,
      options.signal,
    );
    return located ?? this.#unknown(reference);
  }

  async manifest(target: Descriptor | TagOrDigest, options: CallOptions = {}): Promise<Manifest> {
    if (typeof target !== "string")
      return this.#fitting(await this.#read(target.digest, options), target);
    this.#check(target);
    if (isDigest(target)) return this.#read(target, options);
    if (options.fresh === true) return this.#readAnew(target, options);
    const load = async (signal?: AbortSignal): Promise<Descriptor | undefined> => {
      const read = await this.#manifests.get(target, { signal });
      return read === undefined ? undefined : this.#remember(read.manifest);
    };
    const located = await this.#located.get(target, load, options.signal);
    if (located === undefined) return this.#unknown(target);
    // What a tag leads to has just been read with it.
    return this.#read(located.digest, { signal: options.signal });
  }

  async blob(target: Descriptor, options: CallOptions = {}): Promise<Content> {
    return this.#blobs.open(target, options);
  }

  async has(target: Descriptor, options: CallOptions = {}): Promise<boolean> {
    if (options.fresh === true)
      (isManifestType(target.mediaType) ? this.#located : this.#presentBlobs).delete(target.digest);
    if (!isManifestType(target.mediaType))
      return this.#presentBlobs.get(
        target.digest,
        (signal) => this.#blobs.has(target, { signal }),
        options.signal,
      );
    const load = async (signal?: AbortSignal): Promise<Descriptor | undefined> =>
      (await this.#manifests.head(target.digest, { signal }))?.descriptor;
    return (await this.#located.get(target.digest, load, options.signal)) !== undefined;
  }

  async referrers(subject: Digest, options: ReferrersOptions = {}): Promise<Descriptor[]> {
    const { settled = () => false, present = false } = options;
    const listed = await this.#referrers.list(parseDigest(subject), options);
    const { support, doubt } = this.#referrers.capability;
    const isKeptByClients =
      support === "unsupported" || (doubt !== undefined && options.unproven !== undefined);
    const entries = present && isKeptByClients ? await this.#present(listed, options) : listed;
    const isComplete = (entry: Descriptor): boolean =>
      settled(entry.digest) || this.#isComplete(entry);
    const complete = entries.every(isComplete)
      ? [...entries]
      : await Promise.all(
          entries.map(async (entry) =>
            isComplete(entry) ? entry : this.#complete(entry, subject, options),
          ),
        );
    return complete
      .filter((entry) => entry !== undefined)
      .sort((a, b) => (a.digest < b.digest ? -1 : 1));
  }

  /** A fallback index may go on naming what a client that does not know of it has deleted. */
  async #present(listed: readonly Descriptor[], options: CallOptions): Promise<Descriptor[]> {
    const there = await Promise.all(
      listed.map(async (entry) => {
        const manifest = { ...entry, mediaType: MEDIA_TYPES.manifest };
        return (
          (await this.has(manifest, options)) ||
          (await this.has(manifest, { ...options, fresh: true }))
        );
      }),
    );
    return listed.filter((_, at) => there[at]);
  }

  async tags(options: TagListOptions = {}): Promise<string[]> {
    if (options.fresh === true) this.#tagLists.delete("");
    const { tags, odd } = await this.#tagLists.get(
      "",
      (signal) => listTags(this.connection, this.repository, { signal }),
      options.signal,
    );
    for (const name of odd) options.odd?.(name, "its name is no tag");
    return tags.filter((tag) => isLeaseTag(tag) === (options.leases ?? false));
  }

  async pushBlob(
    target: Descriptor,
    open: () => Promise<Content>,
    options: PushOptions = {},
  ): Promise<boolean> {
    if (options.absent !== true && (await this.has(target, options))) return false;
    let mine = false;
    const sent = await this.#pushes.get(
      target.digest,
      (signal) => {
        mine = true;
        return this.#blobs.push(target, open, this.#mountableFrom(options.from), { signal });
      },
      options.signal,
    );
    this.#presentBlobs.set(target.digest, true);
    return sent && mine;
  }

  async pushManifest(manifest: Manifest, options: PushManifestOptions = {}): Promise<void> {
    const { digest } = manifest.descriptor;
    const put = (): ReturnType<Manifests["put"]> => this.#manifests.put(manifest, digest, options);
    const again = async (): Promise<void> => {
      options.onRepair?.();
      await put();
    };
    const { subject: announced } = await put();
    this.#referrers.pushed();
    const subject = manifest.value.subject?.digest;
    const later = options.readBack === "later";
    if (later && this.#referrers.pushedUnseen(subject)) {
      this.#remember(manifest);
      this.#located.delete(digest);
      return;
    }
    // Being listed by the registry itself is as good as being found.
    if (!later || subject === undefined)
      await confirmManifest(this.#manifests, manifest, again, options);
    this.#remember(manifest);
    if (subject === undefined) return;
    await this.#referrers.ensureListed(manifest, subject, announced === subject, again, options);
    if (later && this.#referrers.capability.support !== "supported")
      await confirmManifest(this.#manifests, manifest, again, options);
  }

  async tag(manifest: Manifest, tag: string, options: TagOptions = {}): Promise<void> {
    if (!isTag(tag))
      throw new ConsignError("INPUT_INVALID", `"${tag}" is not a tag`, { reference: this.name });
    this.#located.delete(tag);
    this.#tagLists.clear();
    await this.#tagMoves.move(manifest, tag, options);
    this.#located.set(tag, this.#remember(manifest));
    this.#tagLists.clear();
  }

  async untag(tag: string, options: CallOptions = {}): Promise<void> {
    if (!isTag(tag))
      throw new ConsignError("INPUT_INVALID", `"${tag}" is not a tag`, { reference: this.name });
    try {
      await this.#tagMoves.remove(tag, options);
    } finally {
      this.#located.delete(tag);
      this.#tagLists.clear();
    }
  }

  async deleteManifest(target: Descriptor, options: CallOptions = {}): Promise<void> {
    try {
      await new ManifestDeletion(this.#manifests, this.#referrers).run(
        target.digest,
        () => this.#readIfPresent(target.digest, options),
        options,
      );
    } finally {
      // Its tags and its place in lists are gone with it.
      this.#cache.delete(this.#key(target.digest));
      this.forget();
    }
  }

  async deleteBlob(target: Descriptor, options: CallOptions = {}): Promise<void> {
    this.#presentBlobs.delete(target.digest);
    await this.#blobs.delete(target, options);
    this.#presentBlobs.delete(target.digest);
  }

  /** Asks the registry, whatever is known: what was read before may be gone. */
  async #readAnew(tagOrDigest: TagOrDigest, options: CallOptions): Promise<Manifest> {
    this.#located.delete(tagOrDigest);
    const read = await this.#manifests.get(tagOrDigest, { signal: options.signal });
    if (read === undefined) return this.#unknown(tagOrDigest);
    this.#located.set(tagOrDigest, this.#remember(read.manifest));
    return read.manifest;
  }

  #read(digest: Digest, options: CallOptions): Promise<Manifest> {
    if (options.fresh === true) return this.#readAnew(digest, options);
    const known = this.#cache.get(this.#key(digest));
    if (known !== undefined) return Promise.resolve(known);
    const load = async (signal?: AbortSignal): Promise<Manifest> => {
      const read = await this.#manifests.get(digest, { signal });
      if (read === undefined) return this.#unknown(digest);
      this.#remember(read.manifest);
      return read.manifest;
    };
    return this.#reads.get(digest, load, options.signal);
  }

  async #readIfPresent(digest: Digest, options: CallOptions): Promise<Manifest | undefined> {
    return (
      this.#cache.get(this.#key(digest)) ?? (await this.#manifests.get(digest, options))?.manifest
    );
  }

  #isComplete({ mediaType, artifactType }: Descriptor): boolean {
    return (
      isManifestType(mediaType) &&
      Boolean(artifactType) &&
      !this.#referrers.capability.typesDoubtful
    );
  }

  /**
   * Lists lack artifact types and annotations, or have wrong ones; the manifest decides. What
   * refers to another subject is no referrer of this one.
   */
  async #complete(
    entry: Descriptor,
    subject: Digest,
    options: CallOptions,
  ): Promise<Descriptor | undefined> {
    let manifest: Manifest | undefined;
    try {
      manifest = await this.#readIfPresent(entry.digest, options);
    } catch (error) {
      // What anyone may push must not make the list unreadable: whoever reads this one is told what
      // is wrong with it.
      if (
        isConsignError(
          error,
          "MANIFEST_INVALID",
          "MANIFEST_TOO_LARGE",
          "DIGEST_MISMATCH",
          "REGISTRY_RESPONSE_INVALID",
        )
      )
        return this.#untold(entry);
      throw error;
    }
    // What is listed and was not found is for its reader to judge.
    if (manifest === undefined) return this.#untold(entry);
    if (manifest.value.subject?.digest !== subject) return undefined;
    this.#remember(manifest);
    const { artifactType: _, ...others } = entry;
    return { ...others, ...referrerDescriptor(manifest) };
  }

  /** Where a list's types are doubtful, an entry whose manifest cannot be read has none. */
  #untold(entry: Descriptor): Descriptor {
    if (!this.#referrers.capability.typesDoubtful) return entry;
    const { artifactType: _, ...others } = entry;
    return others;
  }

  #remember(manifest: Manifest): Descriptor {
    this.#cache.set(this.#key(manifest.descriptor.digest), manifest);
    this.#located.set(manifest.descriptor.digest, manifest.descriptor);
    return manifest.descriptor;
  }

  #fitting(manifest: Manifest, target: Descriptor): Manifest {
    const { size, mediaType, digest } = manifest.descriptor;
    const reference = this.#manifests.reference(digest);
    if (size !== target.size)
      throw new ConsignError(
        "SIZE_MISMATCH",
        `${reference} has ${size} bytes; its descriptor says ${target.size}`,
        { reference },
      );
    if (mediaType !== target.mediaType)
      throw new ConsignError(
        "MANIFEST_INVALID",
        `${reference} was served as ${mediaType}; its descriptor says ${target.mediaType}`,
        { reference },
      );
    return manifest;
  }

  #mountableFrom(from: ReadStore | undefined): string | undefined {
    const mountable =
      from instanceof Repository &&
      from.connection === this.connection &&
      from.repository !== this.repository;
    return mountable ? from.repository : undefined;
  }

  #key(digest: Digest): string {
    return `${this.name}@${digest}`;
  }

  #check(reference: TagOrDigest): void {
    if (!isDigest(reference) && !isTag(reference))
      throw new ConsignError("REFERENCE_INVALID", `"${reference}" is neither a tag nor a digest`, {
        reference: this.name,
      });
  }

  #unknown(tagOrDigest: string): never {
    const reference = this.#manifests.reference(tagOrDigest);
    throw new ConsignError("MANIFEST_UNKNOWN", `${reference} does not exist`, {
      reference,
      status: 404,
    });
  }
}
