// SPDX-License-Identifier: Apache-2.0
import { Coverage } from "./coverage";
import { mutate } from "./mutate";
import { Random } from "./random";

export interface FuzzTarget {
  /**
   * Throws only when something is wrong: what the code under test is allowed to throw, it catches.
   */
  run: (input: Uint8Array) => void | Promise<void>;
  /** Pieces that inputs are made of. */
  words?: readonly string[];
}

export interface FuzzOptions {
  milliseconds: number;
  seed: number;
  corpus: readonly Uint8Array[];
  /**
   * Called before each input, with it, so that somebody outside can tell on which one this hangs.
   */
  onInput?: (input: Uint8Array) => void;
}

export interface FuzzReport {
  executions: number;
  seconds: number;
  /** Bytes of the provider's code that ran. */
  covered: number;
  /** Inputs of the corpus, and those that were found to run new code. */
  pool: Uint8Array[];
  found: number;
  failure?: { input: Uint8Array; error: string };
}

const MIN_BATCH = 32;
const MAX_BATCH = 4096;
/** Milliseconds for one input, on a machine that does other things too. */
const DEADLINE_MS = 2000;
const MAX_POOL = 4000;

/**
 * Runs a target on mutations of the corpus for a time; inputs that run new code join the pool.
 * Stops at the first failure.
 */
export async function fuzz(target: FuzzTarget, options: FuzzOptions): Promise<FuzzReport> {
  return new Fuzzer(target, options).run();
}

class Failure extends Error {
  constructor(
    readonly input: Uint8Array,
    why: unknown,
  ) {
    super(why instanceof Error ? (why.stack ?? why.message) : String(why));
  }
}

class Fuzzer {
  readonly #coverage = new Coverage();
  readonly #random: Random;
  readonly #pool: Uint8Array[];
  readonly #words: Uint8Array[];
  readonly #started = performance.now();
  #executions = 0;
  #batch = MIN_BATCH;

  constructor(
    readonly target: FuzzTarget,
    readonly options: FuzzOptions,
  ) {
    this.#random = new Random(options.seed);
    this.#pool = [...options.corpus];
    this.#words = (target.words ?? []).map((word) => new Uint8Array(Buffer.from(word, "latin1")));
  }

  async run(): Promise<FuzzReport> {
    const until = this.#started + this.options.milliseconds;
    let failure: FuzzReport["failure"];
    try {
      await this.#execute(this.#pool);
      this.#coverage.add();
      while (performance.now() < until) await this.#round();
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      failure = { input: error.input, error: error.message };
    } finally {
      this.#coverage.stop();
    }
    return {
      executions: this.#executions,
      seconds: (performance.now() - this.#started) / 1000,
      covered: this.#coverage.bytes,
      pool: this.#pool,
      found: this.#pool.length - this.options.corpus.length,
      ...(failure === undefined ? {} : { failure }),
    };
  }

  /**
   * New inputs are tried more often than old ones. A batch is as large as it takes for most of the
   * time to be spent on running inputs.
   */
  async #round(): Promise<void> {
    const batch = Array.from({ length: this.#batch }, () => {
      const recent = this.#random.below(3) === 0 ? this.#pool.slice(-16) : this.#pool;
      return mutate(this.#random.pick(recent), this.#random, this.#pool, this.#words);
    });
    const began = performance.now();
    await this.#execute(batch);
    const ran = performance.now();
    const isNew = this.#coverage.hasNew();
    const [running, asking] = [ran - began, performance.now() - ran];
    this.#batch = Math.min(
      MAX_BATCH,
      Math.max(
        MIN_BATCH,
        running < 3 * asking
          ? this.#batch * 2
          : running > 8 * asking
            ? this.#batch >> 1
            : this.#batch,
      ),
    );
    if (!isNew || this.#pool.length >= MAX_POOL) return;
    await this.#findNew(batch);
    // What only the whole batch runs, as a cache that fills up, belongs to nobody.
    await this.#execute(batch);
    this.#coverage.add();
  }

  async #findNew(batch: readonly Uint8Array[]): Promise<void> {
    const half = batch.length >> 1;
    for (const part of [batch.slice(0, half), batch.slice(half)]) {
      this.#coverage.skip();
      await this.#execute(part);
      const [input] = part;
      if (part.length > 1) {
        if (this.#coverage.hasNew()) await this.#findNew(part);
      } else if (input !== undefined && this.#coverage.add()) this.#pool.push(input);
    }
  }

  async #execute(inputs: readonly Uint8Array[]): Promise<void> {
    for (const input of inputs) {
      this.options.onInput?.(input);
      const began = performance.now();
      try {
        await this.target.run(input);
      } catch (error) {
        throw new Failure(input, error);
      }
      this.#executions++;
      const took = performance.now() - began;
      if (took > DEADLINE_MS) throw new Failure(input, `it took ${took.toFixed(0)} ms`);
    }
  }
}
