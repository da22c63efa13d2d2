// SPDX-License-Identifier: Apache-2.0
// Damage, absence, and additions by those who may not allow never make a verdict better.
// CONSIGN_MODEL_RUNS takes more runs, CONSIGN_MODEL_SEED others.
import fc from "fast-check";
import assert from "node:assert/strict";
import { test } from "node:test";
import { GOOD_VERDICTS, judged, MOVES, VERDICTS, type Move } from "./verdict-model";

const RUNS = Number(process.env["CONSIGN_MODEL_RUNS"] ?? 300);
const LIVES = Math.ceil(RUNS / 3);
const SEED = Number(process.env["CONSIGN_MODEL_SEED"] ?? 16);

const move: fc.Arbitrary<Move> = fc.oneof(
  fc.record({
    by: fc.constantFrom(...MOVES.SIGNERS),
    says: fc.constantFrom(...MOVES.SAYINGS),
  }),
  fc.record({ damage: fc.constantFrom(...MOVES.DAMAGES), what: fc.nat(40) }),
);
const life = fc.record({
  scenario: fc.constantFrom(...VERDICTS),
  moves: fc.array(move, { maxLength: 4 }),
});

test(`${RUNS} attacks and damages: no verdict gets better`, async () => {
  if (process.env["CONSIGN_MODEL_SHRINK"] !== undefined)
    return fc.assert(
      fc.asyncProperty(life, async ({ scenario, moves }) =>
        assert.deepEqual(await judged(scenario, moves), []),
      ),
      { numRuns: RUNS, seed: SEED },
    );
  const wrong: string[] = [];
  for (const scenario of VERDICTS)
    if ((await judged(scenario, [])).length > 0) wrong.push(`${scenario} is verified`);
  for (const { scenario, moves } of fc.sample(life, { numRuns: RUNS, seed: SEED })) {
    const good = await judged(scenario, moves);
    if (good.length > 0)
      wrong.push(`${scenario}: good to ${good.join(" and ")} after ${JSON.stringify(moves)}`);
  }
  assert.deepEqual(wrong, []);
});

test(`${LIVES} lives of what is good at first: the resource and verify() say the same`, async () => {
  const good = fc.record({
    scenario: fc.constantFrom(...GOOD_VERDICTS),
    moves: fc.array(move, { maxLength: 3 }),
  });
  const wrong: string[] = [];
  const answers = new Set<number>();
  for (const scenario of GOOD_VERDICTS)
    assert.equal((await judged(scenario, [])).length, 2, `${scenario} is verified`);
  for (const { scenario, moves } of fc.sample(good, { numRuns: LIVES, seed: SEED })) {
    const by = await judged(scenario, moves);
    answers.add(by.length);
    if (by.length === 1)
      wrong.push(`${scenario}: good to ${by.join()} alone after ${JSON.stringify(moves)}`);
  }
  assert.deepEqual(wrong, []);
  assert.deepEqual([...answers].sort(), [0, 2]);
});
