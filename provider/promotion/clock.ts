// SPDX-License-Identifier: Apache-2.0
import { formatInstant } from "../retention/index";
import { SKEW_MS } from "../world/as-of";
import type { ResourceContext } from "../world/context";

type Clock = Pick<ResourceContext, "now">;

/**
 * Whether a time has not come, and two machines' clocks do not explain it. Nothing is recorded for
 * such a time, and what is counts for no other.
 */
export function isAhead(time: string, { now }: Clock): boolean {
  return Date.parse(time) > now().getTime() + SKEW_MS;
}

/**
 * When a stay ends that ends now. Never before the clock says so: whatever a program says of the
 * time, it was there until now, and rules of retention count from its end.
 * @param from when it began
 * @param asOf what the program says that the time is
 */
export function endOfStay(from: string, asOf: string | undefined, context: Clock): string {
  const said = asOf === undefined || isAhead(asOf, context) ? -Infinity : Date.parse(asOf);
  return formatInstant(Math.max(context.now().getTime(), said, Date.parse(from)));
}
