// SPDX-License-Identifier: Apache-2.0
import { isConsignError } from "../errors";
import { isDeepStrictEqual } from "node:util";
import type { Made } from "../keeping/made";
import { PartialFailure, type Properties } from "../world/reconciler";
import type { PlannedPromotion } from "./arguments";

/**
 * What is recorded of a promotion that fails: the environment as it was, with the marks of what this
 * run has put there, or it would count as found by the next one.
 */
export function failed(
  error: unknown,
  plan: PlannedPromotion,
  made: Made,
  previous: Properties | undefined,
): unknown {
  const marks = made.record();
  if (previous === undefined || isDeepStrictEqual(previous["made"], marks))
    return refused(error, plan, previous);
  const known = { ...previous, made: marks };
  const refusal = refused(error, plan, known);
  return refusal === error && error instanceof Error ? new PartialFailure(error, known) : refusal;
}

/**
 * What is recorded of a promotion that a verdict refuses. The environment runs what it ran, so that
 * is still what the state describes; but with the verdict that was bad, and without a reference that
 * anybody could take for a good one. Where nothing was promoted before, nothing is recorded.
 */
export function refused(
  error: unknown,
  plan: PlannedPromotion,
  previous: Properties | undefined,
): unknown {
  if (previous === undefined || !isConsignError(error, "VERIFICATION_UNMET")) return error;
  const { verdict, unmet, against } = plan;
  // What only the plan has never came to be.
  const planned = Object.fromEntries(Object.keys(plan).map((name) => [name, undefined]));
  return new PartialFailure(error, {
    ...planned,
    ...previous,
    reference: undefined,
    verdict,
    verified: false,
    unmet: unmet.length > 0 ? unmet : [error.message],
    against,
  });
}
