// SPDX-License-Identifier: Apache-2.0
import { dateSchema } from "../claims/index";
import { ConsignError } from "../errors";
import { formatInstant } from "../retention/index";
import type { ResourceContext } from "./context";

export const asOfSchema = dateSchema;

/** Two machines' clocks may differ by so much without anybody having turned one back. */
export const SKEW_MS = 5 * 60_000;

/**
 * The time a plan is made for: the argument, or now. Time that was planned with before does not
 * come back.
 * @param earliest what was planned or recorded last
 * @throws ConsignError `INPUT_INVALID` at `asOf`
 */
export function resolveAsOf(
  asOf: string | undefined,
  earliest: string | undefined,
  context: ResourceContext,
): string {
  const given = asOf === undefined ? context.now().getTime() : Date.parse(asOf);
  const floor = earliest === undefined ? -Infinity : Date.parse(earliest);
  if (given >= floor) return formatInstant(given);
  if (asOf === undefined && floor - given <= SKEW_MS) return formatInstant(floor);
  const whose = asOf === undefined ? "this machine's clock says" : "it says";
  throw new ConsignError(
    "INPUT_INVALID",
    `the clock runs backwards: ${whose} ${formatInstant(given)}, and the last plan was made for ${formatInstant(floor)}`,
    { path: "asOf" },
  );
}
