// SPDX-License-Identifier: Apache-2.0
import type { z } from "zod";
import { canonicalJson } from "../../claims/index";
import { bytesBlob, packManifest, type BlobSource, type PackedArtifact } from "../../content/pack";
import type { ReadStore, Store } from "../../content/storage";
import { readSmall } from "../../content/verify";
import { isConsignError } from "../../errors";
import { untold } from "../../keeping/leaving";
import { contentOf } from "../../keeping/reach";
import { removeManifests, removeTags } from "../../keeping/remove";
import type { ResourceContext } from "../../world/context";
import { tagDigest } from "../../world/tags";
import { digestOf, hexOf, type Digest } from "../../oci/digest";
import { artifactTypeOf } from "../../oci/manifest";
import {
  exceptionsOf,
  mirrorPlanSchema,
  readPlan,
  recordPlan,
  type FullPlan,
  type MirrorPlan,
} from "../../upcoming/plan";
import { sortedByKey } from "../../upcoming/related";

/**
 * Artifact type of an inventory: all that a large mirror's plan says, kept beside what it is about.
 */
export const INVENTORY_TYPE = "application/vnd.consign.mirror.inventory.v1+json";
/** What registries answer to a manifest of which they do not have everything. */
const LACKS_BLOB = ["BLOB_UNKNOWN", "MANIFEST_INVALID", "REGISTRY_FAILED"] as const;
const MAX_INVENTORY = 64 * 1024 * 1024;
/** A summary names its tags too where they are few, since other resources ask for them. */
const FEW_TAGS = 50;

const inventorySchema = mirrorPlanSchema.pick({ tags: true, artifacts: true, cosignTags: true });

/** Deterministic: the same plan has the same inventory, with the same digest. */
export function packInventory(plan: FullPlan): PackedArtifact {
  const { tags, artifacts, cosignTags } = recordPlan(plan);
  const text = canonicalJson({
    tags,
    artifacts,
    ...(cosignTags === undefined ? {} : { cosignTags }),
  } satisfies z.infer<typeof inventorySchema>);
  return packManifest({
    artifactType: INVENTORY_TYPE,
    layers: [bytesBlob(Buffer.from(text), INVENTORY_TYPE)],
  });
}

/** A plan as it is recorded where it is too large to be read line by line. */
export function summarize(plan: FullPlan, inventory: Digest): MirrorPlan {
  const related: Record<string, number> = {};
  for (const artifact of Object.values(plan.artifacts))
    for (const { type } of Object.values(artifact.related))
      related[type] = (related[type] ?? 0) + 1;
  const tags = Object.keys(plan.tags).length;
  const few = tags <= FEW_TAGS && Object.keys(plan.artifacts).length <= FEW_TAGS;
  const artifacts = Object.entries(plan.artifacts).map(
    ([digest, { mediaType, size, platforms, without }]) => [
      digest,
      {
        mediaType,
        size,
        ...(platforms === undefined ? {} : { platforms: [...platforms] }),
        ...(without === undefined ? {} : { without: [...without] }),
      },
    ],
  );
  return {
    tags: few ? sortedByKey(plan.tags) : {},
    artifacts: few ? sortedByKey(Object.fromEntries(artifacts) as MirrorPlan["artifacts"]) : {},
    ...exceptionsOf(plan),
    summary: {
      inventory,
      tags,
      artifacts: Object.keys(plan.artifacts).length,
      related: sortedByKey(related),
    },
  };
}

/**
 * The tag that keeps an inventory from being collected as garbage: one for each mirror that writes
 * to a place.
 */
export function inventoryTag(source: string, selection: unknown): string {
  return `consign-inventory-${hexOf(digestOf(canonicalJson({ source, selection: JSON.stringify(selection) }))).slice(0, 12)}`;
}

/** @param follows another one is there, and so is the empty config that all of them have */
export async function writeInventory(
  store: Store,
  plan: FullPlan,
  tag: string,
  follows: boolean,
): Promise<void> {
  const { manifest, blobs } = packInventory(plan);
  const [config, ...layers] = blobs;
  const push = ({ descriptor, open }: BlobSource): Promise<boolean> =>
    store.pushBlob(descriptor, open, { absent: descriptor.mediaType === INVENTORY_TYPE });
  for (const blob of follows ? layers : blobs) await push(blob);
  try {
    await store.tag(manifest, tag);
  } catch (error) {
    // Some stores tag only what they have; for a registry, setting the tag is storing it.
    if (!isConsignError(error, "MANIFEST_UNKNOWN", ...(follows ? LACKS_BLOB : []))) throw error;
    if (config !== undefined) await push(config);
    await store.pushManifest(manifest);
    await store.tag(manifest, tag);
  }
}

/**
 * Reads an inventory back. @returns undefined if the place does not have it, or has something else
 * in its stead
 */
export async function readInventory(
  store: ReadStore,
  digest: Digest,
): Promise<FullPlan | undefined> {
  try {
    const manifest = await store.manifest(digest);
    const layer = manifest.kind === "manifest" ? manifest.value.layers[0] : undefined;
    if (layer === undefined || artifactTypeOf(manifest) !== INVENTORY_TYPE) return undefined;
    const text = new TextDecoder("utf-8", { fatal: true }).decode(
      await readSmall(store, layer, MAX_INVENTORY),
    );
    const parsed = inventorySchema.safeParse(readJson(text));
    return parsed.success ? readPlan(parsed.data) : undefined;
  } catch (error) {
    if (isConsignError(error, "MANIFEST_UNKNOWN", "BLOB_UNKNOWN", "STATE_INVALID"))
      return undefined;
    throw error;
  }
}

/** Whether a place has the inventory that a plan stands for; one in full stands for none. */
export async function hasInventory(store: ReadStore, { summary }: MirrorPlan): Promise<boolean> {
  if (summary === undefined) return true;
  try {
    return (await store.resolve(summary.inventory)).digest === summary.inventory;
  } catch (error) {
    if (isConsignError(error, "MANIFEST_UNKNOWN")) return false;
    throw error;
  }
}

/**
 * Takes an inventory away, and nothing that is not one. Its tag is the mirror's by its name, and
 * what is under it is made by nobody else.
 */
export async function removeInventory(
  store: Store,
  tag: string,
  clock: Pick<ResourceContext, "now">,
): Promise<void> {
  const digest = await tagDigest(store, tag, { fresh: true });
  const manifest = digest === undefined ? undefined : await contentOf(store, digest);
  if (digest === undefined || manifest === undefined || artifactTypeOf(manifest) !== INVENTORY_TYPE)
    return;
  // Not every registry can remove a tag alone, and not every one removes it with its manifest.
  const { stuck } = await removeTags(store, new Map([[tag, [digest]]]));
  const result = await removeManifests(
    { store, manifests: new Map([[digest, {}]]), isOwnTag: (each) => stuck.has(each) },
    clock,
  );
  const failure = untold(result);
  if (failure !== undefined) throw failure;
}

/** What is no JSON is no inventory, and is told as such. */
function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
