// SPDX-License-Identifier: Apache-2.0
import { ConsignError } from "../errors";
import { readState, referenceOf } from "../world/arguments";
import type { ResourceContext } from "../world/context";
import type { Properties } from "../world/reconciler";
import { verificationSchema, recordedSchema } from "./arguments";
import { present, verdictOf } from "./verdict";

/** Fails where the verdict is not good, or is another's than the plan's. */
export async function ensureVerified(
  inputs: Properties,
  _previous: Properties | undefined,
  context: ResourceContext,
): Promise<Properties> {
  const known = readState(verificationSchema, inputs);
  const { properties, judgement } = await verdictOf(
    known,
    await present(known.artifact, context),
    context,
  );
  const reference = referenceOf(known.artifact);
  if (!judgement.verified)
    throw new ConsignError(
      "VERIFICATION_UNMET",
      `${reference} is not verified: ${judgement.unmet.join("; ")}`,
      { path: "artifact" },
    );
  const planned = readState(recordedSchema, inputs).reference;
  if (planned !== undefined && planned !== properties["reference"]) {
    throw new ConsignError(
      "PLAN_STALE",
      `${reference} is now ${String(judgement.verdict.digest)}, the plan says ${planned}: run again`,
      { path: "artifact" },
    );
  }
  return { ...inputs, ...properties };
}
