// SPDX-License-Identifier: Apache-2.0
// SECURITY.md promises a test for each attack: each one that it names is there.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { z } from "zod";
import { repositoryRoot } from "./harness/toolchain";

const document = readFileSync(join(repositoryRoot, "SECURITY.md"), "utf8");
const attacks = (
  /## Attacks.*?\n(\| Attack[\s\S]*?)\n\n/.exec(document)?.[1] ??
  /\| Attack[\s\S]*?\n\n/.exec(document)?.[0] ??
  ""
)
  .split("\n")
  .filter((line) => line.startsWith("| "))
  .slice(1);
const NAMED = /`([a-z][a-z/-]+): ([^`]+)`/g;

/**
 * Quoted in the file as the name of a test, of a row of a table of tests, or as the end of a name
 * that is put together.
 */
function isIn(source: string, name: string): boolean {
  return [`"${name}"`, `\`${name}\``, `: ${name}\``].some((quoted) => source.includes(quoted));
}

test("every attack in SECURITY.md has a test, and the test exists", () => {
  assert.ok(attacks.length >= 25, `${attacks.length} attacks`);
  for (const attack of attacks) {
    const tests = [...attack.matchAll(NAMED)];
    assert.ok(tests.length > 0, `no test is named for: ${attack}`);
    for (const [, file = "", name = ""] of tests) {
      const path = [`${file}.test.ts`, `${file}.ts`]
        .map((each) => join(__dirname, each))
        .find(existsSync);
      assert.ok(path !== undefined, `there is no file test/${file}.ts or .test.ts`);
      assert.ok(isIn(readFileSync(path, "utf8"), name), `test/${file} has no test "${name}"`);
    }
  }
});

const mutationSchema = z.array(
  z.strictObject({
    attack: z.string(),
    file: z.string(),
    search: z.string().min(1),
    replacement: z.string(),
    test: z.string().regex(/^[a-z][a-z/-]+: ./),
  }),
);

test("every mutation breaks a line that is there, and is of an attack in SECURITY.md", () => {
  const text = readFileSync(join(__dirname, "mutations.json"), "utf8");
  const named = attacks.map((attack) => attack.split("|")[1]?.trim());
  for (const { attack, file, search, replacement, test: by } of mutationSchema.parse(
    JSON.parse(text),
  )) {
    assert.ok(named.includes(attack), `SECURITY.md has no row "${attack}"`);
    const source = readFileSync(join(repositoryRoot, file), "utf8");
    assert.equal(source.split(search).length, 2, `${file} has not once: ${search}`);
    assert.notEqual(search, replacement);
    const path = join(__dirname, `${by.slice(0, by.indexOf(":"))}.test.ts`);
    assert.ok(existsSync(path), `there is no ${path}`);
  }
});
