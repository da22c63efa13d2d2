// SPDX-License-Identifier: Apache-2.0
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parentPort, workerData } from "node:worker_threads";
import { MEDIA_TYPES } from "../../provider/oci/media-types";
import { fuzz, type FuzzReport } from "./driver";
import { TARGETS, signedBy, stampedBy } from "./targets";

export interface Order {
  target: string;
  milliseconds: number;
  seed: number;
  corpus: string;
  /** The number of the input that runs, its length, and its bytes. */
  watched: SharedArrayBuffer;
}

export const WATCHED_BYTES = 64 * 1024;

const SIGNED = ["cose", "jws", "timestamp"];

/**
 * Files that begin with `good` are signed by somebody; what they sign may be accepted, and nothing
 * else.
 */
async function signedIn(
  target: string,
  files: ReadonlyMap<string, Uint8Array>,
): Promise<Set<string>> {
  const signed = new Set<string>();
  for (const [name, bytes] of files) {
    if (!SIGNED.includes(target) || !name.startsWith("good")) continue;
    const found =
      target === "timestamp"
        ? await stampedBy(bytes)
        : await signedBy(bytes, target === "jws" ? MEDIA_TYPES.jws : MEDIA_TYPES.cose);
    if (found === undefined) throw new Error(`corpus/${target}/${name} should verify`);
    signed.add(found);
  }
  return signed;
}

async function work({ target, milliseconds, seed, corpus, watched }: Order): Promise<FuzzReport> {
  const files = new Map(
    readdirSync(corpus)
      .sort()
      .map((name) => [name, new Uint8Array(readFileSync(join(corpus, name)))]),
  );
  const make = TARGETS[target];
  if (make === undefined) throw new Error(`there is no target ${target}`);
  const head = new Int32Array(watched, 0, 2);
  const bytes = new Uint8Array(watched, 8);
  return fuzz(await make(await signedIn(target, files)), {
    milliseconds,
    seed,
    corpus: [...files.values()],
    onInput: (input) => {
      bytes.set(input.subarray(0, bytes.byteLength));
      Atomics.store(head, 1, input.byteLength);
      Atomics.add(head, 0, 1);
    },
  });
}

if (parentPort !== null)
  void work(workerData as Order).then((report) => parentPort?.postMessage(report));
