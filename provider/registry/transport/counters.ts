// SPDX-License-Identifier: Apache-2.0

/** What a client has done so far, for progress and for tests that count requests. */
export class Counters {
  readonly #requests = new Map<string, Map<string, number>>();
  bytesSent = 0;
  bytesReceived = 0;
  /** Requests made again after a transient failure. */
  retries = 0;
  /** Writes that a registry had accepted and lost, made again. */
  repairs = 0;

  count(host: string, method: string): void {
    const methods = this.#requests.get(host) ?? new Map<string, number>();
    methods.set(method, (methods.get(method) ?? 0) + 1);
    this.#requests.set(host, methods);
  }

  /**
   * Requests on the wire so far; of one host (`host[:port]`) and method where they are given.
   * Redirects and token requests count too.
   */
  requests(host?: string, method?: string): number {
    let sum = 0;
    for (const [name, methods] of this.#requests) {
      if (host !== undefined && name !== host) continue;
      for (const [verb, count] of methods)
        if (method === undefined || verb === method) sum += count;
    }
    return sum;
  }

  /** Requests by host, then by method. */
  byHost(): Record<string, Record<string, number>> {
    return Object.fromEntries(
      [...this.#requests].map(([host, methods]) => [host, Object.fromEntries(methods)]),
    );
  }
}
