// SPDX-License-Identifier: Apache-2.0
// Runs the linters, the type-check and every test/**/*.test.ts, or those whose path has one of the
// given words in it.
import { readdirSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { Readable } from "node:stream";
import { run } from "node:test";
import { root, typecheck } from "./build.mjs";
import { cacheDir } from "./cache.mjs";
import { runLint } from "./lint.mjs";
import { compileTests } from "./compile-tests.mjs";
import { reporter } from "./reporter.mjs";

/**
 * One more than the cores that it is made for: some tests wait for a certificate to end, or for a
 * registry.
 */
const CONCURRENCY = 3;
/** A file of tests that takes longer than this hangs. */
const FILE_TIMEOUT_MS = 15 * 60_000;
/** The library that starts Pulumi is in half of these processes too. */
const LOAD_LATE = join(root, "scripts", "load-late.cjs");
/** What is asked of the whole checkout: by a word, and each with the file that says how. */
const OF_ALL = {
  lint: { name: "everything lints", file: join(root, "eslint.config.mjs"), ask: runLint },
  typecheck: {
    name: "everything type-checks",
    file: join(root, "tsconfig.json"),
    ask: typecheck,
  },
};

// Each engine operation starts processes that load the same programs; compiled once, they start in
// three quarters of the time.
process.env.NODE_COMPILE_CACHE ??= cacheDir("compile-cache");

const words = process.argv.slice(2);
const chosen = (path) =>
  words.length === 0 || words.some((word) => path.includes(word.replace(/^\.\//, "")));
const files = readdirSync(join(root, "test"), { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && entry.name.endsWith(".test.ts"))
  .map((entry) => join(entry.parentPath, entry.name))
  .filter((path) => chosen(relative(root, path).split(sep).join("/")))
  .sort();

const ofAll = Object.keys(OF_ALL).filter(chosen);

if (files.length === 0 && ofAll.length === 0)
  process.stderr.write(`no test's path has ${words.join(" or ")} in it\n`);

async function* events() {
  for (const word of ofAll) yield* ofAllEvents(OF_ALL[word]);
  if (files.length === 0) return;
  const execArgv = ["--require", LOAD_LATE, ...(await compileTests())];
  yield* run({ files, concurrency: CONCURRENCY, timeout: FILE_TIMEOUT_MS, execArgv, cwd: root });
}

async function* ofAllEvents({ name, file, ask }) {
  const test = { name, nesting: 0, file };
  yield { type: "test:start", data: test };
  const began = performance.now();
  const complaints = await ask();
  if (complaints === "") yield { type: "test:pass", data: { ...test, details: {} } };
  else yield { type: "test:fail", data: { ...test, details: { error: complaints } } };
  yield { type: "test:summary", data: { file, duration_ms: performance.now() - began } };
}

const result = {};
for await (const text of Readable.from(reporter(result)(events()))) process.stdout.write(text);
process.exitCode = result.failed > 0 || result.passed === 0 ? 1 : 0;
