// SPDX-License-Identifier: Apache-2.0
import { manifestIfThere } from "../content/presence";
import type { ReadStore } from "../content/storage";
import { ConsignError, isConsignError } from "../errors";
import type { Digest } from "../oci/digest";
import type { Manifest } from "../oci/manifest";
import { isIndexType, isManifestType } from "../oci/media-types";

const MAX_PARTS = 100_000;

/**
 * Everything that an index contains, at any depth, as the index says: a part that is missing was
 * meant all the same.
 */
export async function partsOf(store: ReadStore, index: Digest): Promise<Set<Digest>> {
  const parts = new Set<Digest>();
  for (let level = [index]; level.length > 0;) {
    const next: Digest[] = [];
    for (const digest of level) {
      const manifest = await content(store, digest);
      if (manifest?.kind !== "index") continue;
      for (const part of manifest.value.manifests) {
        if (!isManifestType(part.mediaType) || parts.has(part.digest)) continue;
        parts.add(part.digest);
        if (isIndexType(part.mediaType)) next.push(part.digest);
      }
      if (parts.size > MAX_PARTS)
        throw new ConsignError(
          "GRAPH_TOO_LARGE",
          `more than ${MAX_PARTS} manifests belong to ${store.name}@${index}`,
        );
    }
    level = next;
  }
  return parts;
}

/** What a digest names never changes, so one that was read before will do. */
async function content(store: ReadStore, digest: Digest): Promise<Manifest | undefined> {
  try {
    return await store.manifest(digest);
  } catch (error) {
    if (!isConsignError(error, "MANIFEST_UNKNOWN")) throw error;
    return manifestIfThere(store, digest);
  }
}
