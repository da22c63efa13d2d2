// SPDX-License-Identifier: Apache-2.0
import { z } from "zod";
import type { Descriptor } from "../../oci/descriptor";
import type { Digest } from "../../oci/digest";
import type { Manifest } from "../../oci/manifest";
import { isIndexType, isManifestType } from "../../oci/media-types";

const platformSchema = z
  .string()
  .regex(
    /^[a-z0-9]+\/[a-z0-9_]+(?:\/[a-z0-9_.]+)?$/,
    "must be a platform, as linux/amd64 or linux/arm/v7",
  );

export const platformsSchema = z.strictObject({
  only: z.array(platformSchema).min(1).max(100),
  /**
   * `sparse`: the index stays byte for byte, so its digest and signatures hold, and some of what it
   * names is not there; not every registry takes that. `derived`: a new index with what is left of
   * it, and a claim, signed by `signer`, that says what it was made from.
   */
  index: z.enum(["sparse", "derived"]),
});
export type Platforms = z.infer<typeof platformsSchema>;

/** Whether a child of an index goes along. */
export type TakesChild = (child: Descriptor, index: Manifest) => boolean;

/** Further down, nested indexes count as images. */
const MAX_NESTED = 8;

/**
 * Whether a child of an index is for one of the platforms. What names no platform, as build
 * evidence, goes with what it is about; an index in which nothing names one is no matter of
 * platforms, and all of it goes along.
 */
export function forPlatforms(
  only: readonly string[],
  index: Manifest,
): (child: Descriptor) => boolean {
  const children = index.kind === "index" ? index.value.manifests : [];
  if (children.every((child) => platformOf(child) === undefined)) return () => true;
  const taken = new Set(
    children
      .filter((child) => only.some((platform) => isFor(child, platform)))
      .map(({ digest }) => digest),
  );
  return (child) =>
    taken.has(child.digest) ||
    (child.annotations?.["vnd.docker.reference.digest"] !== undefined &&
      taken.has(child.annotations["vnd.docker.reference.digest"] as Digest));
}

function isFor({ platform }: Descriptor, wanted: string): boolean {
  if (platform === undefined) return false;
  const [os, architecture, variant] = wanted.split("/");
  return (
    platform.os === os &&
    platform.architecture === architecture &&
    (variant === undefined || platform.variant === variant)
  );
}

/** As `linux/arm/v7`. Build evidence in an index is for `unknown/unknown`, which is none. */
export function platformOf({ platform }: Descriptor): string | undefined {
  if (platform === undefined || platform.os === "unknown") return undefined;
  return [
    platform.os,
    platform.architecture,
    ...(platform.variant === undefined ? [] : [platform.variant]),
  ].join("/");
}

/**
 * Decides about children as a mirror with this contract does. Indexes inside a sparse one are left
 * with the same platforms, inside a derived one they are whole, as it is to be complete. One that
 * refers to something, as evidence does, is whole unless it is mirrored for itself.
 */
export function childFilter(
  platforms: Platforms | undefined,
  isArtifact: (index: Digest) => boolean,
): TakesChild {
  const filters = new Map<Digest, (child: Descriptor) => boolean>();
  return (child, index) => {
    const { digest } = index.descriptor;
    const narrows =
      platforms !== undefined &&
      (isArtifact(digest) || (platforms.index === "sparse" && index.value.subject === undefined));
    if (!narrows) return true;
    const filter = filters.get(digest) ?? forPlatforms(platforms.only, index);
    filters.set(digest, filter);
    return filter(child);
  };
}

/** What becomes of an index when only some platforms are taken along. */
export interface Choice {
  /**
   * The platforms in it that go along; undefined where nothing stays behind. Together they take the
   * same children as the contract does.
   */
  platforms: string[] | undefined;
  /** Why it cannot go along at all: nothing of it would. */
  refusal: string | undefined;
}

/** @param nested reads an index inside the index; undefined where it counts as an image */
export async function choose(
  index: Manifest,
  only: readonly string[],
  nested: (child: Descriptor) => Promise<Manifest | undefined>,
): Promise<Choice> {
  const taken = new Set<string>();
  const left = new Set<string>();
  const counts = { taken: 0, left: 0 };
  const look = async (manifest: Manifest, depth: number): Promise<void> => {
    const takes = forPlatforms(only, manifest);
    const children =
      manifest.kind === "index"
        ? manifest.value.manifests.filter(({ mediaType }) => isManifestType(mediaType))
        : [];
    for (const child of children) {
      const takesIt = takes(child);
      const below =
        takesIt && isIndexType(child.mediaType) && depth < MAX_NESTED
          ? await nested(child)
          : undefined;
      if (below !== undefined) {
        await look(below, depth + 1);
        continue;
      }
      const platform = platformOf(child);
      if (platform !== undefined) (takesIt ? taken : left).add(platform);
      counts[takesIt ? "taken" : "left"]++;
    }
  };
  await look(index, 0);
  if (counts.left === 0) return { platforms: undefined, refusal: undefined };
  const refusal =
    counts.taken > 0
      ? undefined
      : `it has nothing for ${only.join(", ")}, only ${[...left].sort().join(", ")}`;
  return { platforms: [...taken].sort(), refusal };
}
