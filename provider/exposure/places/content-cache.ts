// SPDX-License-Identifier: Apache-2.0
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import path from "node:path";
import { readSmall, verifiedWhole } from "../../content/verify";
import type { CallOptions, Content, ReadStore, TagOrDigest } from "../../content/storage";
import type { Descriptor } from "../../oci/descriptor";
import { algorithmOf, digestOf, hexOf, isDigest, type Digest } from "../../oci/digest";
import { parseManifest, type Manifest } from "../../oci/manifest";
import { isManifestType } from "../../oci/media-types";

/** Blobs above this size are read from their place each time. */
const MAX_KEPT = 64 * 1024 * 1024;

/** Where content is kept if nobody says otherwise. */
export function defaultCacheFolder(env: NodeJS.ProcessEnv): string {
  const base = env["XDG_CACHE_HOME"];
  return path.join(
    base !== undefined && path.isAbsolute(base)
      ? base
      : path.join(env["HOME"] ?? homedir(), ".cache"),
    "pulumi-consign",
    "content",
  );
}

/**
 * Content by its digest in a folder that may be deleted at any time. What is read from it is held
 * against its digest, so what was altered there is as good as not there.
 */
export class ContentCache {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async get(digest: Digest): Promise<Uint8Array | undefined> {
    try {
      const bytes = await readFile(this.#fileOf(digest));
      return digestOf(bytes, algorithmOf(digest)) === digest ? bytes : undefined;
    } catch {
      return undefined;
    }
  }

  /** What cannot be kept is read again another time. */
  async put(digest: Digest, bytes: Uint8Array): Promise<void> {
    const file = this.#fileOf(digest);
    const partial = `${file}.${process.pid}.${Math.random().toString(36).slice(2)}`;
    try {
      await mkdir(path.dirname(file), { recursive: true });
      await writeFile(partial, bytes);
      await rename(partial, file);
    } catch {
      await rm(partial, { force: true }).catch(() => undefined);
    }
  }

  #fileOf(digest: Digest): string {
    const hex = hexOf(digest);
    return path.join(this.#folder, algorithmOf(digest), hex.slice(0, 2), hex);
  }
}

/**
 * A store whose content is read from the cache where it is there. Tags, lists of referrers and
 * whether something is there are always asked of the place itself.
 */
export function caching(store: ReadStore, cache: ContentCache): ReadStore {
  return {
    name: store.name,
    resolve: (reference, options) => store.resolve(reference, options),
    has: (target, options) => store.has(target, options),
    tags: (options) => store.tags(options),
    referrers: (subject, options) => store.referrers(subject, options),
    manifest: (target, options) => manifest(store, cache, target, options),
    blob: (target, options) => blob(store, cache, target, options),
  };
}

async function manifest(
  store: ReadStore,
  cache: ContentCache,
  target: Descriptor | TagOrDigest,
  options: CallOptions = {},
): Promise<Manifest> {
  const digest = typeof target === "string" ? target : target.digest;
  if (isDigest(digest) && options.fresh !== true) {
    const bytes = await cache.get(digest);
    const known = bytes === undefined ? undefined : parsed(bytes, digest, target);
    if (known !== undefined) return known;
  }
  const read = await store.manifest(target, options);
  await cache.put(read.descriptor.digest, read.bytes);
  return read;
}

/** A manifest whose media type neither it nor its descriptor tells is asked for. */
function parsed(
  bytes: Uint8Array,
  digest: Digest,
  target: Descriptor | TagOrDigest,
): Manifest | undefined {
  const said = typeof target === "string" ? mediaTypeIn(bytes) : target.mediaType;
  if (said === undefined || !isManifestType(said)) return undefined;
  const known = parseManifest(bytes, said, digest);
  return typeof target === "string" || target.size === known.descriptor.size ? known : undefined;
}

function mediaTypeIn(bytes: Uint8Array): string | undefined {
  const value: unknown = JSON.parse(Buffer.from(bytes).toString("utf8"));
  return typeof value === "object" &&
    value !== null &&
    "mediaType" in value &&
    typeof value.mediaType === "string"
    ? value.mediaType
    : undefined;
}

async function blob(
  store: ReadStore,
  cache: ContentCache,
  target: Descriptor,
  options?: CallOptions,
): Promise<Content> {
  if (target.size > MAX_KEPT) return store.blob(target, options);
  const kept = await cache.get(target.digest);
  if (kept !== undefined) return verifiedWhole(kept, target);
  const bytes = await readSmall(store, target, MAX_KEPT);
  await cache.put(target.digest, bytes);
  return verifiedWhole(bytes, target);
}
