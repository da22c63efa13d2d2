// SPDX-License-Identifier: Apache-2.0
import type { Digest } from "../oci/digest";
import { planLines, type Entries, type Rules } from "../retention/index";
import { readState } from "../world/arguments";
import type { ResourceContext } from "../world/context";
import { PartialFailure, type Properties } from "../world/reconciler";
import { rulesOf, type ArchiveInputs } from "./arguments";
import { carryOut, type Outcome } from "./carry-out";
import { decide } from "./decisions";
import { Leasing } from "./leasing";
import { plannedSchema, remainingNotices, remembered } from "./recorded";
import { recordedFacts, surveyFacts } from "./survey";

export async function ensureArchive(
  inputs: Properties,
  previous: Properties | undefined,
  context: ResourceContext,
): Promise<Properties> {
  const planned = readState(plannedSchema, inputs);
  const rules = rulesOf(planned);
  const archive = await context.stores.open(planned.archive);
  const entries = planned.entries;
  const { left = {}, leases = {} } = remembered(previous);
  const leasing = new Leasing(archive, holderOf(planned), leases, context);
  const outcome = await carryOut(
    {
      inputs: planned,
      left,
      leasing,
      rules,
      asOf: planned.asOf,
      entries,
      archive,
      signing: { store: archive, args: planned, signedBy: planned.signedBy, written: new Map() },
    },
    context,
  );
  const settled = await settle(planned, entries, rules, outcome.touched, context);
  const notices = { ...remainingNotices(previous, settled), ...outcome.notices };
  const properties = {
    entries: settled,
    plan: planLines(settled),
    notices,
    ...memories(outcome, leasing),
  };
  const [first] = outcome.failures;
  if (first !== undefined) throw new PartialFailure(first.error, { ...inputs, ...properties });
  return properties;
}

/** The entries as the next plan will find them, if nothing else happens. */
async function settle(
  inputs: ArchiveInputs & { asOf: string },
  entries: Entries,
  rules: Rules,
  touched: readonly Digest[],
  context: ResourceContext,
): Promise<Entries> {
  if (touched.length === 0) return entries;
  const facts = recordedFacts(entries, []);
  for (const digest of touched) delete facts[digest];
  Object.assign(facts, await surveyFacts(inputs, entries, context, { only: touched }));
  const again = await decide(
    inputs,
    {
      facts,
      recorded: entries,
      rules,
      asOf: Date.parse(inputs.asOf),
      now: context.now().getTime(),
      marking: true,
    },
    context,
  );
  const settled: Entries = { ...entries };
  for (const digest of touched) {
    const entry = again[digest];
    if (entry !== undefined) settled[digest] = entry;
  }
  return settled;
}

/** Two without a name that bring things from the same places are one policy in all else, too. */
function holderOf({ policy, sources }: Pick<ArchiveInputs, "policy" | "sources">): string {
  return policy ?? [...sources].sort().join(" ");
}

function memories({ left }: Outcome, { sightings }: Leasing): Properties {
  return {
    ...(Object.keys(left).length === 0 ? {} : { left }),
    ...(Object.keys(sightings).length === 0 ? {} : { leases: sightings }),
  };
}
