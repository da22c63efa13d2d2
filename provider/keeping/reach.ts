// SPDX-License-Identifier: Apache-2.0
import { forEachBounded } from "../content/bounded";
import { manifestIfThere } from "../content/presence";
import type { ReadStore } from "../content/storage";
import { asConsignError, isConsignError, type ConsignError } from "../errors";
import type { Descriptor } from "../oci/descriptor";
import type { Digest } from "../oci/digest";
import { successorsOf, type Manifest } from "../oci/manifest";
import { isIndexType, isManifestType } from "../oci/media-types";
import type { Counts } from "./leaving";

/** Requests under way at once. */
export const AT_ONCE = 8;

/** Somewhere to start from: a digest, with the name of what holds it. */
export interface Root {
  digest: Digest;
  by: string;
  /** Known not to be an index, so that it contains no other manifest. */
  isLeaf?: boolean | undefined;
  /** Which children count. @default all */
  counts?: Counts | undefined;
}

/** What is there and cannot be read: it may contain anything. */
export interface Unread {
  by: string;
  cause: ConsignError;
}

/** What some roots lead to. */
export interface Reach {
  /** Of each manifest, the first root that leads to it. */
  manifests: Map<Digest, string>;
  unread: Unread[];
}

/** Where the tags of a place lead now. */
export interface TagView {
  tags: Map<string, Descriptor>;
  unread: Unread[];
}

/**
 * Every tag with what it points at, fresh. Tags are listed twice, as one that is left out of one
 * answer may be all that holds something; a tag that was listed is not there only if it is missing
 * twice.
 */
export async function tagsNow(store: ReadStore): Promise<TagView> {
  const view: TagView = { tags: new Map(), unread: [] };
  const listed = new Set<string>();
  for (let look = 0; look < 2; look += 1)
    for (const tag of await store.tags({ fresh: true })) listed.add(tag);
  await forEachBounded(listed, AT_ONCE, async (tag) => {
    try {
      const found = await tagNow(store, tag);
      if (found !== undefined) view.tags.set(tag, found);
    } catch (error) {
      view.unread.push({ by: `the tag ${tag}`, cause: asConsignError(error) });
    }
  });
  return view;
}

/** Where a tag leads now. @returns undefined only if it is gone: looked for twice, fresh */
export async function tagNow(store: ReadStore, tag: string): Promise<Descriptor | undefined> {
  for (let look = 0; look < 2; look += 1) {
    try {
      return await store.resolve(tag, { fresh: true });
    } catch (error) {
      if (!isConsignError(error, "MANIFEST_UNKNOWN")) throw error;
    }
  }
  return undefined;
}

/**
 * All manifests that are contained in some roots, these included. What is missing leads nowhere,
 * after it was looked for twice; an index that cannot be read may lead anywhere.
 * @param stop digests below which nothing counts
 */
export async function reachOf(
  store: ReadStore,
  roots: readonly Root[],
  stop: (digest: Digest) => boolean = () => false,
): Promise<Reach> {
  const reach: Reach = { manifests: new Map(), unread: [] };
  let level = roots;
  while (level.length > 0) {
    const next: Root[] = [];
    const fresh = level.filter(({ digest, by }) => {
      if (reach.manifests.has(digest)) return false;
      reach.manifests.set(digest, by);
      return true;
    });
    await forEachBounded(fresh, AT_ONCE, async ({ digest, by, isLeaf, counts }) => {
      if (isLeaf === true || stop(digest)) return;
      try {
        const manifest = await contentOf(store, digest);
        if (manifest?.kind !== "index") return;
        for (const child of successorsOf(manifest))
          if (counts?.(child, manifest) ?? true)
            next.push({ digest: child.digest, by, isLeaf: isLeafType(child.mediaType), counts });
      } catch (error) {
        reach.unread.push({ by: `${digest} (below ${by})`, cause: asConsignError(error) });
      }
    });
    level = next;
  }
  return reach;
}

/** What a list says of a type is not asked about again where it is no index. */
function isLeafType(mediaType: string): boolean {
  return !isManifestType(mediaType) || !isIndexType(mediaType);
}

/**
 * A manifest's content never changes, so one that was read before will do.
 * @returns undefined only if it is gone
 */
export async function contentOf(store: ReadStore, digest: Digest): Promise<Manifest | undefined> {
  try {
    return await store.manifest(digest);
  } catch (error) {
    if (!isConsignError(error, "MANIFEST_UNKNOWN")) throw error;
    return manifestIfThere(store, digest);
  }
}
