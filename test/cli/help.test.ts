// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { before, describe, test } from "node:test";
import { parseCommandLine } from "../../provider/cli/command-line";
import { COMMANDS, FORMS } from "../../provider/cli/commands";
import { SHELLS } from "../../provider/cli/completion";
import { ERROR_CODES } from "../../provider/errors";
import { tempDir } from "../harness/temp";
import { consign } from "./arrange";

let folder: string;
before(() => {
  folder = tempDir("help");
});

describe("help", () => {
  for (const command of COMMANDS) {
    test(`${command}: the same by either way, with its options and examples`, async () => {
      const help = await consign(folder, ["help", command]);
      assert.deepEqual(await consign(folder, [command, "--help"]), help);
      assert.equal(help.exitCode, 0);
      assert.equal(help.stdout.split("\n")[0]?.startsWith(`Usage: consign ${command} `), true);
      const named = new Set(
        [...help.stdout.matchAll(/^ {2}(?:-h, )?--([\w-]+)/gm)].map(([, n]) => n),
      );
      assert.deepEqual([...named].sort(), [...FORMS[command].options, "help"].sort());
      for (const example of FORMS[command].examples) assert.ok(help.stdout.includes(example));
      assert.ok(help.stdout.split("\n").every((line) => line.length <= 132));
    });

    test(`${command}: its examples parse`, () => {
      for (const example of FORMS[command].examples) {
        const words = /consign ([^>)|]+)/.exec(example)?.[1]?.trim().split(/\s+/) ?? [];
        const parsed = parseCommandLine(words);
        assert.equal(parsed.show === "result" && parsed.command, command);
      }
    });
  }

  test("as a whole it has every command", async () => {
    const help = await consign(folder, ["help"]);
    assert.deepEqual(await consign(folder, ["--help"]), help);
    for (const command of COMMANDS) assert.match(help.stdout, new RegExp(`^  ${command} `, "m"));
  });

  test("an option of another command is refused", async () => {
    for (const args of [
      ["explain", "TAG_MOVED", "--policy", "p.json"],
      ["verify", "oci:x:v1", "--rules", "r.json"],
      ["retention", "oci:x", "--require", "vex"],
    ]) {
      const { exitCode, stderr } = await consign(folder, args);
      assert.equal(exitCode, 2);
      assert.match(stderr, /^consign: --\w+ is for .*\[INPUT_INVALID\]$/);
    }
  });
});

describe("completion", () => {
  for (const shell of SHELLS) {
    test(`${shell}: it names every command, and the shell takes it`, async (context) => {
      const { exitCode, stdout } = await consign(folder, ["completion", shell]);
      assert.equal(exitCode, 0);
      for (const name of [...COMMANDS, ...Object.keys(ERROR_CODES)])
        assert.ok(stdout.includes(name));
      const checked = spawnSync(shell, ["-n"], { input: stdout, encoding: "utf8" });
      if (checked.error !== undefined) return context.skip(`${shell} is not installed`);
      assert.equal(checked.status, 0, checked.stderr);
    });
  }

  test("bash completes commands, options and codes", async (context) => {
    const { stdout } = await consign(folder, ["completion", "bash"]);
    const complete = (...words: string[]): string[] => {
      const script = `${stdout}\nCOMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _consign; printf '%s\\n' "\${COMPREPLY[@]}"`;
      const ran = spawnSync("bash", ["-c", script, "bash", ...words], { encoding: "utf8" });
      if (ran.error !== undefined) return [];
      return ran.stdout.trim().split("\n");
    };
    if (complete("consign", "").length === 0) return context.skip("bash is not installed");
    assert.deepEqual(complete("consign", "ver"), ["verify"]);
    assert.deepEqual(complete("consign", "explain", "TAG_"), ["TAG_MOVED"]);
    assert.deepEqual(complete("consign", "verify", "--po"), ["--policy"]);
    assert.deepEqual(complete("consign", "retention", "--a"), ["--as-of"]);
    assert.deepEqual(complete("consign", "completion", "z"), ["zsh"]);
  });

  test("another shell ends with 2", async () => {
    const { exitCode, stdout, stderr } = await consign(folder, ["completion", "tcsh"]);
    assert.deepEqual([exitCode, stdout], [2, ""]);
    assert.match(stderr, /there is no completion for "tcsh".*\[INPUT_INVALID\]$/);
  });
});
