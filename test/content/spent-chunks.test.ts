// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { chunkSpent } from "../../provider/content/spent-chunks";

const MB = 1024 * 1024;

test("spent chunks are collected while content streams, and nobody else gets a gc", async () => {
  const before = process.memoryUsage().arrayBuffers;
  let most = 0;
  for (let count = 0; count < 256; count += 1) {
    chunkSpent(new Uint8Array(MB).byteLength);
    most = Math.max(most, process.memoryUsage().arrayBuffers - before);
    // As content does, which comes in turns of its own.
    if (count % 4 === 0) await new Promise((done) => setImmediate(done));
  }
  assert.ok(most < 32 * MB, `${Math.round(most / MB)} of 256 MB were held at once`);
  assert.equal("gc" in globalThis, false);
});
