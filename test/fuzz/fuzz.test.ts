// SPDX-License-Identifier: Apache-2.0
// Fuzzes everything that reads bytes of strangers. CONSIGN_FUZZ_SECONDS sets the seconds for each
// target, CONSIGN_FUZZ_SEED makes a run another one than yesterday's, CONSIGN_FUZZ_SAVE=1 puts what
// was found into the corpus.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { Worker } from "node:worker_threads";
import { smallest } from "./corpus";
import type { FuzzReport } from "./driver";
import { TARGETS } from "./targets";
import { WATCHED_BYTES, type Order } from "./worker";
import { LOAD_TYPESCRIPT } from "../harness/typescript";

const SECONDS = Number(process.env.CONSIGN_FUZZ_SECONDS ?? 2);
const SEED = Number(process.env.CONSIGN_FUZZ_SEED ?? 1);
const SAVE = process.env.CONSIGN_FUZZ_SAVE === "1";
/** Milliseconds without a new input after which a target hangs. */
const HANGS_MS = 20_000;
const MAX_CORPUS = 200 * 1024;

const folderOf = (target: string): string => join(__dirname, "corpus", target);
const nameOf = (input: Uint8Array): string =>
  createHash("sha256").update(input).digest("hex").slice(0, 16);

function run(target: string): Promise<FuzzReport> {
  const watched = new SharedArrayBuffer(8 + WATCHED_BYTES);
  const head = new Int32Array(watched, 0, 2);
  const order: Order = {
    target,
    milliseconds: SECONDS * 1000,
    seed: SEED,
    corpus: folderOf(target),
    watched,
  };
  const worker = new Worker(join(__dirname, "worker.ts"), {
    workerData: order,
    execArgv: [...LOAD_TYPESCRIPT],
  });
  return new Promise<FuzzReport>((done, fail) => {
    let seen = { count: 0, at: performance.now() };
    const watch = setInterval(() => {
      const count = Atomics.load(head, 0);
      if (count !== seen.count) seen = { count, at: performance.now() };
      if (performance.now() - seen.at < HANGS_MS) return;
      const input = new Uint8Array(watched.slice(8, 8 + Atomics.load(head, 1)));
      fail(new Error(`it hangs on ${Buffer.from(input).toString("hex")}`));
    }, 500);
    worker.once("message", done);
    worker.once("error", fail);
    worker.once("exit", () => {
      clearInterval(watch);
      fail(new Error("the worker ended early"));
    });
  }).finally(() => worker.terminate());
}

describe("fuzzing", { concurrency: 2 }, () => {
  for (const target of Object.keys(TARGETS)) {
    test(`${target}: whatever the bytes, no crash, no hang, and nothing accepted that nobody signed`, async (context) => {
      const { executions, seconds, covered, pool, found, failure } = await run(target);
      context.diagnostic(
        `${executions} inputs in ${seconds.toFixed(1)} s, ${covered} bytes of code covered, ${found} inputs found`,
      );
      if (failure !== undefined)
        assert.fail(`${failure.error}\ninput: ${Buffer.from(failure.input).toString("hex")}`);
      assert.ok(executions > 0);
      if (SAVE) await save(target, pool);
    });
  }

  test("the corpus has something for every target, and is small", () => {
    assert.deepEqual(readdirSync(join(__dirname, "corpus")).sort(), Object.keys(TARGETS).sort());
    const files = Object.keys(TARGETS).flatMap((target) =>
      readdirSync(folderOf(target)).map((name) => join(folderOf(target), name)),
    );
    assert.ok(files.reduce((sum, file) => sum + statSync(file).size, 0) < MAX_CORPUS);
  });
});

/**
 * Keeps what is needed to run all the code that the pool runs, the small ones first, and whatever
 * has a name of its own.
 */
async function save(target: string, pool: readonly Uint8Array[]): Promise<void> {
  const folder = folderOf(target);
  if (!existsSync(folder)) mkdirSync(folder, { recursive: true });
  const named = readdirSync(folder).filter((name) => !/^[0-9a-f]{16}$/.test(name));
  const kept = await smallest(
    target,
    named.map((name) => new Uint8Array(readFileSync(join(folder, name)))),
    pool,
  );
  for (const name of readdirSync(folder)) if (!named.includes(name)) rmSync(join(folder, name));
  for (const input of kept) writeFileSync(join(folder, nameOf(input)), input);
}
