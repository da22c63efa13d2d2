// SPDX-License-Identifier: Apache-2.0
import { setTimeout as delay } from "node:timers/promises";

/** Waits, and fails with the signal's own reason if that comes first. */
export async function wait(ms: number, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted();
  if (ms <= 0) return;
  try {
    await delay(ms, undefined, signal === undefined ? {} : { signal });
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}

class Semaphore {
  #free: number;
  readonly #queue: (() => void)[] = [];

  constructor(size: number) {
    this.#free = size;
  }

  async acquire(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    if (this.#free > 0) {
      this.#free -= 1;
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const abandon = (): void => {
        this.#queue.splice(this.#queue.indexOf(enter), 1);
        reject(signal?.reason);
      };
      const enter = (): void => {
        signal?.removeEventListener("abort", abandon);
        resolve();
      };
      signal?.addEventListener("abort", abandon, { once: true });
      this.#queue.push(enter);
    });
  }

  release(): void {
    const next = this.#queue.shift();
    if (next === undefined) this.#free += 1;
    else next();
  }
}

/** `download` holds its place until the last byte is read; all other requests are over quickly. */
export type Lane = "call" | "download";

/** What every request to one registry passes: its concurrency, its rate, and the pause that a 429 imposes on all of them. */
export class Gate {
  readonly #lanes: Record<Lane, Semaphore>;
  readonly #interval: number;
  #nextStart = 0;
  #pausedUntil = 0;

  constructor(concurrency: number, requestsPerSecond?: number) {
    this.#lanes = { call: new Semaphore(concurrency), download: new Semaphore(concurrency) };
    this.#interval = requestsPerSecond === undefined ? 0 : 1000 / requestsPerSecond;
  }

  /** Takes a place in a lane. The function returned gives it back, once, however often it is called. */
  async enter(lane: Lane, signal?: AbortSignal): Promise<() => void> {
    const semaphore = this.#lanes[lane];
    await semaphore.acquire(signal);
    let held = true;
    const leave = (): void => {
      if (held) semaphore.release();
      held = false;
    };
    try {
      await this.turn(signal);
    } catch (error) {
      leave();
      throw error;
    }
    return leave;
  }

  /** Waits for a pause to end and for the rate to allow one more request. */
  async turn(signal?: AbortSignal): Promise<void> {
    for (let now = performance.now(); now < this.#pausedUntil; now = performance.now()) await wait(this.#pausedUntil - now, signal);
    if (this.#interval === 0) return;
    const now = performance.now();
    const start = Math.max(now, this.#nextStart);
    this.#nextStart = start + this.#interval;
    await wait(start - now, signal);
  }

  /** Holds back every request of this registry. */
  pause(ms: number): void {
    this.#pausedUntil = Math.max(this.#pausedUntil, performance.now() + ms);
  }
}
