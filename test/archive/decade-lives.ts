// SPDX-License-Identifier: Apache-2.0
// Lives of artifacts over a decade, drawn at random; what is claimed of them, and when; and what
// holds of any life whatever the planner does.
import assert from "node:assert/strict";
import fc from "fast-check";
import type { Store } from "../../provider/content/storage";
import type { Descriptor } from "../../provider/oci/descriptor";
import type { ModelArtifact, ModelLife, ModelRules } from "./decade-model";
import { claim, type Party } from "../harness/memory-world";

export const DECADE = 3_650;
export const SEED = 20_261_124;
export const HOLD = "https://acme.example/litigation/v1";

export const life: fc.Arbitrary<ModelLife> = fc.record({
  stays: fc
    .array(
      fc.record({
        gap: fc.integer({ min: 1, max: 1_500 }),
        length: fc.integer({ min: 1, max: 700 }),
        ends: fc.integer({ min: 0, max: 19 }).map((n) => n > 0),
        believed: fc.integer({ min: 0, max: 19 }).map((n) => n > 0),
      }),
      { minLength: 0, maxLength: 3 },
    )
    .map((parts) => {
      let day = 0;
      return parts.map(({ gap, length, ends, believed }) => {
        const from = day + gap;
        day = from + length;
        return { from, until: ends ? day : undefined, believed };
      });
    }),
  heldByDigest: fc.integer({ min: 0, max: 29 }).map((n) => n === 0),
  heldFrom: fc.oneof(
    { weight: 14, arbitrary: fc.constant(undefined) },
    { weight: 1, arbitrary: fc.integer({ min: 1, max: DECADE }) },
  ),
  endOfLife: fc.oneof(
    { weight: 2, arbitrary: fc.constant(undefined) },
    {
      weight: 3,
      arbitrary: fc.record({
        told: fc.integer({ min: 1, max: DECADE }),
        date: fc.integer({ min: 1, max: DECADE }),
      }),
    },
  ),
});

/** That many lives, the same each time. */
export function drawLives(count: number): ModelLife[] {
  return (
    fc.sample(fc.array(life, { minLength: count, maxLength: count }), {
      seed: SEED,
      numRuns: 1,
    })[0] ?? []
  );
}

const START = Date.parse("2026-01-01T00:00:00Z");

/** The first moment of a day of the decade. */
export function at(day: number): string {
  return new Date(START + day * 86_400_000).toISOString().replace(".000Z", "Z");
}

export interface Told {
  day: number;
  tell: () => Promise<unknown>;
}

/** What is claimed of an artifact at its source, in the order in which it becomes known. */
export function tellings(
  store: Store,
  descriptor: Descriptor,
  { stays, heldFrom, endOfLife }: ModelLife,
  trusted: Party,
  stranger: Party,
): Told[] {
  const say =
    (type: string, predicate: Record<string, unknown>, by = trusted) =>
    async () =>
      claim(store, { type, subject: descriptor, predicate, audience: "internal" }, by);
  const told = [
    ...stays.flatMap(({ from, until, believed }): Told[] => {
      const stay = { environment: "production", from: at(from) };
      const opening = { day: from, tell: say("deployment", stay) };
      return until === undefined
        ? [opening]
        : [
            opening,
            {
              day: until,
              tell: say("deployment", { ...stay, until: at(until) }, believed ? trusted : stranger),
            },
          ];
    }),
    ...(heldFrom === undefined ? [] : [{ day: heldFrom, tell: say(HOLD, { case: "1" }) }]),
    ...(endOfLife === undefined
      ? []
      : [{ day: endOfLife.told, tell: say("endOfLife", { date: at(endOfLife.date) }) }]),
  ];
  return told.sort((a, b) => a.day - b.day);
}

/** Properties that need no model of the planner: they follow from the rules' words. */
export function checkHistory(artifacts: readonly ModelArtifact[], given: ModelRules): void {
  for (const { history, life: each } of artifacts) {
    for (const { day, what } of history) {
      assert.ok(
        each.stays.every(
          ({ from, until, believed }) =>
            from > day || (believed && until !== undefined && until <= day),
        ),
        `${what} on day ${day} while it ran`,
      );
      const left = Math.max(
        ...each.stays.filter(({ from }) => from <= day).map(({ until }) => until ?? Infinity),
      );
      assert.ok(day >= left + given.grace, `${what} on day ${day}, within its grace`);
      if (what !== "content" && what !== "purged") continue;
      assert.ok(
        !each.heldByDigest && (each.heldFrom === undefined || each.heldFrom > day),
        `${what} on day ${day} in spite of a hold`,
      );
      if (given.since === "end-of-production")
        assert.ok(day >= left + given.keep, `${what} on day ${day}, too early`);
    }
  }
}

/** How often each thing happened. */
export function countHistory(
  artifacts: readonly ModelArtifact[],
): Record<"archived" | "released" | "content" | "purged", number> {
  const counts = { archived: 0, released: 0, content: 0, purged: 0 };
  for (const { what } of artifacts.flatMap(({ history }) => history)) counts[what]++;
  return counts;
}
