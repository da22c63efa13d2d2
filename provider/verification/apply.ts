// SPDX-License-Identifier: Apache-2.0
import { ConsignError } from "../errors";
import { readState, referenceOf } from "../world/arguments";
import type { ResourceContext } from "../world/context";
import { rememberedIn } from "../judging/against";
import { PartialFailure, type Properties } from "../world/reconciler";
import { verificationSchema, recordedSchema } from "./arguments";
import { NOTHING_GOOD, present, verdictOf } from "./verdict";

/** Fails where the verdict is not good, or is another's than the plan's. */
export async function ensureVerified(
  inputs: Properties,
  previous: Properties | undefined,
  context: ResourceContext,
): Promise<Properties> {
  const known = readState(verificationSchema, inputs);
  const { properties, judgement } = await verdictOf(
    known,
    await present(known.artifact, context),
    { ...rememberedIn(previous), ...rememberedIn(inputs) },
    context,
  );
  const reference = referenceOf(known.artifact);
  if (!judgement.verified) {
    const unmet = new ConsignError(
      "VERIFICATION_UNMET",
      `${reference} is not verified: ${judgement.unmet.join("; ")}`,
      { path: "artifact" },
    );
    // What was good before is not to be taken from the state any more.
    throw new PartialFailure(unmet, { ...inputs, ...NOTHING_GOOD, ...properties });
  }
  const planned = readState(recordedSchema, inputs).reference;
  if (planned !== undefined && planned !== properties["reference"]) {
    throw new ConsignError(
      "PLAN_STALE",
      `${reference} is now ${String(judgement.verdict.digest)}, the plan says ${planned}: run again`,
      { path: "artifact" },
    );
  }
  return { ...inputs, against: undefined, ...properties };
}
