// SPDX-License-Identifier: Apache-2.0
import { forEachBounded } from "../content/bounded";
import type { Store } from "../content/storage";
import { isConsignError } from "../errors";
import type { Digest } from "../oci/digest";
import { successorsOf, type Manifest } from "../oci/manifest";
import { isManifestType } from "../oci/media-types";
import type { ResourceContext } from "./context";
import type { FullArtifact, FullPlan } from "./mirror-plan";
import { distanceOf } from "./mirror-related";
import { tagDigest } from "./tagging";

/**
 * Takes away what a mirror had put somewhere and no longer plans. What others put beside it stays, and so does whatever they still hold on
 * to: by a tag, by an index under a tag, or by something that refers to it.
 */
export async function removeUnplanned(destination: Store, plan: FullPlan, before: FullPlan, { progress, warn }: Pick<ResourceContext, "progress" | "warn">): Promise<void> {
  const say = (message: string): void => progress(message);
  const unmovable = await removeTags(destination, plan, before);
  const holders = new Holders(destination, plan);
  for (const [digest, artifact] of Object.entries(before.artifacts) as [Digest, FullArtifact][]) {
    const wanted = plan.artifacts[digest];
    const dropped = (Object.keys(artifact.related) as Digest[]).filter((related) => wanted?.related[related] === undefined);
    dropped.sort((a, b) => distanceOf(artifact.related, b) - distanceOf(artifact.related, a) || (a < b ? -1 : 1));
    for (const related of dropped) await removeUnreferred(destination, related, say);
    if (wanted === undefined) await removeArtifact(destination, digest, holders, say);
  }
  const cosign = Object.entries(before.cosignTags).filter(([tag, digest]) => plan.cosignTags[tag] === undefined && !Object.values(plan.cosignTags).includes(digest));
  for (const [, digest] of cosign) if (!(await holders.hold(digest))) await removeUnreferred(destination, digest, say);
  for (const [tag, digest] of unmovable) {
    if ((await tagDigest(destination, tag)) === digest) warn(`${destination.name}:${tag} stays: the registry cannot remove a tag alone, and ${digest}, to which it points, stays there too`);
  }
}

/** A tag that somebody has moved since is theirs. @returns tags that cannot go alone, and go with their manifests if these go */
async function removeTags(destination: Store, plan: FullPlan, before: FullPlan): Promise<[tag: string, at: Digest][]> {
  const unmovable: [string, Digest][] = [];
  for (const [tag, digest] of Object.entries({ ...before.tags, ...before.cosignTags })) {
    if (plan.tags[tag] !== undefined || plan.cosignTags[tag] !== undefined || (await tagDigest(destination, tag)) !== digest) continue;
    try {
      await destination.untag(tag);
    } catch (error) {
      if (!isConsignError(error, "REGISTRY_UNSUPPORTED") || plan.artifacts[digest] !== undefined) throw error;
      unmovable.push([tag, digest]);
    }
  }
  return unmovable;
}

async function removeArtifact(destination: Store, digest: Digest, holders: Holders, say: (message: string) => void): Promise<void> {
  if (await holders.hold(digest)) return;
  const manifest = await present(destination, digest);
  if (manifest === undefined || !(await removeUnreferred(destination, digest, say))) return;
  const children = manifest.kind === "index" ? successorsOf(manifest).filter((child) => isManifestType(child.mediaType)) : [];
  for (const child of children) if (!(await holders.hold(child.digest))) await removeArtifact(destination, child.digest, holders, say);
}

/** Removes a manifest unless something still refers to it. @returns whether it is gone */
async function removeUnreferred(store: Store, digest: Digest, say: (message: string) => void): Promise<boolean> {
  const referrers = await store.referrers(digest, { settled: () => true });
  if (referrers.length > 0) {
    say(`${store.name}@${digest} stays, although it is no longer mirrored: ${referrers.length} that this mirror did not put there refer to it`);
    return false;
  }
  try {
    await store.deleteManifest(await store.resolve(digest));
  } catch (error) {
    if (!isConsignError(error, "MANIFEST_UNKNOWN")) throw error;
  }
  return true;
}

async function present(store: Store, digest: Digest): Promise<Manifest | undefined> {
  try {
    return await store.manifest(await store.resolve(digest));
  } catch (error) {
    if (isConsignError(error, "MANIFEST_UNKNOWN")) return undefined;
    throw error;
  }
}

/** Everything that some tag at a place, or the plan, still needs. Found out once, and only if something is to be removed. */
class Holders {
  #held: Promise<ReadonlySet<Digest>> | undefined;

  constructor(
    private readonly store: Store,
    private readonly plan: FullPlan,
  ) {}

  async hold(digest: Digest): Promise<boolean> {
    this.#held ??= this.#find();
    return (await this.#held).has(digest);
  }

  async #find(): Promise<ReadonlySet<Digest>> {
    const held = new Set<Digest>();
    const roots = [...(await this.store.tags()), ...Object.keys(this.plan.artifacts)];
    const visit = async (reference: string): Promise<void> => {
      const manifest = await this.#manifest(reference);
      if (manifest === undefined || held.has(manifest.descriptor.digest)) return;
      held.add(manifest.descriptor.digest);
      if (manifest.kind === "index") for (const child of manifest.value.manifests) await visit(child.digest);
    };
    await forEachBounded(roots, 8, visit);
    return held;
  }

  async #manifest(reference: string): Promise<Manifest | undefined> {
    try {
      return await this.store.manifest(reference);
    } catch (error) {
      if (isConsignError(error, "MANIFEST_UNKNOWN", "BLOB_UNKNOWN")) return undefined;
      throw error;
    }
  }
}
