// SPDX-License-Identifier: Apache-2.0
import type { DestinationStatus } from "../upcoming/plan";
import { sortedByKey } from "../upcoming/related";
import { readState } from "../world/arguments";
import type { ResourceContext } from "../world/context";
import type { Properties } from "../world/reconciler";
import { ABSENT } from "../world/tags";
import { plannedMirrorSchema } from "./arguments";
import { observeDestination } from "./fill/observe";
import type { KeptTags } from "./fill/tag-moves";
import { hasInventory } from "./plan/inventory";
import { fromRecord } from "./plan/memory";

/** Each destination as it is found, compared with what was planned for it. */
export async function observeMirror(
  state: Properties,
  context: ResourceContext,
): Promise<Properties> {
  const recorded = readState(plannedMirrorSchema, state);
  const status: Record<string, DestinationStatus> = {};
  const parity: Record<string, string> = {};
  const kept: Record<string, KeptTags> = {};
  for (const destination of recorded.destinations) {
    const plan = await fromRecord(recorded.plan, [destination, ...recorded.destinations], context);
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
    const refused = stillRefused(recorded.status[destination], observed.status);
    const lines = (await hasInventory(store, recorded.plan))
      ? { ...observed.status, ...refused }
      : { ...observed.status, ...refused, inventory: ABSENT };
    status[destination] = sortedByKey(late === undefined ? lines : { ...lines, failed: owed });
    parity[destination] = observed.parity;
    if (Object.keys(observed.kept).length > 0) kept[destination] = observed.kept;
  }
  return { ...state, status, parity, kept };
}

/** Why the destination does not have it, of what it still does not have. */
function stillRefused(recorded: DestinationStatus = {}, now: DestinationStatus): DestinationStatus {
  const absent = new Set(Object.keys(now).flatMap((line) => line.split(" ")));
  return Object.fromEntries(
    Object.entries(recorded).filter(([line]) => {
      const [word, digest = ""] = line.split(" ");
      return word === "refused" && absent.has(digest);
    }),
  );
}
