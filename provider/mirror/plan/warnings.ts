// SPDX-License-Identifier: Apache-2.0
import { isConsignError } from "../../errors";
import { isTag } from "../../oci/reference";
import type { FullPlan } from "../../upcoming/plan";
import type { ResourceContext } from "../../world/context";
import { tagDigest } from "../../world/tags";
import type { Inputs } from "../arguments";

export function warnOf(plan: FullPlan, source: string, context: ResourceContext): void {
  for (const [name, reason] of Object.entries(plan.refused))
    context.warn(`mirror of ${source}: ${isTag(name) ? `tag ${name}` : name}: ${reason}`);
  if (plan.failing.length > 0)
    context.warn(
      `mirror of ${source}: up will fail once all else is done, for what is refused: ${listed(plan.failing)}`,
    );
  for (const name of plan.missing)
    context.warn(`mirror of ${source}: ${name} does not exist there yet`);
  const counts = [plan.tags, plan.artifacts, plan.refused, plan.missing].map(
    (part) => Object.keys(part).length,
  );
  if (counts.every((count) => count === 0))
    context.warn(`mirror of ${source}: \`tags\` selects nothing that is there`);
}

/** The first of several names, and how many there are beside them. */
export function listed(names: readonly string[], most = 5): string {
  const more = names.length > most ? `, and ${names.length - most} more` : "";
  return `${names.slice(0, most).join(", ")}${more}`;
}

/** Up to these are named. */
const MAX_NAMED = 5;

export function warnOfUnversioned(
  tags: readonly string[],
  source: string,
  context: ResourceContext,
): void {
  if (tags.length === 0) return;
  const more = tags.length - MAX_NAMED;
  context.warn(
    `mirror of ${source}: tags: ${tags.slice(0, MAX_NAMED).join(", ")}${more > 0 ? ` and ${more} more` : ""} ${tags.length === 1 ? "is no version" : "are no versions"} of three numbers, as 1.2.0, so what goes by versions (semver, newest) does not take ${tags.length === 1 ? "it" : "them"}: select by include or matching, or newest by "created"`,
  );
}

/**
 * A destination that is new to the mirror may have the tags already, and elsewhere. Whoever cannot
 * be asked is found out later.
 */
export async function warnOfConflicts(
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
