// SPDX-License-Identifier: Apache-2.0
import { forEachBounded } from "../content/bounded";
import { presenceOf } from "../content/presence";
import type { ReadStore, Store } from "../content/storage";
import { asConsignError, isConsignError, type ConsignError } from "../errors";
import type { Descriptor } from "../oci/descriptor";
import { digestOf, type Digest } from "../oci/digest";
import { successorsOf, type Manifest } from "../oci/manifest";
import { isManifestType } from "../oci/media-types";
import type { Kept, Leases, Removed } from "./leaving";
import { AT_ONCE, contentOf, tagsNow } from "./reach";
import { LOOK_LASTS_MS } from "./remove";

/** The empty config and layer, which nearly everything shares. */
const EMPTY = digestOf(Buffer.from("{}"));

/** Blobs that are to go, and what counts of what is at their place. */
export interface LeavingBlobs {
  store: Store;
  blobs: readonly Descriptor[];
  /** Manifests of which nothing counts any more, as they go in the same purge. */
  leaving: ReadonlySet<Digest>;
  /** Manifests that stay without their layers. */
  emptied: ReadonlySet<Digest>;
  /** Manifests that stay although no tag may lead to them: recorded elsewhere. */
  staying: Iterable<Digest>;
  leases?: Leases | undefined;
  /** Why a blob is not due yet: when it was marked says so. */
  notDue: (digest: Digest) => string | undefined;
}

/** Who removes blobs, and where. */
export interface BlobRemoval {
  decision: "purge-content" | "purge" | "release";
  kind: "layout" | "registry";
  freeBlobs: boolean;
}

/** Why blobs stay with the registry's own collector, where they do. */
export function leftToCollector({ decision, kind, freeBlobs }: BlobRemoval): string | undefined {
  if (decision === "purge-content" || kind === "layout" || freeBlobs) return undefined;
  return "its blobs are left to the registry's own collector; freeBlobs takes them away from here";
}

/**
 * Takes blobs away that nothing needs which tags, records or leases lead to, with all that refers to
 * it. Asked right before, and again whenever that has taken too long.
 */
export async function removeBlobs(leaving: LeavingBlobs, clock: { now(): Date }): Promise<Removed> {
  const result: Removed = { removed: [], gone: [], kept: [] };
  const left = new Map<Digest, Descriptor>();
  for (const blob of leaving.blobs) {
    const reason =
      blob.digest === EMPTY ? "nearly everything shares it" : leaving.notDue(blob.digest);
    if (reason === undefined) left.set(blob.digest, blob);
    else result.kept.push({ digest: blob.digest, reason });
  }
  const { store } = leaving;
  while (left.size > 0) {
    // In a layout nobody lists a manifest meanwhile.
    const refusal = await (store.whileLocked?.(() => removeFree(leaving, left, result, clock)) ??
      removeFree(leaving, left, result, clock));
    if (refusal === undefined) continue;
    for (const digest of left.keys())
      result.kept.push({ digest, reason: refusal.message, cause: refusal });
    break;
  }
  return result;
}

/** Looks around, and takes away what is free for as long as that counts. */
async function removeFree(
  leaving: LeavingBlobs,
  left: Map<Digest, Descriptor>,
  result: Removed,
  clock: { now(): Date },
): Promise<ConsignError | undefined> {
  const asked = clock.now().getTime();
  const kept = await neededBlobs(leaving, left);
  result.kept.push(...kept);
  for (const { digest } of kept) left.delete(digest);
  for (const [digest, blob] of left) {
    if (clock.now().getTime() - asked > LOOK_LASTS_MS) break;
    const refusal = await removeOne(leaving.store, blob, result);
    if (refusal !== undefined) return refusal;
    left.delete(digest);
  }
  return undefined;
}

/** Some registries answer to the removal of what is not there as if they had failed. */
async function removeOne(
  store: Store,
  blob: Descriptor,
  result: Removed,
): Promise<ConsignError | undefined> {
  try {
    await store.deleteBlob(blob);
    result.removed.push(blob.digest);
  } catch (error) {
    if (isConsignError(error, "REGISTRY_UNSUPPORTED", "REGISTRY_DENIED")) return error;
    if ((await presenceOf(store, blob)).is !== "gone") throw error;
    result.gone.push(blob.digest);
  }
  return undefined;
}

/** Which of these something needs, and what. */
async function neededBlobs(
  leaving: LeavingBlobs,
  blobs: ReadonlyMap<Digest, Descriptor>,
): Promise<Kept[]> {
  const kept = new Map<Digest, Kept>();
  const keep = (digest: Digest, reason: string, cause?: ConsignError): void => {
    if (blobs.has(digest) && !kept.has(digest))
      kept.set(digest, { digest, reason, ...(cause === undefined ? {} : { cause }) });
  };
  const keepAll = (reason: string, error: unknown): void => {
    for (const digest of blobs.keys()) keep(digest, reason, asConsignError(error));
  };
  try {
    const roots = await rootsOf(leaving);
    for (const { by, cause } of roots.unread)
      keepAll(`${by} cannot be read, and may need it`, cause);
    await walkAll(leaving.store, roots.digests, {
      seen: (manifest, by) => {
        const { digest } = manifest.descriptor;
        for (const part of countingParts(manifest, leaving))
          keep(part.digest, `${digest} needs it, which ${by} leads to`);
      },
      named: (digest, by) => keep(digest, `${by} names it`),
      unread: (digest, cause) => keepAll(`${digest} cannot be read, and may need it`, cause),
    });
  } catch (error) {
    keepAll("it cannot be told what needs it", error);
  }
  return [...kept.values()];
}

interface BlobRoots {
  digests: Map<Digest, string>;
  unread: { by: string; cause: ConsignError }[];
}

/** Nothing is counted before the leases are read: who writes one uploads after that. */
async function rootsOf({ store, staying, leases }: LeavingBlobs): Promise<BlobRoots> {
  const digests = new Map<Digest, string>();
  for (const [digest, lease] of (await leases?.(store)) ?? [])
    digests.set(digest, `lease ${lease}`);
  const { tags, unread } = await tagsNow(store);
  for (const [tag, { digest }] of tags) if (!digests.has(digest)) digests.set(digest, `tag ${tag}`);
  for (const digest of staying) if (!digests.has(digest)) digests.set(digest, "a record");
  return { digests, unread };
}

function countingParts(
  manifest: Manifest,
  { leaving, emptied }: LeavingBlobs,
): readonly Descriptor[] {
  const { digest } = manifest.descriptor;
  if (leaving.has(digest) || manifest.kind === "index") return [];
  return emptied.has(digest) ? [manifest.value.config] : successorsOf(manifest);
}

interface Visitor {
  seen: (manifest: Manifest, by: string) => void;
  /** A digest, be it of a blob, that a root names. */
  named: (digest: Digest, by: string) => void;
  unread: (digest: Digest, cause: ConsignError) => void;
}

/** Everything that roots lead to: parts, and what refers to any of it. */
async function walkAll(
  store: ReadStore,
  roots: ReadonlyMap<Digest, string>,
  visitor: Visitor,
): Promise<void> {
  const done = new Set<Digest>();
  for (let level = new Map(roots); level.size > 0;) {
    const next = new Map<Digest, string>();
    await forEachBounded(level, AT_ONCE, async ([digest, by]) => {
      if (done.has(digest)) return;
      done.add(digest);
      visitor.named(digest, by);
      try {
        const manifest = await contentOf(store, digest);
        if (manifest === undefined) return;
        visitor.seen(manifest, by);
        for (const part of successorsOf(manifest))
          if (isManifestType(part.mediaType)) next.set(part.digest, by);
        for (let look = 0; look < 2; look += 1)
          for (const referrer of await store.referrers(digest, {
            fresh: true,
            settled: () => true,
          }))
            next.set(referrer.digest, by);
      } catch (error) {
        visitor.unread(digest, asConsignError(error));
      }
    });
    level = next;
  }
}
