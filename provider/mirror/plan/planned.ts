// SPDX-License-Identifier: Apache-2.0
import { isDeepStrictEqual } from "node:util";
import type { z } from "zod";
import { ConsignError, isConsignError } from "../../errors";
import type { trustPolicySchema } from "../../notation/index";
import { resolveTrustPolicy, type ResolvedTrustPolicy } from "../../notation/index";
import { plannedSigner } from "../../signing/planned-signer";
import { manifestCount, parityOf, type MirrorPlan } from "../../upcoming/plan";
import { at, type ResourceContext } from "../../world/context";
import type { Plan, Properties } from "../../world/reconciler";
import type { Inputs } from "../arguments";
import { previousMirror } from "../arguments";
import { resolveMirror, type Resolved } from "../choose/choose";
import { baseWithoutMissing } from "../choose/withdrawn";
import { inventoryTagOf } from "../fill/fill";
import { checkPlaces } from "../places";
import { dueMirrorSigner } from "./due";
import { differenceOf } from "./difference";
import { fromRecord, notePlanned, noteReplaced, toRecord } from "./memory";
import { tellNews } from "./news";
import { warnOf, warnOfConflicts } from "./warnings";

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
  "onRefused",
  "attestations",
  "absent",
  "trust",
  "upcoming",
  "summarizeAbove",
];

/** What the program does not say yet stays open. Writes nothing. */
export async function planMirror(
  known: Partial<Inputs>,
  unknown: ReadonlySet<string>,
  previous: Properties | undefined,
  context: ResourceContext,
): Promise<Plan> {
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
    planned["signedBy"] = await plannedSigner(known.signer, previous, context);
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
    resolveMirror({
      source,
      selection: {
        tags: known.tags ?? {},
        claims: known.claims ?? {},
        claimTrust,
        platforms: known.platforms,
        withdrawn: known.withdrawn ?? "keep",
        trust,
        attestations: known.attestations ?? "include",
        absent: known.absent ?? "fail",
        onRefused: known.onRefused ?? "warn",
      },
      upcoming: unknown.has("upcomingReady") ? known.upcoming : undefined,
      base:
        base === undefined || before === undefined
          ? undefined
          : baseWithoutMissing(base, before.status),
      places: before?.destinations ?? [],
      context,
    });
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
  const counted = unknown.has("upcomingReady") && known.upcoming !== undefined ? undefined : budget;
  const { budget: budgetBefore = counted, ...planBefore } = before?.plan ?? { budget: undefined };
  planned["plan"] = {
    ...recorded,
    budget: isDeepStrictEqual(planBefore, recorded) ? budgetBefore : counted,
  } satisfies MirrorPlan;
  const due = await dueMirrorSigner(known, planned["signedBy"], { plan, base, before }, context);
  if (due !== undefined) planned["signedBy"] = due;
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
