// SPDX-License-Identifier: Apache-2.0
// What two exits print is cleaned at both: errors and log lines for Pulumi, and the command line.
import assert from "node:assert/strict";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mock, test } from "node:test";
import { styleText } from "node:util";
import { run } from "../../provider/cli/run";
import { engineLog } from "../../provider/dynamic/progress";
import { ConsignError } from "../../provider/errors";
import { forTerminal, jsonText, lineByLine, oneLine, printable } from "../../provider/printable";
import {
  asCheckFailure,
  asEngineError,
  describe,
  forCheck,
} from "../../provider/protocol/failures";
import { Random } from "../fuzz/random";

const UNSEEN = /[\p{C}\p{Default_Ignorable_Code_Point}\u2028\u2029]/u;
/** Clears a screen, turns writing round, hides, breaks lines, and colors in Pulumi's way. */
const EVIL =
  "a\x1b[2Jb\x9b2Jc\u202ed\u2066e\u200bf\ufeffg\u00adh\ni\r\nj\u2028k\u0085l\tm\x7fn\u034fo\u{e0041}p\ud800q<{%fg 1%}>";
const WORDS = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p", "q"];

test("what a reader cannot see is shown as one mark, and breaks as a space", () => {
  const clean = oneLine(EVIL);
  assert.doesNotMatch(clean, UNSEEN);
  for (const word of WORDS) assert.ok(clean.includes(word), word);
  assert.equal(oneLine("h\r\n\u2028i"), "h i");
  assert.equal(oneLine("Käse 漢字 ✔ – „x“"), "Käse 漢字 ✔ – „x“");
  assert.equal(printable("x".repeat(500)).length, 400);
});

test("whatever code point it is, nothing unseen passes any of the exits", () => {
  const random = new Random(11);
  for (let round = 0; round < 3_000; round++) {
    const text = Array.from({ length: 20 }, () =>
      String.fromCodePoint(random.below(random.below(2) === 0 ? 0x300 : 0x110000)),
    ).join("");
    assert.doesNotMatch(oneLine(text), UNSEEN);
    assert.doesNotMatch(lineByLine(text).replaceAll("\n", ""), UNSEEN);
    assert.doesNotMatch(forTerminal(text, false).replaceAll("\n", ""), UNSEEN);
    const json = jsonText({ [text]: text });
    assert.doesNotMatch(json.replaceAll("\n", ""), UNSEEN);
    assert.deepEqual(JSON.parse(json), { [text]: text });
  }
});

test("our own colors pass where there are any", () => {
  const text = `${styleText("red", "✘", { validateStream: false })} ${EVIL}`;
  assert.ok(forTerminal(text, true).startsWith("\x1b[31m✘\x1b[39m a\ufffd[2J"));
  assert.ok(!forTerminal(text, false).includes("\x1b"));
});

function isClean(text: string): void {
  assert.doesNotMatch(text, UNSEEN);
  assert.ok(!text.includes("<{%"), text);
}

test("an error's message, its path and where it happened are clean, and only our lines are lines", () => {
  const error = new ConsignError("REGISTRY_FAILED", `it says ${EVIL}`, {
    reference: `registry.example/${EVIL}`,
    path: `x.${EVIL}`,
    lines: [`one ${EVIL}`, "two"],
  });
  assert.equal(error.message.split("\n").length, 3);
  assert.equal(error.within({ side: "source" }).message, error.message);
  for (const each of [error, new Error(EVIL), EVIL]) {
    isClean(describe(each).replaceAll("\n", ""));
    isClean(asEngineError(each, "id", undefined).message.replaceAll("\n", ""));
    const { property, reason } = asCheckFailure(each, "x");
    isClean(property + reason.replaceAll("\n", ""));
  }
  const { property, reason } = forCheck({ property: EVIL, reason: `${EVIL}https://a:b@c.example` });
  isClean(property + reason);
  assert.ok(!reason.includes("a:b"));
});

test("a line for the engine's log is clean", () => {
  const written: string[] = [];
  const write = mock.method(process.stderr, "write", (text: string) => written.push(text) > 0);
  engineLog("warning", `${EVIL} https://b.example/?sig=abc`);
  write.mock.restore();
  const [line = ""] = written.filter((each) => each.startsWith("warning: "));
  assert.ok(line.endsWith("\n"));
  isClean(line.slice(0, -1));
  assert.ok(!line.includes("abc"));
});

test("what the command line says of a failure is clean", async () => {
  const said: string[] = [];
  const world = {
    env: {},
    cwd: mkdtempSync(join(tmpdir(), "consign-printable-")),
    now: new Date(),
    color: false,
    print: (text: string) => said.push(text),
    tell: (text: string) => said.push(text),
  };
  assert.equal(await run(["verify", `registry.example/${EVIL}`], world), 2);
  assert.equal(await run([`x${EVIL}`], world), 2);
  assert.ok(said.length >= 2);
  for (const line of said) assert.doesNotMatch(line, UNSEEN);
});
