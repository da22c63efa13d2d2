// SPDX-License-Identifier: Apache-2.0
// `npm run mutations -- [word…]`: for each row of test/mutations.json, or those in which a word
// occurs, breaks the line that defends, runs the row's test against it, and expects it to fail.
//
// A row has `attack` (a row of SECURITY.md's table, word for word), `file` and `search` (text that
// is in the file once), `replacement`, and `test` as SECURITY.md names tests: "folder/file: name",
// where the file is one of *.test.ts. A name that is put together is given by a part of it.
// Nothing is changed here: the test runs in a copy, made of links.
import { spawn } from "node:child_process";
import {
  cpSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "./build.mjs";

const COPIED = ["provider", "sdk", "test", "scripts", "examples"];
const LINKED = ["node_modules", "dist"];
const FILES = ["package.json", "tsconfig.json", "SECURITY.md", "README.md"];
const TIMEOUT_MS = 10 * 60_000;

const words = process.argv.slice(2);
const rows = JSON.parse(readFileSync(join(root, "test", "mutations.json"), "utf8")).filter(
  (row) => words.length === 0 || words.some((word) => JSON.stringify(row).includes(word)),
);

function copyOfAll() {
  const folder = mkdtempSync(join(tmpdir(), "consign-mutations-"));
  for (const name of [...COPIED, ...FILES])
    cpSync(join(root, name), join(folder, name), { recursive: true });
  for (const name of LINKED) symlinkSync(join(root, name), join(folder, name), "dir");
  return folder;
}

/** How many tests of that name passed and failed. */
async function runTest(folder, test) {
  const [, file, name] = /^([^:]+): (.+)$/s.exec(test) ?? [];
  const pattern = name.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&");
  const child = spawn(
    process.execPath,
    [
      "--import",
      "tsx",
      "--test",
      "--test-reporter=tap",
      `--test-timeout=${TIMEOUT_MS}`,
      `--test-name-pattern=/${pattern}/`,
      join("test", `${file}.test.ts`),
    ],
    { cwd: folder, stdio: ["ignore", "pipe", "inherit"] },
  );
  let output = "";
  for await (const chunk of child.stdout) output += chunk;
  const points = output
    .split("\n")
    .filter((line) => /^\s*(?:not )?ok \d/.test(line) && line.includes(name));
  return {
    passed: points.filter((line) => /^\s*ok/.test(line)).length,
    failed: points.filter((line) => /^\s*not ok/.test(line)).length,
  };
}

async function survives(folder, { file, search, replacement, test }) {
  const path = join(folder, file);
  const text = readFileSync(path, "utf8");
  if (text.split(search).length !== 2)
    return `${file} has the text ${text.split(search).length - 1} times, and not once`;
  const whole = await runTest(folder, test);
  if (whole.failed > 0 || whole.passed === 0)
    return `without a mutation ${whole.passed} passed and ${whole.failed} failed`;
  unlinkSync(path);
  writeFileSync(
    path,
    text.replace(search, () => replacement),
  );
  try {
    return (await runTest(folder, test)).failed > 0 ? undefined : "the test passes all the same";
  } finally {
    writeFileSync(path, text);
  }
}

const folder = copyOfAll();
let survivors = 0;
try {
  for (const row of rows) {
    const why = await survives(folder, row);
    if (why !== undefined) survivors++;
    process.stdout.write(
      `${why === undefined ? "✓" : "✗"} ${row.file}: ${row.search.split("\n")[0].trim()}\n    ${row.test}${why === undefined ? "" : `\n    ${why}`}\n`,
    );
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.stdout.write(`${rows.length - survivors} of ${rows.length} mutations were found\n`);
process.exitCode = survivors > 0 || rows.length === 0 ? 1 : 0;
