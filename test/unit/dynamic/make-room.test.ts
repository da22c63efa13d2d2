// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { repositoryRoot } from "../../harness/toolchain";

const MB = 1024 * 1024;

test("a provider process gives back what its host left behind before it takes memory of its own", () => {
  const program = `
    let left = Array.from({ length: 400_000 }, (_, n) => ({ n, text: "left " + n }));
    left = undefined;
    const before = process.memoryUsage().heapTotal;
    require("./dist/provider/dynamic/make-room");
    process.stdout.write(String(before - process.memoryUsage().heapTotal));
  `;
  const freed = Number(execFileSync(process.execPath, ["-e", program], { cwd: join(repositoryRoot), encoding: "utf8" }));
  assert.ok(freed > 16 * MB, `${Math.round(freed / MB)} MB were given back`);
});
