// SPDX-License-Identifier: Apache-2.0
import { asError } from "../errors";

/**
 * One piece of work that several callers wait for. It is aborted when the last of them gives up,
 * which who brings no signal never does.
 */
class Flight<T> {
  readonly #controller: AbortController | undefined;
  #waiting = 0;
  settledAt: number | undefined;

  constructor(
    readonly promise: Promise<T>,
    controller?: AbortController,
  ) {
    this.#controller = controller;
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
    abandon = () => reject(asError(signal.reason));
    signal.addEventListener("abort", abandon, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    if (abandon !== undefined) signal.removeEventListener("abort", abandon);
  }
}

const MAX_ENTRIES = 100_000;

/**
 * Answers that many callers ask for at once: each question is asked once, and its answer believed
 * for `maxAgeMs`. Failures are not kept.
 */
export class Memo<T> {
  readonly #flights = new Map<string, Flight<T>>();

  constructor(readonly maxAgeMs: number) {}

  get(key: string, load: (signal?: AbortSignal) => Promise<T>, signal?: AbortSignal): Promise<T> {
    const known = this.#flights.get(key);
    if (known !== undefined && !known.abandoned && this.#fresh(known.settledAt))
      return known.join(signal);
    const controller = signal === undefined ? undefined : new AbortController();
    const flight = new Flight(load(controller?.signal), controller);
    this.#store(key, flight);
    void this.#land(key, flight);
    return flight.join(signal);
  }

  set(key: string, value: T): void {
    if (this.maxAgeMs === 0) return;
    const flight = new Flight(Promise.resolve(value));
    flight.settledAt = performance.now();
    this.#store(key, flight);
  }

  delete(key: string): void {
    this.#flights.delete(key);
  }

  clear(): void {
    this.#flights.clear();
  }

  #fresh(settledAt: number | undefined): boolean {
    return settledAt === undefined || performance.now() - settledAt < this.maxAgeMs;
  }

  async #land(key: string, flight: Flight<T>): Promise<void> {
    try {
      await flight.promise;
      flight.settledAt = performance.now();
      if (this.maxAgeMs === 0) this.#drop(key, flight);
    } catch {
      this.#drop(key, flight);
    }
  }

  #store(key: string, flight: Flight<T>): void {
    if (this.#flights.size >= MAX_ENTRIES) this.#flights.clear();
    this.#flights.set(key, flight);
  }

  #drop(key: string, flight: Flight<T>): void {
    if (this.#flights.get(key) === flight) this.#flights.delete(key);
  }
}
