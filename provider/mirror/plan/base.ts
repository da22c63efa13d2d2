// SPDX-License-Identifier: Apache-2.0
import { groupedBy } from "../../content/bounded";
import type { KnownPlace } from "../../graph/index";
import type { Digest } from "../../oci/digest";
import type { FullArtifact, FullPlan } from "../../upcoming/plan";
import { SIGNATURE, type Related, type RelatedByDigest } from "../../upcoming/related";

/** Where in the graph everything has its place that was mirrored before. */
export function placesIn(base: FullPlan | undefined): ReadonlyMap<Digest, KnownPlace> {
  const places = new Map<Digest, KnownPlace>();
  const artifacts = Object.entries(base?.artifacts ?? {}) as [Digest, FullArtifact][];
  for (const [root, { derivedFrom }] of artifacts) places.set(derivedFrom ?? root, {});
  for (const digest of Object.values(base?.cosignTags ?? {})) places.set(digest, {});
  // What has a tag of its own may refer to something all the same.
  for (const [root, { related }] of artifacts) {
    for (const [digest, { of, type }] of Object.entries(related) as [Digest, Related][])
      places.set(digest, { subject: of ?? root, leaf: type === SIGNATURE });
  }
  return places;
}

/**
 * A signature is not withdrawn but replaced where what it signed has no fewer signatures than
 * before, or is about to be put there, and signed, anew.
 */
export function replacedBy(
  before: RelatedByDigest,
  announced: RelatedByDigest,
  observed: RelatedByDigest,
): (entry: Related) => boolean {
  const [then, now] = [signaturesBySubject(before), signaturesBySubject(observed)];
  return ({ type, of }) => {
    if (type !== SIGNATURE) return false;
    const [had, has] = [then.get(of)?.length ?? 0, now.get(of)?.length ?? 0];
    return (
      has >= had || (of !== undefined && announced[of] !== undefined && observed[of] === undefined)
    );
  };
}

function signaturesBySubject(related: RelatedByDigest): Map<Digest | undefined, Related[]> {
  return groupedBy(
    Object.values(related).filter(({ type }) => type === SIGNATURE),
    ({ of }) => of,
  );
}
