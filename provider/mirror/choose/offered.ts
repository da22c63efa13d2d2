// SPDX-License-Identifier: Apache-2.0
import { forEachBounded } from "../../content/bounded";
import { isConsignError } from "../../errors";
import type { Descriptor } from "../../oci/descriptor";
import type { ResourceContext } from "../../world/context";
import { createdAt, createdAtPlaces } from "./created";
import type { Upcoming } from "../../upcoming/plan";
import { childFilter, type Platforms } from "./platforms";
import type { SourceView } from "./source-view";
import { matchingTags, namedTags, namesOnly, type TagSelection } from "./tags";

const AT_ONCE = 32;

/** By tag, what a source has or is about to have, as far as it can be selected. */
export async function offeredTags(
  view: SourceView,
  tags: TagSelection,
  listed: readonly string[],
  upcoming: Upcoming | undefined,
): Promise<Record<string, Descriptor>> {
  const offered: Record<string, Descriptor> = {};
  await forEachBounded(
    namesOnly(tags) ? namedTags(tags) : matchingTags(listed, tags),
    AT_ONCE,
    async (tag) => {
      const descriptor = await view.offered(tag);
      if (descriptor !== undefined) offered[tag] = descriptor;
    },
  );
  for (const [tag, digest] of Object.entries(upcoming?.tags ?? {})) {
    const artifact = upcoming?.artifacts[digest];
    if (artifact?.mediaType === undefined || artifact.size === undefined) continue;
    offered[tag] = { mediaType: artifact.mediaType, size: artifact.size, digest };
    view.descriptors.set(digest, offered[tag]);
  }
  return offered;
}

/**
 * When an artifact says it was created. What is about to be made is newer than anything that is
 * there; what is gone at the source is as old as where it is kept says.
 * @param places where what was mirrored before may still be read
 */
export async function creationOf(
  view: SourceView,
  target: Descriptor | undefined,
  platforms: Platforms | undefined,
  upcoming: Upcoming | undefined,
  places: readonly string[],
  { stores }: ResourceContext,
): Promise<number | undefined> {
  const takes = childFilter(platforms, () => true);
  try {
    return await createdAt(view.source, target, takes);
  } catch (error) {
    // It is refused by its name once it is chosen.
    if (isConsignError(error, "MANIFEST_INVALID", "MANIFEST_TOO_LARGE")) return undefined;
    if (!isConsignError(error, "MANIFEST_UNKNOWN") || target === undefined) throw error;
    const isUpcoming = upcoming?.artifacts[target.digest] !== undefined;
    return isUpcoming
      ? Number.POSITIVE_INFINITY
      : createdAtPlaces(
          places.map((place) => () => stores.open(place)),
          target,
          takes,
        );
  }
}
