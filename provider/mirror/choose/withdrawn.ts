// SPDX-License-Identifier: Apache-2.0
import { groupedBy } from "../../content/bounded";
import type { Descriptor } from "../../oci/descriptor";
import { isDigest, type Digest } from "../../oci/digest";
import type { DestinationStatus, FullArtifact, FullPlan } from "../../upcoming/plan";
import { matchingTags, type TagSelection } from "./tags";
import { ABSENT } from "../../world/tags";

/** Why something does not verify; `certain` unless nobody could tell. */
export interface Refusal {
  reason: string;
  certain: boolean;
}

/**
 * What was mirrored stays where nobody could tell whether it verifies, and where what is gone is
 * kept.
 */
export function stays(refusal: Refusal, withdrawn: "keep" | "remove"): boolean {
  return withdrawn === "keep" || !refusal.certain;
}

export function mirroredBefore(
  base: FullPlan | undefined,
  digest: Digest | undefined,
): Descriptor | undefined {
  const artifact = digest === undefined ? undefined : base?.artifacts[digest];
  return artifact === undefined || digest === undefined
    ? undefined
    : { mediaType: artifact.mediaType, size: artifact.size, digest };
}

/**
 * By tag, what was mirrored under tags that the selection still takes and the source no longer has.
 */
export function withdrawnTags(
  base: FullPlan | undefined,
  selection: TagSelection,
  offered: Readonly<Record<string, Descriptor>>,
): Record<string, Descriptor> {
  const gone: Record<string, Descriptor> = {};
  for (const tag of matchingTags(Object.keys(base?.tags ?? {}), selection)) {
    const digest = base?.tags[tag];
    const descriptor = digest === undefined ? undefined : mirroredBefore(base, digest);
    if (offered[tag] === undefined && descriptor !== undefined) gone[tag] = descriptor;
  }
  return gone;
}

/**
 * Digests that tags which are still mirrored have led to, and no longer do, with these tags:
 * production may run them, and what is said about them is still wanted.
 * @param tags where the tags lead now; for an index of our own making, also what it was made from
 * counts
 */
function supersededBy(
  base: FullPlan | undefined,
  tags: Readonly<Record<string, Digest>>,
  artifacts: Readonly<Record<Digest, FullArtifact>>,
): Map<Digest, string[]> {
  const left = new Map<Digest, string[]>();
  const now = Object.values(tags);
  const origins = new Set([
    ...now,
    ...now.flatMap((digest) => artifacts[digest]?.derivedFrom ?? []),
  ]);
  const tagsTo = groupedBy(Object.keys(base?.tags ?? {}), (tag) => base?.tags[tag]);
  for (const [digest, { was = [], derivedFrom }] of Object.entries(base?.artifacts ?? {}) as [
    Digest,
    FullArtifact,
  ][]) {
    if (origins.has(digest) || (derivedFrom !== undefined && origins.has(derivedFrom))) continue;
    const from = [...new Set([...was, ...(tagsTo.get(digest) ?? [])])]
      .filter((tag) => tags[tag] !== undefined)
      .sort();
    if (from.length > 0) left.set(digest, from);
  }
  return left;
}

/**
 * What was mirrored before, and is looked at again although nothing that the source offers led
 * there: tags went back to it, or have left it.
 * @param keeps whether what tags have left is kept
 */
export function earlierArtifactsToRevisit(
  base: FullPlan | undefined,
  { tags, artifacts }: FullPlan,
  keeps: boolean,
): { root: Descriptor; was?: readonly string[] }[] {
  const back = [...new Set(Object.values(tags))]
    .filter((digest) => artifacts[digest] === undefined)
    .map((digest) => ({ digest, was: undefined }));
  const left = keeps
    ? [...supersededBy(base, tags, artifacts)]
        .filter(([digest]) => artifacts[digest] === undefined)
        .map(([digest, was]) => ({ digest, was }))
    : [];
  return [...back, ...left].flatMap(({ digest, was }) => {
    const root = mirroredBefore(base, digest);
    return root === undefined ? [] : [{ root, ...(was === undefined ? {} : { was }) }];
  });
}

/**
 * What was mirrored without what a refresh has missed at every destination: nothing keeps that but
 * its source.
 */
export function baseWithoutMissing(
  base: FullPlan,
  status: Readonly<Record<string, DestinationStatus>>,
): FullPlan {
  const lost = lostEverywhere(Object.values(status));
  if (lost.size === 0) return base;
  const present = <Value>(
    record: Readonly<Record<string, Value>>,
    line: (name: string) => string,
  ): Record<string, Value> =>
    Object.fromEntries(Object.entries(record).filter(([name]) => !lost.has(line(name))));
  const artifacts = Object.entries(present(base.artifacts, (digest) => digest)).map(
    ([digest, artifact]) => [
      digest,
      { ...artifact, related: present(artifact.related, (related) => related) },
    ],
  );
  return {
    ...base,
    tags: present(base.tags, (tag) => `tag ${tag}`),
    artifacts: Object.fromEntries(artifacts) as FullPlan["artifacts"],
  };
}

/**
 * What a refresh has missed at a destination, without parts of an index that is gone at the source
 * and that no destination has any more.
 */
export function repairableDrift(
  destination: string,
  status: Readonly<Record<string, DestinationStatus>>,
  { withdrawn }: FullPlan,
): DestinationStatus | undefined {
  const gone = new Set(withdrawn);
  const isHopeless = (line: string): boolean =>
    line.startsWith("child ") &&
    line.split(" ").some((word) => gone.has(word)) &&
    Object.values(status).every((place) => place[line] !== undefined);
  const seen = status[destination];
  return seen === undefined
    ? undefined
    : Object.fromEntries(Object.entries(seen).filter(([line]) => !isHopeless(line)));
}

/** Digests, and lines of tags, that each of the destinations is known to lack. */
function lostEverywhere(places: readonly DestinationStatus[]): ReadonlySet<string> {
  const [first, ...others] = places.map(
    (status) =>
      new Set(
        Object.entries(status).flatMap(([line, now]) =>
          now !== ABSENT
            ? []
            : line.startsWith("tag ")
              ? [line]
              : line.startsWith("child ")
                ? []
                : line.split(" ").filter(isDigest),
        ),
      ),
  );
  return new Set([...(first ?? [])].filter((name) => others.every((other) => other.has(name))));
}
