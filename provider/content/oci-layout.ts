// SPDX-License-Identifier: Apache-2.0
import { createReadStream } from "node:fs";
import { resolve as absolute } from "node:path";
import { ConsignError, isConsignError } from "../errors";
import { plainDescriptor, type Descriptor } from "../oci/descriptor";
import { isDigest, type Digest } from "../oci/digest";
import { MAX_MANIFEST_SIZE, parseManifest, successorsOf, type Manifest } from "../oci/manifest";
import { MEDIA_TYPES, isManifestType } from "../oci/media-types";
import { isTag } from "../oci/reference";
import {
  findTag,
  isListed,
  tagOf,
  withManifest,
  withTag,
  withoutManifest,
  withoutTag,
  withoutUntagged,
  type LayoutIndex,
} from "./layout-entries";
import { blobPath, readIfPresent, removeFile, sizeOf, writeAtomically } from "./layout-files";
import { LayoutIndexFile } from "./layout-index";
import { DEFAULT_LOCK_WAIT_MS, withLayoutLock } from "./layout-lock";
import { LayoutReferrers } from "./layout-referrers";
import { looseSubject, type DamagedReferrer } from "./layout-unread";
import type {
  CallOptions,
  Content,
  PushOptions,
  ReferrersOptions,
  Store,
  TagListOptions,
  TagOptions,
  TagOrDigest,
} from "./storage";
import { printable } from "../printable";
import { checkExpected, checkTag, isFallbackTag, isLeaseTag } from "./tags";
import { readVerified, verified } from "./verify";

export interface OciLayoutOptions {
  /** Make the directory a layout when something is first written to it. @default false */
  create?: boolean | undefined;
  /** What messages call it. @default `oci:` and the path as given */
  name?: string | undefined;
  /** Longest wait for another process that writes, in milliseconds. @default 30000 */
  lockWaitMs?: number | undefined;
}

/**
 * An OCI image layout directory. Safe with many processes at once: blobs and index.json are
 * replaced atomically, and index.json only under a lock. Manifests with a subject are listed in
 * index.json, untagged, which is where `oras` and `notation` look for referrers.
 * @see https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md
 */
export class OciLayout implements Store {
  readonly name: string;
  readonly #root: string;
  readonly #lockWaitMs: number;
  readonly #index: LayoutIndexFile;
  readonly #referrers = new LayoutReferrers((descriptor) => this.#listed(descriptor));
  /** Untagged entries of our making that only hold until an index contains them. */
  readonly #provisional = new Set<Digest>();

  private constructor(path: string, options: OciLayoutOptions) {
    this.#root = absolute(path);
    this.name = options.name ?? `oci:${path}`;
    this.#lockWaitMs = options.lockWaitMs ?? DEFAULT_LOCK_WAIT_MS;
    this.#index = new LayoutIndexFile(this.#root, options.create ?? false, this.#lockWaitMs);
  }

  /** Touches nothing yet: a directory that does not exist reads as an empty layout. */
  static open(path: string, options: OciLayoutOptions = {}): OciLayout {
    return new OciLayout(path, options);
  }

  async resolve(reference: TagOrDigest): Promise<Descriptor> {
    return plainDescriptor(await this.#find(reference));
  }

  async manifest(target: Descriptor | TagOrDigest): Promise<Manifest> {
    const descriptor = typeof target === "string" ? await this.#find(target) : target;
    if (descriptor.size > MAX_MANIFEST_SIZE) {
      throw new ConsignError(
        "MANIFEST_TOO_LARGE",
        `manifest ${descriptor.digest} is said to have ${descriptor.size} bytes; at most ${MAX_MANIFEST_SIZE} are read`,
      );
    }
    const path = blobPath(this.#root, descriptor.digest);
    if ((await sizeOf(path)) === undefined)
      throw await this.#unknown("MANIFEST_UNKNOWN", descriptor.digest);
    const bytes = await readVerified(
      this.#content(path, descriptor.digest),
      descriptor,
      MAX_MANIFEST_SIZE,
    );
    return parseManifest(bytes, descriptor.mediaType, descriptor.digest);
  }

  async blob(target: Descriptor, options: CallOptions = {}): Promise<Content> {
    const path = blobPath(this.#root, target.digest);
    if ((await sizeOf(path)) === undefined)
      throw await this.#unknown("BLOB_UNKNOWN", target.digest);
    return verified(this.#content(path, target.digest, options.signal), target);
  }

  /**
   * A file of another size than announced is damaged, and counts as not there, so that a push mends
   * it.
   */
  async has(target: Descriptor): Promise<boolean> {
    const size = await sizeOf(blobPath(this.#root, target.digest));
    if (size === undefined) await this.#index.read();
    return size === target.size;
  }

  async referrers(subject: Digest, options: ReferrersOptions = {}): Promise<Descriptor[]> {
    return this.#referrers.of(subject, await this.#index.read(), options);
  }

  /**
   * Names that other tools wrote and that are no tags, as whole references, are not listed;
   * `resolve` takes them all the same.
   */
  async tags({ leases = false, odd }: TagListOptions = {}): Promise<string[]> {
    const index = await this.#index.read();
    const names = index.manifests.map(tagOf);
    if (odd !== undefined) await this.#tellOdd(index, odd);
    return [...new Set(names)]
      .filter((name) => name !== undefined)
      .filter((name) => isTag(name) && !isFallbackTag(name) && isLeaseTag(name) === leases)
      .sort();
  }

  /** Entries that have no tag are told where none has one, as podman and skopeo write them. */
  async #tellOdd(index: LayoutIndex, odd: NonNullable<TagListOptions["odd"]>): Promise<void> {
    for (const [at, { why }] of index.odd.entries())
      odd(`index.json, odd entry ${at + 1}`, `it is no descriptor: ${why}`);
    const byDigest = "select it by its digest, or give it a tag";
    for (const entry of index.manifests) {
      const name = tagOf(entry);
      if (name !== undefined && !isTag(name))
        odd(printable(name, 256), `its name is no tag; ${byDigest}: ${entry.digest}`);
    }
    if (index.manifests.some((entry) => tagOf(entry) !== undefined)) return;
    for (const entry of index.manifests)
      if (isManifestType(entry.mediaType) && (await this.#isArtifact(entry)))
        odd(entry.digest, `index.json names no tag for it; ${byDigest}`);
  }

  /** Not what refers to one. What cannot be read is somebody's artifact. */
  async #isArtifact(entry: Descriptor): Promise<boolean> {
    try {
      return (await this.manifest(entry)).value.subject === undefined;
    } catch (error) {
      if (isConsignError(error)) return true;
      throw error;
    }
  }

  async pushBlob(
    target: Descriptor,
    open: () => Promise<Content>,
    options: PushOptions = {},
  ): Promise<boolean> {
    await this.#index.ensure(options);
    if (await this.has(target)) return false;
    await writeAtomically(blobPath(this.#root, target.digest), verified(await open(), target), {
      signal: options.signal,
    });
    return true;
  }

  async pushManifest(manifest: Manifest, options: CallOptions = {}): Promise<void> {
    const { bytes, descriptor } = manifest;
    const held = parseManifest(
      await readVerified(oneChunk(bytes), descriptor, MAX_MANIFEST_SIZE),
      descriptor.mediaType,
      descriptor.digest,
    );
    await this.#index.ensure(options);
    const fresh = !(await this.has(descriptor));
    await this.#hold(held);
    await this.#index.change((index) => this.#list(held, fresh, index), options);
    if (held.value.subject === undefined) return;
    // Whether it is among them can be told, whatever else is.
    const shown = await this.referrers(held.value.subject.digest, { unproven: () => {} });
    if (shown.some(({ digest }) => digest === descriptor.digest)) return;
    throw new ConsignError(
      "READ_BACK_FAILED",
      `${this.name} took the manifest ${descriptor.digest}, and does not list it as a referrer of its subject; another process removed it`,
    );
  }

  async tag(manifest: Manifest, tag: string, options: TagOptions = {}): Promise<void> {
    checkTag(tag);
    const { digest } = manifest.descriptor;
    if (!(await this.has(manifest.descriptor)))
      throw await this.#unknown("MANIFEST_UNKNOWN", digest);
    await this.#index.change((index) => {
      checkExpected(this.name, tag, findTag(index, tag)?.digest, digest, options);
      return withTag(index, manifest, tag);
    }, options);
    this.#provisional.delete(digest);
  }

  async untag(tag: string, options: CallOptions = {}): Promise<void> {
    if (findTag(await this.#index.read(), tag) === undefined) return;
    await this.#index.change((index) => withoutTag(index, tag), options);
  }

  async deleteManifest(target: Descriptor, options: CallOptions = {}): Promise<void> {
    const path = blobPath(this.#root, target.digest);
    const index = await this.#index.read();
    if (!isListed(index, target.digest) && (await sizeOf(path)) === undefined) return;
    await this.#index.change(
      (current) => withoutManifest(current, target.digest),
      options,
      async () => {
        await removeFile(path);
        this.#referrers.forget(target.digest);
      },
    );
  }

  async deleteBlob(target: Descriptor): Promise<void> {
    await removeFile(blobPath(this.#root, target.digest));
  }

  whileLocked<T>(work: () => Promise<T>): Promise<T> {
    return withLayoutLock(this.#root, this.#lockWaitMs, {}, work);
  }

  /**
   * Lists a manifest, unless an index that is listed contains it. Runs under the lock, so it looks
   * again whether the bytes are there: another process may have deleted them meanwhile.
   */
  async #list(manifest: Manifest, fresh: boolean, index: LayoutIndex): Promise<LayoutIndex> {
    await this.#hold(manifest);
    const { digest } = manifest.descriptor;
    this.#referrers.note(manifest);
    const children =
      manifest.kind === "index" ? successorsOf(manifest).map((child) => child.digest) : [];
    const covered = withoutUntagged(
      index,
      new Set(children.filter((child) => this.#provisional.has(child))),
    );
    if (isListed(index, digest)) return covered;
    if (manifest.value.subject === undefined) {
      if (!fresh && (await this.#referrers.reaches(digest, index))) return covered;
      this.#provisional.add(digest);
    }
    return withManifest(covered, manifest);
  }

  async #hold({ descriptor, bytes }: Manifest): Promise<void> {
    const path = blobPath(this.#root, descriptor.digest);
    if ((await sizeOf(path)) !== descriptor.size) await writeAtomically(path, bytes);
  }

  async #find(reference: TagOrDigest): Promise<Descriptor> {
    const index = await this.#index.read();
    const entry = isDigest(reference)
      ? index.manifests.find(({ digest }) => digest === reference)
      : findTag(index, reference);
    const found = entry ?? (isDigest(reference) ? await this.#unlisted(reference) : undefined);
    if (found === undefined) throw await this.#unknown("MANIFEST_UNKNOWN", reference);
    return found;
  }

  /** A manifest that only an index contains: its media type is nowhere but in itself. */
  async #unlisted(digest: Digest): Promise<Descriptor | undefined> {
    const path = blobPath(this.#root, digest);
    const size = await sizeOf(path);
    if (size === undefined || size > MAX_MANIFEST_SIZE) return undefined;
    const bytes = await readIfPresent(path, MAX_MANIFEST_SIZE);
    const mediaType = bytes === undefined ? undefined : mediaTypeIn(bytes);
    return mediaType === undefined ? undefined : { mediaType, digest, size };
  }

  async #listed(descriptor: Descriptor): Promise<Manifest | DamagedReferrer | undefined> {
    const path = blobPath(this.#root, descriptor.digest);
    if ((await sizeOf(path)) === undefined) return undefined;
    try {
      return await this.manifest(descriptor);
    } catch (cause) {
      if (
        !isConsignError(
          cause,
          "DIGEST_MISMATCH",
          "SIZE_MISMATCH",
          "MANIFEST_INVALID",
          "MANIFEST_TOO_LARGE",
        )
      )
        throw cause;
      const damage = new ConsignError(
        "LAYOUT_INVALID",
        `${path}, a manifest of the OCI image layout ${this.#root}, is broken: ${cause.message}`,
        { cause, reference: `${this.name}@${descriptor.digest}` },
      );
      const mayReferTo = await this.#looseSubject(path);
      if (mayReferTo === undefined) throw damage;
      return { mayReferTo, damage };
    }
  }

  /** Of a damaged manifest, if it is there: what is not may be damage itself. */
  async #looseSubject(path: string): Promise<Digest | undefined> {
    if (((await sizeOf(path)) ?? Infinity) > MAX_MANIFEST_SIZE) return undefined;
    const subject = looseSubject(
      (await readIfPresent(path, MAX_MANIFEST_SIZE)) ?? new Uint8Array(),
    );
    const there = subject !== undefined && (await sizeOf(blobPath(this.#root, subject)));
    return there === undefined || there === false ? undefined : subject;
  }

  async *#content(
    path: string,
    digest: Digest,
    signal?: AbortSignal,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      for await (const chunk of createReadStream(path, {
        highWaterMark: 256 * 1024,
        ...(signal === undefined ? {} : { signal }),
      }))
        yield chunk as Buffer;
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException;
      if (code === "ENOENT") throw await this.#unknown("BLOB_UNKNOWN", digest);
      if (code === "ABORT_ERR" || isConsignError(cause)) throw cause;
      throw new ConsignError(
        "FILE_UNREADABLE",
        `${path} cannot be read: ${(cause as Error).message}`,
        { cause },
      );
    }
  }

  /** "Not there" is only said of a layout that is sound. */
  async #unknown(
    code: "MANIFEST_UNKNOWN" | "BLOB_UNKNOWN",
    what: TagOrDigest,
  ): Promise<ConsignError> {
    await this.#index.read();
    const reference = `${this.name}${isDigest(what) ? "@" : ":"}${what}`;
    return new ConsignError(code, `${reference} is not there`, { reference });
  }
}

async function* oneChunk(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytes;
}

function mediaTypeIn(bytes: Uint8Array): string | undefined {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  if ("mediaType" in value)
    return typeof value.mediaType === "string" && isManifestType(value.mediaType)
      ? value.mediaType
      : undefined;
  if ("manifests" in value) return MEDIA_TYPES.index;
  return "layers" in value && "config" in value ? MEDIA_TYPES.manifest : undefined;
}
