// SPDX-License-Identifier: Apache-2.0
import { removeBlobs } from "../keeping/blobs";
import type { Descriptor } from "../oci/descriptor";
import type { Digest } from "../oci/digest";
import { MEDIA_TYPES } from "../oci/media-types";
import type { ResourceContext } from "../world/context";
import { belongingsOf, type Belongings } from "./belongings";
import { neededElsewhere } from "./elsewhere";
import { keptLines, type ArchiveTask, type Decided } from "./task";

/** What came of an artifact's content. */
export interface Emptied {
  isEmpty: boolean;
  notices: string[];
}

/**
 * Takes away the layers of artifacts, and those of their parts. Manifests, configs and everything
 * that refers to them stay, and so does what others need.
 */
export async function emptyArtifacts(
  task: ArchiveTask,
  decided: readonly Decided[],
  context: ResourceContext,
): Promise<Map<Digest, Emptied>> {
  const { archive, entries, leasing } = task;
  const going = new Map<Digest, Belongings>();
  for (const [digest] of decided) going.set(digest, await belongingsOf(archive, digest));
  const own = new Set(
    [...going.values()].flatMap((each) =>
      [...each].flatMap(([digest, { isReferrer }]) => (isReferrer ? [] : [digest])),
    ),
  );
  const others = await neededElsewhere(task, going);
  for (const digest of others.keys()) own.delete(digest);
  const layers = new Map<Digest, Descriptor[]>(
    [...going].map(([root, belongings]) => [root, layersOf(belongings)]),
  );
  const all = new Map([...layers.values()].flat().map((layer) => [layer.digest, layer]));
  const { kept } = await removeBlobs(
    {
      store: archive,
      blobs: [...all.values()],
      leaving: new Set(),
      emptied: own,
      staying: (Object.entries(entries) as Decided[]).flatMap(([digest, entry]) =>
        entry.inArchive === true ? [digest] : [],
      ),
      leases: leasing.ofOthers,
      notDue: () => undefined,
    },
    context,
  );
  const stays = new Map(kept.map((each) => [each.digest, each]));
  return new Map(
    [...layers].map(([root, each]) => {
      const left = each.flatMap(({ digest }) => stays.get(digest) ?? []);
      const isShared = each.length > 0 && left.length === each.length;
      const isWaiting = left.some(
        ({ digest, cause }) => cause !== undefined || leasing.names(digest),
      );
      const why =
        isShared && !isWaiting
          ? ["its content stays: all of it belongs to others that are kept"]
          : [];
      return [
        root,
        {
          isEmpty: !isShared && !isWaiting,
          notices: [...why, ...keptLines(left, isWaiting ? "its content stays:" : "kept")],
        },
      ];
    }),
  );
}

function layersOf(belongings: Belongings): Descriptor[] {
  const layers = [...belongings.values()].flatMap(({ manifest, isReferrer }) =>
    isReferrer || manifest.kind !== "manifest" ? [] : manifest.value.layers,
  );
  return [
    ...new Map(
      layers
        .filter(({ mediaType }) => mediaType !== MEDIA_TYPES.empty)
        .map((layer) => [layer.digest, layer]),
    ).values(),
  ];
}
