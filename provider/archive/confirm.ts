// SPDX-License-Identifier: Apache-2.0
import type { Digest } from "../oci/digest";
import type { ResourceContext } from "../world/context";
import { decide } from "./decisions";
import { recordedFacts, surveyFacts } from "./survey";
import type { ArchiveTask, Decided } from "./task";

/**
 * Looks once more at everything that something is to be taken from, verified anew, right before it
 * is. What speaks against it now keeps it; the next run decides again. All are confirmed before the
 * first one goes, as what one of them keeps no other may take along.
 */
export async function confirm(
  { inputs, entries, rules, asOf }: ArchiveTask,
  removals: readonly Decided[],
  context: ResourceContext,
): Promise<{ confirmed: Decided[]; kept: [Digest, string][] }> {
  // The plan was made in this process, and what it was told is still believed.
  context.stores.forget();
  const fresh = await surveyFacts(inputs, entries, context, {
    again: true,
    only: removals.map(([digest]) => digest),
  });
  const facts = recordedFacts(entries, []);
  for (const [digest] of removals) delete facts[digest];
  const again = await decide(
    inputs,
    {
      facts: { ...facts, ...fresh },
      recorded: entries,
      rules,
      asOf: Date.parse(asOf),
      now: context.now().getTime(),
      marking: false,
    },
    context,
  );
  const holds = ([digest, entry]: Decided): boolean =>
    fresh[digest] !== undefined && again[digest]?.decision === entry.decision;
  return {
    confirmed: removals.filter(holds),
    kept: removals
      .filter((removal) => !holds(removal))
      .map(([digest]) => [
        digest,
        fresh[digest] === undefined
          ? "it is not there any more"
          : (again[digest]?.reason ?? "nothing says any more that it was in use"),
      ]),
  };
}
