// SPDX-License-Identifier: Apache-2.0
import type { ReadStore, ReferrersOptions, Store } from "../content/storage";
import { ConsignError, isConsignError } from "../errors";
import type { Descriptor } from "../oci/descriptor";
import type { Digest } from "../oci/digest";
import { successorsOf, type Manifest } from "../oci/manifest";
import { MEDIA_TYPES, isIndexType, isManifestType } from "../oci/media-types";
import { archiveTag } from "./record";
import { TagGraph } from "../keeping/tag-graph";
import { tagDigest } from "../world/tags";

const MAX_MANIFESTS = 1_000_000;

/** A manifest and what it needs, found from an artifact; what is missing already is left out. */
interface Held {
  manifest: Manifest;
  /** Steps over referrers from the artifact or one of its parts. */
  referrerDepth: number;
}

/**
 * Everything that belongs to an artifact: itself, its parts, and all that refers to any of them. A
 * purge that was cut short may have left holes.
 */
async function holdings(
  store: ReadStore,
  root: Digest,
  options: ReferrersOptions = {},
): Promise<Map<Digest, Held>> {
  const found = new Map<Digest, Held>();
  let level: { digest: Digest; referrerDepth: number }[] = [{ digest: root, referrerDepth: 0 }];
  while (level.length > 0) {
    const next: typeof level = [];
    for (const { digest, referrerDepth } of level) {
      if (found.has(digest)) continue;
      if (found.size >= MAX_MANIFESTS)
        throw new ConsignError(
          "GRAPH_TOO_LARGE",
          `more than ${MAX_MANIFESTS} manifests belong to ${store.name}@${root}`,
          { side: "archive" },
        );
      const manifest = await ifThere(() => store.manifest(digest));
      if (manifest === undefined) continue;
      found.set(digest, { manifest, referrerDepth });
      for (const child of successorsOf(manifest))
        if (isManifestType(child.mediaType)) next.push({ digest: child.digest, referrerDepth });
      for (const referrer of await store.referrers(digest, options))
        next.push({ digest: referrer.digest, referrerDepth: referrerDepth + 1 });
    }
    level = next;
  }
  return found;
}

async function ifThere<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (isConsignError(error, "MANIFEST_UNKNOWN")) return undefined;
    throw error;
  }
}

function blobsOf({ manifest }: Held): Descriptor[] {
  return successorsOf(manifest).filter(({ mediaType }) => !isManifestType(mediaType));
}

/** What other artifacts of a repository are made of, going by everything that its tags lead to. */
export interface InUse {
  has(digest: Digest): boolean;
}

/**
 * Everything that the tags of a repository lead to, but for some artifacts and what only they lead
 * to.
 */
export async function inUseBeside(store: ReadStore, but: ReadonlySet<Digest>): Promise<InUse> {
  const used = new Set<Digest>();
  const roots = new Set<Digest>();
  for (const tag of await store.tags()) {
    const descriptor = await ifThere(() => store.resolve(tag));
    if (descriptor !== undefined && !but.has(descriptor.digest)) roots.add(descriptor.digest);
  }
  for (const root of roots) {
    if (used.has(root)) continue;
    for (const [digest, held] of await holdings(store, root)) {
      used.add(digest);
      for (const blob of blobsOf(held)) used.add(blob.digest);
    }
  }
  return used;
}

/** Says of which index an artifact is a part, if it is of any. */
export type IndexWith = (part: Digest) => Promise<string | undefined>;

/**
 * The indexes at a source: without its parts an index is worth nothing to whoever pulls it.
 * @param known indexes there that may have no tag any more
 */
export async function indexesAt(store: ReadStore, known: readonly Digest[]): Promise<IndexWith> {
  const graph = new TagGraph(store);
  const indexes = new Map<string, Digest>(known.map((digest) => [digest, digest]));
  for (const tag of await graph.tags()) {
    const descriptor = await ifThere(() => store.resolve(tag));
    if (descriptor !== undefined && isIndexType(descriptor.mediaType))
      indexes.set(tag, descriptor.digest);
  }
  return async (part) =>
    (
      await graph.below(
        [...indexes].flatMap(([reference, digest]) => (digest === part ? [] : [reference])),
      )
    ).get(part);
}

/** What a purge could not take away, one line each. */
export type Leftovers = string[];

/**
 * Takes an artifact out of its repository, with everything that refers to it, deepest first. What
 * other artifacts use stays. The artifact's own manifest, and with it its tags, goes last, so that
 * a run that is cut short finds the rest again. What is itself a part of one that stays loses its
 * tag only, and goes with that.
 */
export async function purgeArtifact(
  store: Store,
  root: Descriptor,
  inUse: InUse,
): Promise<Leftovers> {
  if (inUse.has(root.digest)) return removeTag(store, archiveTag(root.digest));
  const found = await holdings(store, root.digest);
  const own = [...found].filter(([digest]) => !inUse.has(digest));
  const kept = new Set(
    [...found]
      .filter(([digest]) => inUse.has(digest))
      .flatMap(([, held]) => blobsOf(held).map(({ digest }) => digest)),
  );
  const referrers = own
    .filter(([, { referrerDepth }]) => referrerDepth > 0)
    .sort(([, a], [, b]) => b.referrerDepth - a.referrerDepth);
  for (const [, { manifest }] of referrers) await remove(store, manifest.descriptor);
  const blobs = new Map(
    own.flatMap(([, held]) => blobsOf(held)).map((blob) => [blob.digest, blob]),
  );
  const leftovers = await removeBlobs(
    store,
    [...blobs.values()].filter(({ digest }) => !inUse.has(digest) && !kept.has(digest)),
  );
  const parts = own.filter(
    ([digest, { referrerDepth }]) => referrerDepth === 0 && digest !== root.digest,
  );
  const refused: Descriptor[] = [];
  // Some registries keep an index's parts for as long as the index is there.
  for (const [, { manifest }] of parts) {
    try {
      await remove(store, manifest.descriptor);
    } catch (error) {
      if (
        !isConsignError(
          error,
          "REGISTRY_UNSUPPORTED",
          "REGISTRY_DENIED",
          "REGISTRY_RESPONSE_INVALID",
        )
      )
        throw error;
      refused.push(manifest.descriptor);
    }
  }
  await removeNamed(store, root, [archiveTag(root.digest)]);
  for (const part of refused) await remove(store, part);
  return leftovers;
}

async function removeTag(store: Store, tag: string): Promise<Leftovers> {
  try {
    await store.untag(tag);
    return ["it stays as a part of what is kept, without a tag of its own"];
  } catch (error) {
    if (!isConsignError(error, "REGISTRY_UNSUPPORTED", "REGISTRY_DENIED")) throw error;
    return [`it stays as a part of what is kept: ${error.message}`];
  }
}

/**
 * Takes away an artifact's layers, and those of its parts. Manifests, configs and everything that
 * refers to it stay, and so does what others use.
 */
export async function purgeContent(
  store: Store,
  root: Descriptor,
  inUse: InUse,
): Promise<Leftovers> {
  const found = [...(await holdings(store, root.digest)).values()];
  const kept = new Set(
    found
      .flatMap((held) =>
        held.referrerDepth > 0
          ? blobsOf(held)
          : held.manifest.kind === "manifest"
            ? [held.manifest.value.config]
            : [],
      )
      .map(({ digest }) => digest),
  );
  const layers = found.flatMap(({ manifest, referrerDepth }) =>
    referrerDepth === 0 && manifest.kind === "manifest" ? manifest.value.layers : [],
  );
  const unique = new Map(
    layers
      .filter(({ mediaType }) => mediaType !== MEDIA_TYPES.empty)
      .map((layer) => [layer.digest, layer]),
  );
  const going = [...unique.values()].filter(
    ({ digest }) => !kept.has(digest) && !inUse.has(digest),
  );
  if (unique.size > 0 && going.length === 0) return ["all of it belongs to others that are kept"];
  return removeBlobs(store, going);
}

async function removeBlobs(store: Store, blobs: readonly Descriptor[]): Promise<Leftovers> {
  for (const blob of blobs) {
    try {
      await store.deleteBlob(blob);
    } catch (error) {
      if (!isConsignError(error, "REGISTRY_UNSUPPORTED", "REGISTRY_DENIED")) throw error;
      return [error.message];
    }
  }
  return [];
}

/**
 * Takes an artifact out of a source that others use too: what refers to it, deepest first, then its
 * own manifest. Its parts may belong to what has no tag and cannot be seen, so they are left to the
 * registry's own tidying.
 * @param tags that it had there when it was looked at last
 * @param proven what the archive is known to have
 * @returns what has come since that was proven, for which all of it stays
 */
export async function releaseArtifact(
  store: Store,
  root: Descriptor,
  tags: readonly string[],
  proven: Pick<ReadonlySet<Digest>, "has">,
): Promise<Digest | undefined> {
  const found = await holdings(store, root.digest, { fresh: true });
  const late = [...found.keys()].find((digest) => !proven.has(digest));
  if (late !== undefined) return late;
  const referring = [...found].filter(
    ([digest, { referrerDepth }]) =>
      digest !== root.digest && referrerDepth > 0 && refersTo(found, digest, root.digest),
  );
  for (const [, { manifest }] of referring.sort(
    ([, a], [, b]) => b.referrerDepth - a.referrerDepth,
  ))
    await remove(store, manifest.descriptor);
  await removeNamed(store, root, tags);
  return undefined;
}

/**
 * Whether the way over subjects from a referrer ends at the artifact itself, rather than at one of
 * its parts.
 */
function refersTo(
  found: ReadonlyMap<Digest, Held>,
  digest: Digest,
  root: Digest,
  bound = 32,
): boolean {
  const subject = found.get(digest)?.manifest.value.subject?.digest;
  if (subject === undefined || bound === 0) return false;
  return subject === root || refersTo(found, subject, root, bound - 1);
}

/**
 * With its manifest its tags are gone; but some registries, go-containerregistry for one, go on
 * answering to them.
 */
async function removeNamed(store: Store, root: Descriptor, tags: readonly string[]): Promise<void> {
  await remove(store, root);
  for (const tag of tags) if ((await tagDigest(store, tag)) === root.digest) await store.untag(tag);
}

async function remove(store: Store, target: Descriptor): Promise<void> {
  try {
    await store.deleteManifest(target);
  } catch (error) {
    if (!isConsignError(error, "MANIFEST_UNKNOWN")) throw error;
  }
}
