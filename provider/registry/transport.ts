// SPDX-License-Identifier: Apache-2.0
import { isIP } from "node:net";
import { checkServerIdentity, getCACertificates, type ConnectionOptions } from "node:tls";
import type { Dispatcher } from "undici";
import type { Content } from "../content/storage";
import { Arrival, type HeaderFields } from "./arrival";
import type { Counters } from "./counters";
import { poolClass, proxyAgentClass } from "./http-pools";
import type { Limits } from "./limits";
import { transportFailure } from "./transport-failure";

export type Method = "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE";

export interface StreamBody {
  content: Content;
  length: number;
}

export interface Outgoing {
  method: Method;
  url: URL;
  headers?: Record<string, string> | undefined;
  body?: Uint8Array | StreamBody | undefined;
  deadlineMs: number;
  /** How long to wait for the response's head; the idle timeout otherwise. */
  answerTimeoutMs?: number | undefined;
  signal?: AbortSignal | undefined;
}

export interface Incoming {
  status: number;
  headers: HeaderFields;
  /** The response's body; must be iterated, read or discarded. */
  body: Arrival;
  url: URL;
}

export interface TransportOptions {
  origin: URL;
  address?: string | undefined;
  proxy?: string | undefined;
  /** PEM, beside the default roots. */
  ca?: string | undefined;
  clientCertificate?: { cert: string; key: string } | undefined;
  limits: Limits;
  counters: Counters;
}

/** Without the places to connect to, which are not for TLS to decide. */
type TlsOptions = Pick<ConnectionOptions, "ca" | "cert" | "key" | "servername" | "checkServerIdentity">;

const USER_AGENT = "pulumi-consign";

/**
 * Sends single requests over HTTP/1.1 and keeps connections per origin. It knows nothing of registries: no retry, no redirect, no
 * authorization. What fails is thrown as a ConsignError, or as Transient where the same request may succeed later.
 */
export class Transport {
  /** By origin, what sends there, and where it connects to for that. */
  readonly #targets = new Map<string, { dispatcher: Dispatcher; origin: string }>();
  readonly #options: TransportOptions;

  constructor(options: TransportOptions) {
    this.#options = options;
  }

  async send(outgoing: Outgoing): Promise<Incoming> {
    const { counters, limits } = this.#options;
    const { url, method, signal, body } = outgoing;
    signal?.throwIfAborted();
    let late = false;
    const sent = body === undefined || body instanceof Uint8Array ? undefined : new SentContent(body.content, counters);
    const explain = (error: unknown): unknown => {
      if (signal?.aborted === true) return signal.reason;
      return sent?.failure ?? transportFailure(error, `${method} ${url.href}`, late);
    };
    const abandon = (): void => arrival.stop(new Error("aborted"));
    const deadline = setTimeout(() => {
      late = true;
      arrival.stop(new Error("the deadline has passed"));
    }, outgoing.deadlineMs).unref();
    const arrival = new Arrival(
      (bytes) => void (counters.bytesReceived += bytes),
      explain,
      () => {
        clearTimeout(deadline);
        signal?.removeEventListener("abort", abandon);
      },
    );
    signal?.addEventListener("abort", abandon, { once: true });
    counters.count(url.host, method);
    if (body instanceof Uint8Array) counters.bytesSent += body.byteLength;
    const length = body === undefined || body instanceof Uint8Array ? undefined : { "content-length": String(body.length) };
    const target = this.#target(url);
    target.dispatcher.dispatch(
      {
        origin: target.origin,
        path: url.pathname + url.search,
        method,
        headers: { "user-agent": USER_AGENT, ...outgoing.headers, ...length, host: url.host },
        // Any async iterable is sent as it comes; the type knows of streams only.
        body: body instanceof Uint8Array ? body : ((sent ?? null) as NonNullable<Dispatcher.DispatchOptions["body"]> | null),
        headersTimeout: outgoing.answerTimeoutMs ?? limits.idleTimeoutMs,
        // Left to itself, undici ends the connection after every HEAD.
        reset: false,
      },
      arrival,
    );
    const { status, headers } = await arrival.head;
    return { status, headers, url, body: arrival };
  }

  async close(): Promise<void> {
    const open = [...this.#targets.values()];
    this.#targets.clear();
    await Promise.all(open.map(({ dispatcher }) => dispatcher.destroy()));
  }

  #aliased(url: URL): boolean {
    return this.#options.address !== undefined && url.origin === this.#options.origin.origin;
  }

  #connectOrigin(url: URL): string {
    return this.#aliased(url) ? `${url.protocol}//${this.#options.address}` : url.origin;
  }

  #target(url: URL): { dispatcher: Dispatcher; origin: string } {
    const { origin } = url;
    let target = this.#targets.get(origin);
    if (target === undefined) {
      target = { dispatcher: this.#dial(url), origin: this.#connectOrigin(url) };
      this.#targets.set(origin, target);
    }
    return target;
  }

  #dial(url: URL): Dispatcher {
    const { limits, proxy } = this.#options;
    const common = {
      allowH2: false,
      pipelining: 1,
      connections: limits.concurrency * 2 + 2,
      connectTimeout: limits.connectTimeoutMs,
      bodyTimeout: limits.idleTimeoutMs,
    };
    const tls = this.#tls(url);
    if (proxy === undefined) return new (poolClass())(this.#connectOrigin(url), { ...common, connect: { ...tls, timeout: limits.connectTimeoutMs } });
    return new (proxyAgentClass())({ ...common, uri: proxy, requestTls: tls, proxyTls: this.#ca() });
  }

  #ca(): TlsOptions {
    return this.#options.ca === undefined ? {} : { ca: [...getCACertificates("default"), this.#options.ca] };
  }

  /** The client certificate is for the registry alone, never for an origin that it redirects to. */
  #tls(url: URL): TlsOptions {
    const own = url.origin === this.#options.origin.origin;
    const hostname = url.hostname.replace(/^\[|\]$/g, "");
    return {
      ...this.#ca(),
      ...(own ? this.#options.clientCertificate : undefined),
      ...(isIP(hostname) === 0 ? { servername: hostname } : {}),
      ...(this.#aliased(url) ? { checkServerIdentity: (_: string, certificate) => checkServerIdentity(hostname, certificate) } : {}),
    };
  }
}

/** Content that is a request's body: counted while it is sent, and its own failure remembered, which is not the registry's. */
class SentContent implements AsyncIterable<Uint8Array> {
  failure: unknown;

  constructor(
    private readonly content: Content,
    private readonly counters: Counters,
  ) {}

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      for await (const chunk of this.content) {
        this.counters.bytesSent += chunk.byteLength;
        yield chunk;
      }
    } catch (error) {
      this.failure = error;
      throw error;
    }
  }
}
