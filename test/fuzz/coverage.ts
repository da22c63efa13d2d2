// SPDX-License-Identifier: Apache-2.0
import { Session, type Profiler } from "node:inspector";

/**
 * Which code of `provider/` has run, as V8 tells it, block by block. Asking costs milliseconds,
 * whatever ran in between, so it is asked once for many inputs.
 */
export class Coverage {
  readonly #session = new Session();
  readonly #covered = new Map<string, Uint8Array>();
  #bytes = 0;

  constructor() {
    this.#session.connect();
    this.#session.post("Profiler.enable");
    this.#session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });
  }

  /** Bytes of code that have run, as far as they were added. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Forgets what ran since the last call. */
  skip(): void {
    this.#take();
  }

  /** Whether any of what ran since the last call is new. It stays so: nothing is added. */
  hasNew(): boolean {
    return this.#ran().some(([url, ran]) => newBytes(this.#known(url), ran) > 0);
  }

  /** Adds what ran since the last call. @returns whether any of it is new */
  add(): boolean {
    const before = this.#bytes;
    for (const [url, ran] of this.#ran()) {
      const known = this.#known(url);
      this.#bytes += newBytes(known, ran);
      const merged = new Uint8Array(Math.max(known.byteLength, ran.byteLength));
      merged.set(known);
      ran.forEach((bit, at) => bit === 1 && (merged[at] = 1));
      this.#covered.set(url, merged);
    }
    return this.#bytes > before;
  }

  stop(): void {
    this.#session.disconnect();
  }

  #take(): Profiler.ScriptCoverage[] {
    let scripts: Profiler.ScriptCoverage[] = [];
    this.#session.post("Profiler.takePreciseCoverage", (error, { result }) => {
      if (error !== null) throw error;
      scripts = result;
    });
    return scripts;
  }

  #ran(): [url: string, ran: Uint8Array][] {
    return this.#take()
      .filter(({ url }) => url.includes("/provider/"))
      .map(({ url, functions }) => [url, paint(functions)]);
  }

  #known(url: string): Uint8Array {
    return this.#covered.get(url) ?? new Uint8Array(0);
  }
}

function newBytes(known: Uint8Array, ran: Uint8Array): number {
  return ran.reduce((sum, bit, at) => sum + (bit === 1 && known[at] !== 1 ? 1 : 0), 0);
}

/**
 * One byte for each of the script: functions from outside in, in each its blocks from outside in,
 * each over what is around it.
 */
function paint(functions: readonly Profiler.FunctionCoverage[]): Uint8Array {
  const ranges = functions
    .filter(({ functionName }) => functionName !== "")
    .flatMap((each) => each.ranges);
  const length = Math.max(0, ...ranges.map(({ endOffset }) => endOffset));
  const painted = new Uint8Array(length);
  const outsideIn = ranges.toSorted(
    (a, b) => a.startOffset - b.startOffset || b.endOffset - a.endOffset,
  );
  for (const { startOffset, endOffset, count } of outsideIn)
    painted.fill(count > 0 ? 1 : 0, startOffset, endOffset);
  return painted;
}
