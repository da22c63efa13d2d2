// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { chunkSpent } from "../../../provider/content/spent-chunks";

const MB = 1024 * 1024;

test("spent chunks are collected while content streams, and nobody else gets a gc", async () => {
  let collected = 0;
  const registry = new FinalizationRegistry<number>(() => void collected++);
  for (let count = 0; count < 64; count += 1) {
    registry.register(new Uint8Array(MB), count);
    chunkSpent(MB);
  }
  // Finalizers run in a turn of their own.
  for (let turn = 0; turn < 100 && collected < 32; turn += 1) await new Promise((done) => setTimeout(done, 10));
  assert.ok(collected >= 32, `${collected} of 64 chunks were collected`);
  assert.equal("gc" in globalThis, false);
});
