// SPDX-License-Identifier: Apache-2.0
import type { Store } from "../content/storage";
import { ConsignError, isConsignError } from "../errors";
import type { Descriptor } from "../oci/descriptor";
import type { Digest } from "../oci/digest";
import { tagDigest } from "./tagging";

export type OnDelete = "retain" | "untag" | "purge";

/**
 * Takes an artifact away as `onDelete` says. A tag that points elsewhere by now is somebody else's. With `purge`, everything that refers
 * to the artifact goes with it, deepest first, but nothing goes while a tag that is not ours still holds the artifact.
 */
export async function removeArtifact(store: Store, target: Descriptor, tags: readonly string[], onDelete: OnDelete): Promise<void> {
  if (onDelete === "retain") return;
  if (onDelete === "purge") {
    const others = await foreignTags(store, target.digest, tags);
    if (others.length > 0) {
      throw new ConsignError("TAG_MOVED", `${target.digest} is not purged, as other tags still point at it (${others.slice(0, 5).join(", ")}): remove them, or set onDelete to "untag"`, { reference: store.name });
    }
  }
  for (const tag of tags) {
    if ((await tagDigest(store, tag)) === target.digest) await store.untag(tag);
  }
  if (onDelete === "purge") await purge(store, target);
}

/** Removes a manifest and everything that refers to it, deepest first, so that nothing is ever left pointing at nothing. */
export async function purge(store: Store, target: Descriptor, depth = 0): Promise<void> {
  if (depth > 32) throw new ConsignError("GRAPH_TOO_DEEP", `referrers of ${target.digest} are nested more than 32 deep`, { reference: store.name });
  for (const referrer of await store.referrers(target.digest)) await purge(store, referrer, depth + 1);
  try {
    await store.deleteManifest(target);
  } catch (error) {
    if (!isConsignError(error, "MANIFEST_UNKNOWN")) throw error;
  }
}

async function foreignTags(store: Store, digest: Digest, own: readonly string[]): Promise<string[]> {
  const others = (await store.tags()).filter((tag) => !own.includes(tag));
  const held: string[] = [];
  for (const tag of others) if ((await tagDigest(store, tag)) === digest) held.push(tag);
  return held;
}
