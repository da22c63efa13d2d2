// SPDX-License-Identifier: Apache-2.0
import { forEachBounded } from "../../content/bounded";
import { isOfOneItem, mayBeOfOneItem } from "../../content/item-faults";
import { ConsignError, isConsignError } from "../../errors";
import type { Descriptor } from "../../oci/descriptor";
import type { ResourceContext } from "../../world/context";
import { createdAt, createdAtPlaces } from "./created";
import type { Upcoming } from "../../upcoming/plan";
import { childFilter, type Platforms } from "./platforms";
import type { SourceView } from "./source-view";
import { matchingTags, namedTags, namesOnly, type TagSelection } from "./tags";

const AT_ONCE = 32;

export interface Offered {
  /** By tag, where it leads. */
  tags: Record<string, Descriptor>;
  /** By tag that cannot be read, why. */
  faults: Map<string, ConsignError>;
}

/** By tag, what a source has or is about to have, as far as it can be selected. */
export async function offeredTags(
  view: SourceView,
  tags: TagSelection,
  listed: readonly string[],
  upcoming: Upcoming | undefined,
): Promise<Offered> {
  const offered: Offered = { tags: {}, faults: new Map() };
  const isListed = !namesOnly(tags);
  await forEachBounded(
    isListed ? matchingTags(listed, tags) : namedTags(tags),
    AT_ONCE,
    async (tag) => {
      try {
        const descriptor = await view.offered(tag);
        if (descriptor !== undefined) offered.tags[tag] = descriptor;
        else if (isListed && !(await isGone(view, tag)))
          offered.faults.set(tag, dangling(view, tag));
      } catch (error) {
        if (!mayBeOfOneItem(error)) throw error;
        offered.faults.set(tag, error);
      }
    },
  );
  const othersWork = Object.keys(offered.tags).length > 0;
  for (const error of offered.faults.values()) if (!isOfOneItem(error, othersWork)) throw error;
  for (const [tag, digest] of Object.entries(upcoming?.tags ?? {})) {
    const artifact = upcoming?.artifacts[digest];
    if (artifact?.mediaType === undefined || artifact.size === undefined) continue;
    offered.tags[tag] = { mediaType: artifact.mediaType, size: artifact.size, digest };
    offered.faults.delete(tag);
    view.descriptors.set(digest, offered.tags[tag]);
  }
  return offered;
}

/** A tag may go between the list and the question, and then the list says so too. */
async function isGone(view: SourceView, tag: string): Promise<boolean> {
  return !(await view.source.tags({ fresh: true })).includes(tag);
}

function dangling({ source }: SourceView, tag: string): ConsignError {
  const reference = `${source.name}:${tag}`;
  return new ConsignError("MANIFEST_UNKNOWN", `${reference} is listed, and is not there`, {
    reference,
    side: "source",
  });
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
    if (!isConsignError(error, "MANIFEST_UNKNOWN") && mayBeOfOneItem(error)) return undefined;
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
