// SPDX-License-Identifier: Apache-2.0
// CONSIGN_MODEL_RUNS takes more runs, CONSIGN_MODEL_SEED others.
import fc from "fast-check";
import assert from "node:assert/strict";
import { test } from "node:test";
import { RemovalModel, STEPS, type Step } from "./removal-model";

const RUNS = Number(process.env["CONSIGN_MODEL_RUNS"] ?? 120);
const SEED = Number(process.env["CONSIGN_MODEL_SEED"] ?? 15);

const mishap = fc.record({
  at: fc.nat(120),
  kind: fc.constantFrom(
    ...(["killed", "gone", "fails", "drops", "lists less", "meanwhile"] as const),
  ),
});
const where = fc.nat(3);
const what = fc.nat(60);

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constantFrom(...STEPS.RUNS),
      mishap: fc.option(mishap, { nil: undefined }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constantFrom(...STEPS.ENDS),
      mishap: fc.option(mishap, { nil: undefined }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constantFrom("tag" as const, "index" as const), where, what }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("name in a list" as const), where, what, named: what }),
  },
  { weight: 1, arbitrary: fc.constant({ do: "hide the hold" as const }) },
);

const life = fc.array(step, { minLength: 2, maxLength: 6 });

async function lived(steps: readonly Step[]): Promise<string[]> {
  const model = await RemovalModel.open();
  for (const each of steps) await model.step(each);
  await model.rest();
  return model.wrong;
}

test(`${RUNS} lives among adversaries and faults: nothing is lost, and all comes to rest`, async () => {
  if (process.env["CONSIGN_MODEL_SHRINK"] !== undefined)
    return fc.assert(
      fc.asyncProperty(life, async (steps) => assert.deepEqual(await lived(steps), [])),
      { numRuns: RUNS, seed: SEED },
    );
  const wrong: string[] = [];
  for (const steps of fc.sample(life, { numRuns: RUNS, seed: SEED }))
    for (const line of await lived(steps)) wrong.push(`${line}, after ${JSON.stringify(steps)}`);
  assert.deepEqual(wrong, []);
});
