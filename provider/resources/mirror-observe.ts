// SPDX-License-Identifier: Apache-2.0
import { forEachBounded } from "../content/bounded";
import type { ReadStore } from "../content/storage";
import type { Digest } from "../oci/digest";
import { parityOf, type DestinationStatus, type FullArtifact, type FullPlan } from "./mirror-plan";
import { sortedByKey, type Related } from "./mirror-related";
import { mayStay, tagIn, type KeptTags, type OnConflict } from "./mirror-tag-moves";
import { ABSENT, tagDigest } from "./tagging";

export interface Observation {
  /** One line per fact, none if all is as planned. */
  status: DestinationStatus;
  parity: Digest;
  /** Tags that others have elsewhere and may keep there; neither status nor parity speaks of them. */
  kept: KeptTags;
}

/** Requests under way at once; the registry's own bound holds them back. */
const AT_ONCE = 32;

/**
 * Compares a destination with the plan. Anything uncertain throws.
 * @param earlier what it may still hold of plans before this one, where it was not brought in step: tags that are there are nobody else's
 */
export async function observeDestination(destination: ReadStore, plan: FullPlan, earlier: FullPlan | undefined, onConflict: OnConflict): Promise<Observation> {
  const tags = new Map<string, string | undefined>();
  const absent = new Set<Digest>();
  const lines = new Map<string, string>();
  const tagged = new Set<Digest>();
  const kept = new Map<string, string>();
  const gone = new Set(plan.withdrawn);
  await forEachBounded(Object.entries({ ...plan.tags, ...plan.cosignTags }), AT_ONCE, async ([tag, digest]) => {
    const now = await tagDigest(destination, tag);
    if (now === digest) return void tagged.add(digest);
    if (now !== undefined && mayStay(tag, plan, onConflict) && now !== tagIn(earlier, tag)) return void kept.set(tag, now);
    // Nothing could bring a signature back that upstream has withdrawn.
    if (now === undefined && plan.cosignTags[tag] !== undefined && gone.has(tag)) return;
    tags.set(tag, now);
    lines.set(`tag ${tag}`, now ?? ABSENT);
  });
  await forEachBounded(Object.entries(plan.artifacts) as [Digest, FullArtifact][], AT_ONCE, async ([digest, artifact]) => {
    if (!tagged.has(digest) && !(await destination.has({ mediaType: artifact.mediaType, size: artifact.size, digest }))) {
      absent.add(digest);
      lines.set(`artifact ${digest}`, ABSENT);
      return;
    }
    for (const [missing, { type }] of await missingRelated(destination, digest, artifact)) {
      absent.add(missing);
      lines.set(`${type} ${missing}`, ABSENT);
    }
  });
  return { status: sortedByKey(Object.fromEntries(lines)), parity: parityOf(plan, { tags, absent }), kept: sortedByKey(Object.fromEntries(kept)) };
}

async function missingRelated(destination: ReadStore, root: Digest, artifact: FullArtifact): Promise<[Digest, Related][]> {
  const related = Object.entries(artifact.related) as [Digest, Related][];
  const subjects = new Set(related.map(([, { of }]) => of ?? root));
  const listed = new Set<Digest>();
  await forEachBounded(subjects, AT_ONCE, async (subject) => {
    for (const referrer of await destination.referrers(subject, { settled: () => true })) listed.add(referrer.digest);
  });
  return related.filter(([digest]) => !listed.has(digest));
}
