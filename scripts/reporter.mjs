// SPDX-License-Identifier: Apache-2.0
// Reports tests for people: a line a file, each failure with its error, each skipped test with its
// reason, and the counts as the last line.
import { relative } from "node:path";
import { inspect } from "node:util";

const OUTPUT_LINES = 40;
/** The file that was run; tests may be defined in another, which newer Nodes tell apart. */
const fileOf = (data) => data.entryFile ?? data.file;
const place = (path) => relative(process.cwd(), path);
const seconds = (ms) => `${(ms / 1000).toFixed(1)} s`;
const indent = (text, by = "    ") => text.replace(/^(?=.)/gm, by);

const RUNNER_FRAME =
  /^\s+at .*(?:node:internal|node:async_hooks|node_modules[\\/]tsx|new Promise \(<anonymous>\)|Array\.map \(<anonymous>\))/;

/**
 * What a failing test threw: its message, its own fields and the frames that are ours, without the
 * runner's.
 */
function explain(error) {
  if (error?.failureType === "testCodeFailure" && error.exitCode !== undefined)
    return `its process ended with ${error.signal ?? `exit code ${error.exitCode}`}`;
  const cause = error?.cause ?? error;
  const plain =
    cause instanceof Error && cause.code !== "ERR_ASSERTION"
      ? inspect(cause, { colors: false, depth: 6 })
      : (cause?.stack ?? String(cause));
  return plain
    .split("\n")
    .filter((line) => !RUNNER_FRAME.test(line))
    .join("\n");
}

/**
 * Counts tests, not suites; a parent that failed only because of a test inside it is not one more
 * failure.
 */
class Tally {
  passed = 0;
  failed = 0;
  skipped = 0;
  #files = new Map();
  #open = new Map();

  file(path) {
    const key = path ?? "";
    if (!this.#files.has(key))
      this.#files.set(key, {
        passed: 0,
        failed: 0,
        skipped: 0,
        failures: [],
        skips: [],
        output: [],
      });
    return this.#files.get(key);
  }

  get files() {
    return [...this.#files];
  }

  /** Keeps the names of the suites and tests around the one that runs, by depth. */
  start(data) {
    const { nesting, name } = data;
    const file = fileOf(data);
    const names = this.#open.get(file ?? "") ?? [];
    names.length = nesting;
    names.push(name);
    this.#open.set(file ?? "", names);
  }

  /** @returns the failure, if it is one */
  end(data, ok) {
    const { nesting, name, details } = data;
    const file = fileOf(data);
    const record = this.file(file);
    const error = details?.error;
    if (!ok && error?.failureType === "subtestsFailed") return undefined;
    const whole = nesting === 0 && name === file;
    const skip = data.skip ?? data.todo;
    const isSkipped = skip !== undefined && skip !== false;
    if (ok && details?.type === "suite" && !isSkipped) return undefined;
    const within = (this.#open.get(file ?? "") ?? []).slice(0, nesting);
    const title = whole ? "the file as a whole" : [...within, name].join(" › ");
    if (isSkipped) {
      this.skipped++;
      record.skipped++;
      record.skips.push({
        title,
        reason: typeof skip === "string" && skip !== "" ? skip : "no reason given",
      });
      return undefined;
    }
    if (ok && !whole) {
      this.passed++;
      record.passed++;
      return undefined;
    }
    const failure = {
      title,
      error: ok ? "there is no test in it" : error,
      line: whole || data.file !== file ? undefined : data.line,
    };
    this.failed++;
    record.failed++;
    record.failures.push(failure);
    return failure;
  }
}

function failureReport(where, { title, error, line }) {
  return `\n  ✗ ${title}\n    ${where}${line === undefined ? "" : `:${line}`}\n${indent(explain(error))}\n\n`;
}

function printed({ output }) {
  const text = output.join("").trimEnd();
  return text === ""
    ? ""
    : `  it printed:\n${indent(text.split("\n").slice(-OUTPUT_LINES).join("\n"))}\n\n`;
}

/** @returns the text to print when a file is done */
function fileReport(path, record, duration) {
  const counts = [
    `${record.passed} passed`,
    ...(record.failed > 0 ? [`${record.failed} FAILED`] : []),
    ...(record.skipped > 0 ? [`${record.skipped} skipped`] : []),
  ];
  let text = `${record.failed > 0 ? "✗" : "✓"} ${place(path)}: ${counts.join(", ")}${duration === undefined ? "" : ` (${seconds(duration)})`}\n`;
  for (const failure of record.failures) text += failureReport(place(path), failure);
  return record.failed > 0 ? text + printed(record) : text;
}

/** A reporter for node:test. `result` is filled for the caller, who decides the exit code. */
export function reporter(result = {}) {
  return async function* report(events) {
    const tally = new Tally();
    const reported = new Set();
    const began = Date.now();
    for await (const { type, data } of events) {
      const file = fileOf(data);
      if (type === "test:start") tally.start(data);
      if (type === "test:pass" || type === "test:fail") {
        const failure = tally.end(data, type === "test:pass");
        if (failure !== undefined && reported.has(file))
          yield failureReport(place(file), failure) + printed(tally.file(file));
      }
      if (type === "test:stdout" || type === "test:stderr")
        tally.file(file).output.push(data.message);
      if (type === "test:diagnostic" && /^\w*Error:/.test(data.message))
        tally.file(file).output.push(`${data.message}\n`);
      if (type === "test:summary" && file !== undefined) {
        reported.add(file);
        yield fileReport(file, tally.file(file), data.duration_ms);
      }
    }
    for (const [path, record] of tally.files) {
      if (!reported.has(path) && record.passed + record.failed + record.skipped > 0)
        yield fileReport(path, record);
    }
    const skips = tally.files.flatMap(([path, record]) =>
      record.skips.map(({ title, reason }) => `  ${place(path)}: ${title}: ${reason}\n`),
    );
    if (skips.length > 0) yield `\nskipped:\n${skips.join("")}`;
    const failures = tally.files.flatMap(([path, record]) =>
      record.failures.map(({ title }) => `  ${place(path)}: ${title}\n`),
    );
    if (failures.length > 0) yield `\nfailed:\n${failures.join("")}`;
    yield `\nall in ${seconds(Date.now() - began)}\n`;
    Object.assign(result, { passed: tally.passed, failed: tally.failed, skipped: tally.skipped });
    yield `${tally.passed} passed, ${tally.failed} failed${tally.skipped > 0 ? `, ${tally.skipped} skipped` : ""}\n`;
  };
}

export default reporter();
