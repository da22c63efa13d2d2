// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import picomatch from "picomatch";
import { isConsignError } from "../../../provider/errors";
import {
  cosignTagsOf,
  isUserTag,
  matchingTags,
  namesOnly,
  selectTags,
  tagSelectionSchema,
  type TagSelection,
} from "../../../provider/mirror/choose/tags";
import { digestOf } from "../../../provider/oci/digest";

const TAGS = [
  "latest",
  "v1.0.0",
  "v1.1.0",
  "v1.2.0-rc.1",
  "v2.0.0",
  "nightly-1",
  "nightly-2",
  `sha256-${"a".repeat(64)}.sig`,
  "consign-inventory-0123456789ab",
];

const cases: [string, TagSelection, string[]][] = [
  [
    "everything that a person tagged",
    {},
    ["latest", "nightly-1", "nightly-2", "v1.0.0", "v1.1.0", "v1.2.0-rc.1", "v2.0.0"],
  ],
  ["exact names", ["v1.0.0", "absent"], ["v1.0.0"]],
  ["globs", ["v1.*"], ["v1.0.0", "v1.1.0", "v1.2.0-rc.1"]],
  ["a regular expression", { matching: "^nightly-[0-9]$" }, ["nightly-1", "nightly-2"]],
  ["a version range", { semver: ">=1.1 <3" }, ["v1.1.0", "v2.0.0"]],
  ["exclusions", { include: ["v*"], exclude: ["*-rc*", "v2.0.0"] }, ["v1.0.0", "v1.1.0"]],
  ["the newest versions", { newest: 2 }, ["v1.2.0-rc.1", "v2.0.0"]],
  ["the newest by age", { newest: { count: 2, by: "created" } }, ["latest", "v1.0.0"]],
  ["digests alone", { digests: [digestOf("x")] }, []],
];
for (const [name, selection, expected] of cases) {
  test(`tags are selected by: ${name}`, async () => {
    assert.equal(tagSelectionSchema.safeParse(selection).success, true);
    const created: Record<string, number> = { latest: 9, "v1.0.0": 8, "v2.0.0": 1 };
    assert.deepEqual(await selectTags(TAGS, selection, async (tag) => created[tag]), expected);
  });
}

test("a selection that makes no sense is refused where it stands", () => {
  const wrong: [unknown, string][] = [
    [{ matching: "(" }, "matching"],
    [{ matching: "^(?!rc)" }, "matching"],
    [{ matching: "(?<=v)1" }, "matching"],
    [{ matching: "(a)\\1" }, "matching"],
    [{ matching: "(?:a{0,1000}){0,1000}" }, "matching"],
    [{ semver: "one" }, "semver"],
    [{ newest: 0 }, "newest"],
    [{ digests: ["sha256:short"] }, "digests"],
    [{ include: [] }, "include"],
    [[`sha256-${"a".repeat(64)}.sig`], "0"],
    [["no such thing"], "0"],
    [{ inclde: ["v1"] }, ""],
  ];
  for (const [selection, path] of wrong) {
    const parsed = tagSelectionSchema.safeParse(selection);
    assert.equal(parsed.success, false, JSON.stringify(selection));
    assert.match(JSON.stringify(parsed.error?.issues), new RegExp(path));
  }
});

test("the list of all tags is needed only for patterns", () => {
  assert.equal(namesOnly(["v1", "v2"]), true);
  assert.equal(namesOnly({ digests: [digestOf("x")] }), true);
  assert.equal(namesOnly(["v*"]), false);
  assert.equal(namesOnly({}), false);
});

test("tags of tools name no version", () => {
  for (const tag of cosignTagsOf(digestOf("x"))) assert.equal(isUserTag(tag), false);
  assert.equal(isUserTag("v1.sig"), true);
});

test("the time that patterns take grows with the tags, and not beyond all measure", async () => {
  const tags = Array.from({ length: 100 }, (_, n) => `${"a".repeat(125)}_${n}`);
  const started = Date.now();
  for (const selection of [
    { matching: "^(a+)+$" },
    { matching: "^(a|a)*$" },
    { matching: "^(a?){60}(a){60}$" },
    { include: [`${"*a".repeat(60)}*b`] },
    { include: [`${"?*".repeat(60)}b`] },
  ])
    assert.deepEqual(await selectTags(tags, selection), []);
  assert.ok(Date.now() - started < 5_000, `${Date.now() - started} ms`);
  await assert.rejects(
    selectTags(tags, { include: [`${"*[a]".repeat(12)}b`] }),
    (error: unknown) => isConsignError(error, "INPUT_INVALID") && error.path === "tags",
  );
});

test("expressions that both engines read match the same tags", () => {
  const part = fc.constantFrom(
    ...[
      "v",
      "1",
      ".",
      "\\.",
      "-",
      "[0-9]",
      "[^a-z]",
      "\\d+",
      "\\w",
      "(?:rc|v)",
      "(a|b)?",
      "x*?",
      "{2}",
      "+",
      "?",
      "^",
      "$",
      "|",
      "\\b",
      "(?<n>a)",
      "[\\w.-]",
      "\\p{Lu}",
      "\\s",
    ],
  );
  const tag = fc.stringMatching(/^[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,12}$/);
  fc.assert(
    fc.property(fc.array(part, { minLength: 1, maxLength: 8 }), tag, (parts, text) => {
      const matching = parts.join("");
      let old: RegExp;
      try {
        old = new RegExp(matching, "u");
      } catch {
        return;
      }
      if (!tagSelectionSchema.safeParse({ matching }).success) return;
      assert.deepEqual(
        matchingTags([text], { matching }),
        old.test(text) && isUserTag(text) ? [text] : [],
        matching,
      );
    }),
    { numRuns: 2_000 },
  );
});

test("a glob of stars and question marks takes the tags that it always took", () => {
  const glob = fc.stringMatching(/^[ab01v_.*?-]{1,8}$/).filter((text) => /[*?]/.test(text));
  const tag = fc.stringMatching(/^[abv01_][abv01_.-]{0,8}$/);
  fc.assert(
    fc.property(glob, tag, (pattern, text) => {
      assert.equal(
        matchingTags([text], [pattern]).length === 1,
        picomatch(pattern, { nonegate: true })(text),
        `${pattern} ${text}`,
      );
    }),
    { numRuns: 5_000 },
  );
});
