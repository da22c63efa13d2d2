// SPDX-License-Identifier: Apache-2.0
import { ConsignError } from "../errors";
import { mirrorPlanSchema } from "../upcoming/plan";
import { readState } from "../world/arguments";
import { PartialFailure, type Reconciler } from "../world/reconciler";
import { bringInStep } from "./apply";
import { plannedMirrorSchema, previousMirror, schema, type PlannedMirror } from "./arguments";
import { observeMirror } from "./observe";
import { respelled } from "./places";
import { planMirror } from "./plan";
import { listed } from "./plan/warnings";
import { removeMirror } from "./remove";

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

  remove: removeMirror,
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
