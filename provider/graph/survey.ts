// SPDX-License-Identifier: Apache-2.0
import { forEachBounded, groupedBy } from "../content/bounded";
import { mayBeOfOneItem, reasonOf } from "../content/item-faults";
import type { CallOptions, ReadStore, ReferrersOptions } from "../content/storage";
import { ConsignError, isConsignError } from "../errors";
import type { Descriptor } from "../oci/descriptor";
import type { Digest } from "../oci/digest";
import { referrerDescriptor, type Manifest } from "../oci/manifest";
import { bygoneManifest, isIndexType, isManifestType } from "../oci/media-types";
import { oneLine } from "../printable";

/** Something that refers to an artifact, to a part of it, or to something that does. */
export interface SurveyedReferrer {
  /**
   * With `artifactType` and `annotations`: as its manifest has them where it was read, else as it
   * was listed.
   */
  descriptor: Descriptor;
  of: Digest;
  /**
   * How many steps from what it is about in the end: 1 for what refers to the artifact or to one of
   * its children.
   */
  distance: number;
}

export interface Survey {
  root: Descriptor;
  /** What is below the root, where that is an index; nested indexes included. */
  children: Descriptor[];
  referrers: Map<Digest, SurveyedReferrer>;
  /** Manifests that had to be read, in no order. */
  read: Map<Digest, Manifest>;
  /**
   * What is listed as a referrer and is no manifest that can be read: anyone may push such a thing,
   * so it keeps nothing else back.
   */
  unreadable: Map<Digest, UnreadableReferrer>;
}

export interface UnreadableReferrer {
  /** What lists it. */
  of: Digest;
  /** As the list has it. */
  listed: Descriptor;
  why: string;
}

export interface KnownPlace {
  /** What it refers to, if it does. */
  subject?: Digest | undefined;
  /** Its own referrers are not asked for. */
  leaf?: boolean | undefined;
}

export interface SurveyOptions extends CallOptions {
  /** What is known already; it is not read again. @default nothing */
  known?: ((digest: Digest) => KnownPlace | undefined) | undefined;
  /** Children of an index that are looked at. @default all */
  takesChild?: ((child: Descriptor, index: Manifest) => boolean) | undefined;
  /** Artifact types whose own referrers are not asked for, as signatures. @default none */
  leafTypes?: readonly string[] | undefined;
  /**
   * Leave out what is listed and gone, where clients keep the lists; each entry is asked for there.
   * @default false
   */
  present?: boolean | undefined;
  /** Told why lists are those that clients keep; see {@link ReferrersOptions}. */
  unproven?: ReferrersOptions["unproven"];
  /** Requests under way at once; what the store is behind may let through fewer. @default 32 */
  concurrency?: number | undefined;
  /** @default 32 */
  maxDepth?: number | undefined;
  /** @default 100000 */
  maxNodes?: number | undefined;
}

interface Step {
  descriptor: Descriptor;
  distance: number;
  of?: Digest;
  /** Belongs to an index that is known. */
  known?: boolean;
}

/**
 * Finds out what belongs to an artifact with as few requests as that takes: one list of referrers
 * for everything that can have some, and one read of each manifest that is not known. What a store
 * lists as a referrer and is none is left out.
 * @throws ConsignError `GRAPH_TOO_DEEP`, `GRAPH_TOO_LARGE`, and whatever the store answers
 */
export async function survey(
  source: ReadStore,
  root: Descriptor,
  options: SurveyOptions = {},
): Promise<Survey> {
  const { maxDepth = 32, maxNodes = 100_000, concurrency = 32 } = options;
  const found: Survey = {
    root,
    children: [],
    referrers: new Map(),
    read: new Map(),
    unreadable: new Map(),
  };
  const visited = new Set<Digest>();
  let level: Step[] = [{ descriptor: root, distance: 0 }];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > maxDepth)
      throw new ConsignError(
        "GRAPH_TOO_DEEP",
        `more than ${maxDepth} steps lead away from ${source.name}@${root.digest} over children and referrers`,
      );
    const steps = [...groupedBy(level, ({ descriptor }) => descriptor.digest)].filter(
      ([digest]) => !visited.has(digest),
    );
    if (visited.size + steps.length > maxNodes)
      throw new ConsignError(
        "GRAPH_TOO_LARGE",
        `more than ${maxNodes} manifests belong to ${source.name}@${root.digest}`,
      );
    const next: Step[][] = [];
    await forEachBounded(steps.entries(), concurrency, async ([at, [digest, ways]]) => {
      const below = await visit(source, ways, found, options);
      // What is no referrer of the one that listed it may still be one of another.
      if (below !== undefined) visited.add(digest);
      next[at] = below ?? [];
    });
    level = next.flat();
  }
  return found;
}

/**
 * What is known and gone may still be referred to. So may what a list still names: clients that
 * delete need not know of the list, so it is looked for twice.
 */
async function read(
  source: ReadStore,
  { descriptor: target, of }: Pick<Step, "descriptor" | "of">,
  { isKnown, isListed, found }: { isKnown: boolean; isListed: boolean; found: Survey },
  { signal }: CallOptions,
): Promise<Manifest | undefined> {
  for (let again = isListed; ; again = false) {
    try {
      return await source.manifest(target, { signal });
    } catch (error) {
      if (!isConsignError(error, "MANIFEST_UNKNOWN")) {
        if (!isListed || of === undefined || !mayBeOfOneItem(error)) throw error;
        noteUnreadable(found, target, of, reasonOf(error, "source"));
        return undefined;
      }
      if (again) continue;
      if (isKnown || isListed) return undefined;
      throw error;
    }
  }
}

/** The first list that names it tells what it refers to. */
function noteUnreadable(found: Survey, listed: Descriptor, of: Digest, why: string): void {
  if (!found.unreadable.has(listed.digest))
    found.unreadable.set(listed.digest, { of, listed, why });
}

async function visit(
  source: ReadStore,
  ways: readonly Step[],
  found: Survey,
  options: SurveyOptions,
): Promise<Step[] | undefined> {
  options.signal?.throwIfAborted();
  const [first] = ways;
  if (first === undefined) return undefined;
  const { known = () => undefined, leafTypes = [], takesChild = () => true } = options;
  const { digest, mediaType } = first.descriptor;
  const place: KnownPlace | undefined = known(digest) ?? (first.known === true ? {} : undefined);
  const isListed = place === undefined && ways.every(({ of }) => of !== undefined);
  const manifest =
    place !== undefined && !isIndexType(mediaType)
      ? undefined
      : await read(source, first, { isKnown: place !== undefined, isListed, found }, options);
  if (manifest === undefined && isListed) return [];
  const subject = manifest === undefined ? place?.subject : manifest.value.subject?.digest;
  const way = ways.find(({ of }) => of === undefined || of === subject);
  if (way === undefined) return undefined;
  if (manifest !== undefined && place === undefined) found.read.set(digest, manifest);
  const described =
    manifest === undefined
      ? first.descriptor
      : { ...first.descriptor, ...referrerDescriptor(manifest) };
  if (way.of !== undefined)
    found.referrers.set(digest, { descriptor: described, of: way.of, distance: way.distance });
  else if (digest !== found.root.digest) found.children.push(first.descriptor);
  const children =
    manifest?.kind === "index"
      ? manifest.value.manifests.filter(
          (child) => isManifestType(child.mediaType) && takesChild(child, manifest),
        )
      : [];
  const below = children.map((child): Step => ({
    descriptor: child,
    distance: way.distance,
    known: place !== undefined,
  }));
  if (place?.leaf === true) return below;
  if (described.artifactType !== undefined && leafTypes.includes(described.artifactType))
    return below;
  const listed = await source.referrers(digest, {
    signal: options.signal,
    settled: (entry) => known(entry) !== undefined,
    present: options.present,
    unproven: options.unproven,
  });
  const others = listed.filter((entry) => entry.digest !== digest);
  const candidates = others.filter((entry) => isManifestType(entry.mediaType));
  for (const entry of others)
    if (!isManifestType(entry.mediaType))
      noteUnreadable(found, entry, digest, `source: ${unreadKind(entry.mediaType)}`);
  return [
    ...below,
    ...candidates.map((descriptor): Step => ({
      descriptor,
      distance: way.distance + 1,
      of: digest,
    })),
  ];
}

function unreadKind(mediaType: string): string {
  const bygone = bygoneManifest(mediaType);
  return `it is listed as ${oneLine(mediaType)}, ${bygone ?? "which is no manifest"}, and not read [MANIFEST_INVALID]`;
}
