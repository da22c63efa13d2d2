// SPDX-License-Identifier: Apache-2.0
import { ConsignError } from "../../errors";
import { wait, type Clock } from "./gate";
import type { Limits } from "./limits";

/**
 * A failure that may be over when the same request is made again. It never leaves this folder: its
 * `error` does.
 */
export class Transient extends Error {
  override readonly name = "Transient";
  constructor(
    readonly error: ConsignError,
    /** How long the registry asks to wait, in milliseconds. */
    readonly retryAfterMs?: number,
    /** Not another host, which speaks for itself alone. */
    readonly isRegistrys = true,
  ) {
    super(error.message, { cause: error });
  }

  /** A wait that the registry asked everybody to make says nothing about this request. */
  get isQuota(): boolean {
    return this.pausesRegistry && this.retryAfterMs !== undefined && this.retryAfterMs >= QUOTA_MS;
  }

  /**
   * A 429 speaks about the client, and a 503 that says until when about the registry, not about one
   * request.
   */
  get pausesRegistry(): boolean {
    return (
      this.isRegistrys &&
      (this.error.code === "REGISTRY_RATE_LIMITED" ||
        (this.error.status === 503 && this.retryAfterMs !== undefined))
    );
  }
}

export interface RetryHooks {
  signal?: AbortSignal | undefined;
  /** Called before each wait. */
  onWait?: (failure: Transient, ms: number) => void;
  /** How to wait. @default real time */
  wait?: Clock["wait"];
}

/**
 * A wait of this many milliseconds that a registry asked everybody to make is not counted among the
 * tries, but among the waits only.
 */
const QUOTA_MS = 1_000;

/**
 * Makes an attempt again after a {@link Transient} failure: waits as long as the registry asks,
 * else exponentially with jitter. Both the number of tries and the sum of the waits are bounded;
 * past the bound the last failure's error is thrown.
 */
export async function retried<T>(
  attempt: (tried: number) => Promise<T>,
  limits: Limits,
  hooks: RetryHooks = {},
): Promise<T> {
  let patience: Patience | undefined;
  for (let tried = 0; ; tried += 1) {
    try {
      return await attempt(tried);
    } catch (failure) {
      if (!(failure instanceof Transient)) throw failure;
      patience ??= new Patience(limits);
      const ms = patience.after(failure);
      hooks.onWait?.(failure, ms);
      await (hooks.wait ?? wait)(ms, hooks.signal);
    }
  }
}

/** How long something goes on being tried although it fails, from its last success on. */
export class Patience {
  #failures = 0;
  #waitedMs = 0;

  constructor(private readonly limits: Limits) {}

  /** There was progress, so what comes is counted anew. */
  renew(): void {
    this.#failures = 0;
    this.#waitedMs = 0;
  }

  /**
   * @returns how many milliseconds to wait before it is tried again @throws ConsignError the
   * failure's, once that was often or long enough
   */
  after(failure: Transient): number {
    const { limits } = this;
    if (!failure.isQuota) this.#failures += 1;
    if (this.#failures >= limits.tries) throw failure.error;
    const pause = backoff(Math.max(0, this.#failures - 1), limits);
    // Nothing to wait, or a date that has passed by our clock, is no leave to ask on at once.
    const ms =
      failure.retryAfterMs === undefined
        ? pause
        : failure.pausesRegistry && !failure.isQuota
          ? Math.max(failure.retryAfterMs, pause)
          : failure.retryAfterMs;
    if (this.#waitedMs + ms > limits.waitMs) throw waitsTooLong(failure.error, ms, limits);
    this.#waitedMs += ms;
    return ms;
  }
}

/** Between half of and the whole of `backoffMs · 2^tried`, never more than the cap. */
export function backoff(tried: number, limits: Pick<Limits, "backoffMs" | "backoffCapMs">): number {
  return Math.min(limits.backoffMs * 2 ** tried, limits.backoffCapMs) * (0.5 + Math.random() / 2);
}

function waitsTooLong(error: ConsignError, ms: number, limits: Limits): ConsignError {
  const asked = `${Math.ceil(ms / 1000)} s`;
  return new ConsignError(
    error.code,
    `${error.message}; it asks to wait ${asked}, and at most ${Math.round(limits.waitMs / 1000)} s are waited for one request: run again later`,
    {
      reference: error.reference,
      status: error.status,
      serverCodes: error.serverCodes,
      cause: error,
    },
  );
}

/**
 * Reads `Retry-After`: seconds, or an HTTP-date counted from `now` (milliseconds since 1970).
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3
 */
export function retryAfter(header: string | undefined, now: number): number | undefined {
  const text = header?.trim();
  if (text === undefined || text === "") return undefined;
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
  if (!/^[A-Za-z]{3},? /.test(text) && !/^[A-Za-z]{6,9}, /.test(text)) return undefined;
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : Math.max(0, at - now);
}
