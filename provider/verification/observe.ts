// SPDX-License-Identifier: Apache-2.0
import { isDeepStrictEqual } from "node:util";
import { parseReference } from "../oci/reference";
import { readState } from "../world/arguments";
import type { ResourceContext } from "../world/context";
import { rememberedIn } from "../judging/against";
import type { Properties } from "../world/reconciler";
import { verificationSchema, recordedSchema } from "./arguments";
import { NOTHING_GOOD, present, tell, verdictOf } from "./verdict";

/**
 * A tag that has moved is one fact, `verdict.digest`: what was verified is verified again, and
 * what the tag names now is for the next plan. `summary` is the record of the last `up`, so that
 * a fact shows under `claims` and `verdict` alone.
 */
export async function observeVerification(
  state: Properties,
  context: ResourceContext,
): Promise<Properties> {
  const inputs = readState(verificationSchema, state);
  const { reference, followed: [first = reference] = [] } = readState(recordedSchema, state);
  const named = await present(inputs.artifact, context);
  const verified =
    first === undefined || parseReference(first).digest === named?.digest
      ? named
      : await present(first, context);
  const { properties, judgement } = await verdictOf(
    inputs,
    verified,
    rememberedIn(state),
    context,
    first,
  );
  tell(inputs, judgement, context);
  const verdict = { ...judgement.verdict, digest: named?.digest };
  return {
    ...state,
    ...NOTHING_GOOD,
    ...properties,
    // Where nothing else has changed, a refresh shows no new line.
    ...(isDeepStrictEqual(state["claims"], properties["claims"])
      ? { against: state["against"] }
      : {}),
    verdict,
    summary: state["summary"],
  };
}
