// SPDX-License-Identifier: Apache-2.0
import { z } from "zod";
import { ConsignError } from "../errors";
import { resolveTrustPolicy, trustPolicySchema } from "../notation";
import { digestSchema } from "../oci/digest";
import { formatLocation, locationSchema, parseLocation, pinned } from "../oci/reference";
import { onDeleteSchema, readState } from "./arguments";
import { at } from "./context";
import { applyToDestination } from "./mirror-apply";
import { observeDestination } from "./mirror-observe";
import { claimSelectionSchema, mirrorPlanSchema, statusSchema, upcomingSchema, type DestinationStatus, type MirrorPlan } from "./mirror-plan";
import { resolveMirror } from "./mirror-resolve";
import { tagSelectionSchema } from "./mirror-tags";
import { PartialFailure, type Properties, type Reconciler } from "./reconciler";

const schema = z.object({
  source: locationSchema,
  destinations: z.array(locationSchema).min(1).max(100),
  tags: tagSelectionSchema.default({}),
  claims: claimSelectionSchema.default({}),
  trust: trustPolicySchema.optional(),
  withdrawn: z.enum(["keep", "remove"]).default("keep"),
  onConflict: z.enum(["fail", "overwrite"]).default("fail"),
  onDelete: onDeleteSchema.default("retain"),
  /** What this program is about to put at the source, told by the resources that will. */
  upcoming: upcomingSchema.optional(),
  /** Unknown in a preview as long as that is not there. */
  upcomingReady: z.boolean().optional(),
});

const plannedSchema = schema.extend({ plan: mirrorPlanSchema, status: statusSchema });

/** Keeps destinations in step with a source: chosen tags, and of what refers to them a chosen part. */
export const mirror: Reconciler<typeof schema.shape> = {
  kind: "Mirror",
  schema,
  replaceOn: ["source"],
  ignore: ["tags", "claims", "trust", "upcoming", "upcomingReady"],
  ensured: ["ready"],

  async plan(known, unknown, previous, context) {
    // What is upcoming serves the plan and is no property of the mirror: it is neither shown nor recorded.
    const planned: Properties = { upcoming: undefined, upcomingReady: undefined };
    for (const [name, fallback] of [["tags", {}], ["claims", {}], ["withdrawn", "keep"], ["onConflict", "fail"], ["onDelete", "retain"]] as const) {
      if (!unknown.has(name)) planned[name] = known[name] ?? fallback;
    }
    if (known.destinations !== undefined) {
      checkDestinations(known.source, known.destinations);
      planned["status"] = Object.fromEntries(known.destinations.map((destination) => [destination, {}]));
    }
    const trust = known.trust === undefined ? undefined : await at("trust", () => resolveTrustPolicy(known.trust as z.infer<typeof trustPolicySchema>, { baseDir: context.baseDir }));
    const undetermined = ["source", "tags", "claims", "withdrawn", "trust", "upcoming"].some((name) => unknown.has(name));
    if (undetermined || known.source === undefined) return { planned };
    const source = await context.stores.open(known.source);
    const plan = await at("source", () =>
      resolveMirror(
        source,
        { tags: known.tags ?? {}, claims: known.claims ?? {}, withdrawn: known.withdrawn ?? "keep", trust },
        unknown.has("upcomingReady") ? known.upcoming : undefined,
        basePlan(previous),
        context,
      ),
    );
    for (const [tag, reason] of Object.entries(plan.refused ?? {})) context.warn(`mirror of ${known.source}: tag ${tag}: ${reason}`);
    for (const tag of plan.missing ?? []) context.warn(`mirror of ${known.source}: tag ${tag} does not exist there yet`);
    return { planned: { ...planned, plan, ...(known.destinations === undefined ? {} : { artifacts: artifactsOf(plan, known.destinations[0] as string) }) } };
  },

  id: (inputs) => String(inputs["source"]),

  unsettled: (inputs) => {
    const plan = mirrorPlanSchema.safeParse(inputs["plan"]);
    return plan.success && (plan.data.missing ?? []).length > 0;
  },

  async ensure(inputs, previous, context) {
    const planned = readState(plannedSchema, inputs);
    const missing = planned.plan.missing ?? [];
    if (missing.length > 0) {
      throw new ConsignError("MANIFEST_UNKNOWN", `${planned.source} has no tag ${missing.join(", ")}: nothing was copied`, { path: "tags", side: "source" });
    }
    const source = await context.stores.open(planned.source);
    const before = plannedSchema.partial().safeParse(previous ?? {});
    const status: Record<string, DestinationStatus> = {};
    const failures: Error[] = [];
    for (const destination of planned.destinations) {
      try {
        const store = await context.stores.open(destination);
        const known = before.success && before.data.destinations?.includes(destination) ? { plan: before.data.plan, status: before.data.status?.[destination] } : {};
        await applyToDestination(source, store, planned.plan, known, planned.onConflict, context);
        status[destination] = {};
      } catch (error) {
        failures.push(error as Error);
        status[destination] = { failed: (error as Error).message };
      }
    }
    const first = failures[0];
    if (first !== undefined) throw new PartialFailure(first, { ...inputs, status });
    return { status, ready: true };
  },

  async observe(state, context) {
    const recorded = readState(plannedSchema, state);
    const status: Record<string, DestinationStatus> = {};
    for (const destination of recorded.destinations) {
      status[destination] = await observeDestination(await context.stores.open(destination), recorded.plan);
    }
    return { ...state, status };
  },

  async remove(state, context) {
    const recorded = readState(plannedSchema, state);
    if (recorded.onDelete === "retain") return;
    for (const destination of recorded.destinations) {
      const store = await context.stores.open(destination);
      const taken = recorded.onDelete === "purge" ? recorded.plan : { tags: recorded.plan.tags, artifacts: {} };
      await applyToDestination(store, store, { tags: {}, artifacts: {} }, { plan: taken }, "fail", context);
    }
  },
};

function checkDestinations(source: string | undefined, destinations: readonly string[]): void {
  for (const [index, destination] of destinations.entries()) {
    const path = `destinations[${index}]`;
    if (destinations.indexOf(destination) !== index) throw new ConsignError("INPUT_INVALID", `${destination} is named twice`, { path });
    if (source !== undefined && formatLocation(parseLocation(destination)) === formatLocation(parseLocation(source))) {
      throw new ConsignError("INPUT_INVALID", `${destination} is the source: a mirror needs somewhere else to go`, { path });
    }
  }
}

function basePlan(previous: Properties | undefined): MirrorPlan | undefined {
  const parsed = mirrorPlanSchema.safeParse(previous?.["plan"]);
  return parsed.success ? parsed.data : undefined;
}

/** By tag, the artifact at the first destination, in the form in which other resources take one. */
function artifactsOf(plan: MirrorPlan, destination: string): Record<string, unknown> {
  const location = parseLocation(destination);
  return Object.fromEntries(
    Object.entries(plan.tags).map(([tag, digest]) => {
      const artifact = plan.artifacts[digest];
      return [tag, { reference: pinned(location, digestSchema.parse(digest)), descriptor: { mediaType: artifact?.mediaType, digest, size: artifact?.size } }];
    }),
  );
}
