// SPDX-License-Identifier: Apache-2.0
import { forEachBounded } from "../content/bounded";
import type { ReadStore } from "../content/storage";
import { isConsignError } from "../errors";
import { plainDescriptor, type Descriptor } from "../oci/descriptor";
import type { Digest } from "../oci/digest";
import type { Entries, Entry } from "../retention/index";
import type { ResourceContext } from "../world/context";
import type { ArchiveInputs } from "./arguments";
import { isArchiveTag } from "./record";

const CONCURRENCY = 8;

export interface Place {
  location: string;
  store: ReadStore;
  role: "source" | "watched" | "archive";
  tags: ReadonlyMap<string, Descriptor>;
}

/** What of the arguments says where things are. */
export type PlaceInputs = Pick<ArchiveInputs, "sources" | "archive" | "retain">;

/** @param recorded what is known to be somewhere is not taken for gone at first sight */
export async function openPlaces(
  { sources, archive, retain }: PlaceInputs,
  recorded: Readonly<Entries>,
  context: ResourceContext,
): Promise<Place[]> {
  const roles = [
    ...sources.map((location) => ({ location, role: "source" as const })),
    ...retain.whileRunningIn.map((location) => ({ location, role: "watched" as const })),
    { location: archive, role: "archive" as const },
  ];
  const known = Object.keys(recorded).length > 0;
  const places: Place[] = [];
  for (const { location, role } of roles) {
    const store = await context.stores.open(location);
    const listed = await store.tags();
    // A place without any tag holds up nothing, so it is looked at once more.
    const all = listed.length === 0 && known ? await store.tags({ fresh: true }) : listed;
    const names = all.filter((tag) => role !== "archive" || isArchiveTag(tag));
    const tags = new Map<string, Descriptor>();
    await forEachBounded(names, CONCURRENCY, async (tag) => {
      const descriptor = await resolved(store, tag, true);
      if (descriptor !== undefined) tags.set(tag, descriptor);
    });
    places.push({ location, store, role, tags });
  }
  return places;
}

/** Whether something is recorded to be at a place. */
export function wasAt({ location, role }: Place, recorded: Entry | undefined): boolean {
  if (recorded === undefined || recorded.state === "purged") return false;
  return role === "archive" ? recorded.inArchive === true : recorded.at.includes(location);
}

/**
 * @param expected it should be there: then it is gone only if it is missing twice more, asked fresh
 * @returns undefined if it is not there
 */
export async function resolved(
  store: ReadStore,
  name: string,
  expected: boolean,
): Promise<Descriptor | undefined> {
  for (let look = 0; look < (expected ? 3 : 1); look += 1) {
    try {
      return plainDescriptor(await store.resolve(name, { fresh: look > 0 }));
    } catch (error) {
      if (!isConsignError(error, "MANIFEST_UNKNOWN")) throw error;
    }
  }
  return undefined;
}

/** A manifest of which so much is known that it can be asked for. */
export function descriptorOf(
  digest: Digest,
  { mediaType, size }: Pick<Entry, "mediaType" | "size">,
): Descriptor {
  return { mediaType, size, digest };
}
