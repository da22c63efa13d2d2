// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync, readdirSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import { repositoryRoot } from "../harness/toolchain";
import { compile, packPackage, type Complaint, type Packed } from "./consumer";
import { examplesIn } from "./examples";
import { ALLOWED, PREAMBLE, REFUSED } from "./programs";

let packed: Packed;
let complaints: Record<string, Complaint[]>;
const examples = examplesIn("sdk");

/** A checker of packages as people run it, without a network. */
function check(tool: string, ...args: string[]): void {
  const program = realpathSync(join(repositoryRoot, "node_modules", ".bin", tool));
  execFileSync(process.execPath, [program, packed.tarball, ...args], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  });
}

const named = (prefix: string, programs: Readonly<Record<string, string>>): [string, string][] =>
  Object.entries(programs).map(([name, text]) => [
    `${prefix}/${name.replaceAll(/\W+/g, "-")}`,
    PREAMBLE + text,
  ]);
const said = (prefix: string, name: string): Complaint[] =>
  complaints[`${prefix}/${name.replaceAll(/\W+/g, "-")}`] ?? [];

describe("the package as it is published", { timeout: 600_000 }, () => {
  before(() => {
    packed = packPackage();
    const refused = Object.fromEntries(
      Object.entries(REFUSED).map(([name, { text }]) => [name, text]),
    );
    complaints = compile(
      packed.project,
      Object.fromEntries([
        ...named("allowed", ALLOWED),
        ...named("refused", refused),
        ...Object.entries(examples).map(([name, text]) => [`examples/${name}`, text]),
      ]),
    );
  });

  test("publint finds nothing wrong with it", () => check("publint", "--strict"));

  test("its types are found by every way to resolve modules", () =>
    check("attw", "--no-emoji", "--no-color", "--no-definitely-typed"));

  test("nothing runs where it is installed, from a registry or from git", () => {
    const { scripts } = JSON.parse(
      readFileSync(join(packed.installed, "package.json"), "utf8"),
    ) as {
      scripts: Record<string, string>;
    };
    for (const name of ["preinstall", "install", "postinstall", "prepare"])
      assert.equal(scripts[name], undefined, name);
  });

  test("its declarations speak of no library but Pulumi's", () => {
    const foreign = readdirSync(packed.installed, { recursive: true, encoding: "utf8" })
      .filter((path) => path.endsWith(".d.ts"))
      .flatMap((path) =>
        [...readFileSync(join(packed.installed, path), "utf8").matchAll(/from "(zod[^"]*)"/g)].map(
          ([, name]) => `${path}: ${name}`,
        ),
      );
    assert.deepEqual(foreign, []);
  });

  test("its declarations compile where every one of them is checked", () =>
    assert.deepEqual(complaints[""], []));

  for (const name of Object.keys(ALLOWED))
    test(`compiles: ${name}`, () => assert.deepEqual(said("allowed", name), []));

  for (const [name, { code }] of Object.entries(REFUSED))
    test(`does not compile: ${name}`, () =>
      assert.deepEqual(
        said("refused", name).map((complaint) => complaint.code),
        [code],
        JSON.stringify(said("refused", name)),
      ));

  for (const name of Object.keys(examples))
    test(`the example of ${name} compiles`, () =>
      assert.deepEqual(complaints[`examples/${name}`], []));
});
