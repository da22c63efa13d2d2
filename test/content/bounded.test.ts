// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { forEachBounded, groupedBy, Turns } from "../../provider/content/bounded";

const tick = (): Promise<void> => new Promise((done) => setImmediate(done));

for (const [limit, places] of [
  [3, 3],
  [1, 1],
  [0, 1],
  [1.5, 1],
  [Number.NaN, 1],
] as const) {
  test(`of turns with a limit of ${limit} ${places} are had at once, the others in the order of their coming`, async () => {
    const turns = new Turns(limit);
    const order: number[] = [];
    const taking = Array.from({ length: 6 }, (_, n) => turns.take().then(() => void order.push(n)));
    await tick();
    assert.deepEqual(order, [0, 1, 2].slice(0, places));
    assert.equal(turns.takeNow(), false);
    for (let left = 0; left < 6; left += 1) {
      turns.leave();
      await tick();
    }
    await Promise.all(taking);
    assert.deepEqual(order, [0, 1, 2, 3, 4, 5]);
  });
}

test("after the first failure nothing is started, and it is thrown when all that was under way is over", async () => {
  const [started, ended]: [number[], number[]] = [[], []];
  const work = async (item: number): Promise<void> => {
    started.push(item);
    await tick();
    if (item === 1) throw new Error("the second");
    await tick();
    ended.push(item);
  };
  await assert.rejects(forEachBounded([0, 1, 2, 3, 4, 5], 3, work), /the second/);
  assert.deepEqual(
    [started, ended],
    [
      [0, 1, 2],
      [0, 2],
    ],
  );
});

test("groups keep the order of what came, and of the first in each", () => {
  assert.deepEqual(
    [...groupedBy([5, 2, 7, 4], (item) => item % 2)],
    [
      [1, [5, 7]],
      [0, [2, 4]],
    ],
  );
});
