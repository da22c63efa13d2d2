// SPDX-License-Identifier: Apache-2.0
import { ConsignError } from "../errors";
import { plainDescriptor, type Descriptor } from "../oci/descriptor";
import { isDigest, type Digest } from "../oci/digest";
import {
  MAX_MANIFEST_SIZE,
  parseManifest,
  referrerDescriptor,
  type Manifest,
} from "../oci/manifest";
import { isManifestType } from "../oci/media-types";
import type {
  Content,
  PushOptions,
  Store,
  TagListOptions,
  TagOptions,
  TagOrDigest,
} from "./storage";
import { checkExpected, checkTag, isFallbackTag, isLeaseTag } from "./tags";
import { readVerified, verified } from "./verify";

/**
 * A store in memory, for planned content and tests. Behaves as a registry with a referrers API
 * does; blobs are held whole.
 */
export class MemoryStore implements Store {
  readonly name: string;
  readonly #blobs = new Map<Digest, Uint8Array>();
  readonly #manifests = new Map<Digest, Manifest>();
  readonly #tags = new Map<string, Digest>();
  readonly #referrers = new Map<Digest, Map<Digest, Descriptor>>();

  /** @param name what messages call this store, after `memory:` */
  constructor(name = "store") {
    this.name = `memory:${name}`;
  }

  async resolve(reference: TagOrDigest): Promise<Descriptor> {
    return plainDescriptor(this.#find(reference).descriptor);
  }

  async manifest(target: Descriptor | TagOrDigest): Promise<Manifest> {
    if (typeof target === "string") return this.#find(target);
    if (target.size > MAX_MANIFEST_SIZE) {
      throw new ConsignError(
        "MANIFEST_TOO_LARGE",
        `manifest ${target.digest} is said to have ${target.size} bytes; at most ${MAX_MANIFEST_SIZE} are read`,
      );
    }
    const found = this.#find(target.digest);
    const bytes = await readVerified(chunks(found.bytes), target, MAX_MANIFEST_SIZE);
    return parseManifest(bytes, target.mediaType, target.digest);
  }

  async blob(target: Descriptor): Promise<Content> {
    const bytes = this.#blobs.get(target.digest);
    if (bytes === undefined)
      throw new ConsignError("BLOB_UNKNOWN", `${this.name} has no blob ${target.digest}`, {
        reference: `${this.name}@${target.digest}`,
      });
    return verified(chunks(bytes), target);
  }

  async has(target: Descriptor): Promise<boolean> {
    return isManifestType(target.mediaType)
      ? this.#manifests.has(target.digest)
      : this.#blobs.has(target.digest);
  }

  async referrers(subject: Digest): Promise<Descriptor[]> {
    const found = this.#referrers.get(subject);
    return found === undefined
      ? []
      : [...found.values()].sort((a, b) => (a.digest < b.digest ? -1 : 1));
  }

  async tags({ leases = false }: TagListOptions = {}): Promise<string[]> {
    return [...this.#tags.keys()]
      .filter((tag) => !isFallbackTag(tag) && isLeaseTag(tag) === leases)
      .sort();
  }

  async pushBlob(
    target: Descriptor,
    open: () => Promise<Content>,
    _options: PushOptions = {},
  ): Promise<boolean> {
    if (this.#blobs.has(target.digest)) return false;
    this.#blobs.set(
      target.digest,
      await readVerified(await open(), target, Number.MAX_SAFE_INTEGER),
    );
    return true;
  }

  async pushManifest(manifest: Manifest): Promise<void> {
    const { bytes, descriptor } = manifest;
    await readVerified(chunks(bytes), descriptor, MAX_MANIFEST_SIZE);
    const held = parseManifest(bytes, descriptor.mediaType, descriptor.digest);
    this.#manifests.set(descriptor.digest, held);
    const subject = held.value.subject?.digest;
    if (subject === undefined) return;
    const listed = this.#referrers.get(subject) ?? new Map<Digest, Descriptor>();
    this.#referrers.set(subject, listed.set(descriptor.digest, referrerDescriptor(held)));
  }

  async tag(manifest: Manifest, tag: string, options: TagOptions = {}): Promise<void> {
    checkTag(tag);
    const { digest } = this.#find(manifest.descriptor.digest).descriptor;
    checkExpected(this.name, tag, this.#tags.get(tag), digest, options);
    this.#tags.set(tag, digest);
  }

  async untag(tag: string): Promise<void> {
    this.#tags.delete(tag);
  }

  async deleteManifest(target: Descriptor): Promise<void> {
    const held = this.#manifests.get(target.digest);
    this.#manifests.delete(target.digest);
    for (const [tag, digest] of this.#tags) if (digest === target.digest) this.#tags.delete(tag);
    const subject = held?.value.subject?.digest;
    if (subject !== undefined) this.#referrers.get(subject)?.delete(target.digest);
  }

  async deleteBlob(target: Descriptor): Promise<void> {
    this.#blobs.delete(target.digest);
  }

  #find(reference: TagOrDigest): Manifest {
    const digest = isDigest(reference) ? reference : this.#tags.get(reference);
    const manifest = digest === undefined ? undefined : this.#manifests.get(digest);
    if (manifest !== undefined) return manifest;
    const full = `${this.name}${isDigest(reference) ? "@" : ":"}${reference}`;
    throw new ConsignError("MANIFEST_UNKNOWN", `${full} is not there`, { reference: full });
  }
}

async function* chunks(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  for (let at = 0; at < bytes.byteLength; at += 65_536) yield bytes.subarray(at, at + 65_536);
}
