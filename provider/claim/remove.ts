// SPDX-License-Identifier: Apache-2.0
import { locationOf, readState } from "../world/arguments";
import type { ResourceContext } from "../world/context";
import type { Properties } from "../world/reconciler";
import { plannedSchema } from "./arguments";
import { leaving } from "./before";
import { explainUndeletable, removeClaim } from "./removal";

export async function removeClaimResource(
  state: Properties,
  context: ResourceContext,
): Promise<void> {
  const recorded = readState(plannedSchema, state);
  if (recorded.onDelete === "retain") return;
  const location = locationOf(recorded.subject);
  const store = await context.stores.open(location);
  try {
    for (const each of [...recorded.replaces, leaving(recorded, state)])
      await removeClaim(store, location, each, context);
  } catch (error) {
    throw explainUndeletable(error);
  }
}
