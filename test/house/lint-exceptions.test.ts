// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import exceptions from "../../lint-exceptions.json";

/** How many exceptions a rule may have in all. These figures only ever go down. */
const MOST: Record<string, number> = { "@typescript-eslint/max-params": 73, complexity: 23 };

const ROOT = join(__dirname, "..", "..");

test("exceptions from the linter's rules only become fewer", () => {
  assert.deepEqual(Object.keys(exceptions).sort(), Object.keys(MOST).sort());
  for (const [rule, files] of Object.entries(exceptions)) {
    const total = Object.values(files).reduce((sum, count) => sum + count, 0);
    assert.ok(total <= (MOST[rule] ?? 0), `${rule}: ${total} exceptions, more than ${MOST[rule]}`);
  }
});

test("each exception is a file's that is there", () => {
  for (const path of Object.values(exceptions).flatMap((files) => Object.keys(files)))
    assert.ok(existsSync(join(ROOT, path)), `${path} is no more: npm run lint -- --record`);
});
