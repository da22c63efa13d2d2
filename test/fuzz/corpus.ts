// SPDX-License-Identifier: Apache-2.0
import { Coverage } from "./coverage";
import { TARGETS, type Signed } from "./targets";

/** Accepts what was signed: whether it may be is not the question here. */
const ANYTHING: Signed = Object.assign(new Set<string>(), { has: () => true });

/** Of the inputs, those that run code which neither `given` nor smaller ones run. */
export async function smallest(
  target: string,
  given: readonly Uint8Array[],
  inputs: readonly Uint8Array[],
): Promise<Uint8Array[]> {
  const { run } = (await TARGETS[target]?.(ANYTHING)) ?? {};
  if (run === undefined) throw new Error(`there is no target ${target}`);
  const coverage = new Coverage();
  const kept: Uint8Array[] = [];
  try {
    for (const input of given) await run(input);
    coverage.add();
    for (const input of inputs.toSorted((a, b) => a.byteLength - b.byteLength)) {
      coverage.skip();
      await run(input);
      if (coverage.add()) kept.push(input);
    }
  } finally {
    coverage.stop();
  }
  return kept;
}
