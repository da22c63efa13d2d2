// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { repositoryRoot } from "../harness/toolchain";

const MB = 1024 * 1024;

/**
 * What a host of that many objects does not need any more when it comes to us, and how often V8
 * marked all there is to find that out.
 */
function makeRoom(objects: number): { freed: number; collections: number } {
  const program = `
    let left = Array.from({ length: ${objects} }, (_, n) => ({ n, text: "left " + n }));
    left = undefined;
    const before = process.memoryUsage().heapTotal;
    console.log("BEGIN");
    require("./dist/provider/dynamic/make-room");
    console.log("END", before - process.memoryUsage().heapTotal);
  `;
  const told = execFileSync(process.execPath, ["--trace-gc", "-e", program], {
    cwd: join(repositoryRoot),
    encoding: "utf8",
  });
  const [, during = "", freed = ""] = /BEGIN([^]*)END (-?\d+)/.exec(told) ?? [];
  return { freed: Number(freed), collections: [...during.matchAll(/Mark-Compact/g)].length };
}

test("a provider process gives back what its host left behind before it takes memory of its own", () => {
  const { freed, collections } = makeRoom(1_000_000);
  assert.ok(freed > 16 * MB, `${Math.round(freed / MB)} MB were given back`);
  assert.ok(collections > 0);
});

test("where its host has left little it does not wait for the collector", () => {
  assert.equal(makeRoom(1_000).collections, 0);
});
