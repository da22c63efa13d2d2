// SPDX-License-Identifier: Apache-2.0
import { forEachBounded } from "../content/bounded";
import type { ReadStore } from "../content/storage";
import { asConsignError, ConsignError, isConsignError } from "../errors";
import type { Descriptor } from "../oci/descriptor";
import type { Digest } from "../oci/digest";
import type { ResourceContext } from "./context";
import type { PlannedMirror } from "./mirror";
import { fillDestination, inventoryTagOf, type Filling } from "./mirror-destination";
import { removeInventory } from "./mirror-inventory";
import { fromRecord, knownDescriptors, planInFull } from "./mirror-memory";
import { emptyPlan, parityOf, recordPlan, type DestinationStatus, type FullPlan, type MirrorPlan } from "./mirror-plan";
import { without } from "./mirror-places";
import { childFilter, derive, DerivedSource } from "./mirror-platforms";
import { removeUnplanned } from "./mirror-prune";
import { SharedSource } from "./mirror-shared-source";
import type { KeptTags } from "./mirror-tag-moves";
import { PartialFailure, type Properties } from "./reconciler";

/** Destinations that are filled at once where they may be. */
const AT_ONCE = 4;
/** Destinations whose failures one message tells beside the first; state has all. */
const NAMED = 4;

/**
 * Fills every destination as planned, from one reading of the source. One that fails does not hold up the others: it is named in what is
 * recorded, with what it may still hold of earlier plans, and the next run finishes it.
 */
export async function bringInStep(inputs: Properties, planned: PlannedMirror, before: PlannedMirror | undefined, context: ResourceContext): Promise<Properties> {
  const plan = await planInFull(planned.plan, [...planned.destinations, ...(before?.destinations ?? [])], context);
  const base = before === undefined ? undefined : await fromRecord(before.plan, before.destinations, context).catch(unreadable);
  const filling = await prepare(planned, plan, context);
  const status: Record<string, DestinationStatus> = {};
  const behind: Record<string, MirrorPlan> = {};
  const kept: Record<string, KeptTags> = {};
  const failures: [destination: string, error: Error][] = [];
  await forEachBounded(planned.destinations, planned.rollout === "sequential" ? 1 : AT_ONCE, async (destination) => {
    const wasThere = before?.destinations.includes(destination) === true;
    const late = before?.behind?.[destination];
    const unfinished = late === undefined ? undefined : await fromRecord(late, before?.destinations ?? [], context);
    const earlier = wasThere ? [unfinished, base].filter((plan) => plan !== undefined) : [];
    const leftover = wasThere ? union(unfinished, base) : undefined;
    const keptBefore = before?.kept?.[destination] ?? {};
    const seen = before?.status[destination];
    const certain = wasThere && late === undefined && seen?.["failed"] === undefined && seen?.["inventory"] === undefined;
    try {
      const left = await fillDestination(destination, filling, { base: certain ? base : undefined, earlier, status: seen, kept: keptBefore, leftover }, planned, before, context);
      status[destination] = {};
      if (Object.keys(left).length > 0) kept[destination] = left;
    } catch (error) {
      failures.push([destination, error as Error]);
      if (Object.keys(keptBefore).length > 0) kept[destination] = keptBefore;
      status[destination] = { failed: (error as Error).message };
      if (leftover !== undefined) behind[destination] = recordPlan(leftover);
    }
  });
  await leave(planned, before, base, context);
  const parity = parityOf(plan);
  const ensured = {
    status: inOrder(planned.destinations, status),
    parity: Object.fromEntries(planned.destinations.filter((destination) => status[destination]?.["failed"] === undefined).map((destination) => [destination, parity])),
    kept: inOrder(planned.destinations, kept),
    ...(Object.keys(behind).length === 0 ? {} : { behind }),
  };
  if (failures.length > 0) throw new PartialFailure(failureOf(failures, planned.destinations), { ...inputs, ...ensured });
  return { ...ensured, ready: true };
}

/** What went wrong at each destination that failed, in the order in which they are named. */
function failureOf(failures: readonly [destination: string, error: Error][], destinations: readonly string[]): Error {
  const [first, ...others] = [...failures].sort(([a], [b]) => destinations.indexOf(a) - destinations.indexOf(b)).map(([destination, error]) => ({ destination, error: asConsignError(error, "INTERNAL") }));
  if (first === undefined || others.length === 0) return failures[0]?.[1] ?? new ConsignError("INTERNAL", "no destination failed");
  const named = others.slice(0, NAMED).map(({ destination, error }) => `${destination}: ${error.message} [${error.code}]`);
  const more = others.length > NAMED ? `\nand ${others.length - NAMED} more` : "";
  const { code, message, path, reference, side, status, serverCodes } = first.error;
  return new ConsignError(code, `${failures.length} of ${destinations.length} destinations failed\n${first.destination}: ${message}\n${named.join("\n")}${more}`, { path, reference, side, status, serverCodes, cause: first.error });
}

/** The inventory of a plan before may be out of reach, as when its only destination is down; nothing can be removed then. */
function unreadable(error: unknown): undefined {
  if (!isConsignError(error)) throw error;
  return undefined;
}

async function prepare(planned: PlannedMirror, plan: FullPlan, context: ResourceContext): Promise<Filling> {
  const origin = await context.stores.open(planned.source);
  const takesChild = childFilter(planned.platforms);
  const derived = new DerivedSource(origin);
  for (const [digest, { derivedFrom, mediaType }] of Object.entries(plan.artifacts) as [Digest, FullPlan["artifacts"][Digest]][]) {
    if (derivedFrom !== undefined && planned.platforms !== undefined) {
      const made = derive(await origin.manifest(derivedFrom), planned.platforms.only, origin.name);
      if (made !== undefined) await derived.add(made);
    } else if (planned.platforms !== undefined && mediaType.includes("index")) takesChild.learn(await origin.manifest(digest));
  }
  const whole: ReadStore = Object.values(plan.artifacts).some(({ derivedFrom }) => derivedFrom !== undefined) ? derived : origin;
  const source = planned.destinations.length > 1 ? new SharedSource(whole) : whole;
  const known = knownDescriptors(plan, context);
  const descriptorOf = async (digest: Digest): Promise<Descriptor> => {
    const artifact = plan.artifacts[digest];
    return artifact === undefined ? (known.get(digest) ?? (await source.manifest(digest)).descriptor) : { mediaType: artifact.mediaType, size: artifact.size, digest };
  };
  return { plan, source, origin, takesChild, descriptorOf };
}

/** Everything that a destination may hold of two plans. Where they differ about a tag, it is most likely where the first has it, as the second was not finished. */
function union(a: FullPlan | undefined, b: FullPlan | undefined): FullPlan | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  const artifacts = { ...a.artifacts, ...b.artifacts };
  for (const digest of Object.keys(a.artifacts) as Digest[]) {
    const [left, right] = [a.artifacts[digest], b.artifacts[digest]];
    if (left !== undefined && right !== undefined) artifacts[digest] = { ...right, related: { ...left.related, ...right.related } };
  }
  return { ...b, artifacts, tags: { ...b.tags, ...a.tags }, cosignTags: { ...b.cosignTags, ...a.cosignTags } };
}

/** Destinations that are no longer named: what is there stays, or goes, as deleting the mirror would have it. */
async function leave(planned: PlannedMirror, before: PlannedMirror | undefined, base: FullPlan | undefined, context: ResourceContext): Promise<void> {
  if (before === undefined || base === undefined || planned.onDelete === "retain") return;
  const left = before.destinations.filter((place) => !planned.destinations.includes(place));
  for (const destination of await without(left, [planned.source, ...planned.destinations], context)) {
    const store = await context.stores.open(destination);
    const taken: FullPlan = planned.onDelete === "purge" ? base : { ...emptyPlan(), tags: base.tags };
    await removeUnplanned(store, emptyPlan(), taken, context);
    if (before.plan.summary !== undefined) await removeInventory(store, inventoryTagOf(before));
  }
}

function inOrder<T>(names: readonly string[], record: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(names.flatMap((name) => (record[name] === undefined ? [] : [[name, record[name]]])));
}
