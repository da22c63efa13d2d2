// SPDX-License-Identifier: Apache-2.0
import { setTimeout as delay } from "node:timers/promises";
import { AdaptiveSemaphore } from "./adaptive-semaphore";

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

/** Time as the registry's limits see it, in milliseconds. */
export interface Clock {
  now(): number;
  wait(ms: number, signal?: AbortSignal): Promise<void>;
}

const REAL_CLOCK: Clock = { now: () => performance.now(), wait };

/** `download` holds its place until the last byte is read; all other requests are over quickly. */
export type Lane = "call" | "download";

/**
 * What every request to one registry passes: its concurrency, its rate, and the pause that a
 * registry imposes on all of them.
 */
export class Gate {
  readonly #lanes: Record<Lane, AdaptiveSemaphore>;
  readonly #interval: number;
  readonly #clock: Clock;
  #nextStart = 0;
  #pausedUntil = 0;

  /**
   * @param concurrency most requests at once, in each lane @param requestsPerSecond no bound if
   * undefined
   */
  constructor(concurrency: number, requestsPerSecond?: number, clock: Clock = REAL_CLOCK) {
    this.#lanes = {
      call: new AdaptiveSemaphore(concurrency),
      download: new AdaptiveSemaphore(concurrency),
    };
    this.#interval = requestsPerSecond === undefined ? 0 : 1000 / requestsPerSecond;
    this.#clock = clock;
  }

  /** How many requests of a lane may be under way now. */
  width(lane: Lane): number {
    return this.#lanes[lane].size;
  }

  /**
   * Takes a place in a lane as {@link enter} does, if nothing has to be waited for; most requests
   * need not.
   */
  enterNow(lane: Lane): (() => void) | undefined {
    const isOpen =
      this.#interval === 0 && (this.#pausedUntil === 0 || this.#clock.now() >= this.#pausedUntil);
    return isOpen && this.#lanes[lane].take() ? leaving(this.#lanes[lane]) : undefined;
  }

  /**
   * Takes a place in a lane. The function returned gives it back, once, however often it is called.
   */
  async enter(lane: Lane, signal?: AbortSignal): Promise<() => void> {
    const semaphore = this.#lanes[lane];
    await semaphore.acquire(signal);
    const leave = leaving(semaphore);
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
    const clock = this.#clock;
    for (let now = clock.now(); ; now = clock.now()) {
      if (now < this.#pausedUntil) {
        await clock.wait(this.#pausedUntil - now, signal);
        continue;
      }
      if (this.#interval === 0) return;
      const start = Math.max(now, this.#nextStart);
      this.#nextStart = start + this.#interval;
      await clock.wait(start - now, signal);
      // A pause that has begun meanwhile is for this one too.
      if (clock.now() >= this.#pausedUntil) return;
    }
  }

  /** The registry did what it was asked to. */
  answered(lane: Lane): void {
    this.#lanes[lane].grow();
  }

  /** The registry said that it is asked for too much: half as much at once from now on. */
  throttled(): void {
    for (const lane of Object.values(this.#lanes)) lane.halve();
  }

  /** Holds back every request of this registry. */
  pause(ms: number): void {
    this.#pausedUntil = Math.max(this.#pausedUntil, this.#clock.now() + ms);
  }
}

function leaving(semaphore: AdaptiveSemaphore): () => void {
  let held = true;
  return () => {
    if (held) semaphore.release();
    held = false;
  };
}
