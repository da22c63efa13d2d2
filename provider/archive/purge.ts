// SPDX-License-Identifier: Apache-2.0
import { removeBlobs } from "../keeping/blobs";
import type { Kept } from "../keeping/leaving";
import { removeManifests, removeStaleTags, removeTags } from "../keeping/remove";
import type { Descriptor } from "../oci/descriptor";
import type { Digest } from "../oci/digest";
import { isIndexType } from "../oci/media-types";
import { graceIsOver, type Entry } from "../retention/index";
import type { ResourceContext } from "../world/context";
import { asLeaving, belongingsOf, blobsOf, type Belongings } from "./belongings";
import { neededElsewhere } from "./elsewhere";
import { archiveTag } from "./record";
import { keptLines, type ArchiveTask, type BlobsLeft, type Decided } from "./task";

/** What came of one artifact. */
export interface Purged {
  notices: string[];
  /** Its blobs that are still to go. */
  left: Descriptor[];
}

/** Artifacts that go out of the archive together, with what belongs to each. */
export type Going = ReadonlyMap<Digest, Belongings>;

/** Everything of the archive that is recorded and not to go: kept although no tag may show it. */
function recordedBeside(
  { entries }: Pick<ArchiveTask, "entries">,
  going: Pick<Going, "has">,
  takes: (entry: Entry) => boolean = () => true,
): Digest[] {
  return (Object.entries(entries) as Decided[]).flatMap(([digest, entry]) =>
    entry.inArchive === true && !going.has(digest) && takes(entry) ? [digest] : [],
  );
}

/**
 * Takes artifacts out of the archive, each with everything that refers to it. What somebody else
 * needs stays, and what refers to that with it. Blobs go after that, if they go at all.
 */
export async function purgeArtifacts(
  task: ArchiveTask,
  decided: readonly Decided[],
  context: ResourceContext,
): Promise<Map<Digest, Purged>> {
  const { archive, leasing } = task;
  const going = new Map<Digest, Belongings>();
  for (const [digest] of decided) going.set(digest, await belongingsOf(archive, digest));
  const manifests = new Map([...going.values()].flatMap((each) => [...asLeaving(each)]));
  const removed = await removeManifests(
    {
      store: archive,
      manifests,
      isOwnTag: (tag, digest) => going.has(digest) && tag === archiveTag(digest),
      staying: recordedBeside(task, going, ({ mediaType }) => isIndexType(mediaType)),
      leases: leasing.ofOthers,
      order: "parts first",
    },
    context,
  );
  const roots = [...going.keys()];
  await removeStaleTags(archive, roots.map(archiveTag), removed.removed);
  const gone = new Set([...removed.removed, ...removed.gone]);
  const purged = new Map<Digest, Purged>();
  const free = new Map<Digest, Descriptor[]>();
  for (const [digest, belongings] of going) {
    const kept = removed.kept.filter((each) => belongings.has(each.digest));
    purged.set(digest, await tidied(task, digest, going, kept));
    if (gone.has(digest)) free.set(digest, blobsIn(belongings, gone));
    if (gone.has(digest)) context.progress(`${task.inputs.archive}@${digest} is purged`);
  }
  return task.rules.frees === undefined
    ? purged
    : freeAfter(task, { purged, free, kept: removed.kept }, context);
}

function blobsIn(belongings: Belongings, gone: ReadonlySet<Digest>): Descriptor[] {
  return [...belongings].flatMap(([digest, each]) => (gone.has(digest) ? blobsOf(each) : []));
}

/** What is a part of something that stays needs no tag of its own any more. */
async function tidied(
  task: ArchiveTask,
  root: Digest,
  going: Going,
  kept: readonly Kept[],
): Promise<Purged> {
  const own = kept.find(({ digest }) => digest === root);
  const holder =
    own === undefined || own.cause !== undefined || task.leasing.names(root)
      ? undefined
      : (await neededElsewhere(task, going)).get(root);
  if (holder === undefined) return { notices: keptLines(kept, "kept"), left: [] };
  const { refusal } = await removeTags(task.archive, new Map([[archiveTag(root), [root]]]));
  return {
    notices: [
      refusal === undefined
        ? "it stays as a part of what is kept, without a tag of its own"
        : `it stays as a part of what is kept: ${refusal.message}`,
    ],
    left: [],
  };
}

/** What has left its manifests behind, or is about to. */
interface Manifestless {
  purged: Map<Digest, Purged>;
  free: ReadonlyMap<Digest, Descriptor[]>;
  kept: readonly Kept[];
}

async function freeAfter(
  task: ArchiveTask,
  { purged, free, kept }: Manifestless,
  context: ResourceContext,
): Promise<Map<Digest, Purged>> {
  const now: BlobsLeft = {};
  for (const [digest, blobs] of free) {
    const { notices = [] } = purged.get(digest) ?? {};
    const entry = task.entries[digest];
    if (entry !== undefined && isOver(task, entry, context)) now[digest] = blobs;
    else purged.set(digest, { notices, left: blobs });
  }
  for (const [digest, { notices, left }] of await freeBlobs(task, now, context, kept))
    purged.set(digest, { notices: [...(purged.get(digest)?.notices ?? []), ...notices], left });
  return purged;
}

export function isOver(
  { asOf, rules }: Pick<ArchiveTask, "asOf" | "rules">,
  entry: Entry,
  context: ResourceContext,
): boolean {
  return graceIsOver(entry, { asOf: Date.parse(asOf), now: context.now().getTime(), rules });
}

/**
 * Removes blobs of what is purged that nothing else needs. What a lease names, or of which it cannot
 * be told, is left for later; what others need is theirs.
 */
export async function freeBlobs(
  task: ArchiveTask,
  blobs: BlobsLeft,
  context: ResourceContext,
  kept: readonly Kept[] = [],
): Promise<Map<Digest, Purged>> {
  const results = new Map<Digest, Purged>();
  const all = (Object.entries(blobs) as [Digest, Descriptor[]][]).filter(
    ([, each]) => each.length > 0,
  );
  if (all.length === 0) return results;
  const unique = new Map(all.flatMap(([, each]) => each).map((blob) => [blob.digest, blob]));
  const going = new Map(all);
  const result = await removeBlobs(
    {
      store: task.archive,
      blobs: [...unique.values()],
      leaving: new Set(),
      emptied: new Set(),
      staying: [...recordedBeside(task, going), ...kept.map(({ digest }) => digest)],
      leases: task.leasing.ofOthers,
      notDue: () => undefined,
    },
    context,
  );
  const waiting = new Map(
    result.kept
      .filter(
        ({ digest, cause }) =>
          task.leasing.names(digest) ||
          (cause !== undefined && cause.code !== "REGISTRY_UNSUPPORTED"),
      )
      .map((each) => [each.digest, each]),
  );
  for (const [digest, each] of all) {
    const left = each.filter((blob) => waiting.has(blob.digest));
    const told = result.kept.filter(
      ({ digest: kept, cause }) =>
        each.some((blob) => blob.digest === kept) && (waiting.has(kept) || cause !== undefined),
    );
    results.set(digest, { left, notices: keptLines(told, "its blob is kept,") });
  }
  return results;
}
