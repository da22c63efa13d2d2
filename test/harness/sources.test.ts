// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { escapesOf, importsOf, stringsOf } from "./sources";

test("every way to name a module is seen, and which leave nothing behind", () => {
  const text = [
    'import a from "a";',
    'import type { B } from "b";',
    'import { type C, type D } from "c";',
    'import { type E, f } from "d";',
    'export { g } from "e";',
    'export type { H } from "f";',
    'const i = await import("g");',
    'const j = require("h");',
    'type K = typeof import("i");',
    'import "j"; // and not "k"',
    'const text = `import "l"`;',
  ].join("\n");
  assert.deepEqual(
    importsOf({ path: "x.ts", text }).map(
      ({ specifier, line, typeOnly, lazy }) =>
        `${line} ${specifier}${typeOnly ? " type" : ""}${lazy ? " lazy" : ""}`,
    ),
    [
      "1 a",
      "2 b type",
      "3 c type",
      "4 d",
      "5 e",
      "6 f type",
      "7 g lazy",
      "8 h lazy",
      "9 i type",
      "10 j",
    ],
  );
});

test("leaving the type system is seen in code, not in words", () => {
  const text = [
    "const a: any = 1;",
    "const b = a as unknown as string;",
    "// any word",
    'const c = "any" as string;',
  ].join("\n");
  assert.deepEqual(escapesOf({ path: "x.ts", text }), [
    { line: 1, what: "any" },
    { line: 2, what: "a cast by way of unknown" },
  ]);
});

test("strings are those of the code", () => {
  assert.deepEqual(stringsOf({ path: "x.ts", text: 'f("A"); // "B"\nconst c = `C`;' }), ["A", "C"]);
});
