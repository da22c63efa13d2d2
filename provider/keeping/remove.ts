// SPDX-License-Identifier: Apache-2.0
import { presenceOf } from "../content/presence";
import type { Store } from "../content/storage";
import { isConsignError, type ConsignError, type ErrorCode } from "../errors";
import type { Digest } from "../oci/digest";
import type { Manifest } from "../oci/manifest";
import type { Leaving, Removed } from "./leaving";
import { whoNeeds } from "./needed";
import { removalOrder } from "./order";
import { tagNow } from "./reach";

/** For so long what a look around has found counts. */
export const LOOK_LASTS_MS = 30_000;

/** What a registry says to the removal of an index's part while the index is there. */
const NOT_YET: readonly ErrorCode[] = [
  "REGISTRY_UNSUPPORTED",
  "REGISTRY_DENIED",
  "REGISTRY_RESPONSE_INVALID",
];

interface Clock {
  now(): Date;
}

/**
 * Takes manifests away that nobody needs, what refers to something before that. Who needs them is
 * asked right before, and again whenever that has taken too long.
 * @throws ConsignError what the registry answers to a removal, but for `REGISTRY_UNSUPPORTED`: then
 * everything that is left is kept
 */
export async function removeManifests(leaving: Leaving, clock: Clock): Promise<Removed> {
  const result: Removed = { removed: [], gone: [], kept: [] };
  const left = new Map(leaving.manifests);
  while (left.size > 0) {
    const asked = clock.now().getTime();
    const { free, gone, kept } = await whoNeeds({ ...leaving, manifests: left });
    for (const digest of gone) {
      result.gone.push(digest);
      left.delete(digest);
    }
    for (const each of kept.values()) {
      result.kept.push(each);
      left.delete(each.digest);
    }
    const batch = await removeFree(leaving, free, () => clock.now().getTime() - asked);
    for (const digest of batch.removed) left.delete(digest);
    result.removed.push(...batch.removed);
    const { refusal } = batch;
    if (refusal !== undefined && (!batch.isOnlyOfParts || batch.removed.length === 0))
      return stopped(result, left, refusal);
  }
  return result;
}

function stopped(
  result: Removed,
  left: ReadonlyMap<Digest, unknown>,
  cause: ConsignError | undefined,
): Removed {
  const reason = cause?.message ?? "the registry does not remove it";
  const kept = [...left.keys()].map((digest) => ({
    digest,
    reason,
    ...(cause === undefined ? {} : { cause }),
  }));
  return { ...result, kept: [...result.kept, ...kept] };
}

interface Batch {
  removed: Digest[];
  refusal?: ConsignError;
  /** Parts of an index were refused, and nothing else: some registries keep them as long as it. */
  isOnlyOfParts: boolean;
}

/** Removes what one look around has found free, for as long as that counts. */
async function removeFree(
  { store, order }: Leaving,
  free: ReadonlyMap<Digest, Manifest>,
  elapsedMs: () => number,
): Promise<Batch> {
  const batch: Batch = { removed: [], isOnlyOfParts: true };
  const { list, parts } = removalOrder(free, order);
  for (const digest of list) {
    const manifest = free.get(digest);
    if (manifest === undefined) continue;
    if (elapsedMs() > LOOK_LASTS_MS) break;
    try {
      await store.deleteManifest(manifest.descriptor);
    } catch (error) {
      const isPart = order === "parts first" && parts.has(digest);
      if (isPart && isConsignError(error, ...NOT_YET)) batch.refusal = error;
      else if (isConsignError(error, "REGISTRY_UNSUPPORTED"))
        return { ...batch, refusal: error, isOnlyOfParts: false };
      // That may be the answer to something else that its removal takes: to its list's rewriting.
      else if (
        !isConsignError(error, "MANIFEST_UNKNOWN") ||
        (await presenceOf(store, digest)).is !== "gone"
      )
        throw error;
      else batch.removed.push(digest);
      continue;
    }
    batch.removed.push(digest);
  }
  return batch;
}

export interface TagsLeft {
  removed: string[];
  /** Tags that this registry removes with their manifest only; each with where it leads. */
  stuck: Map<string, Digest>;
  refusal?: ConsignError;
}

/**
 * Takes away tags that lead where their owner has left them: elsewhere they are somebody else's.
 * @param tags by tag, where its owner has left it
 * @param holds why somebody else of this run has a tag
 */
export async function removeTags(
  store: Store,
  tags: ReadonlyMap<string, readonly string[]>,
  holds: (tag: string) => Promise<boolean> = async () => false,
): Promise<TagsLeft> {
  const left: TagsLeft = { removed: [], stuck: new Map() };
  for (const [tag, own] of tags) {
    if (await holds(tag)) continue;
    const now = (await tagNow(store, tag))?.digest;
    if (now === undefined || !own.includes(now)) continue;
    try {
      await store.untag(tag);
      left.removed.push(tag);
    } catch (error) {
      if (!isConsignError(error, "REGISTRY_UNSUPPORTED")) throw error;
      left.stuck.set(tag, now);
      left.refusal = error;
    }
  }
  return left;
}

/**
 * With its manifest a tag is gone; but some registries, go-containerregistry for one, go on
 * answering to it.
 */
export async function removeStaleTags(
  store: Store,
  tags: readonly string[],
  removed: readonly Digest[],
): Promise<void> {
  for (const tag of tags) {
    const now = (await tagNow(store, tag))?.digest;
    if (now === undefined || !removed.includes(now)) continue;
    await store.untag(tag).catch((error: unknown) => {
      if (!isConsignError(error, "REGISTRY_UNSUPPORTED")) throw error;
    });
  }
}
