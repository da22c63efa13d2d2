// SPDX-License-Identifier: Apache-2.0
import type { ReadStore } from "../content/storage";
import { isConsignError } from "../errors";
import type { Digest } from "../oci/digest";
import type { DestinationStatus, MirrorPlan, PlannedArtifact } from "./mirror-plan";
import { ABSENT, tagDigest } from "./tagging";

/** Compares a destination with the plan; one line per fact, none if all is as planned. Anything uncertain throws. */
export async function observeDestination(destination: ReadStore, plan: MirrorPlan): Promise<DestinationStatus> {
  const status: Record<string, string> = {};
  for (const [tag, digest] of Object.entries(plan.tags)) {
    const now = await tagDigest(destination, tag);
    if (now !== digest) status[`tag ${tag}`] = now ?? ABSENT;
  }
  for (const [digest, artifact] of Object.entries(plan.artifacts) as [Digest, PlannedArtifact][]) {
    if (!(await isPresent(destination, digest))) status[`artifact ${digest}`] = ABSENT;
    else Object.assign(status, await missingRelated(destination, digest, artifact));
  }
  return status;
}

async function missingRelated(destination: ReadStore, root: Digest, artifact: PlannedArtifact): Promise<DestinationStatus> {
  const related = Object.entries(artifact.related) as [Digest, PlannedArtifact["related"][Digest]][];
  const subjects = [...new Set(related.map(([, { of }]) => of ?? root))];
  const listed = new Set<Digest>();
  for (const subject of subjects) for (const referrer of await destination.referrers(subject)) listed.add(referrer.digest);
  return Object.fromEntries(related.filter(([digest]) => !listed.has(digest)).map(([digest, { type }]) => [`${type} ${digest}`, ABSENT]));
}

async function isPresent(store: ReadStore, digest: Digest): Promise<boolean> {
  try {
    await store.resolve(digest);
    return true;
  } catch (error) {
    if (isConsignError(error, "MANIFEST_UNKNOWN")) return false;
    throw error;
  }
}
