// SPDX-License-Identifier: Apache-2.0
import { setFlagsFromString } from "node:v8";
import { collect } from "../garbage";

/** Chunks are collected whenever this much has gone by. */
const COLLECT_BYTES = 4 * 1024 * 1024;

/**
 * At this collection everything is collected, and from here on memory is kept small: that takes 0.1
 * s, which less content is not worth.
 */
const SETTLED_AT = 2;

let passed = 0;
let collections = 0;

/**
 * Counts bytes that were streamed, over all streams of the process, and has the chunks that held
 * them collected from time to time. V8 sees only small objects there and would let their memory,
 * which is outside its heap, grow to about 70 MB before it looks; collecting the young generation
 * takes a millisecond, and memory that is used again costs less than new memory: copying takes half
 * the processor time. For the same reason the young generation stays as small as it is when enough
 * has come to tell that there is more.
 */
export function chunkSpent(bytes: number): void {
  passed += bytes;
  if (passed < COLLECT_BYTES) return;
  passed = 0;
  collections += 1;
  if (collections === SETTLED_AT) {
    collect({ type: "major", flavor: "last-resort" });
    setFlagsFromString("--semi-space-growth-factor=1");
  } else collect({ type: "minor" });
}
