// SPDX-License-Identifier: Apache-2.0
import {
  wasBegun,
  type CopyItem,
  type CopyReport,
  type SendBlob,
  type TagMove,
} from "../../content/copy";
import { typeMayForbid } from "../../claims/index";
import { forEachBounded, groupedBy } from "../../content/bounded";
import type { ReadStore, Store } from "../../content/storage";
import { isConsignError, type ConsignError } from "../../errors";
import type { Descriptor } from "../../oci/descriptor";
import { isDigest, type Digest } from "../../oci/digest";
import { samePartsIn, type FullArtifact, type FullPlan } from "../../upcoming/plan";
import type { TakesChild } from "../choose/platforms";
import type { Marks } from "./marks";
import type { CopyMeter } from "./progress";
import type { Related } from "../../upcoming/related";
import { IsolatedCopy, type RefusedItem } from "./isolated-copy";
import { decideTags, type KeptTags, type Move, type TagWork } from "./tag-moves";

export interface Work extends TagWork {
  source: ReadStore;
  destination: Store;
  /** Where blobs can be mounted from. */
  mountFrom: ReadStore;
  descriptorOf: (digest: Digest) => Promise<Descriptor>;
  takesChild: TakesChild;
  /**
   * Called between "everything is there" and "tags point at it", for artifacts that this mirror
   * makes.
   */
  complete: (digest: Digest, artifact: FullArtifact) => Promise<void>;
  meter: CopyMeter;
  marks: Marks;
  sendBlob: SendBlob | undefined;
  /** Told why the destination's lists are those that clients keep. */
  unproven: (why: string) => void;
  /** Whether a fault may be one item's. */
  isolates: (error: ConsignError) => boolean;
}

export interface Applied {
  report: CopyReport;
  /** What could not be brought, and why. */
  refused: ReadonlyMap<Digest, RefusedItem>;
  /** By artifact that was brought and to which no tag may lead yet, why. */
  held: ReadonlyMap<Digest, string>;
  /** Tags that are where they were for that. */
  unmoved: readonly Move[];
  /** Tags that were left where others have them. */
  kept: KeptTags;
}

/** Artifacts whose tags are set together. */
const BATCH = 64;
/**
 * So many of the first artifacts, and of the first of what refers to them, tell whether a run
 * before this one was killed over them.
 */
const PROBES = 4;
/** As many as are under way at once, and so may be sent twice in any case. */
const MAX_RESENT = 16;

type Held = (target: Descriptor) => boolean | undefined;

/**
 * Makes one destination hold the plan: copies what is missing, and moves tags last. What it holds
 * already is neither read nor asked for.
 */
export async function applyToDestination(work: Work): Promise<Applied> {
  const { source, destination, plan, known, mountFrom, takesChild, meter } = work;
  const doubtful = new Set(
    Object.keys(known.status ?? {}).flatMap((line) => line.split(" ").filter(isDigest)),
  );
  const untagged = known.base === undefined && (await destination.tags()).length === 0;
  const { moves, kept, found } = await decideTags(work, untagged);
  for (const tag of found) work.marks.sawTag(tag);
  const movesTo = groupedBy(moves, ({ to }) => to);
  const pending = (Object.entries(plan.artifacts) as [Digest, FullArtifact][]).filter(
    ([digest, artifact]) => isPending(digest, artifact, work, doubtful) || movesTo.has(digest),
  );
  const referrers = await plannedReferrers(pending, describing(work, doubtful));
  const items: CopyItem[] = [];
  for (const [digest, { derivedFrom }] of pending) {
    items.push({
      root: await work.descriptorOf(digest),
      tags: derivedFrom === undefined ? (movesTo.get(digest) ?? []).map(asTagMove) : [],
    });
  }
  for (const move of moves) {
    const isCosign = plan.cosignTags[move.tag] === move.to;
    if (isCosign) items.push({ root: await work.descriptorOf(move.to), tags: [asTagMove(move)] });
  }
  const presumed: Held = untagged ? () => false : heldOf(work, doubtful);
  const resumes = await wasBegun(
    source,
    destination,
    await firstToCome(items.slice(0, BATCH), presumed, work),
    { takesChild },
  );
  const held: Held = resumes ? (target) => presumed(target) || undefined : presumed;
  const total: CopyReport = {
    manifests: 0,
    manifestsSkipped: 0,
    blobs: 0,
    blobsSkipped: 0,
    bytes: 0,
    referrersIgnored: 0,
    repaired: 0,
    tagsMoved: 0,
  };
  const copy = new IsolatedCopy(
    source,
    destination,
    {
      referrers: async (subject) => referrers.get(subject.digest) ?? [],
      held,
      resumes,
      takesChild,
      mayLackChildren: ({ digest }) => !isWhole(digest, work, doubtful),
      mountFrom,
      sendBlob: work.sendBlob,
      prove: true,
      // What it puts there is its own to remove, and so is looked for before; where no tag is there
      // is nothing to find.
      certain: !untagged,
      concurrency: 32,
      batch: BATCH,
      onProgress: (event) => {
        meter.seen(event);
        work.marks.seen(event);
      },
      unproven: work.unproven,
      isolates: work.isolates,
      mayForbid: forbidding(plan),
    },
    total,
  );
  for (let start = 0; start < items.length; start += BATCH) {
    await copy.run(items.slice(start, start + BATCH));
    meter.done(Math.min(start + BATCH, items.length), items.length);
  }
  copy.end();
  for (const [digest, artifact] of pending) {
    if (artifact.derivedFrom === undefined || copy.refused.has(digest) || copy.held.has(digest))
      continue;
    await work.complete(digest, artifact);
    const manifest = await source.manifest(digest);
    for (const move of movesTo.get(digest) ?? [])
      await destination.tag(manifest, move.tag, { expected: move.from });
  }
  const unmoved = moves.filter(({ to }) => copy.refused.has(to) || copy.held.has(to));
  const isUnmoved = new Set(unmoved.map(({ tag }) => tag));
  for (const { tag } of moves) if (!isUnmoved.has(tag)) work.marks.setTag(tag);
  return { report: total, kept, refused: copy.refused, held: copy.held, unmoved };
}

/** By what the plan says of it; of an artifact, and of what is in one, nothing is said. */
function forbidding(plan: FullPlan): (referrer: Digest) => boolean {
  const types = new Map(
    Object.values(plan.artifacts).flatMap(({ related }) =>
      (Object.entries(related) as [Digest, Related][]).map(([digest, { type }]) => [digest, type]),
    ),
  );
  return (referrer) => {
    const type = types.get(referrer);
    return type !== undefined && typeMayForbid(type);
  };
}

function asTagMove({ tag, from }: Move): TagMove {
  return { tag, expected: from, looked: true };
}

/**
 * What a copy writes first of what is new: artifacts in their order, or else what is farthest from
 * them. Nothing where little is new, which may as well be sent again.
 */
async function firstToCome(
  items: readonly CopyItem[],
  presumed: Held,
  { plan, descriptorOf }: Work,
): Promise<Descriptor[]> {
  const isNew = (target: Descriptor): boolean => presumed(target) !== true;
  const roots = items
    .map(({ root }) => root)
    .filter(isNew)
    .slice(0, PROBES);
  const withdrawn = new Set(plan.withdrawn);
  const referrers: { target: Descriptor; steps: number }[] = [];
  for (const { root } of items) {
    const related = plan.artifacts[root.digest]?.related ?? {};
    for (const digest of Object.keys(related) as Digest[]) {
      const target = withdrawn.has(digest) ? undefined : await descriptorOf(digest);
      if (target !== undefined && isNew(target))
        referrers.push({ target, steps: stepsTo(digest, related) });
    }
  }
  if (roots.length === 0 && referrers.length <= MAX_RESENT) return [];
  referrers.sort((a, b) => b.steps - a.steps || (a.target.digest < b.target.digest ? -1 : 1));
  return [...roots, ...referrers.slice(0, PROBES).map(({ target }) => target)];
}

/**
 * By how many steps a copy comes to something; what is about a part of an index is one more away
 * than what is about the index.
 */
function stepsTo(digest: Digest, related: Readonly<Record<Digest, Related>>): number {
  let [steps, at] = [1, related[digest]?.of];
  for (; at !== undefined && steps < 32; at = related[at]?.of) steps++;
  return steps;
}

/**
 * Whether there may be something to do about an artifact other than setting a tag; what is as it
 * was left is not looked at.
 */
function isPending(
  digest: Digest,
  artifact: FullArtifact,
  { known }: Work,
  doubtful: ReadonlySet<string>,
): boolean {
  const before = known.base?.artifacts[digest];
  if (before === undefined || doubtful.has(digest) || !samePartsIn(before, artifact)) return true;
  const related = Object.keys(artifact.related) as Digest[];
  return related.some(
    (referrer) => before.related[referrer] === undefined || doubtful.has(referrer),
  );
}

/**
 * An index that was put there with just the parts that are planned, and of which no refresh has
 * missed any, is not looked into.
 */
function isWhole(digest: Digest, { plan, known }: Work, doubtful: ReadonlySet<string>): boolean {
  const before = known.base?.artifacts[digest];
  return (
    before !== undefined && !doubtful.has(digest) && samePartsIn(before, plan.artifacts[digest])
  );
}

type Describe = (digest: Digest, root: Digest) => Promise<Descriptor | undefined>;

/**
 * What is gone at the source and was put here is described by the destination; where somebody has
 * taken it away there too, and no refresh has shown it yet, there is nothing to be done about it.
 */
function describing(
  { destination, plan, known, descriptorOf }: Work,
  doubtful: ReadonlySet<string>,
): Describe {
  const withdrawn = new Set(plan.withdrawn);
  return async (digest, root) => {
    if (
      !withdrawn.has(digest) ||
      known.base?.artifacts[root]?.related[digest] === undefined ||
      doubtful.has(digest)
    )
      return descriptorOf(digest);
    try {
      return await destination.resolve(digest);
    } catch (error) {
      if (isConsignError(error, "MANIFEST_UNKNOWN")) return undefined;
      throw error;
    }
  };
}

/** By subject, what the plan has of its referrers, in the form that a copy asks for. */
async function plannedReferrers(
  artifacts: readonly [Digest, FullArtifact][],
  describe: Describe,
): Promise<Map<Digest, Descriptor[]>> {
  const bySubject = new Map<Digest, Descriptor[]>();
  const all = artifacts.flatMap(([root, { related }]) =>
    (Object.entries(related) as [Digest, Related][]).map(([digest, { of }]) => ({
      root,
      digest,
      subject: of ?? root,
    })),
  );
  await forEachBounded(all, 32, async ({ root, digest, subject }) => {
    const descriptor = await describe(digest, root);
    if (descriptor === undefined) return;
    const listed = bySubject.get(subject) ?? [];
    bySubject.set(subject, listed);
    listed.push(descriptor);
  });
  return bySubject;
}

/**
 * What this mirror put at the destination is there, unless a refresh has missed it; what it is to
 * add to that is not. Else the destination is asked.
 */
function heldOf({ plan, known }: Work, doubtful: ReadonlySet<string>): Held {
  const { base, status = {}, kept } = known;
  if (base === undefined) return () => undefined;
  // What was to go under a tag that is somebody else's was never brought.
  const cosign = new Set(
    Object.entries(base.cosignTags).flatMap(([tag, digest]) =>
      status[`tag ${tag}`] === undefined && kept[tag] === undefined ? [digest] : [],
    ),
  );
  return ({ digest }) => isHeld(digest, base, plan, cosign, doubtful);
}

function isHeld(
  digest: Digest,
  base: FullPlan,
  plan: FullPlan,
  cosign: ReadonlySet<Digest>,
  doubtful: ReadonlySet<string>,
): boolean | undefined {
  const ownBefore = base.artifacts[digest] !== undefined || cosign.has(digest);
  const home = homeOf(digest, base);
  if (doubtful.has(digest)) return home !== undefined && !doubtful.has(home) ? false : undefined;
  if (ownBefore || home !== undefined)
    return home !== undefined && doubtful.has(home) ? undefined : true;
  const newHome = homeOf(digest, plan);
  return newHome !== undefined && base.artifacts[newHome] !== undefined && !doubtful.has(newHome)
    ? false
    : undefined;
}

const homes = new WeakMap<FullPlan, Map<Digest, Digest>>();

/** The artifact in whose graph something is. */
function homeOf(digest: Digest, plan: FullPlan): Digest | undefined {
  let map = homes.get(plan);
  if (map === undefined) {
    map = new Map();
    for (const [root, { related }] of Object.entries(plan.artifacts) as [Digest, FullArtifact][])
      for (const referrer of Object.keys(related) as Digest[]) map.set(referrer, root);
    homes.set(plan, map);
  }
  return map.get(digest);
}
