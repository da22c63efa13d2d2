// SPDX-License-Identifier: Apache-2.0
import { forEachBounded } from "../../content/bounded";
import type { Digest } from "../../oci/digest";
import { isIndexType } from "../../oci/media-types";
import type { FullArtifact, FullPlan } from "../../upcoming/plan";
import { cosignSubjectOf, cosignTagsOf } from "./tags";

/** Requests under way at once; the registry's own bound holds them back. */
const AT_ONCE = 32;
const MAX_STEPS = 8;

export interface CosignSides {
  /** What of the plan is decided already: the artifacts. */
  artifacts: FullPlan["artifacts"];
  /** By index, what is below it that goes along; absent where that is not known any more. */
  parts: ReadonlyMap<Digest, readonly Digest[]>;
  /** The source's tags. */
  listed: readonly string[];
  /** What was mirrored before. */
  base: FullPlan | undefined;
  withdrawn: "keep" | "remove";
  /** Where a tag of the source leads; `fresh` for one that the list lacks. */
  digestOf: (tag: string, fresh: boolean) => Promise<Digest | undefined>;
}

export interface CosignTags {
  tags: Record<string, Digest>;
  /** Of these, what was mirrored and is gone at the source. */
  withdrawn: string[];
}

/**
 * Cosign's tags about the artifacts of a plan and the parts of its indexes: those of the source,
 * and those that stay although they are gone there.
 */
export async function chooseCosignTags(sides: CosignSides): Promise<CosignTags> {
  const { artifacts, parts, listed, base, withdrawn, digestOf } = sides;
  const planned = Object.entries(artifacts) as [Digest, FullArtifact][];
  const subjects = new Set<Digest>();
  const present = new Set(listed);
  // What is to be removed for being gone is looked for once more.
  const mirrored = withdrawn === "keep" ? {} : (base?.cosignTags ?? {});
  const chosen: CosignTags = { tags: {}, withdrawn: [] };
  let next = planned.flatMap(([digest, { derivedFrom }]) => [
    ...(derivedFrom === undefined ? [digest] : []),
    ...(parts.get(derivedFrom ?? digest) ?? []),
  ]);
  // What is under one of these tags may have been signed itself, as an SBOM is.
  for (let steps = 0; next.length > 0 && steps < MAX_STEPS; steps++) {
    const found: Digest[] = [];
    const candidates = [...new Set(next)]
      .filter((digest) => !subjects.has(digest))
      .flatMap(cosignTagsOf)
      .filter((tag) => present.has(tag) || mirrored[tag] !== undefined);
    for (const digest of next) subjects.add(digest);
    await forEachBounded(candidates, AT_ONCE, async (tag) => {
      const digest = await digestOf(tag, !present.has(tag));
      if (digest === undefined) return;
      chosen.tags[tag] = digest;
      found.push(digest);
    });
    next = found;
  }
  if (withdrawn === "keep" && base !== undefined)
    keepWithdrawn(chosen, planned, subjects, sides, base);
  return chosen;
}

/**
 * Of an index that is gone at the source, the parts are not known any more: what cannot be told to
 * be about something else stays with it.
 */
function keepWithdrawn(
  chosen: CosignTags,
  planned: readonly [Digest, FullArtifact][],
  subjects: ReadonlySet<Digest>,
  { parts }: CosignSides,
  base: FullPlan,
): void {
  const partsUnknown = planned.some(
    ([root, { mediaType, derivedFrom }]) =>
      isIndexType(mediaType) && !parts.has(derivedFrom ?? root),
  );
  for (const [tag, digest] of Object.entries(base.cosignTags)) {
    const subject = cosignSubjectOf(tag);
    if (subject === undefined || chosen.tags[tag] !== undefined) continue;
    if (!subjects.has(subject) && !(partsUnknown && base.artifacts[subject] === undefined))
      continue;
    chosen.tags[tag] = digest;
    chosen.withdrawn.push(tag);
  }
}
