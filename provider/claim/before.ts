// SPDX-License-Identifier: Apache-2.0
import { Made } from "../keeping/made";
import type { Properties } from "../world/reconciler";
import { plannedSchema, type Planned } from "./arguments";
import type { ClaimBefore, LeavingClaim } from "./removal";

/** What went is made again where a correction is taken back before it was done. */
export function madeBefore({ digest }: Planned, previous: Properties | undefined): Made {
  const before = claimBefore(previous);
  if (before === undefined) return Made.of(undefined);
  const earlier = [before.claim, ...before.replaces].find(
    ({ descriptor }) => descriptor.digest === digest,
  );
  return Made.of(earlier === undefined ? undefined : { made: earlier.made ?? earlier.recorded });
}

export function claimBefore(previous: Properties | undefined): ClaimBefore | undefined {
  const before = plannedSchema.safeParse(previous);
  if (!before.success) return undefined;
  return {
    claim: leaving(before.data, previous),
    replaces: before.data.replaces,
  };
}

export function leaving(
  { descriptor, about }: Planned,
  state: Properties | undefined,
): LeavingClaim {
  const made = Made.of(state);
  return {
    descriptor,
    about,
    recorded: made.isMarked ? [] : made.record(),
    thumbprint: "",
    ...(made.isMarked ? { made: made.record() } : {}),
  };
}
