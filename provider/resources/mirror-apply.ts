// SPDX-License-Identifier: Apache-2.0
import { isDeepStrictEqual } from "node:util";
import { copyAll, type CopyItem, type CopyReport, type TagMove } from "../content/copy";
import { forEachBounded } from "../content/bounded";
import type { ReadStore, Store } from "../content/storage";
import { ConsignError } from "../errors";
import { mergeTags } from "../graph";
import type { Descriptor } from "../oci/descriptor";
import { isDigest, type Digest } from "../oci/digest";
import type { DestinationStatus, FullArtifact, FullPlan } from "./mirror-plan";
import type { TakesChild } from "./mirror-platforms";
import type { Related } from "./mirror-related";
import { tagDigest } from "./tagging";

export type OnConflict = "fail" | "overwrite" | "keep";

/** What is known of a destination from the run before. */
export interface Known {
  /** What was put there; undefined if nothing is certain: then it is looked at. */
  base?: FullPlan | undefined;
  /** How it looked at the last refresh, or what went wrong. */
  status?: DestinationStatus | undefined;
}

export interface Work {
  source: ReadStore;
  destination: Store;
  /** Where blobs can be mounted from. */
  mountFrom: ReadStore;
  plan: FullPlan;
  known: Known;
  onConflict: OnConflict;
  descriptorOf: (digest: Digest) => Promise<Descriptor>;
  takesChild: TakesChild;
  /** Called between "everything is there" and "tags point at it", for artifacts that this mirror makes. */
  complete: (digest: Digest, artifact: FullArtifact) => Promise<void>;
  warn: (message: string) => void;
  progress: (done: number, of: number, report: CopyReport) => void;
}

/** Artifacts whose tags are set together. */
const BATCH = 64;

/** Makes one destination hold the plan: copies what is missing, and moves tags last. What it holds already is neither read nor asked for. */
export async function applyToDestination(work: Work): Promise<CopyReport> {
  const { source, destination, plan, mountFrom, takesChild } = work;
  const doubtful = new Set(Object.keys(work.known.status ?? {}).flatMap((line) => line.split(" ").filter(isDigest)));
  const fresh = work.known.base === undefined && (await destination.tags()).length === 0;
  const moves = await tagMoves(work, fresh);
  const pending = (Object.entries(plan.artifacts) as [Digest, FullArtifact][]).filter(([digest, artifact]) => isPending(digest, artifact, work, doubtful, moves));
  const referrers = await plannedReferrers(pending, work.descriptorOf);
  const items: CopyItem[] = [];
  for (const [digest, { derivedFrom }] of pending) {
    items.push({ root: await work.descriptorOf(digest), tags: derivedFrom === undefined ? moves.filter((move) => move.to === digest).map(asTagMove) : [] });
  }
  for (const move of moves) {
    const isCosign = plan.cosignTags[move.tag] === move.to;
    if (isCosign) items.push({ root: await work.descriptorOf(move.to), tags: [asTagMove(move)] });
  }
  const total: CopyReport = { manifests: 0, manifestsSkipped: 0, blobs: 0, blobsSkipped: 0, bytes: 0, referrersIgnored: 0, repaired: 0, tagsMoved: 0 };
  for (let start = 0; start < items.length; start += BATCH) {
    const batch = items.slice(start, start + BATCH);
    const report = await copyAll(source, destination, batch, {
      referrers: async (subject) => referrers.get(subject.digest) ?? [],
      held: fresh ? () => false : (target) => isHeld(target, work, doubtful),
      takesChild,
      mayLackChildren: ({ digest }) => !isWhole(digest, work, doubtful),
      mountFrom,
      concurrency: 32,
      batch: BATCH,
    });
    for (const key of Object.keys(total) as (keyof CopyReport)[]) total[key] += report[key];
    work.progress(Math.min(start + BATCH, items.length), items.length, total);
  }
  for (const [digest, artifact] of pending) {
    if (artifact.derivedFrom === undefined) continue;
    await work.complete(digest, artifact);
    const manifest = await source.manifest(digest);
    for (const move of moves) if (move.to === digest) await destination.tag(manifest, move.tag, { expected: move.from });
  }
  return total;
}

/** A tag of cosign's that is gone where it was, or elsewhere, moves as any other. */
interface Move {
  tag: string;
  from: Digest | undefined;
  to: Digest;
}

function asTagMove({ tag, from }: Move): TagMove {
  return { tag, expected: from, looked: true };
}

/**
 * Tags that have to move, and from where. A tag that is neither where this mirror put it nor where the last refresh showed it was moved by
 * somebody else, and nobody has seen that in a preview yet. Tags that are known to be right are not looked at.
 */
async function tagMoves({ destination, plan, known, onConflict, warn }: Work, fresh: boolean): Promise<Move[]> {
  const wanted = Object.entries({ ...plan.tags, ...plan.cosignTags });
  const settled = ([tag, digest]: [string, Digest]): boolean => (known.base?.tags[tag] ?? known.base?.cosignTags[tag]) === digest && known.status?.[`tag ${tag}`] === undefined;
  const base = new Map<string, Digest>();
  const source = new Map<string, Digest>();
  const found = new Map<string, Digest>();
  await forEachBounded(wanted.filter((entry) => !settled(entry)), 32, async ([tag, digest]) => {
    source.set(tag, digest);
    const now = fresh ? undefined : await tagDigest(destination, tag);
    const before = known.base?.tags[tag] ?? known.base?.cosignTags[tag];
    if (before !== undefined) base.set(tag, before);
    if (isDigest(now)) found.set(tag, now);
    // What a refresh has shown, and a preview before this run, is agreed upon.
    if (isDigest(now) && now === known.status?.[`tag ${tag}`]) base.set(tag, now);
  });
  const merged = mergeTags({ base, source, destination: found });
  const [conflict] = merged.conflict;
  if (conflict !== undefined && onConflict === "fail") {
    throw new ConsignError(
      "TAG_MOVED",
      `tag ${conflict.tag} points at ${conflict.from}, which this mirror did not put there (${conflict.reason}): refresh to see it and run again, or set onConflict to "overwrite" or "keep"`,
      { reference: `${destination.name}:${conflict.tag}`, side: "destination" },
    );
  }
  if (onConflict === "keep") for (const { tag, from } of merged.conflict) warn(`${destination.name}:${tag} stays at ${from}, as onConflict says`);
  return [...merged.add, ...merged.move, ...(onConflict === "overwrite" ? merged.conflict : [])].map(({ tag, from }) => ({ tag, from, to: source.get(tag) as Digest }));
}

/** Whether there may be something to do about an artifact; what is as it was left is not looked at. */
function isPending(digest: Digest, artifact: FullArtifact, { known }: Work, doubtful: ReadonlySet<string>, moves: readonly Move[]): boolean {
  const before = known.base?.artifacts[digest];
  if (before === undefined || doubtful.has(digest) || !isDeepStrictEqual(before.platforms, artifact.platforms)) return true;
  const related = Object.keys(artifact.related) as Digest[];
  return related.some((referrer) => before.related[referrer] === undefined || doubtful.has(referrer)) || moves.some((move) => move.to === digest);
}

/** An index that was put there with just the parts that are planned, and of which no refresh has missed any, is not looked into. */
function isWhole(digest: Digest, { plan, known }: Work, doubtful: ReadonlySet<string>): boolean {
  const before = known.base?.artifacts[digest];
  return before !== undefined && !doubtful.has(digest) && isDeepStrictEqual(before.platforms, plan.artifacts[digest]?.platforms);
}

/** By subject, what the plan has of its referrers, in the form that a copy asks for. */
async function plannedReferrers(artifacts: readonly [Digest, FullArtifact][], descriptorOf: (digest: Digest) => Promise<Descriptor>): Promise<Map<Digest, Descriptor[]>> {
  const bySubject = new Map<Digest, Descriptor[]>();
  const all = artifacts.flatMap(([root, { related }]) => (Object.entries(related) as [Digest, Related][]).map(([digest, { of }]) => ({ digest, subject: of ?? root })));
  await forEachBounded(all, 32, async ({ digest, subject }) => {
    const descriptor = await descriptorOf(digest);
    const listed = bySubject.get(subject) ?? [];
    bySubject.set(subject, listed);
    listed.push(descriptor);
  });
  return bySubject;
}

/** What this mirror put at the destination is there, unless a refresh has missed it; what it is to add to that is not. Else the destination is asked. */
function isHeld(target: Descriptor, { plan, known }: Work, doubtful: ReadonlySet<string>): boolean | undefined {
  const { base } = known;
  if (base === undefined) return undefined;
  const { digest } = target;
  const ownBefore = base.artifacts[digest] !== undefined || Object.values(base.cosignTags).includes(digest);
  const home = homeOf(digest, base);
  if (doubtful.has(digest)) return home !== undefined && !doubtful.has(home) ? false : undefined;
  if (ownBefore || home !== undefined) return home !== undefined && doubtful.has(home) ? undefined : true;
  const newHome = homeOf(digest, plan);
  return newHome !== undefined && base.artifacts[newHome] !== undefined && !doubtful.has(newHome) ? false : undefined;
}

const homes = new WeakMap<FullPlan, Map<Digest, Digest>>();

/** The artifact in whose graph something is. */
function homeOf(digest: Digest, plan: FullPlan): Digest | undefined {
  let map = homes.get(plan);
  if (map === undefined) {
    map = new Map();
    for (const [root, { related }] of Object.entries(plan.artifacts) as [Digest, FullArtifact][]) for (const referrer of Object.keys(related) as Digest[]) map.set(referrer, root);
    homes.set(plan, map);
  }
  return map.get(digest);
}
