// SPDX-License-Identifier: Apache-2.0
import { ConsignError, isConsignError } from "../../errors";
import type { Limits } from "./limits";
import { backoff, type Transient } from "./retry";

/** How long nobody asks then, in longest pauses between two tries. */
const QUIET_PAUSES = 4;

/** Longest growth of a pause, as a power of two. */
const MAX_ROUNDS = 16;

/**
 * A registry's quota, once it is used up and nothing says until when: what the first request has
 * found out after all its tries holds for the others that wait, and for those that come soon.
 */
export class Quota {
  #exhausted: { error: ConsignError; until: number } | undefined;

  /** Refusals in a row, those counted once that came within one pause. */
  #rounds = 0;
  #roundUntil = 0;
  readonly #quietMs: number;
  readonly #own = new WeakSet<WeakKey>();

  constructor(
    private readonly limits: Pick<Limits, "tries" | "backoffMs" | "backoffCapMs">,
    private readonly now: () => number = () => performance.now(),
  ) {
    this.#quietMs = limits.backoffCapMs * QUIET_PAUSES;
  }

  /** Something was answered: the quota is not used up. */
  answered(): void {
    this.#rounds = 0;
  }

  /**
   * A registry refuses without saying for how long: everybody pauses, longer each time.
   * @returns for how long
   * @throws ConsignError the failure's, where as many in a row were refused as one request is tried
   */
  refused({ error, retryAfterMs, pausesRegistry }: Transient, ms: number): number {
    if (!pausesRegistry || retryAfterMs !== undefined) return ms;
    const now = this.now();
    if (now < this.#roundUntil) return this.#roundUntil - now;
    this.#rounds += 1;
    if (this.#rounds >= this.limits.tries) {
      this.failed(error);
      throw error;
    }
    const pause = Math.max(ms, backoff(Math.min(this.#rounds, MAX_ROUNDS) - 1, this.limits));
    this.#roundUntil = now + pause;
    return pause;
  }

  /** @throws ConsignError `REGISTRY_RATE_LIMITED` */
  check(): void {
    if (this.#exhausted === undefined) return;
    if (this.now() < this.#exhausted.until) throw this.#exhausted.error;
    this.#exhausted = undefined;
  }

  /** The registry itself has refused, and not another host that it led to. */
  saw({ error, pausesRegistry }: Transient): void {
    if (pausesRegistry) this.#own.add(error);
  }

  /** Takes note of what ended a request. */
  failed(error: unknown): void {
    if (!isConsignError(error, "REGISTRY_RATE_LIMITED") || this.#exhausted !== undefined) return;
    if (!this.#isOwn(error) && !this.#isOwn(error.cause)) return;
    const { message, reference, status, serverCodes } = error;
    const quiet = Math.ceil(this.#quietMs / 1000);
    const told = new ConsignError(
      error.code,
      `${message}; all other requests to it end with this one, and none is made for ${quiet} s`,
      { reference, status, serverCodes, cause: error },
    );
    this.#exhausted = { error: told, until: this.now() + this.#quietMs };
  }

  #isOwn(error: unknown): boolean {
    return typeof error === "object" && error !== null && this.#own.has(error);
  }
}
