// SPDX-License-Identifier: Apache-2.0

/** Something that resources of one run remember for each other. */
export interface RunPart<T> {
  /** For whoever looks at it. */
  readonly name: string;
  readonly make: () => T;
}

/**
 * What one run of the engine knows: one provider process, made with its context. Each room keeps a
 * typed part in it, made when it is first asked for.
 */
export class Run {
  readonly #parts = new Map<RunPart<unknown>, unknown>();

  part<T>(part: RunPart<T>): T {
    if (!this.#parts.has(part)) this.#parts.set(part, part.make());
    return this.#parts.get(part) as T;
  }
}

/** @param name what the part is, for whoever looks at a run */
export function runPart<T>(name: string, make: () => T): RunPart<T> {
  return { name, make };
}
