// SPDX-License-Identifier: Apache-2.0
import { isDeepStrictEqual } from "node:util";
import type { Digest } from "../../oci/digest";
import { successorsOf, type Manifest } from "../../oci/manifest";
import { isManifestType } from "../../oci/media-types";
import type { Budget, FullArtifact, FullPlan } from "../../upcoming/plan";

/** Requests for one tag: look, set, look again. */
const PER_TAG = 3;

/**
 * What bringing one destination from the plan before to this one is expected to take, from the
 * manifests that had to be read because they are new: each is read, written and read back, each
 * blob read, written and looked for. Registries that need more for an upload take more.
 */
export function budgetOf(
  plan: FullPlan,
  base: FullPlan | undefined,
  read: ReadonlyMap<Digest, Manifest>,
): Budget {
  const planned = new Set(
    Object.entries(plan.artifacts).flatMap(([digest, { related, derivedFrom }]) => [
      digest,
      derivedFrom ?? digest,
      ...Object.keys(related),
    ]),
  );
  for (const digest of Object.values(plan.cosignTags)) planned.add(digest);
  const before = new Set(
    Object.values(base?.artifacts ?? {}).flatMap(({ related }) => Object.keys(related)),
  );
  // One with other platforms than before is counted for the parts that are new.
  for (const [digest, { platforms }] of Object.entries(base?.artifacts ?? {}) as [
    Digest,
    FullArtifact,
  ][])
    if (isDeepStrictEqual(platforms, plan.artifacts[digest]?.platforms)) before.add(digest);
  const manifests = new Set<Digest>();
  const blobs = new Map<Digest, number>();
  const add = (digest: Digest): void => {
    const manifest = read.get(digest);
    if (manifest === undefined || manifests.has(digest)) return;
    manifests.add(digest);
    for (const part of successorsOf(manifest)) {
      if (isManifestType(part.mediaType)) add(part.digest);
      else blobs.set(part.digest, part.size);
    }
  };
  for (const digest of planned) if (!before.has(digest)) add(digest as Digest);
  const moved = Object.entries({ ...plan.tags, ...plan.cosignTags }).filter(
    ([tag, digest]) => (base?.tags[tag] ?? base?.cosignTags[tag]) !== digest,
  );
  const manifestBytes = [...manifests].reduce(
    (sum, digest) => sum + (read.get(digest)?.bytes.byteLength ?? 0),
    0,
  );
  return {
    requests: manifests.size * 3 + blobs.size * 3 + moved.length * PER_TAG,
    bytes: manifestBytes + [...blobs.values()].reduce((sum, size) => sum + size, 0),
  };
}
