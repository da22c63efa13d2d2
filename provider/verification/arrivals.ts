// SPDX-License-Identifier: Apache-2.0
import { z } from "zod";
import type { ReadStore } from "../content/storage";
import { ConsignError } from "../errors";
import type { Descriptor } from "../oci/descriptor";
import type { Digest } from "../oci/digest";
import { formatLocation, locationSchema, parseLocation, type Location } from "../oci/reference";
import { at, type ResourceContext } from "../world/context";
import { withObjections, type Judgement } from "../judging/judgement";
import { upcomingSchema } from "../upcoming/plan";
import { lifecycleAt, type TrustScope } from "../judging/objections";

/** What a mirror of the same program will have brought to its destinations once it has run. */
export const arrivalSchema = z.object({
  /**
   * Where it copies from; further up, where its source is copied from, if that is a mirror of this
   * program too.
   */
  sources: z.array(locationSchema).min(1).max(32),
  destinations: z.array(locationSchema).min(1).max(100),
  plan: upcomingSchema,
});
export type Arrival = z.infer<typeof arrivalSchema>;

export interface Receiver {
  store: ReadStore;
  location: Location;
  artifact: Descriptor;
  trustScope: TrustScope;
  /** Whether redirects are followed. */
  follows: boolean;
}

/**
 * @throws ConsignError `INPUT_INVALID` where the mirror brings nothing to the place that is
 * verified
 */
export function requireDestination({ destinations }: Arrival, location: Location): void {
  if (goesTo(destinations, location)) return;
  throw new ConsignError(
    "INPUT_INVALID",
    `this mirror does not fill ${formatLocation(location)}; it fills ${destinations.join(", ")}`,
    { path: "mirror" },
  );
}

/**
 * The verdict that an artifact will have once the mirror has run, as far as it is worse than the
 * one of now. The claims are verified where they will be copied from, as if they were here already;
 * a good one does not help before it has arrived.
 */
export async function withArrivals(
  judgement: Judgement,
  { sources, destinations, plan }: Arrival,
  { store, location, artifact, trustScope, follows }: Receiver,
  context: ResourceContext,
): Promise<Judgement> {
  const planned = plan.artifacts[artifact.digest];
  if (!goesTo(destinations, location) || (planned === undefined && plan.summary === undefined))
    return judgement;
  // A plan that is a summary does not say which claims come: then all that are at the source may.
  const only =
    planned?.related === undefined ? undefined : new Set(Object.keys(planned.related) as Digest[]);
  const stores = await at("mirror", () =>
    Promise.all(sources.map((source) => context.stores.open(source))),
  );
  const { results } = await lifecycleAt(
    [{ store }, ...stores.map((source) => ({ store: source, only }))],
    artifact,
    trustScope,
    context,
  );
  return withObjections(
    judgement,
    results.flatMap((result) => {
      const isNew = result.claims.some((claim) => judgement.claims[claim] === undefined);
      if (!follows || !isNew || result.path !== "lifecycle.redirect") return [result];
      return [
        {
          ...result,
          met: false,
          requirement: "redirects are followed",
          reason: `${result.reason}; that is about to arrive, and is followed once it has`,
        },
      ];
    }),
  );
}

function goesTo(destinations: readonly string[], location: Location): boolean {
  return destinations.some(
    (destination) => formatLocation(parseLocation(destination)) === formatLocation(location),
  );
}
