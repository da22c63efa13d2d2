// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { test } from "node:test";
import { tempDir } from "./temp";
import { repositoryRoot } from "./toolchain";

/** Runs test files with the reporter in a process of its own, as `npm test` does. */
function report(files: Record<string, string>): string {
  const folder = tempDir("reporter");
  const paths = Object.entries(files).map(([name, text]) => {
    const path = join(folder, name);
    writeFileSync(path, `const { test, describe } = require("node:test");\n${text}`);
    return path;
  });
  const reporter = pathToFileURL(join(repositoryRoot, "scripts", "reporter.mjs")).href;
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const { stdout } = spawnSync(
    process.execPath,
    ["--test", `--test-reporter=${reporter}`, "--test-reporter-destination=stdout", ...paths],
    { env, cwd: folder, encoding: "utf8" },
  );
  return stdout;
}

const lastLine = (text: string): string => text.trimEnd().split("\n").at(-1) ?? "";

test("the last line is the counts alone", () => {
  const text = report({ "a.cjs": 'test("one", () => {}); test("two", () => {});' });
  assert.equal(lastLine(text), "2 passed, 0 failed");
  assert.match(text, /✓ a\.cjs: 2 passed/);
});

test("a failure inside a test counts once and is shown with its error and place; a skip shows its reason", () => {
  const text = report({
    "a.cjs": [
      'console.log("said by the file");',
      'describe("outer", () => {',
      '  test("parent", async (t) => { await t.test("child", () => { throw new RangeError("too far"); }); });',
      '  test("left out", { skip: "no such machine" }, () => {});',
      '  test("fine", () => {});',
      "});",
    ].join("\n"),
  });
  assert.equal(lastLine(text), "1 passed, 1 failed, 1 skipped");
  assert.match(
    text,
    /✗ outer › parent › child\n {4}a\.cjs:4\n {4}RangeError(?: \[Error\])?: too far/,
  );
  assert.match(text, /said by the file/);
  assert.match(text, /a\.cjs: outer › left out: no such machine/);
});

test("a file that breaks, exits, leaves something behind or holds no test has failed", () => {
  const broken = report({ "a.cjs": 'require("./not-there");' });
  assert.equal(lastLine(broken), "0 passed, 1 failed");
  assert.match(broken, /Cannot find module/);
  assert.equal(
    lastLine(report({ "a.cjs": 'test("exits", () => process.exit(0)); test("never", () => {});' })),
    "0 passed, 1 failed",
  );
  const late = report({
    "a.cjs": 'test("leaves", () => { setTimeout(() => { throw new Error("late"); }, 30); });',
  });
  assert.equal(lastLine(late), "1 passed, 1 failed");
  assert.match(late, /Error: late/);
  assert.equal(lastLine(report({ "a.cjs": "" })), "0 passed, 1 failed");
});
