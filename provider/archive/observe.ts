// SPDX-License-Identifier: Apache-2.0
import { planLines } from "../retention/index";
import { readState } from "../world/arguments";
import type { ResourceContext } from "../world/context";
import type { Properties } from "../world/reconciler";
import { rulesOf } from "./arguments";
import { decide } from "./decisions";
import { plannedSchema } from "./recorded";
import { surveyFacts } from "./survey";

/**
 * Looks at everything again and verifies it anew, for the time that was planned for; nothing is
 * marked by merely looking.
 */
export async function observeArchive(
  state: Properties,
  context: ResourceContext,
): Promise<Properties> {
  const recorded = readState(plannedSchema, state);
  const before = recorded.entries;
  const facts = await surveyFacts(recorded, before, context, { again: true });
  const entries = await decide(
    recorded,
    {
      facts,
      recorded: before,
      rules: rulesOf(recorded),
      asOf: Date.parse(recorded.asOf),
      now: context.now().getTime(),
      marking: false,
    },
    context,
  );
  return { ...state, entries, plan: planLines(entries) };
}
