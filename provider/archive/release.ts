// SPDX-License-Identifier: Apache-2.0
import { copy } from "../content/copy";
import { presenceOf } from "../content/presence";
import { walk } from "../graph/index";
import type { Kept } from "../keeping/leaving";
import { removeManifests, removeStaleTags } from "../keeping/remove";
import type { Digest } from "../oci/digest";
import { isIndexType } from "../oci/media-types";
import { parseLocation } from "../oci/reference";
import type { ResourceContext } from "../world/context";
import { holdingsOf } from "../world/holdings";
import { asLeaving, belongingsOf, type Belongings } from "./belongings";
import { descriptorOf } from "./places";
import { proveComplete, unverifiedIn } from "./proof";
import { keptLines, type ArchiveTask, type Decided } from "./task";

/** What of an artifact may leave each source, or why nothing may. */
interface Ready {
  notices: string[];
  /** By source. */
  leaving: Map<string, Belongings>;
}

/**
 * What came to the source after the artifact was archived is archived too, and all of it is proven
 * to be there, now, before the source is rid of it.
 */
export async function readyToLeave(
  task: ArchiveTask,
  [digest, entry]: Decided,
  context: ResourceContext,
): Promise<Ready> {
  const { archive, inputs } = task;
  const root = descriptorOf(digest, entry);
  const ready: Ready = { notices: [], leaving: new Map() };
  for (const location of entry.at) {
    const source = await context.stores.open(location);
    if ((await presenceOf(source, digest)).is === "gone") {
      // A tag of it may be answered to all the same.
      ready.leaving.set(location, new Map());
      continue;
    }
    // Of signatures as well: what refers to them leaves with them.
    await copy(source, archive, root, { deep: true });
    const { nodes } = await walk(source, root, { fresh: true });
    await proveComplete({ archive, root, wanted: nodes.keys() });
    const unverified = await unverifiedIn(archive, root, inputs, context);
    if (unverified !== undefined) {
      ready.notices.push(
        inputs.releaseUnverified === true ? unverified : `it stays at ${location}: ${unverified}`,
      );
      if (inputs.releaseUnverified !== true) continue;
    }
    // Its parts may belong to what has no tag and cannot be seen.
    ready.leaving.set(location, ofRootAlone(digest, await belongingsOf(source, digest), nodes));
  }
  ready.notices = [...new Set(ready.notices)];
  return ready;
}

/** The artifact and what refers to it, as far as the archive was proven to have that. */
function ofRootAlone(
  root: Digest,
  belongings: Belongings,
  proven: Pick<ReadonlySet<Digest>, "has">,
): Belongings {
  const own = new Map([...belongings].filter(([digest]) => digest === root));
  for (let size = 0; size !== own.size;) {
    size = own.size;
    for (const [digest, each] of belongings) {
      const subject = each.manifest.value.subject?.digest;
      if (proven.has(digest) && each.isReferrer && subject !== undefined && own.has(subject))
        own.set(digest, each);
    }
  }
  return own;
}

/**
 * Takes artifacts out of one source that others use too. What is needed there stays, with all that
 * refers to it. Blobs are left to the place's own tidying. @returns by artifact, what to tell
 */
export async function leave(
  task: ArchiveTask,
  location: string,
  leaving: ReadonlyMap<Digest, Belongings>,
  context: ResourceContext,
): Promise<Map<Digest, string[]>> {
  const { entries, rules } = task;
  const { releaseTags = () => false } = rules;
  const store = await context.stores.open(location);
  const place = parseLocation(location);
  const holdings = holdingsOf(context);
  const { removed, kept } = await removeManifests(
    {
      store,
      manifests: new Map([...leaving.values()].flatMap((each) => [...asLeaving(each)])),
      isOwnTag: (tag, digest) => leaving.has(digest) && releaseTags(tag),
      staying: (Object.entries(entries) as Decided[]).flatMap(([digest, { at, mediaType }]) =>
        at.includes(location) && isIndexType(mediaType) && !leaving.has(digest) ? [digest] : [],
      ),
      holds: async (digest) =>
        (await holdings.has(place, digest)) ? "a resource of this program has it" : undefined,
    },
    context,
  );
  const gone = [...leaving].flatMap(([digest, { size }]) => (size === 0 ? [digest] : []));
  const tagsOf = (digests: Iterable<Digest>): string[] =>
    [...digests].flatMap((digest) => entries[digest]?.tags[location] ?? []);
  await removeStaleTags(store, tagsOf(leaving.keys()), removed);
  await removeStaleTags(store, tagsOf(gone).filter(releaseTags), gone);
  const told = new Map<Digest, string[]>();
  for (const [digest, belongings] of leaving) {
    const here = kept.filter((each) => belongings.has(each.digest));
    const root: Kept | undefined = here.find((each) => each.digest === digest);
    if (root === undefined)
      context.progress(`${location}@${digest} has left its source; the archive has it`);
    told.set(
      digest,
      root === undefined
        ? keptLines(here, `at ${location} stays`)
        : [`it stays at ${location}: ${root.reason}`],
    );
  }
  return told;
}
