// SPDX-License-Identifier: Apache-2.0
import { ConsignError } from "../errors";
import { emptyPlan, mirrorPlanSchema, union, type FullPlan } from "../upcoming/plan";
import { readState } from "../world/arguments";
import { PartialFailure, type Reconciler } from "../world/reconciler";
import { plannedMirrorSchema, previousMirror, schema, type PlannedMirror } from "./arguments";
import { inventoryTagOf } from "./fill/fill";
import { bringInStep } from "./fill/fill-all";
import { removeUnplanned } from "./fill/prune";
import { Marks } from "./fill/marks";
import { respelled, without } from "./places";
import { removeInventory } from "./plan/inventory";
import { fromRecord, plannedAt } from "./plan/memory";
import { observeMirror } from "./observe";
import { planMirror } from "./plan/planned";
import { listed } from "./plan/warnings";

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

  plan: planMirror,

  id: (inputs) => String(inputs["source"]),

  unsettled: (inputs) => {
    const plan = mirrorPlanSchema.safeParse(inputs["plan"]);
    const { missing = [], failing = [] } = plan.success ? plan.data : {};
    return missing.length + failing.length > 0;
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
    const before = await respelled(previousMirror(previous), planned.destinations, context);
    const done = await bringInStep(inputs, planned, before, context);
    const { failing = [] } = planned.plan;
    if (failing.length > 0) throw new PartialFailure(refused(planned), { ...inputs, ...done });
    return done;
  },

  observe: observeMirror,

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

/** Everything else is in step by now. */
function refused({ source, plan }: PlannedMirror): ConsignError {
  const { failing = [], refused = {} } = plan;
  return new ConsignError(
    "COPY_FAILED",
    `all else of ${source} was copied, and not ${listed(failing)}`,
    {
      lines: failing.slice(0, 5).map((name) => `${name}: ${refused[name] ?? "refused"}`),
      path: "tags",
      side: "source",
    },
  );
}
