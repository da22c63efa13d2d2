// SPDX-License-Identifier: Apache-2.0

/**
 * Calls `work` for every item, at most `limit` at a time, in the order of the items. Ends when all
 * calls have ended: after the first failure no further item is started, and that failure is thrown
 * once the calls under way are over.
 */
export async function forEachBounded<T>(
  items: Iterable<T>,
  limit: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const iterator = items[Symbol.iterator]();
  let failure: { error: unknown } | undefined;
  const worker = async (first: T): Promise<void> => {
    for (let item = first; ;) {
      try {
        await work(item);
      } catch (error) {
        failure ??= { error };
      }
      if (failure !== undefined) return;
      const next = iterator.next();
      if (next.done) return;
      item = next.value;
    }
  };
  // Most lists are short, and most work ends later: no more workers than items.
  const workers: Promise<void>[] = [];
  while (workers.length < Math.max(1, limit) && failure === undefined) {
    const next = iterator.next();
    if (next.done) break;
    workers.push(worker(next.value));
  }
  await Promise.all(workers);
  if (failure !== undefined) throw failure.error;
}

/**
 * Places for at most `limit` operations at once; the others wait their turn, first come, first
 * served. Must not be nested.
 */
export class Turns {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(limit: number) {
    this.#free = Math.max(1, Math.floor(limit)) || 1;
  }

  /** Takes a place if that needs no waiting. */
  takeNow(): boolean {
    if (this.#free === 0) return false;
    this.#free--;
    return true;
  }

  /** Waits for a place and takes it. */
  take(): Promise<void> {
    return this.takeNow()
      ? Promise.resolve()
      : new Promise((resolve) => this.#waiting.push(resolve));
  }

  leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free++;
    else next();
  }
}

/** Items by key, both in the order in which they came: the rounds in which bounded work is done. */
export function groupedBy<K, T>(items: Iterable<T>, keyOf: (item: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group === undefined) groups.set(keyOf(item), [item]);
    else group.push(item);
  }
  return groups;
}
