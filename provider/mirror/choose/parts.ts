// SPDX-License-Identifier: Apache-2.0
import { groupedBy } from "../../content/bounded";
import type { Digest } from "../../oci/digest";
import type { FullArtifact, FullPlan } from "../../upcoming/plan";
import { selectRelated, type Related, type RelatedByDigest } from "../../upcoming/related";

const MAX_STEPS = 32;

/**
 * What was mirrored, under whatever index, of what refers to an artifact and to those parts of it
 * that still go along.
 * @param parts undefined where it is not known which these are: then all counts
 */
export function relatedBefore(
  base: FullPlan | undefined,
  root: Digest,
  parts: readonly Digest[] | undefined,
): RelatedByDigest {
  const own = base?.artifacts[root];
  const all: RelatedByDigest =
    own === undefined || own.derivedFrom !== undefined ? {} : { ...own.related };
  for (const derived of base === undefined ? [] : (derivedIn(base).get(root) ?? []))
    Object.assign(all, aboutParts(derived.related));
  const still =
    parts === undefined ? undefined : new Set<Digest | undefined>([undefined, ...parts]);
  const kept = (Object.entries(all) as [Digest, Related][]).filter(
    ([digest]) => still === undefined || still.has(aboutWhat(all, digest)),
  );
  return Object.fromEntries(kept);
}

const derivations = new WeakMap<FullPlan, Map<Digest | undefined, FullArtifact[]>>();

/** By what they were made of, the indexes of our own making; each of many artifacts asks. */
function derivedIn(plan: FullPlan): Map<Digest | undefined, FullArtifact[]> {
  const known =
    derivations.get(plan) ??
    groupedBy(
      Object.values(plan.artifacts).filter(({ derivedFrom }) => derivedFrom !== undefined),
      ({ derivedFrom }) => derivedFrom,
    );
  derivations.set(plan, known);
  return known;
}

/**
 * Of what was said about an index and the images in it, what was said about the images: it is true
 * of another index with these as well.
 */
export function aboutParts(related: RelatedByDigest): RelatedByDigest {
  const chosen = selectRelated(related, ({ of }) => of !== undefined);
  return Object.fromEntries(
    (Object.entries(chosen) as [Digest, Related][]).filter(([, { of }]) => of !== undefined),
  );
}

/** The part that something is about in the end; undefined if that is the artifact itself. */
function aboutWhat(related: Readonly<RelatedByDigest>, digest: Digest): Digest | undefined {
  let of = related[digest]?.of;
  for (let step = 0; of !== undefined && related[of] !== undefined && step < MAX_STEPS; step++)
    of = related[of]?.of;
  return of;
}
