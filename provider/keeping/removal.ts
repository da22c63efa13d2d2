// SPDX-License-Identifier: Apache-2.0
import type { Store } from "../content/storage";
import { ConsignError, isConsignError } from "../errors";
import { isSignature } from "../notation/index";
import type { Descriptor } from "../oci/descriptor";
import type { Location } from "../oci/reference";
import type { ResourceContext } from "../world/context";
import { holdingsOf } from "../world/holdings";
import { isOwnSignature, type OwnMarks } from "../signing/own-marks";
import { TagGraph } from "./tag-graph";
import { tagDigest } from "../world/tags";

export type OnDelete = "retain" | "untag" | "purge";

export interface Leaving {
  store: Store;
  location: Location;
  target: Descriptor;
  /** By tag, where the resource had pointed it. Pointing elsewhere it is somebody else's. */
  tags: Readonly<Record<string, readonly string[]>>;
  /**
   * Whose referrers go with it: those that the resource made, or all, as it brought them there
   * itself.
   */
  referrers: OwnMarks | "all";
}

/**
 * Takes an artifact away as `onDelete` says. Its own tags go first. With `purge` the artifact goes
 * too, unless somebody still has it: another resource of this run, a tag that is not its own, an
 * index under a tag, or what others said about it. Then it stays as it is, with a warning.
 */
export async function removeArtifact(
  leaving: Leaving,
  onDelete: OnDelete,
  context: ResourceContext,
): Promise<void> {
  if (onDelete === "retain") return;
  const { store, location, target, referrers } = leaving;
  const stuck = await removeTags(leaving, onDelete, context);
  if (onDelete === "untag" || (await holdingsOf(context).has(location, target.digest))) return;
  const graph = new TagGraph(store);
  const others = (await graph.tags()).filter((tag) => !stuck.includes(tag));
  const holder = (await graph.below(others)).get(target.digest);
  if (holder !== undefined) {
    context.warn(
      `${store.name}@${target.digest} is not purged, as the tag ${holder}, which is not this resource's, still has it${stuck.length === 0 ? "" : `; ${stuck.join(", ")} stays too, as this registry does not remove a tag alone`}`,
    );
    return;
  }
  if (referrers === "all") return purge(store, target);
  const found = await store.referrers(target.digest, { fresh: true });
  const foreign = found.filter(
    (referrer) => !isSignature(referrer) || !isOwnSignature(referrer, referrers),
  );
  if (foreign.length > 0) {
    context.warn(
      `${store.name}@${target.digest} is not purged, as ${foreign.length} that this resource did not make refer to it (${foreign[0]?.digest ?? ""}${foreign.length > 1 ? " and others" : ""}): remove them first, if they are to go`,
    );
    return;
  }
  for (const signature of found) await deleteManifest(store, signature);
  await deleteManifest(store, target);
}

/** @returns tags that this registry removes with their manifest only */
async function removeTags(
  { store, location, tags }: Leaving,
  onDelete: OnDelete,
  context: ResourceContext,
): Promise<string[]> {
  const stuck: string[] = [];
  for (const [tag, own] of Object.entries(tags)) {
    if (await holdingsOf(context).hasTag(location, tag)) continue;
    const now = await tagDigest(store, tag);
    if (now === undefined || !own.includes(now)) continue;
    try {
      await store.untag(tag);
    } catch (error) {
      if (onDelete !== "purge" || !isConsignError(error, "REGISTRY_UNSUPPORTED")) throw error;
      stuck.push(tag);
    }
  }
  return stuck;
}

/**
 * Removes a manifest and everything that refers to it, deepest first, so that nothing is ever left
 * pointing at nothing.
 */
export async function purge(store: Store, target: Descriptor, depth = 0): Promise<void> {
  if (depth > 32)
    throw new ConsignError(
      "GRAPH_TOO_DEEP",
      `referrers of ${target.digest} are nested more than 32 deep`,
      { reference: store.name },
    );
  for (const referrer of await store.referrers(target.digest))
    await purge(store, referrer, depth + 1);
  await deleteManifest(store, target);
}

/** What is gone already is fine. */
export async function deleteManifest(store: Store, target: Descriptor): Promise<void> {
  try {
    await store.deleteManifest(target);
  } catch (error) {
    if (!isConsignError(error, "MANIFEST_UNKNOWN")) throw error;
  }
}
