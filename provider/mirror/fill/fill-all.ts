// SPDX-License-Identifier: Apache-2.0
import { isDeepStrictEqual } from "node:util";
import { forEachBounded } from "../../content/bounded";
import { mayBeOfOneItem } from "../../content/item-faults";
import type { ReadStore } from "../../content/storage";
import { asConsignError, ConsignError, isConsignError } from "../../errors";
import type { Descriptor } from "../../oci/descriptor";
import { isDigest, type Digest } from "../../oci/digest";
import { MEDIA_TYPES } from "../../oci/media-types";
import type { ResourceContext } from "../../world/context";
import { manifestIfPresent, takesAsPlanned } from "../choose/children";
import { derive, DerivedSource } from "../choose/derived";
import { fillDestination, inventoryTagOf, type Filling } from "./fill";
import { removeInventory } from "../plan/inventory";
import { repairableDrift } from "../choose/withdrawn";
import { KeptSource } from "./kept-source";
import { fromRecord, knownDescriptors, plannedAt, planInFull, replacedAt } from "../plan/memory";
import {
  emptyPlan,
  parityOf,
  recordPlan,
  union,
  type Departures,
  type DestinationStatus,
  type FullPlan,
  type MirrorPlan,
} from "../../upcoming/plan";
import { without } from "../places";
import { ABSENT } from "../../world/tags";
import { removeUnplanned } from "./prune";
import { Marks, type RecordedMarks } from "./marks";
import { BlobRelay } from "./relay";
import { SharedSource } from "./shared-source";
import type { KeptTags } from "./tag-moves";
import { PartialFailure, type Properties } from "../../world/reconciler";
import type { PlannedMirror } from "../arguments";

/** Destinations that are filled at once where they may be. */
const AT_ONCE = 4;
/** Destinations whose failures one message tells beside the first; state has all. */
const NAMED = 4;

/**
 * Fills every destination as planned, from one reading of the source. One that fails does not hold
 * up the others: it is named in what is recorded, with what it may still hold of earlier plans, and
 * the next run finishes it.
 */
export async function bringInStep(
  inputs: Properties,
  planned: PlannedMirror,
  before: PlannedMirror | undefined,
  context: ResourceContext,
): Promise<Properties> {
  const plan = await planInFull(
    planned.plan,
    [...planned.destinations, ...(before?.destinations ?? [])],
    context,
  );
  const base =
    before === undefined
      ? undefined
      : await fromRecord(before.plan, before.destinations, context).catch(unreadable);
  const filling = await prepare(planned, plan, before, context);
  const status: Record<string, DestinationStatus> = {};
  const behind: Record<string, MirrorPlan> = {};
  const kept: Record<string, KeptTags> = {};
  const marks: Record<string, RecordedMarks> = {};
  const failures: [destination: string, error: Error][] = [];
  await forEachBounded(
    planned.destinations,
    planned.rollout === "sequential" ? 1 : AT_ONCE,
    async (destination) => {
      const wasThere = before?.destinations.includes(destination) === true;
      const late = before?.behind?.[destination];
      const keptBefore = before?.kept?.[destination] ?? {};
      const seen =
        before === undefined ? undefined : repairableDrift(destination, before.status, plan);
      const certain =
        wasThere &&
        late === undefined &&
        seen?.["failed"] === undefined &&
        seen?.["inventory"] === undefined;
      let leftover = wasThere ? base : undefined;
      let found: Marks | undefined;
      try {
        const unfinished =
          late === undefined
            ? undefined
            : await fromRecord(late, before?.destinations ?? [], context);
        const earlier = (
          wasThere ? [unfinished, base] : [await replacedAt(destination, context)]
        ).filter((plan) => plan !== undefined);
        if (wasThere) leftover = union(unfinished, base);
        found = Marks.of(before?.marks?.[destination], leftover);
        const left = await fillDestination(
          destination,
          filling,
          {
            base: certain ? base : undefined,
            earlier,
            status: seen,
            kept: keptBefore,
            leftover,
            marks: found,
          },
          planned,
          before,
          context,
        );
        status[destination] = left.status;
        marks[destination] = found.record(true);
        if (Object.keys(left.kept).length > 0) kept[destination] = left.kept;
      } catch (error) {
        failures.push([destination, error as Error]);
        const marked = found?.record(false) ?? before?.marks?.[destination];
        if (marked !== undefined) marks[destination] = marked;
        if (Object.keys(keptBefore).length > 0) kept[destination] = keptBefore;
        status[destination] = { failed: (error as Error).message };
        const unfinished =
          wasThere && before !== undefined ? unfinishedOf(before.plan, late, leftover) : undefined;
        if (unfinished !== undefined) behind[destination] = unfinished;
      }
    },
  );
  await leave(planned, before, base, context);
  const ensured = {
    status: inOrder(planned.destinations, status),
    parity: Object.fromEntries(
      planned.destinations
        .filter((destination) => status[destination]?.["failed"] === undefined)
        .map((destination) => [destination, parityOf(plan, departuresIn(status[destination]))]),
    ),
    kept: inOrder(planned.destinations, kept),
    marks: inOrder(planned.destinations, marks),
    onDestroy: onDestroy(planned),
    ...(Object.keys(behind).length === 0 ? {} : { behind }),
  };
  if (failures.length > 0)
    throw new PartialFailure(failureOf(failures, planned.destinations), { ...inputs, ...ensured });
  const lacking = Object.entries(status).filter(([, lines]) => Object.keys(lines).length > 0);
  if (planned.onRefused === "fail" && lacking.length > 0)
    throw new PartialFailure(refusedAt(lacking), { ...inputs, ...ensured, ready: true });
  return { ...ensured, ready: true };
}

function departuresIn(status: DestinationStatus = {}): Departures {
  const names = Object.keys(status);
  return {
    tags: new Map(
      names.flatMap((line) => {
        const now = status[line];
        return line.startsWith("tag ") ? [[line.slice(4), now === ABSENT ? undefined : now]] : [];
      }),
    ),
    absent: new Set(names.flatMap((line) => line.split(" ").filter(isDigest))),
  };
}

/** All the rest is done by now. */
function refusedAt(places: readonly [string, DestinationStatus][]): ConsignError {
  const lines = places.flatMap(([place, status]) =>
    Object.entries(status).map(([line, why]) => `${place}: ${line}: ${why}`),
  );
  const more = lines.length > NAMED ? [`and ${lines.length - NAMED} more`] : [];
  return new ConsignError(
    "COPY_FAILED",
    `all else was copied, and not everything to ${places.map(([place]) => place).join(", ")}`,
    { lines: [...lines.slice(0, NAMED), ...more], side: "destination" },
  );
}

/** What a destination that could not be finished may still hold, as short as it can be recorded. */
function unfinishedOf(
  base: MirrorPlan,
  late: MirrorPlan | undefined,
  leftover: FullPlan | undefined,
): MirrorPlan | undefined {
  const { budget: _, ...before } = base;
  if (late === undefined || isDeepStrictEqual(late, before)) return before;
  return leftover === undefined ? late : recordPlan(leftover);
}

/** What went wrong at each destination that failed, in the order in which they are named. */
function failureOf(
  failures: readonly [destination: string, error: Error][],
  destinations: readonly string[],
): Error {
  const [first, ...others] = [...failures]
    .sort(([a], [b]) => destinations.indexOf(a) - destinations.indexOf(b))
    .map(([destination, error]) => ({ destination, error: asConsignError(error, "INTERNAL") }));
  if (first === undefined || others.length === 0)
    return failures[0]?.[1] ?? new ConsignError("INTERNAL", "no destination failed");
  const named = others
    .slice(0, NAMED)
    .map(({ destination, error }) => `${destination}: ${error.message} [${error.code}]`);
  const more = others.length > NAMED ? [`and ${others.length - NAMED} more`] : [];
  const { code, message, path, reference, side, status, serverCodes } = first.error;
  return new ConsignError(
    code,
    `${failures.length} of ${destinations.length} destinations failed`,
    {
      lines: [`${first.destination}: ${message}`, ...named, ...more],
      path,
      reference,
      side,
      status,
      serverCodes,
      cause: first.error,
    },
  );
}

/**
 * The inventory of a plan before may be out of reach, as when its only destination is down; nothing
 * can be removed then.
 */
function unreadable(error: unknown): undefined {
  if (!isConsignError(error)) throw error;
  return undefined;
}

async function prepare(
  planned: PlannedMirror,
  plan: FullPlan,
  before: PlannedMirror | undefined,
  context: ResourceContext,
): Promise<Filling> {
  const origin = await context.stores.open(planned.source);
  const derived = new DerivedSource(origin);
  let isMade = true;
  for (const [digest, { derivedFrom }] of Object.entries(plan.artifacts)) {
    if (derivedFrom === undefined) continue;
    if (planned.platforms === undefined) {
      isMade = false;
      continue;
    }
    // One that is gone at the source is kept where it is.
    const original = await manifestIfPresent(origin, derivedFrom).catch((error: unknown) => {
      if (!mayBeOfOneItem(error)) throw error;
      return undefined;
    });
    const made =
      original === undefined ? undefined : derive(original, planned.platforms.only, origin.name);
    if (made !== undefined) await derived.add(made);
    isMade &&= made?.index.descriptor.digest === digest;
  }
  const whole: ReadStore = Object.values(plan.artifacts).some(
    ({ derivedFrom }) => derivedFrom !== undefined,
  )
    ? derived
    : origin;
  const places = [...new Set([...planned.destinations, ...(before?.destinations ?? [])])];
  const complete =
    plan.withdrawn.length === 0 && isMade
      ? whole
      : new KeptSource(
          whole,
          () => Promise.all(places.map((place) => context.stores.open(place))),
          new Set(plan.withdrawn),
        );
  const source = planned.destinations.length > 1 ? new SharedSource(complete) : complete;
  const known = knownDescriptors(plan, context);
  const descriptorOf = async (digest: Digest): Promise<Descriptor> => {
    const artifact = plan.artifacts[digest];
    if (artifact !== undefined)
      return { mediaType: artifact.mediaType, size: artifact.size, digest };
    const described = known.get(digest);
    if (described !== undefined) return described;
    return source.manifest(digest).then(
      ({ descriptor }) => descriptor,
      (error: unknown) => {
        // It is refused where it is to be copied, and holds up nothing else.
        if (!mayBeOfOneItem(error)) throw error;
        return { mediaType: MEDIA_TYPES.manifest, size: 0, digest };
      },
    );
  };
  return {
    plan,
    source,
    origin,
    takesChild: takesAsPlanned(plan, planned.platforms),
    relay: planned.destinations.length > 1 ? new BlobRelay() : undefined,
    descriptorOf,
  };
}

/**
 * Destinations that are no longer named: what is there stays, or goes, as deleting the mirror would
 * have it. One that cannot be reached any more holds up nothing, as it may well be taken out for
 * that.
 */
async function leave(
  planned: PlannedMirror,
  before: PlannedMirror | undefined,
  base: FullPlan | undefined,
  context: ResourceContext,
): Promise<void> {
  if (before === undefined || planned.onDelete === "retain") return;
  const left = before.destinations.filter((place) => !planned.destinations.includes(place));
  for (const destination of await without(
    left,
    [planned.source, ...planned.destinations],
    context,
  )) {
    try {
      const late = before.behind?.[destination];
      const held = union(
        late === undefined ? undefined : await fromRecord(late, before.destinations, context),
        base,
      );
      if (held === undefined)
        throw new ConsignError("PLAN_STALE", "nothing says any more what was put there");
      const store = await context.stores.open(destination);
      const taken: FullPlan =
        planned.onDelete === "purge" ? held : { ...emptyPlan(), tags: held.tags };
      await removeUnplanned(
        {
          destination: store,
          plan: (await plannedAt(destination, context)).plan,
          before: taken,
          marks: Marks.of(before.marks?.[destination], taken),
        },
        context,
      );
      if (before.plan.summary !== undefined)
        await removeInventory(store, inventoryTagOf(before), context);
    } catch (error) {
      if (!isConsignError(error)) throw error;
      context.warn(
        `${destination} is no longer named, and keeps what this mirror put there: ${error.message} [${error.code}]`,
      );
    }
  }
}

/** What a destroy does, which asks nobody in its preview. */
function onDestroy({ onDelete, destinations }: PlannedMirror): string[] {
  return destinations.map((destination) =>
    onDelete === "retain"
      ? `destroy will keep all of ${destination}`
      : onDelete === "untag"
        ? `destroy will remove the tags that this mirror has set at ${destination}, and keep the content`
        : `destroy will remove what this mirror has put at ${destination}, unless others need it`,
  );
}

function inOrder<T>(
  names: readonly string[],
  record: Readonly<Record<string, T>>,
): Record<string, T> {
  return Object.fromEntries(
    names.flatMap((name) => (record[name] === undefined ? [] : [[name, record[name]]])),
  );
}
