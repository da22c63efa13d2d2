// SPDX-License-Identifier: Apache-2.0
import { forEachBounded } from "../content/bounded";
import type { ReadStore } from "../content/storage";
import { isConsignError } from "../errors";
import type { Descriptor } from "../oci/descriptor";
import type { Digest } from "../oci/digest";
import type { ResourceContext } from "./context";
import type { PlannedMirror } from "./mirror";
import { fillDestination, inventoryTagOf, type Filling } from "./mirror-destination";
import { removeInventory } from "./mirror-inventory";
import { fromRecord, knownDescriptors, planInFull } from "./mirror-memory";
import { emptyPlan, parityOf, recordPlan, type DestinationStatus, type FullPlan, type MirrorPlan } from "./mirror-plan";
import { childFilter, derive, DerivedSource } from "./mirror-platforms";
import { removeUnplanned } from "./mirror-prune";
import { SharedSource } from "./mirror-shared-source";
import { PartialFailure, type Properties } from "./reconciler";

/** Destinations that are filled at once where they may be. */
const AT_ONCE = 4;

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
  const failures: Error[] = [];
  await forEachBounded(planned.destinations, planned.rollout === "sequential" ? 1 : AT_ONCE, async (destination) => {
    const wasThere = before?.destinations.includes(destination) === true;
    const late = before?.behind?.[destination];
    const leftover = wasThere ? union(late === undefined ? undefined : await fromRecord(late, before?.destinations ?? [], context), base) : undefined;
    const seen = before?.status[destination];
    const certain = wasThere && late === undefined && seen?.["failed"] === undefined && seen?.["inventory"] === undefined;
    try {
      await fillDestination(destination, filling, { base: certain ? base : undefined, status: seen, leftover }, planned, before, context);
      status[destination] = {};
    } catch (error) {
      failures.push(error as Error);
      status[destination] = { failed: (error as Error).message };
      if (leftover !== undefined) behind[destination] = recordPlan(leftover);
    }
  });
  await leave(planned, before, base, context);
  const parity = parityOf(plan);
  const ensured = {
    status: inOrder(planned.destinations, status),
    parity: Object.fromEntries(planned.destinations.filter((destination) => status[destination]?.["failed"] === undefined).map((destination) => [destination, parity])),
    ...(Object.keys(behind).length === 0 ? {} : { behind }),
  };
  const [first] = failures;
  if (first !== undefined) throw new PartialFailure(first, { ...inputs, ...ensured });
  return { ...ensured, ready: true };
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

/** Everything that a destination may hold of two plans. */
function union(a: FullPlan | undefined, b: FullPlan | undefined): FullPlan | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  const artifacts = { ...a.artifacts, ...b.artifacts };
  for (const digest of Object.keys(a.artifacts) as Digest[]) {
    const [left, right] = [a.artifacts[digest], b.artifacts[digest]];
    if (left !== undefined && right !== undefined) artifacts[digest] = { ...right, related: { ...left.related, ...right.related } };
  }
  return { ...b, artifacts, tags: { ...a.tags, ...b.tags }, cosignTags: { ...a.cosignTags, ...b.cosignTags } };
}

/** Destinations that are no longer named: what is there stays, or goes, as deleting the mirror would have it. */
async function leave(planned: PlannedMirror, before: PlannedMirror | undefined, base: FullPlan | undefined, context: ResourceContext): Promise<void> {
  if (before === undefined || base === undefined || planned.onDelete === "retain") return;
  for (const destination of before.destinations.filter((place) => !planned.destinations.includes(place))) {
    const store = await context.stores.open(destination);
    const taken: FullPlan = planned.onDelete === "purge" ? base : { ...emptyPlan(), tags: base.tags };
    await removeUnplanned(store, emptyPlan(), taken, (message) => context.progress(message));
    if (before.plan.summary !== undefined) await removeInventory(store, inventoryTagOf(before));
  }
}

function inOrder<T>(names: readonly string[], record: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(names.flatMap((name) => (record[name] === undefined ? [] : [[name, record[name]]])));
}
