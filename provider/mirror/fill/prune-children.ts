// SPDX-License-Identifier: Apache-2.0
import { isDeepStrictEqual } from "node:util";
import { forEachBounded } from "../../content/bounded";
import type { Store } from "../../content/storage";
import { isConsignError } from "../../errors";
import type { Descriptor } from "../../oci/descriptor";
import type { Digest } from "../../oci/digest";
import type { Manifest } from "../../oci/manifest";
import type { ResourceContext } from "../../world/context";
import { manifestIfPresent, takenBelow, takesOf } from "../choose/children";
import type { FullArtifact, FullPlan } from "../../upcoming/plan";
import type { TakesChild } from "../choose/platforms";
import { TagGraph } from "../../keeping/tag-graph";

/**
 * Takes away the images that a mirrored index had, and that are no longer among its platforms,
 * unless something else holds them: a tag, anything planned, another index, or something that
 * refers to them.
 */
export async function removeLeftOut(
  destination: Store,
  plan: FullPlan,
  before: FullPlan,
  told: Pick<ResourceContext, "warn" | "progress">,
): Promise<void> {
  const dropped = new Map<Digest, Descriptor>();
  for (const [digest, { platforms }] of Object.entries(plan.artifacts) as [
    Digest,
    FullArtifact,
  ][]) {
    const was = before.artifacts[digest];
    if (was === undefined || platforms === undefined || isDeepStrictEqual(was.platforms, platforms))
      continue;
    const index = await manifestIfPresent(destination, digest);
    if (index === undefined) continue;
    const taken = new Set(
      (await takenBelow(destination, index, takesOf(digest, platforms))).map(
        (child) => child.digest,
      ),
    );
    for (const child of await takenBelow(destination, index, takesOf(digest, was.platforms)))
      if (!taken.has(child.digest)) dropped.set(child.digest, child);
  }
  const there = [];
  for (const child of dropped.values()) if (await destination.has(child)) there.push(child);
  if (there.length === 0) return;
  const held = await heldAt(destination, plan);
  for (const child of there) {
    const referrers = held.has(child.digest) ? [] : await referrersOf(destination, child.digest);
    if (referrers.length > 0)
      told.progress(
        `${destination.name}@${child.digest} stays, although it is no longer among the platforms: ${referrers.length} that this mirror did not put there refer to it`,
      );
    if (held.has(child.digest) || referrers.length > 0) continue;
    try {
      await destination.deleteManifest(child);
    } catch (error) {
      if (!isConsignError(error, "REGISTRY_UNSUPPORTED")) throw error;
      return told.warn(
        `what is no longer among the platforms stays at ${destination.name}, which does not delete: ${error.message}`,
      );
    }
  }
}

/** An index holds what the plan takes of it; under a tag of somebody else's, all that it names. */
async function heldAt(destination: Store, plan: FullPlan): Promise<ReadonlySet<Digest>> {
  const held = new Set<Digest>([
    ...Object.values(plan.artifacts).flatMap(({ related }) => Object.keys(related) as Digest[]),
    ...Object.values(plan.cosignTags),
  ]);
  const hold = async (reference: string, takesFor: (root: Digest) => TakesChild): Promise<void> => {
    const manifest = await readable(destination, reference);
    if (manifest === undefined) return;
    const { digest } = manifest.descriptor;
    held.add(digest);
    for (const child of await takenBelow(destination, manifest, takesFor(digest)))
      held.add(child.digest);
  };
  const foreign = (await new TagGraph(destination).tags()).filter(
    (tag) => plan.tags[tag] === undefined,
  );
  await forEachBounded(foreign, 8, (tag) => hold(tag, () => () => true));
  const planned = [...Object.keys(plan.artifacts), ...Object.keys(plan.tags)];
  await forEachBounded(planned, 8, (reference) =>
    hold(reference, (root) => takesOf(root, plan.artifacts[root]?.platforms)),
  );
  return held;
}

/** What nothing refers to is about to go, so an empty list is asked for twice. */
async function referrersOf(destination: Store, digest: Digest): Promise<readonly Descriptor[]> {
  const listed = await destination.referrers(digest, { settled: () => true, fresh: true });
  return listed.length > 0
    ? listed
    : destination.referrers(digest, { settled: () => true, fresh: true });
}

async function readable(destination: Store, reference: string): Promise<Manifest | undefined> {
  try {
    return await manifestIfPresent(destination, reference);
  } catch (error) {
    if (isConsignError(error, "BLOB_UNKNOWN")) return undefined;
    throw error;
  }
}
