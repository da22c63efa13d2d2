// SPDX-License-Identifier: Apache-2.0
import { locationOf, referenceOf } from "../world/arguments";
import { requireDestination } from "./arrivals";
import type { ResourceContext } from "../world/context";
import { rememberedIn } from "../judging/against";
import type { Plan, Properties } from "../world/reconciler";
import { type VerificationInputs, verificationSchema } from "./arguments";
import { openKnownTrust, present, tell, verdictOf } from "./verdict";

/** A preview's verdict. What is not there yet has none, and is no failure. */
export async function planVerification(
  known: Partial<VerificationInputs>,
  unknown: ReadonlySet<string>,
  previous: Properties | undefined,
  context: ResourceContext,
): Promise<Plan> {
  // What is about to arrive serves the preview and is no property of the verdict: it is neither
  // shown nor recorded.
  const planned: Properties = { mirror: undefined, mirrorReady: undefined };
  if (
    Object.keys(verificationSchema.shape).some(
      (name) => name !== "mirrorReady" && unknown.has(name),
    )
  ) {
    await openKnownTrust(known, context);
    return { planned };
  }
  const { mirror, ...inputs } = known as VerificationInputs;
  if (mirror !== undefined) requireDestination(mirror, locationOf(inputs.artifact));
  const arriving = unknown.has("mirrorReady") ? { ...inputs, mirror } : inputs;
  const { properties, judgement } = await verdictOf(
    arriving,
    await present(inputs.artifact, context),
    rememberedIn(previous),
    context,
  );
  if (judgement.verdict.digest === undefined)
    context.warn(
      `${referenceOf(inputs.artifact)} is not there yet: it is verified in \`up\`, which fails if it is still not there then, or not good`,
    );
  else tell(inputs, judgement, context);
  return { planned: { ...planned, ...properties } };
}
