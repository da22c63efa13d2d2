// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { readFileSync, readdirSync, existsSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { engineMissing } from "../harness/engine";
import { repositoryRoot } from "../harness/toolchain";
import { checkout, EXAMPLES_FOLDER, type Played } from "./example-checkout";

/** Bounds a hang, not a performance: an example takes less than a minute on two idle cores, and tests share them. */
const TIMEOUT_MS = 10 * 60_000;
const MAX_LINES = 120;

const pinned = (repository: string): RegExp => new RegExp(`^${repository}@sha256:[0-9a-f]{64}$`);

/** What an example has to come to, beyond what holds for each: its story ends well, and it can be told again. */
const OUTCOMES: Record<string, (played: Played) => void> = {
  quickstart({ outputs, text }) {
    assert.match(String(outputs["quickstart"]?.["deploy"]), pinned("oci:.run/registries/acme/net-monitor"));
    assert.match(text, /9 unchanged|10 unchanged/);
  },
  publisher({ outputs, text }) {
    assert.match(String(outputs["wabbit"]?.["inPublic"]), pinned("oci:.run/registries/public/net-monitor"));
    const outside = text.slice(text.lastIndexOf("Outside: "));
    for (const shown of ["sbom/spdx", "vulnerabilities", "vex", "endOfLife"]) assert.ok(outside.includes(shown), `${shown} is public`);
    for (const kept of ["provenance", "test-result"]) assert.ok(!outside.includes(kept), `${kept} has left the house`);
  },
  "consumer-regions"({ outputs }) {
    const { eu, us, published, status } = outputs["acme"] ?? {};
    const digests = [eu, us, published].map((reference) => String(reference).split("@")[1]);
    assert.deepEqual(new Set(digests).size, 1, "both regions hold what was published");
    assert.deepEqual(Object.values(status as Record<string, object>), [{}, {}], "no region lacks anything");
  },
  "own-claims"({ outputs }) {
    const { deploy, counts } = outputs["acme"] ?? {};
    assert.match(String(deploy), pinned("oci:.run/registries/acme/net-monitor"));
    const lines = counts as string[];
    assert.ok(lines.some((line) => /^test-result: superseded/.test(line)), lines.join("\n"));
    assert.ok(lines.some((line) => /^test-result: effective: by .*ACME Rockets/.test(line)), lines.join("\n"));
  },
  drift({ text }) {
    assert.match(text, /\(exit code [1-9]/, "the check fails while there is drift");
    assert.match(text.slice(text.lastIndexOf("the check is content")), /5 unchanged/);
  },
  "revocation-drill"({ outputs, text }) {
    const { eu, us } = (outputs["acme"]?.["deploy"] ?? {}) as Record<string, string>;
    const v1 = String(outputs["wabbit"]?.["v1"]).split("@")[1] ?? "";
    for (const deployed of [eu, us]) {
      assert.match(deployed ?? "", /@sha256:/);
      assert.ok(deployed?.includes(v1) === false, "what is revoked is not deployed");
    }
    assert.match(text, /VERIFICATION_UNMET/);
  },
};

const names = readdirSync(EXAMPLES_FOLDER, { withFileTypes: true }).filter((entry) => entry.isDirectory()).map(({ name }) => name);

describe("examples", { skip: engineMissing("folder"), concurrency: 2 }, () => {
  for (const name of names) {
    test(`${name} runs from end to end, and writes nothing outside its folder`, { timeout: TIMEOUT_MS }, async (context) => {
      const copy = checkout(name);
      const before = copy.filesOutside();
      const played = await copy.play();
      context.diagnostic(`${name}: ${played.seconds.toFixed(1)} s`);
      assert.equal(played.code, 0, played.text.slice(-4000));
      assert.deepEqual(copy.filesOutside(), before);
      OUTCOMES[name]?.(played);
      for (const reference of references(played.outputs)) assert.match(reference, /@sha256:[0-9a-f]{64}$/, "an output names an artifact by its digest");
    });

    test(`${name} is small, and says how it is run, what one sees, and why`, () => {
      const folder = join(EXAMPLES_FOLDER, name);
      for (const file of ["package.json", "README.md"]) assert.ok(existsSync(join(folder, file)), `${name} has no ${file}`);
      const program = join(folder, "index.ts");
      if (existsSync(program)) assert.ok(readFileSync(program, "utf8").split("\n").length - 1 <= MAX_LINES, `index.ts has more than ${MAX_LINES} lines`);
      const readme = readFileSync(join(folder, "README.md"), "utf8");
      assert.match(readme, name === "quickstart" ? /npm start/ : new RegExp(`npm run example -- ${name}\\b`));
      assert.match(readme, /what you see/i);
    });
  }

  test("the list of outcomes names examples that exist", () => {
    for (const name of Object.keys(OUTCOMES)) assert.ok(names.includes(name), `${name} is no folder of ${repositoryRoot}/examples`);
  });
});

/** Every output, at any depth, that looks like a reference into a layout. */
function references(value: unknown): string[] {
  if (typeof value === "string") return /^oci:\S+@/.test(value) ? [value] : [];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(references) : [];
}
