// SPDX-License-Identifier: Apache-2.0
import { copy } from "../content/copy";
import type { ReadStore, Store } from "../content/storage";
import { ConsignError, isConsignError } from "../errors";
import type { Descriptor } from "../oci/descriptor";
import type { Digest } from "../oci/digest";
import type { ResourceContext } from "./context";
import type { DestinationStatus, MirrorPlan, PlannedArtifact } from "./mirror-plan";
import { tagDigest } from "./tagging";

/** What is known of a destination from the run before: what was put there, and how it looked at the last refresh. */
export interface Known {
  plan?: MirrorPlan | undefined;
  status?: DestinationStatus | undefined;
}

/** Makes one destination hold the plan: copies what is missing, moves tags last, and takes away what this mirror had put there and no longer plans. */
export async function applyToDestination(source: ReadStore, destination: Store, plan: MirrorPlan, known: Known, onConflict: "fail" | "overwrite", context: ResourceContext): Promise<void> {
  const moves = await tagMoves(destination, plan, known, onConflict);
  const kept = new Set(plan.withdrawn ?? []);
  for (const [digest, artifact] of Object.entries(plan.artifacts) as [Digest, PlannedArtifact][]) {
    const tags = moves.filter((move) => move.digest === digest);
    const withdrawn = Object.entries(plan.tags).every(([tag, target]) => target !== digest || kept.has(tag));
    if (withdrawn) continue;
    const root: Descriptor = { mediaType: artifact.mediaType, size: artifact.size, digest };
    const report = await copy(source, destination, root, {
      referrers: async (subject) => (await source.referrers(subject.digest)).filter((referrer) => artifact.related[referrer.digest] !== undefined),
      tags: tags.map(({ tag, expected }) => ({ tag, expected })),
    });
    if (report.manifests > 0) context.progress(`${destination.name}@${digest}: ${report.manifests} manifests, ${report.blobs} blobs, ${report.bytes} bytes copied`);
  }
  await removeUnplanned(destination, plan, known.plan);
}

interface TagMove {
  tag: string;
  digest: Digest;
  expected: Digest | undefined;
}

/**
 * Tags that have to move, and from where. A tag that is neither where this mirror put it nor where the last refresh showed it was moved by
 * somebody else, and nobody has seen that in a preview yet.
 */
async function tagMoves(destination: Store, plan: MirrorPlan, known: Known, onConflict: "fail" | "overwrite"): Promise<TagMove[]> {
  const moves: TagMove[] = [];
  for (const [tag, digest] of Object.entries(plan.tags)) {
    const now = await tagDigest(destination, tag);
    if (now === digest) continue;
    const seen = known.status?.[`tag ${tag}`];
    const expected = now === undefined || now === known.plan?.tags[tag] || now === seen;
    if (!expected && onConflict === "fail") {
      throw new ConsignError("TAG_MOVED", `tag ${tag} points at ${now}, which this mirror did not put there: refresh to see it and run again, or set onConflict to "overwrite"`, { reference: `${destination.name}:${tag}`, side: "destination" });
    }
    moves.push({ tag, digest, expected: now as Digest | undefined });
  }
  return moves;
}

/** What was in the plan before and is not any more. What others put beside it stays, and so does what they still hold on to. */
async function removeUnplanned(destination: Store, plan: MirrorPlan, before: MirrorPlan | undefined): Promise<void> {
  if (before === undefined) return;
  for (const [tag, digest] of Object.entries(before.tags)) {
    if (plan.tags[tag] === undefined && (await tagDigest(destination, tag)) === digest) await destination.untag(tag);
  }
  for (const [digest, artifact] of Object.entries(before.artifacts) as [Digest, PlannedArtifact][]) {
    const wanted = plan.artifacts[digest];
    const dropped = (Object.keys(artifact.related) as Digest[]).filter((related) => wanted?.related[related] === undefined);
    for (const related of deepestFirst(artifact, dropped)) await removeUnreferred(destination, related);
    if (wanted === undefined && !(await isTagged(destination, digest))) await removeUnreferred(destination, digest);
  }
}

function deepestFirst(artifact: PlannedArtifact, digests: readonly Digest[]): Digest[] {
  const depth = (digest: Digest, bound = 32): number => {
    const of = artifact.related[digest]?.of;
    return of === undefined || bound === 0 ? 0 : 1 + depth(of, bound - 1);
  };
  return [...digests].sort((a, b) => depth(b) - depth(a) || (a < b ? -1 : 1));
}

/** Removes a manifest unless something still refers to it. */
async function removeUnreferred(store: Store, digest: Digest): Promise<void> {
  if ((await store.referrers(digest)).length > 0) return;
  try {
    await store.deleteManifest(await store.resolve(digest));
  } catch (error) {
    if (!isConsignError(error, "MANIFEST_UNKNOWN")) throw error;
  }
}

async function isTagged(store: ReadStore, digest: Digest): Promise<boolean> {
  for (const tag of await store.tags()) if ((await tagDigest(store, tag)) === digest) return true;
  return false;
}
