// SPDX-License-Identifier: Apache-2.0
import { setFlagsFromString } from "node:v8";
import { collect } from "../garbage";

/** Chunks are collected whenever this much has gone by. */
const COLLECT_BYTES = 4 * 1024 * 1024;

/** From here on memory is kept small; less than this is not worth the time that takes. */
const FIRST_BYTES = 1024 * 1024;

let passed = 0;
let streaming = false;

/**
 * Counts bytes that were streamed, over all streams of the process, and has the chunks that held them collected from time to time. V8 sees
 * only small objects there and would let their memory, which is outside its heap, grow to about 70 MB before it looks; collecting the young
 * generation takes a millisecond, and memory that is used again costs less than new memory: copying takes half the processor time. For the
 * same reason the young generation stays as small as it is when the first large blob comes.
 */
export function chunkSpent(bytes: number): void {
  passed += bytes;
  if (passed < (streaming ? COLLECT_BYTES : FIRST_BYTES)) return;
  passed = 0;
  if (!streaming) {
    streaming = true;
    collect({ type: "major", flavor: "last-resort" });
    setFlagsFromString("--semi-space-growth-factor=1");
  } else collect({ type: "minor" });
}
