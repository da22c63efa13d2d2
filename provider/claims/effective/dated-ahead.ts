// SPDX-License-Identifier: Apache-2.0
import type { ClaimVerdict } from "./claim-verdict";

/** Clocks differ: a claim may be dated this far ahead, in milliseconds. */
export const CLOCK_SKEW = 5 * 60 * 1_000;

/**
 * Whether a signer says that he signs at a time that has not come. Of a time that somebody else
 * vouches for it is our clock that is wrong.
 */
export function isDatedAhead({ signedAt, signedAtProven }: ClaimVerdict, now: Date): boolean {
  return (
    signedAtProven !== true &&
    signedAt !== undefined &&
    Date.parse(signedAt) > now.getTime() + CLOCK_SKEW
  );
}
