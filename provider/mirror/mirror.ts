// SPDX-License-Identifier: Apache-2.0
import { isDeepStrictEqual } from "node:util";
import type { z } from "zod";
import { ConsignError, isConsignError } from "../errors";
import type { trustPolicySchema } from "../notation/index";
import { resolveTrustPolicy, type ResolvedTrustPolicy } from "../notation/index";
import { plannedSigner } from "../signing/signer";
import {
  emptyPlan,
  manifestCount,
  mirrorPlanSchema,
  parityOf,
  union,
  type DestinationStatus,
  type FullPlan,
  type MirrorPlan,
} from "../upcoming/plan";
import { readState } from "../world/arguments";
import { at, type ResourceContext } from "../world/context";
import type { Properties, Reconciler } from "../world/reconciler";
import { ABSENT, tagDigest } from "../world/tags";
import type { Inputs, PlannedMirror } from "./arguments";
import { plannedMirrorSchema, schema } from "./arguments";
import { resolveMirror, type Resolved } from "./choose/choose";
import { baseWithoutMissing } from "./choose/withdrawn";
import { inventoryTagOf } from "./fill/fill";
import { bringInStep } from "./fill/fill-all";
import { observeDestination } from "./fill/observe";
import { removeUnplanned } from "./fill/prune";
import { Marks } from "./fill/marks";
import type { KeptTags } from "./fill/tag-moves";
import { checkPlaces, respelled, without } from "./places";
import { differenceOf } from "./plan/difference";
import { hasInventory, removeInventory } from "./plan/inventory";
import { fromRecord, notePlanned, noteReplaced, plannedAt, toRecord } from "./plan/memory";
import { tellNews } from "./plan/news";

const DEFAULTS = [
  ["tags", {}],
  ["claims", {}],
  ["withdrawn", "keep"],
  ["onConflict", "fail"],
  ["rollout", "parallel"],
  ["summarizeAbove", 200],
  ["onDelete", "retain"],
] as const;
const UNDETERMINED = [
  "source",
  "tags",
  "claims",
  "platforms",
  "signer",
  "withdrawn",
  "trust",
  "upcoming",
  "summarizeAbove",
];

/**
 * Keeps destinations in step with a source: chosen tags, and of what refers to them a chosen part.
 */
export const mirror: Reconciler<typeof schema.shape> = {
  kind: "Mirror",
  schema,
  replaceOn: ["source"],
  ignore: [
    "tags",
    "claims",
    "platforms",
    "signer",
    "trust",
    "rollout",
    "summarizeAbove",
    "upcoming",
    "upcomingReady",
  ],
  ensured: ["ready", "behind", "kept", "marks", "onDestroy"],

  async plan(known, unknown, previous, context) {
    // What is upcoming serves the plan and is no property of the mirror: it is neither shown nor
    // recorded.
    const planned: Properties = { upcoming: undefined, upcomingReady: undefined };
    for (const [name, fallback] of DEFAULTS)
      if (!unknown.has(name)) planned[name] = known[name] ?? fallback;
    if (known.destinations !== undefined) {
      await checkPlaces(known.source, known.destinations, context);
      planned["status"] = Object.fromEntries(
        known.destinations.map((destination) => [destination, {}]),
      );
    }
    checkTogether(known, unknown);
    const trust = await policyAt("trust", known.trust, context);
    const claimTrust = await policyAt("claims.trust", known.claims?.trust, context);
    if (known.signer !== undefined)
      planned["signedBy"] = await plannedSigner(known.signer, context);
    if (UNDETERMINED.some((name) => unknown.has(name)) || known.source === undefined)
      return { planned };
    // What is about to come cannot be told from counts.
    if (unknown.has("upcomingReady") && known.upcoming?.summary !== undefined) return { planned };
    const source = await context.stores.open(known.source);
    const recordedBefore = previousMirror(previous);
    // What was mirrored from elsewhere is another mirror's: this one takes its place.
    const before = recordedBefore?.source === known.source ? recordedBefore : undefined;
    if (recordedBefore !== undefined && before === undefined)
      await noteReplaced(
        recordedBefore.destinations,
        await fromRecord(recordedBefore.plan, recordedBefore.destinations, context).catch(
          staleBase(context),
        ),
        context,
      );
    const base =
      before === undefined
        ? undefined
        : await fromRecord(before.plan, before.destinations, context).catch(staleBase(context));
    const work = (): Promise<Resolved> =>
      resolveMirror(
        source,
        {
          tags: known.tags ?? {},
          claims: known.claims ?? {},
          claimTrust,
          platforms: known.platforms,
          withdrawn: known.withdrawn ?? "keep",
          trust,
        },
        unknown.has("upcomingReady") ? known.upcoming : undefined,
        base === undefined || before === undefined
          ? undefined
          : baseWithoutMissing(base, before.status),
        context,
        before?.destinations,
      );
    const { plan, budget, descriptors, undecided } = await at("source", work, ["platforms"]);
    if (undecided) return { planned };
    const { summarizeAbove = 200 } = known;
    warnOf(plan, known.source, context);
    await at("source", () => tellNews(plan, base, source, context));
    if (base !== undefined && manifestCount(plan) > summarizeAbove)
      for (const line of differenceOf(base, plan))
        context.progress(`mirror of ${known.source}: ${line}`);
    const recorded = toRecord(plan, descriptors, summarizeAbove, context);
    // What is not at the source yet cannot be counted.
    const counted =
      unknown.has("upcomingReady") && known.upcoming !== undefined ? undefined : budget;
    const { budget: budgetBefore = counted, ...planBefore } = before?.plan ?? { budget: undefined };
    planned["plan"] = {
      ...recorded,
      budget: isDeepStrictEqual(planBefore, recorded) ? budgetBefore : counted,
    } satisfies MirrorPlan;
    if (known.destinations !== undefined) {
      await notePlanned(
        known.destinations,
        plan,
        inventoryTagOf({
          source: known.source,
          tags: known.tags ?? {},
          claims: known.claims ?? {},
          platforms: known.platforms,
        }),
        context,
      );
      const parity = parityOf(plan);
      planned["parity"] = Object.fromEntries(
        known.destinations.map((destination) => [destination, parity]),
      );
      await warnOfConflicts(
        plan,
        known.destinations.filter(
          (destination) => before?.destinations.includes(destination) !== true,
        ),
        known.onConflict ?? "fail",
        context,
      );
    }
    return { planned };
  },

  id: (inputs) => String(inputs["source"]),

  unsettled: (inputs) => {
    const plan = mirrorPlanSchema.safeParse(inputs["plan"]);
    return plan.success && (plan.data.missing ?? []).length > 0;
  },

  async ensure(inputs, previous, context) {
    const planned = readState(plannedMirrorSchema, inputs);
    const missing = planned.plan.missing ?? [];
    if (missing.length > 0) {
      throw new ConsignError(
        "MANIFEST_UNKNOWN",
        `${planned.source} has no ${missing.join(", ")}: nothing was copied`,
        { path: "tags", side: "source" },
      );
    }
    return bringInStep(
      inputs,
      planned,
      await respelled(previousMirror(previous), planned.destinations, context),
      context,
    );
  },

  async observe(state, context) {
    const recorded = readState(plannedMirrorSchema, state);
    const status: Record<string, DestinationStatus> = {};
    const parity: Record<string, string> = {};
    const kept: Record<string, KeptTags> = {};
    for (const destination of recorded.destinations) {
      const plan = await fromRecord(
        recorded.plan,
        [destination, ...recorded.destinations],
        context,
      );
      const store = await context.stores.open(destination);
      if (plan === undefined) {
        status[destination] = { inventory: ABSENT };
        continue;
      }
      const late = recorded.behind?.[destination];
      const earlier =
        late === undefined ? undefined : await fromRecord(late, recorded.destinations, context);
      const observed = await observeDestination(
        store,
        plan,
        earlier,
        recorded.onConflict,
        recorded.platforms,
      );
      // What is no longer planned may still be there, and nothing but the run that is owed takes it
      // away.
      const owed =
        recorded.status[destination]?.["failed"] ?? "what is no longer planned may still be there";
      const lines = (await hasInventory(store, recorded.plan))
        ? observed.status
        : { ...observed.status, inventory: ABSENT };
      status[destination] = late === undefined ? lines : { ...lines, failed: owed };
      parity[destination] = observed.parity;
      if (Object.keys(observed.kept).length > 0) kept[destination] = observed.kept;
    }
    return { ...state, status, parity, kept };
  },

  async remove(state, context) {
    const recorded = readState(plannedMirrorSchema, state);
    if (recorded.onDelete === "retain") return;
    const plan = await fromRecord(recorded.plan, recorded.destinations, context);
    if (plan === undefined) return;
    for (const destination of await without(recorded.destinations, [recorded.source], context)) {
      const store = await context.stores.open(destination);
      const late = recorded.behind?.[destination];
      const held =
        union(
          late === undefined ? undefined : await fromRecord(late, recorded.destinations, context),
          plan,
        ) ?? plan;
      const taken: FullPlan =
        recorded.onDelete === "purge" ? held : { ...emptyPlan(), tags: held.tags, cosignTags: {} };
      const others = await plannedAt(destination, context);
      await removeUnplanned(
        {
          destination: store,
          plan: others.plan,
          before: taken,
          marks: Marks.of(recorded.marks?.[destination], held),
        },
        context,
      );
      if (
        recorded.plan.summary !== undefined &&
        !others.inventoryTags.has(inventoryTagOf(recorded))
      )
        await removeInventory(store, inventoryTagOf(recorded), context);
    }
  },
};

function previousMirror(previous: Properties | undefined): PlannedMirror | undefined {
  const parsed = plannedMirrorSchema.safeParse(previous ?? {});
  return parsed.success ? parsed.data : undefined;
}

/**
 * A base that cannot be read is no reason to fail: nothing is removed then, and everything is
 * looked at.
 */
function staleBase(context: ResourceContext): (error: unknown) => undefined {
  return (error) => {
    if (!isConsignError(error)) throw error;
    context.warn(
      `the inventory of what was mirrored before cannot be read (${error.message}): everything is looked at anew, and nothing that has gone since is removed`,
    );
    return undefined;
  };
}

async function policyAt(
  path: string,
  policy: z.infer<typeof trustPolicySchema> | undefined,
  context: ResourceContext,
): Promise<ResolvedTrustPolicy | undefined> {
  return policy === undefined
    ? undefined
    : at(path, () => resolveTrustPolicy(policy, { baseDir: context.baseDir }));
}

/** What is right only together with something else. */
function checkTogether(known: Partial<Inputs>, unknown: ReadonlySet<string>): void {
  if (known.claims?.issuers !== undefined && known.claims.trust === undefined) {
    throw new ConsignError(
      "INPUT_INVALID",
      "issuers are told by verified signatures only: give claims.trust as well",
      { path: "claims.issuers" },
    );
  }
  if (
    known.platforms?.index === "derived" &&
    known.signer === undefined &&
    !unknown.has("signer")
  ) {
    throw new ConsignError(
      "INPUT_INVALID",
      "a derived index comes with a signed claim of what it was made from: give a signer, or keep the index sparse",
      { path: "signer" },
    );
  }
}

function warnOf(plan: FullPlan, source: string, context: ResourceContext): void {
  for (const [name, reason] of Object.entries(plan.refused))
    context.warn(
      `mirror of ${source}: ${name.startsWith("claim ") ? name : `tag ${name}`}: ${reason}`,
    );
  for (const name of plan.missing)
    context.warn(`mirror of ${source}: ${name} does not exist there yet`);
  const counts = [plan.tags, plan.artifacts, plan.refused, plan.missing].map(
    (part) => Object.keys(part).length,
  );
  if (counts.every((count) => count === 0))
    context.warn(`mirror of ${source}: \`tags\` selects nothing that is there`);
}

/**
 * A destination that is new to the mirror may have the tags already, and elsewhere. Whoever cannot
 * be asked is found out later.
 */
async function warnOfConflicts(
  plan: FullPlan,
  destinations: readonly string[],
  onConflict: Inputs["onConflict"],
  context: ResourceContext,
): Promise<void> {
  for (const destination of destinations) {
    try {
      const store = await context.stores.open(destination);
      const there = (await store.tags()).filter((tag) => plan.tags[tag] !== undefined);
      for (const tag of there) {
        const now = await tagDigest(store, tag);
        if (now !== plan.tags[tag])
          context.warn(
            `${destination}:${tag} is at ${now} already, and ${plan.tags[tag]} is to go there; onConflict is "${onConflict}"`,
          );
      }
    } catch (error) {
      if (!isConsignError(error)) throw error;
    }
  }
}
