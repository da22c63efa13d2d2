// SPDX-License-Identifier: Apache-2.0
import { emptyPlan, union, type FullPlan } from "../upcoming/plan";
import { readState } from "../world/arguments";
import type { ResourceContext } from "../world/context";
import type { Properties } from "../world/reconciler";
import { plannedMirrorSchema } from "./arguments";
import { inventoryTagOf } from "./fill/fill";
import { Marks } from "./fill/marks";
import { removeUnplanned } from "./fill/prune";
import { without } from "./places";
import { removeInventory } from "./plan/inventory";
import { fromRecord, plannedAt } from "./plan/memory";

export async function removeMirror(state: Properties, context: ResourceContext): Promise<void> {
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
    if (recorded.plan.summary !== undefined && !others.inventoryTags.has(inventoryTagOf(recorded)))
      await removeInventory(store, inventoryTagOf(recorded), context);
  }
}
