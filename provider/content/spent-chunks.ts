// SPDX-License-Identifier: Apache-2.0
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** Chunks are collected whenever this much has gone by. */
const COLLECT_BYTES = 16 * 1024 * 1024;

let passed = 0;
let collectYoung: (() => void) | undefined;

/**
 * Counts bytes that were streamed, over all streams of the process, and has the chunks that held them collected from time to time. V8 sees
 * only small objects there and would let their memory, which is outside its heap, grow to about 70 MB before it looks; collecting the young
 * generation takes a millisecond, and memory that is used again costs less than new memory: copying takes half the processor time.
 */
export function chunkSpent(bytes: number): void {
  passed += bytes;
  if (passed < COLLECT_BYTES) return;
  passed = 0;
  collectYoung ??= youngCollector();
  collectYoung();
}

/** The flag holds for contexts made after it, so that nothing else in this process gets a `gc`. */
function youngCollector(): () => void {
  setFlagsFromString("--expose-gc");
  const gc: unknown = runInNewContext("gc");
  setFlagsFromString("--no-expose-gc");
  return typeof gc === "function" ? () => void Reflect.apply(gc, undefined, [{ type: "minor", execution: "sync" }]) : () => {};
}
