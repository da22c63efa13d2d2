// SPDX-License-Identifier: Apache-2.0
import { asError } from "../../errors";

/**
 * So many at once, which is fewer after a registry said that they are too many, and by and by more
 * again while it does not.
 */
export class AdaptiveSemaphore {
  #size: number;
  #held = 0;
  /**
   * Of those that were on their way when the size was last cut, how many have not come back: what
   * they meet is no news.
   */
  #old = 0;
  readonly #queue: (() => void)[] = [];

  constructor(readonly most: number) {
    this.#size = most;
  }

  /** How many may hold a place now. */
  get size(): number {
    return Math.floor(this.#size);
  }

  /** Takes a place if that needs no waiting. */
  take(): boolean {
    if (this.#held >= this.size || this.#queue.length > 0) return false;
    this.#held += 1;
    return true;
  }

  async acquire(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    if (this.take()) return;
    await new Promise<void>((resolve, reject) => {
      const abandon = (): void => {
        this.#queue.splice(this.#queue.indexOf(enter), 1);
        reject(asError(signal?.reason));
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
    this.#held -= 1;
    this.#old = Math.max(0, this.#old - 1);
    this.#admit();
  }

  /** Half as many, but one at least. What was under way already says so only once. */
  halve(): void {
    if (this.#old > 0) return;
    this.#old = this.#held;
    this.#size = Math.max(1, this.#size / 2);
  }

  /** One more for every full round of successes. */
  grow(): void {
    if (this.#size >= this.most || this.#old > 0) return;
    this.#size = Math.min(this.most, this.#size + 1 / this.#size);
    this.#admit();
  }

  #admit(): void {
    while (this.#held < this.size) {
      const next = this.#queue.shift();
      if (next === undefined) return;
      this.#held += 1;
      next();
    }
  }
}
