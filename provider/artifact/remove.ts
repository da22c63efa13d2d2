// SPDX-License-Identifier: Apache-2.0
import { Made } from "../keeping/made";
import { ownSignaturesOn, takeAway } from "../keeping/take-away";
import { parseLocation } from "../oci/reference";
import { readState } from "../world/arguments";
import type { ResourceContext } from "../world/context";
import type { Properties } from "../world/reconciler";
import { plannedArtifactSchema, tagsBefore } from "./arguments";

export async function removeSignedArtifact(
  state: Properties,
  context: ResourceContext,
): Promise<void> {
  const recorded = readState(plannedArtifactSchema, state);
  const store = await context.stores.open(recorded.repository);
  const made = Made.of(state);
  const leaving = {
    store,
    location: parseLocation(recorded.repository),
    target: recorded.descriptor,
    tags: Object.fromEntries(
      Object.entries(tagsBefore(state).placed).map(([tag, digest]) => [tag, [digest]]),
    ),
    made,
    related: ownSignaturesOn(recorded.digest, made),
  };
  await takeAway(leaving, recorded.onDelete, context);
}
