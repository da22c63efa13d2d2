// SPDX-License-Identifier: Apache-2.0
import { forEachBounded } from "../content/bounded";
import type { ReadStore } from "../content/storage";
import type { Digest } from "../oci/digest";
import type { OnConflict } from "./mirror-apply";
import { parityOf, type DestinationStatus, type FullArtifact, type FullPlan } from "./mirror-plan";
import type { Related } from "./mirror-related";
import { ABSENT, tagDigest } from "./tagging";

export interface Observation {
  /** One line per fact, none if all is as planned. */
  status: DestinationStatus;
  parity: Digest;
}

/** Requests under way at once; the registry's own bound holds them back. */
const AT_ONCE = 32;

/** Compares a destination with the plan. Anything uncertain throws. */
export async function observeDestination(destination: ReadStore, plan: FullPlan, onConflict: OnConflict): Promise<Observation> {
  const tags = new Map<string, string | undefined>();
  const absent = new Set<Digest>();
  const lines = new Map<string, string>();
  const tagged = new Set<Digest>();
  await forEachBounded(Object.entries({ ...plan.tags, ...plan.cosignTags }), AT_ONCE, async ([tag, digest]) => {
    const now = await tagDigest(destination, tag);
    if (now === digest) return void tagged.add(digest);
    tags.set(tag, now);
    // A tag that others have moved, and may keep, is where it is to be.
    if (now === undefined || onConflict !== "keep") lines.set(`tag ${tag}`, now ?? ABSENT);
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
  return { status: Object.fromEntries([...lines].sort(([a], [b]) => (a < b ? -1 : 1))), parity: parityOf(plan, { tags, absent }) };
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
