// SPDX-License-Identifier: Apache-2.0
import { z } from "zod";
import { ConsignError } from "../errors";

const SECONDS = { s: 1, m: 60, h: 3_600, d: 86_400, w: 604_800, y: 31_536_000 } as const;
const PATTERN = /^(0|[1-9][0-9]{0,8})([smhdwy])$/;
const ADVICE = "write a whole number and a unit, as 90s, 15m, 12h, 7d, 4w or 1y; 0 is none";
const ADVICE_WITH_ZERO = "write a whole number and a unit, as 0s, 15m, 12h, 7d, 4w or 1y";
const MAX_SECONDS = 1_000 * SECONDS.y;

/** A duration as it is written: a whole number and one unit of s, m, h, d, w, y. At most 1000y. */
export const durationSchema = z.string().refine((text) => (millisecondsOf(text) ?? 0) > 0, ADVICE);

/** The same, or none: `0s`, `0d`. For what may happen at once. */
export const delaySchema = z
  .string()
  .refine((text) => millisecondsOf(text) !== undefined, ADVICE_WITH_ZERO);

/**
 * Milliseconds of a duration such as `"7d"`. A week has 7 days and a year 365: durations measure
 * ages, they are no calendar.
 * @throws ConsignError `INPUT_INVALID`, also for none
 */
export function parseDuration(text: string): number {
  const milliseconds = millisecondsOf(text) ?? 0;
  if (milliseconds > 0) return milliseconds;
  throw new ConsignError("INPUT_INVALID", `"${text}" is not a duration: ${ADVICE} (at most 1000y)`);
}

/** As {@link parseDuration}, and none is 0. @throws ConsignError `INPUT_INVALID` */
export function parseDelay(text: string): number {
  return millisecondsOf(text) === 0 ? 0 : parseDuration(text);
}

/** The age in the largest whole unit, for messages: `"9d"`, `"3h"`. Negative ages count as zero. */
export function formatAge(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1_000));
  const units = [
    ["d", SECONDS.d],
    ["h", SECONDS.h],
    ["m", SECONDS.m],
  ] as const;
  for (const [unit, size] of units)
    if (seconds >= size) return `${Math.floor(seconds / size)}${unit}`;
  return `${seconds}s`;
}

function millisecondsOf(text: string): number | undefined {
  const match = PATTERN.exec(text);
  if (match === null) return undefined;
  const seconds = Number(match[1]) * SECONDS[match[2] as keyof typeof SECONDS];
  return seconds <= MAX_SECONDS ? seconds * 1_000 : undefined;
}
