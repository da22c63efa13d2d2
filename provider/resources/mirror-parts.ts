// SPDX-License-Identifier: Apache-2.0
import type { Digest } from "../oci/digest";
import type { FullPlan } from "./mirror-plan";
import { selectRelated, type Related, type RelatedByDigest } from "./mirror-related";

const MAX_STEPS = 32;

/**
 * What was mirrored, under whatever index, of what refers to an artifact and to those parts of it that still go along.
 * @param parts undefined where it is not known which these are: then all counts
 */
export function relatedBefore(base: FullPlan | undefined, root: Digest, parts: readonly Digest[] | undefined): RelatedByDigest {
  const all: RelatedByDigest = {};
  for (const [digest, { derivedFrom, related }] of Object.entries(base?.artifacts ?? {}) as [Digest, FullPlan["artifacts"][Digest]][]) {
    if (digest === root && derivedFrom === undefined) Object.assign(all, related);
    else if (derivedFrom === root) Object.assign(all, aboutParts(related));
  }
  const still = parts === undefined ? undefined : new Set<Digest | undefined>([undefined, ...parts]);
  const kept = (Object.entries(all) as [Digest, Related][]).filter(([digest]) => still === undefined || still.has(aboutWhat(all, digest)));
  return Object.fromEntries(kept) as RelatedByDigest;
}

/** Of what was said about an index and the images in it, what was said about the images: it is true of another index with these as well. */
export function aboutParts(related: RelatedByDigest): RelatedByDigest {
  const chosen = selectRelated(related, ({ of }) => of !== undefined);
  return Object.fromEntries((Object.entries(chosen) as [Digest, Related][]).filter(([, { of }]) => of !== undefined)) as RelatedByDigest;
}

/** The part that something is about in the end; undefined if that is the artifact itself. */
function aboutWhat(related: Readonly<RelatedByDigest>, digest: Digest): Digest | undefined {
  let of = related[digest]?.of;
  for (let step = 0; of !== undefined && related[of] !== undefined && step < MAX_STEPS; step++) of = related[of]?.of;
  return of;
}
