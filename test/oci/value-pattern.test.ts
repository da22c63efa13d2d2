// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { fitsPattern } from "../../provider/oci/value-pattern";

const cases: [value: string, pattern: string, fits: boolean][] = [
  ["https://ci.example/a/b", "*", true],
  ["https://ci.example/a/b", "https://ci.example/*", true],
  ["https://ci.example/a/b", "https://*/b", true],
  ["https://ci.example/a/b", "http://*", false],
  [".hidden", "*", true],
  [".hidden", "?hidden", true],
  ["two\nlines", "two*lines", true],
  ["a/../b", "a/*", true],
  ["a (b)", "a (b)", true],
  ["a b", "a (b)", false],
  ["[x]{y,z}!", "[x]{y,z}!", true],
  ["y", "{y,z}", false],
  ["!no", "!no", true],
  ["release", "rel*", true],
  ["release", "rel", false],
  ["", "*", true],
  ["", "?", false],
  ["*", "*", true],
  ["a🦘c", "a?c", true],
  ["aaab", "*a*b", true],
  ["aaac", "*a*b", false],
];
for (const [value, pattern, fits] of cases) {
  test(`${JSON.stringify(value)} ${fits ? "fits" : "does not fit"} ${JSON.stringify(pattern)}`, () =>
    assert.equal(fitsPattern(value, pattern), fits));
}

test("patterns are what a regular expression of the same meaning says", () => {
  const short = fc.string({
    unit: fc.constantFrom("a", "b", "/", ".", "*", "?", "\n"),
    maxLength: 8,
  });
  fc.assert(
    fc.property(short, short, (value, pattern) => {
      const source = pattern
        .replace(/[./]/g, "\\$&")
        .replaceAll("*", "[^]*")
        .replaceAll("?", "[^]");
      assert.equal(fitsPattern(value, pattern), new RegExp(`^${source}$`, "u").test(value));
    }),
    { numRuns: 2000, seed: 6 },
  );
});

test("no pattern takes long", () => {
  const began = performance.now();
  assert.equal(fitsPattern("a".repeat(10_000), `${"*a".repeat(500)}*b`), false);
  assert.ok(performance.now() - began < 2_000);
});
