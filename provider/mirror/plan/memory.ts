// SPDX-License-Identifier: Apache-2.0
import { ConsignError } from "../../errors";
import type { Descriptor } from "../../oci/descriptor";
import type { Digest } from "../../oci/digest";
import type { ResourceContext } from "../../world/context";
import { runPart } from "../../world/run";
import { packInventory, readInventory, summarize } from "./inventory";
import {
  emptyPlan,
  manifestCount,
  readPlan,
  recordPlan,
  union,
  type FullPlan,
  type MirrorPlan,
} from "../../upcoming/plan";

type Told = Pick<ResourceContext, "run" | "stores">;

/**
 * Plans that were made in this process, by their inventory's digest, as `check` makes what `create`
 * and `update` carry out.
 */
const MOST_REMEMBERED = 64;
interface Remembered {
  plan: FullPlan;
  /** Of what it names; empty where the plan was only read back. */
  descriptors: ReadonlyMap<Digest, Descriptor>;
}

const REMEMBERED = runPart("mirror plans", () => new Map<Digest, Remembered>());

function memoryOf({ run }: ResourceContext): Map<Digest, Remembered> {
  return run.part(REMEMBERED);
}

function remember(inventory: Digest, what: Remembered, context: ResourceContext): void {
  const memory = memoryOf(context);
  memory.delete(inventory);
  memory.set(inventory, what);
  for (const oldest of memory.keys()) if (memory.size > MOST_REMEMBERED) memory.delete(oldest);
}

/**
 * The form in which a plan is recorded, whole or as a summary; what it takes to carry it out is
 * remembered in this process.
 */
export function toRecord(
  plan: FullPlan,
  descriptors: ReadonlyMap<Digest, Descriptor>,
  summarizeAbove: number,
  context: ResourceContext,
): MirrorPlan {
  const inventory = packInventory(plan).manifest.descriptor.digest;
  remember(inventory, { plan, descriptors }, context);
  return manifestCount(plan) > summarizeAbove ? summarize(plan, inventory) : recordPlan(plan);
}

/**
 * A recorded plan in full: a summary's from memory, else from an inventory at one of the places.
 * @returns undefined if none of them has it
 */
export async function fromRecord(
  recorded: MirrorPlan,
  places: readonly string[],
  context: ResourceContext,
): Promise<FullPlan | undefined> {
  const { summary } = recorded;
  if (summary === undefined) return readPlan(recorded);
  const { withdrawn = [], refused = {}, missing = [] } = recorded;
  const inMemory = memoryOf(context).get(summary.inventory)?.plan;
  if (inMemory !== undefined) return { ...inMemory, withdrawn, refused, missing };
  let failure: unknown;
  for (const place of places) {
    try {
      const read = await readInventory(await context.stores.open(place), summary.inventory);
      if (read === undefined) continue;
      remember(summary.inventory, { plan: read, descriptors: new Map() }, context);
      return { ...read, withdrawn, refused, missing };
    } catch (error) {
      failure ??= error;
    }
  }
  if (failure !== undefined) throw failure;
  return undefined;
}

/**
 * What was found out about a plan's manifests in this process; otherwise they are looked up one by
 * one.
 */
export function knownDescriptors(
  plan: FullPlan,
  context: ResourceContext,
): ReadonlyMap<Digest, Descriptor> {
  return (
    memoryOf(context).get(packInventory(plan).manifest.descriptor.digest)?.descriptors ??
    new Map<Digest, Descriptor>()
  );
}

/** @throws ConsignError `PLAN_STALE` */
export async function planInFull(
  recorded: MirrorPlan,
  places: readonly string[],
  context: ResourceContext,
): Promise<FullPlan> {
  const plan = await fromRecord(recorded, places, context);
  if (plan === undefined)
    throw new ConsignError(
      "PLAN_STALE",
      "the plan is a summary, and no destination has the inventory that it stands for: run again to plan anew",
      { path: "plan" },
    );
  return plan;
}

/** What mirrors of this program plan for one place. */
export interface PlannedAt {
  plan: FullPlan;
  inventoryTags: ReadonlySet<string>;
}

const PLANNED = runPart("planned by place", () => new Map<string, PlannedAt>());

/**
 * Notes what a mirror that is to stay has planned for its destinations in this process. The engine
 * makes what takes another's place, or another's name, before it deletes that other one, and in the
 * same process: what is planned anew must not go with it.
 */
export async function notePlanned(
  destinations: readonly string[],
  plan: FullPlan,
  inventoryTag: string,
  { run, stores }: Told,
): Promise<void> {
  const places = run.part(PLANNED);
  for (const destination of destinations) {
    const place = await stores.placeOf(destination);
    const before = places.get(place);
    places.set(place, {
      plan: union(before?.plan, plan) ?? plan,
      inventoryTags: new Set([...(before?.inventoryTags ?? []), inventoryTag]),
    });
  }
}

export async function plannedAt(destination: string, { run, stores }: Told): Promise<PlannedAt> {
  return (
    run.part(PLANNED).get(await stores.placeOf(destination)) ?? {
      plan: emptyPlan(),
      inventoryTags: new Set(),
    }
  );
}

const REPLACED = runPart("replaced by place", () => new Map<string, FullPlan>());

/**
 * Notes what a mirror had planned that another one, of another source, is about to take the place
 * of: tags that are still as it left them are not somebody else's.
 */
export async function noteReplaced(
  destinations: readonly string[],
  plan: FullPlan | undefined,
  { run, stores }: Told,
): Promise<void> {
  if (plan === undefined) return;
  const places = run.part(REPLACED);
  for (const destination of destinations) places.set(await stores.placeOf(destination), plan);
}

export async function replacedAt(
  destination: string,
  { run, stores }: Told,
): Promise<FullPlan | undefined> {
  return run.part(REPLACED).get(await stores.placeOf(destination));
}
