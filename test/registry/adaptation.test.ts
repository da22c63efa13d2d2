// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { test } from "node:test";
import { ConsignError } from "../../provider/errors";
import { digestOf } from "../../provider/oci/digest";
import { DEFAULT_LIMITS } from "../../provider/registry/index";
import { AdaptiveSemaphore } from "../../provider/registry/transport/adaptive-semaphore";
import { Gate, type Clock } from "../../provider/registry/transport/gate";
import { retried, Transient } from "../../provider/registry/transport/retry";
import { json, quickClient, scripted } from "./scripted";

/** A second passes in a millisecond. */
const FAST: Clock = {
  now: () => performance.now() * 1000,
  wait: (ms, signal) => delay(ms / 1000, undefined, signal === undefined ? {} : { signal }),
};

const limited = (retryAfterMs?: number): Transient =>
  new Transient(
    new ConsignError("REGISTRY_RATE_LIMITED", "too many", { status: 429 }),
    retryAfterMs,
  );

test("too many is half as many, once for all that were under way, and never fewer than one", async () => {
  const semaphore = new AdaptiveSemaphore(8);
  for (let n = 0; n < 4; n += 1) await semaphore.acquire();
  semaphore.halve();
  semaphore.halve();
  assert.equal(semaphore.size, 4);
  for (let n = 0; n < 4; n += 1) semaphore.release();
  for (let n = 0; n < 5; n += 1) semaphore.halve();
  assert.equal(semaphore.size, 1);
});

test("success brings one more a round, up to as many as there were", () => {
  const semaphore = new AdaptiveSemaphore(8);
  semaphore.halve();
  for (let n = 0; n < 4; n += 1) semaphore.grow();
  assert.equal(semaphore.size, 4);
  semaphore.grow();
  assert.equal(semaphore.size, 5);
  for (let n = 0; n < 100; n += 1) semaphore.grow();
  assert.equal(semaphore.size, 8);
});

test("nobody enters above the smaller size, and those who wait come in as it grows", async () => {
  const semaphore = new AdaptiveSemaphore(4);
  semaphore.halve();
  await semaphore.acquire();
  await semaphore.acquire();
  let entered = false;
  const third = semaphore.acquire().then(() => (entered = true));
  await delay(1);
  assert.equal(entered, false);
  for (let n = 0; n < 3; n += 1) semaphore.grow();
  await third;
});

test("a quota of 20 requests in 60 s is survived by 100, however often the window closes", async () => {
  const gate = new Gate(16, undefined, FAST);
  const opened = FAST.now();
  const perWindow = new Map<number, number>();
  let refused = 0;
  const request = async (): Promise<void> => {
    const leave = await gate.enter("call");
    try {
      await FAST.wait(200);
      const elapsed = FAST.now() - opened;
      const window = Math.floor(elapsed / 60_000);
      const used = perWindow.get(window) ?? 0;
      if (used >= 20) {
        refused += 1;
        gate.throttled();
        throw limited((window + 1) * 60_000 - elapsed + 1_000);
      }
      perWindow.set(window, used + 1);
      gate.answered("call");
    } finally {
      leave();
    }
  };
  const onWait = (_: Transient, ms: number): void => gate.pause(ms);
  await Promise.all(
    Array.from({ length: 100 }, () =>
      retried(request, DEFAULT_LIMITS, { onWait, wait: FAST.wait }),
    ),
  );
  assert.equal(
    [...perWindow.values()].reduce((sum, used) => sum + used),
    100,
  );
  assert.ok(perWindow.size >= 5, `${perWindow.size} windows`);
  assert.ok(refused < 60, `${refused} requests in vain`);
});

test("a long Retry-After is no failed try, and a registry that never has enough is given up all the same", async () => {
  let tries = 0;
  const attempt = async (): Promise<void> => {
    tries += 1;
    throw limited(60_000);
  };
  await assert.rejects(
    retried(attempt, DEFAULT_LIMITS, { wait: async () => {} }),
    /asks to wait 60 s, and at most 300 s/,
  );
  assert.equal(tries, 6);
});

test("requests that wait for their turn wait for a pause that begins meanwhile", async () => {
  const gate = new Gate(8, 1, FAST);
  await gate.turn();
  const second = gate.turn();
  gate.pause(20_000);
  const begun = FAST.now();
  await second;
  assert.ok(FAST.now() - begun >= 19_000);
});

for (const [status, headers, shrinks] of [
  [429, {}, true],
  [503, { "retry-after": "0" }, true],
  [503, {}, false],
] as [number, Record<string, string>, boolean][]) {
  test(`${status} ${Object.keys(headers).join()} ${shrinks ? "halves" : "does not change"} what goes to the registry at once`, async (context) => {
    let asked = 0;
    let under = 0;
    let most = 0;
    const server = await scripted(context, async (_request, response) => {
      asked += 1;
      if (asked === 1) return json(response, status, { errors: [] }, headers);
      under += 1;
      most = Math.max(most, under);
      await delay(20);
      under -= 1;
      response.writeHead(404, { "docker-distribution-api-version": "registry/2.0" }).end();
    });
    const repository = quickClient(context, {
      limits: { concurrency: 4, backoffMs: 1 },
    }).repository(server.host, "a");
    const blob = (n: number) => ({
      mediaType: "application/x",
      digest: digestOf(String(n)),
      size: 1,
    });
    await repository.has(blob(0));
    const { gate } = repository.connection;
    assert.equal(gate.width("call"), shrinks ? 2 : 4);
    most = 0;
    await Promise.all([1, 2, 3, 4].map((n) => repository.has(blob(n))));
    assert.equal(most, shrinks ? 2 : 4);
  });
}
