// SPDX-License-Identifier: Apache-2.0

/** One piece of work that several callers wait for. It is aborted when the last of them gives up, which who brings no signal never does. */
class Flight<T> {
  readonly promise: Promise<T>;
  readonly #controller: AbortController | undefined;
  #waiting = 0;

  constructor(load: (signal?: AbortSignal) => Promise<T>, first?: AbortSignal) {
    this.#controller = first === undefined ? undefined : new AbortController();
    this.promise = load(this.#controller?.signal);
  }

  get abandoned(): boolean {
    return this.#controller?.signal.aborted === true;
  }

  join(signal?: AbortSignal): Promise<T> {
    this.#waiting += 1;
    return signal === undefined ? this.promise : this.#joinUntil(signal);
  }

  async #joinUntil(signal: AbortSignal): Promise<T> {
    try {
      return await abortable(this.promise, signal);
    } catch (error) {
      if (signal.aborted && this.#waiting === 1) this.#controller?.abort(signal.reason);
      throw error;
    } finally {
      this.#waiting -= 1;
    }
  }
}

/** The promise's outcome, or the signal's reason if that comes first. The work itself goes on. */
export function abortable<T>(promise: Promise<T>, signal?: AbortSignal): Promise<T> {
  return signal === undefined ? promise : firstOf(promise, signal);
}

async function firstOf<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  let abandon: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    abandon = () => reject(signal.reason);
    signal.addEventListener("abort", abandon, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    if (abandon !== undefined) signal.removeEventListener("abort", abandon);
  }
}

const MAX_ENTRIES = 100_000;

/** Answers that many callers ask for at once: each question is asked once, and its answer believed for `maxAgeMs`. Failures are not kept. */
export class Memo<T> {
  readonly #entries = new Map<string, { flight: Flight<T>; settledAt?: number }>();

  constructor(readonly maxAgeMs: number) {}

  get(key: string, load: (signal?: AbortSignal) => Promise<T>, signal?: AbortSignal): Promise<T> {
    const known = this.#entries.get(key);
    if (known !== undefined && !known.flight.abandoned && this.#fresh(known.settledAt)) return known.flight.join(signal);
    const entry: { flight: Flight<T>; settledAt?: number } = { flight: new Flight(load, signal) };
    this.#store(key, entry);
    entry.flight.promise.then(
      () => {
        entry.settledAt = performance.now();
        if (this.maxAgeMs === 0) this.#drop(key, entry);
      },
      () => this.#drop(key, entry),
    );
    return entry.flight.join(signal);
  }

  set(key: string, value: T): void {
    if (this.maxAgeMs > 0) this.#store(key, { flight: new Flight(async () => value), settledAt: performance.now() });
  }

  delete(key: string): void {
    this.#entries.delete(key);
  }

  clear(): void {
    this.#entries.clear();
  }

  #fresh(settledAt: number | undefined): boolean {
    return settledAt === undefined || performance.now() - settledAt < this.maxAgeMs;
  }

  #store(key: string, entry: { flight: Flight<T>; settledAt?: number }): void {
    if (this.#entries.size >= MAX_ENTRIES) this.#entries.clear();
    this.#entries.set(key, entry);
  }

  #drop(key: string, entry: object): void {
    if (this.#entries.get(key) === entry) this.#entries.delete(key);
  }
}
