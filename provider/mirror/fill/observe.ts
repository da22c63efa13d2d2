// SPDX-License-Identifier: Apache-2.0
import { forEachBounded } from "../../content/bounded";
import type { ReadStore } from "../../content/storage";
import { isConsignError } from "../../errors";
import type { Descriptor } from "../../oci/descriptor";
import type { Digest } from "../../oci/digest";
import type { Manifest } from "../../oci/manifest";
import { isIndexType } from "../../oci/media-types";
import { takenBelow, takesOf } from "../choose/children";
import {
  parityOf,
  type DestinationStatus,
  type FullArtifact,
  type FullPlan,
} from "../../upcoming/plan";
import type { Platforms } from "../choose/platforms";
import { sortedByKey, type Related } from "../../upcoming/related";
import { mayStay, tagIn, type KeptTags, type OnConflict } from "./tag-moves";
import { ABSENT, tagDigest } from "../../world/tags";

export interface Observation {
  /** One line per fact, none if all is as planned. */
  status: DestinationStatus;
  parity: Digest;
  /**
   * Tags that others have elsewhere and may keep there; neither status nor parity speaks of them.
   */
  kept: KeptTags;
}

/** Requests under way at once; the registry's own bound holds them back. */
const AT_ONCE = 32;

/**
 * Compares a destination with the plan. Anything uncertain throws.
 * @param earlier what it may still hold of plans before this one, where it was not brought in step:
 * tags that are there are nobody else's
 * @param contract the platforms that a plan from before these were recorded was made for
 */
export async function observeDestination(
  destination: ReadStore,
  plan: FullPlan,
  earlier: FullPlan | undefined,
  onConflict: OnConflict,
  contract: Platforms | undefined,
): Promise<Observation> {
  const tags = new Map<string, string | undefined>();
  const absent = new Set<Digest>();
  const lines = new Map<string, string>();
  const tagged = new Map<Digest, Manifest | undefined>();
  const parts: string[] = [];
  const kept = new Map<string, string>();
  const gone = new Set(plan.withdrawn);
  await forEachBounded(
    Object.entries({ ...plan.tags, ...plan.cosignTags }),
    AT_ONCE,
    async ([tag, digest]) => {
      const index = isIndexType(plan.artifacts[digest]?.mediaType ?? "")
        ? await readIndex(destination, tag)
        : undefined;
      const now = index?.descriptor.digest ?? (await tagDigest(destination, tag));
      if (now === digest) return void tagged.set(digest, index);
      if (now !== undefined && mayStay(tag, plan, onConflict) && now !== tagIn(earlier, tag))
        return void kept.set(tag, now);
      // Nothing could bring a signature back that upstream has withdrawn.
      if (now === undefined && plan.cosignTags[tag] !== undefined && gone.has(tag)) return;
      tags.set(tag, now);
      lines.set(`tag ${tag}`, now ?? ABSENT);
    },
  );
  const asked = new Map<Digest, Promise<boolean>>();
  const has = (part: Descriptor): Promise<boolean> => {
    const answer = asked.get(part.digest) ?? destination.has(part);
    asked.set(part.digest, answer);
    return answer;
  };
  await forEachBounded(
    Object.entries(plan.artifacts) as [Digest, FullArtifact][],
    AT_ONCE,
    async ([digest, artifact]) => {
      if (
        !tagged.has(digest) &&
        !(await destination.has({ mediaType: artifact.mediaType, size: artifact.size, digest }))
      ) {
        absent.add(digest);
        lines.set(`artifact ${digest}`, ABSENT);
        return;
      }
      for (const [missing, { type }] of await missingRelated(destination, digest, artifact)) {
        absent.add(missing);
        lines.set(`${type} ${missing}`, ABSENT);
      }
      if (!isIndexType(artifact.mediaType)) return;
      const index = tagged.get(digest) ?? (await destination.manifest(digest));
      const platforms =
        artifact.platforms ?? (contract?.index === "sparse" ? contract.only : undefined);
      await forEachBounded(
        await takenBelow(destination, index, takesOf(digest, platforms, artifact.without)),
        AT_ONCE,
        async (part) => {
          if (await has(part)) return;
          parts.push(`${part.digest} of ${digest}`);
          lines.set(`child ${part.digest} of ${digest}`, ABSENT);
        },
      );
    },
  );
  return {
    status: sortedByKey(Object.fromEntries(lines)),
    parity: parityOf(plan, { tags, absent, parts }),
    kept: sortedByKey(Object.fromEntries(kept)),
  };
}

/**
 * The index under a tag, as where it points and what is in it are told by one request; undefined
 * for what is none, or cannot be read as one.
 */
async function readIndex(destination: ReadStore, tag: string): Promise<Manifest | undefined> {
  try {
    return await destination.manifest(tag);
  } catch (error) {
    if (isConsignError(error, "MANIFEST_UNKNOWN", "MANIFEST_INVALID", "MANIFEST_TOO_LARGE"))
      return undefined;
    throw error;
  }
}

async function missingRelated(
  destination: ReadStore,
  root: Digest,
  artifact: FullArtifact,
): Promise<[Digest, Related][]> {
  const related = Object.entries(artifact.related) as [Digest, Related][];
  const subjects = new Set(related.map(([, { of }]) => of ?? root));
  const listed = new Set<Digest>();
  await forEachBounded(subjects, AT_ONCE, async (subject) => {
    for (const referrer of await destination.referrers(subject, {
      settled: () => true,
      present: true,
      // What such a list lacks is shown as absent, line by line.
      unproven: () => {},
    }))
      listed.add(referrer.digest);
  });
  return related.filter(([digest]) => !listed.has(digest));
}
