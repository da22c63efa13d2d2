// SPDX-License-Identifier: Apache-2.0
// Imported before everything that is large. Every run of Pulumi starts a process with this in it,
// beside the engine and the program.
import { setFlagsFromString } from "node:v8";
import { collect } from "../garbage";

/**
 * Pulumi's host has taken 130 MB when it comes to us. Where it has taken less, the tenth of a
 * second would be for nothing.
 */
const WORTH_IT_BYTES = 110e6;

// Of what Pulumi's host took to start, 12 MB go back; what we load then takes the room that V8 kept
// for it.
if (process.memoryUsage.rss() > WORTH_IT_BYTES) collect({ type: "major", flavor: "last-resort" });
// undici's parser of HTTP is WebAssembly: compiling it a second time, for speed, takes 16 MB that
// nothing gives back.
setFlagsFromString("--no-wasm-dynamic-tiering");
setFlagsFromString("--no-wasm-tier-up");
