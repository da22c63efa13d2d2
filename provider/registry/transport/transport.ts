// SPDX-License-Identifier: Apache-2.0
import { isIP } from "node:net";
import { checkServerIdentity, getCACertificates, type ConnectionOptions } from "node:tls";
import type { Dispatcher } from "undici";
import type { Content } from "../../content/storage";
import type { Address } from "./address";
import { Arrival, type Incoming, type Recipient } from "./arrival";
import type { Counters } from "./counters";
import { poolClass, proxyAgentClass } from "./http-pools";
import type { Lane } from "./gate";
import type { Limits } from "./limits";
import { transportFailure } from "./transport-failure";

export type Method = "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE";

/**
 * Requests of one kind have connections of their own. None may wait for what itself waits for it:
 * uploads for the downloads that feed them, and both for a token.
 */
export type Way = Lane | "token";

export interface StreamBody {
  content: Content;
  length: number;
}

export interface Outgoing {
  method: Method;
  address: Address;
  way: Way;
  headers?: Record<string, string> | undefined;
  body?: Uint8Array | StreamBody | undefined;
  deadlineMs: number;
  /** How long to wait for the response's head; the idle timeout otherwise. */
  answerTimeoutMs?: number | undefined;
  signal?: AbortSignal | undefined;
}

export interface TransportOptions {
  origin: URL;
  address?: string | undefined;
  /** The URL of the proxy on the way to an origin. @default none */
  proxyFor?: ((url: URL) => string | undefined) | undefined;
  /** PEM, beside the default roots. */
  ca?: string | undefined;
  clientCertificate?: { cert: string; key: string } | undefined;
  limits: Limits;
  counters: Counters;
}

interface Target {
  dispatcher: Dispatcher;
  origin: string;
  /** `host:port` of the proxy on the way, for messages. */
  proxy: string | undefined;
}

/** Without the places to connect to, which are not for TLS to decide. */
type TlsOptions = Pick<
  ConnectionOptions,
  "ca" | "cert" | "key" | "servername" | "checkServerIdentity"
>;

const USER_AGENT = "pulumi-consign";

/**
 * Sends single requests over HTTP/1.1 and keeps connections per origin. It knows nothing of
 * registries: no retry, no redirect, no authorization. What fails is thrown as a ConsignError, or
 * as Transient where the same request may succeed later.
 */
export class Transport {
  /** By way and origin, what sends there, and where it connects to for that. */
  readonly #targets: Record<Way, Map<string, Target>> = {
    call: new Map(),
    download: new Map(),
    token: new Map(),
  };
  readonly #options: TransportOptions;

  constructor(options: TransportOptions) {
    this.#options = options;
  }

  send(outgoing: Outgoing): Promise<Incoming> {
    const { counters, limits } = this.#options;
    const { address, method, signal, body } = outgoing;
    signal?.throwIfAborted();
    const sent =
      body === undefined || body instanceof Uint8Array
        ? undefined
        : new SentContent(body.content, counters);
    const target = this.#target(address, outgoing.way);
    const exchange = new Exchange(outgoing, sent, counters, target.proxy);
    counters.count(address.host, method);
    if (body instanceof Uint8Array) counters.bytesSent += body.byteLength;
    const length =
      body === undefined || body instanceof Uint8Array
        ? undefined
        : { "content-length": String(body.length) };
    target.dispatcher.dispatch(
      {
        origin: target.origin,
        path: address.path,
        method,
        headers: { "user-agent": USER_AGENT, ...outgoing.headers, ...length, host: address.host },
        // Any async iterable is sent as it comes; the type knows of streams only.
        body:
          body instanceof Uint8Array
            ? body
            : ((sent ?? null) as NonNullable<Dispatcher.DispatchOptions["body"]> | null),
        headersTimeout: outgoing.answerTimeoutMs ?? limits.idleTimeoutMs,
        // Left to itself, undici ends the connection after every HEAD.
        reset: false,
      },
      exchange.arrival,
    );
    return exchange.arrival.head;
  }

  async close(): Promise<void> {
    const open = Object.values(this.#targets).flatMap((targets) => [...targets.values()]);
    for (const targets of Object.values(this.#targets)) targets.clear();
    await Promise.all(open.map(({ dispatcher }) => dispatcher.destroy()));
  }

  #aliased(url: URL): boolean {
    return this.#options.address !== undefined && url.origin === this.#options.origin.origin;
  }

  #connectOrigin(url: URL): string {
    return this.#aliased(url) ? `${url.protocol}//${this.#options.address}` : url.origin;
  }

  #target(address: Address, way: Way): Target {
    let target = this.#targets[way].get(address.origin);
    if (target === undefined) {
      const proxy = this.#options.proxyFor?.(address.url);
      target = {
        dispatcher: this.#dial(address.url, proxy),
        origin: this.#connectOrigin(address.url),
        proxy: proxy === undefined ? undefined : new URL(proxy).host,
      };
      this.#targets[way].set(address.origin, target);
    }
    return target;
  }

  #dial(url: URL, proxy: string | undefined): Dispatcher {
    const { limits } = this.#options;
    const common = {
      allowH2: false,
      pipelining: 1,
      // As many as may be under way in one lane.
      connections: limits.concurrency,
      connectTimeout: limits.connectTimeoutMs,
      bodyTimeout: limits.idleTimeoutMs,
    };
    const tls = this.#tls(url);
    if (proxy === undefined)
      return new (poolClass())(this.#connectOrigin(url), {
        ...common,
        connect: { ...tls, timeout: limits.connectTimeoutMs },
      });
    return new (proxyAgentClass())({
      ...common,
      uri: proxy,
      requestTls: tls,
      proxyTls: this.#ca(),
    });
  }

  #ca(): TlsOptions {
    return this.#options.ca === undefined
      ? {}
      : { ca: [...getCACertificates("default"), this.#options.ca] };
  }

  /** The client certificate is for the registry alone, never for an origin that it redirects to. */
  #tls(url: URL): TlsOptions {
    const own = url.origin === this.#options.origin.origin;
    const hostname = url.hostname.replace(/^\[|\]$/g, "");
    return {
      ...this.#ca(),
      ...(own ? this.#options.clientCertificate : undefined),
      ...(isIP(hostname) === 0 ? { servername: hostname } : {}),
      ...(this.#aliased(url)
        ? {
            checkServerIdentity: (_: string, certificate) =>
              checkServerIdentity(hostname, certificate),
          }
        : {}),
    };
  }
}

/** One request on its way: its deadline, and whoever may abandon it. */
class Exchange implements Recipient {
  readonly arrival = new Arrival(this);
  readonly #deadline: NodeJS.Timeout;
  readonly #abandon: (() => void) | undefined;
  #late = false;

  constructor(
    private readonly outgoing: Outgoing,
    private readonly sent: SentContent | undefined,
    private readonly counters: Counters,
    private readonly proxy: string | undefined,
  ) {
    this.#deadline = setTimeout(passed, outgoing.deadlineMs, this).unref();
    const { signal } = outgoing;
    if (signal === undefined) return;
    this.#abandon = () => this.arrival.stop(new Error("aborted"));
    signal.addEventListener("abort", this.#abandon, { once: true });
  }

  /** The time is over. */
  expire(): void {
    this.#late = true;
    this.arrival.stop(new Error("the deadline has passed"));
  }

  received(bytes: number): void {
    this.counters.bytesReceived += bytes;
  }

  explain(error: unknown): unknown {
    const { signal, method, address } = this.outgoing;
    if (signal?.aborted === true) return signal.reason;
    const request = `${method} ${address.href}`;
    return this.sent?.failure ?? transportFailure(error, request, this.#late, this.proxy);
  }

  ended(): void {
    clearTimeout(this.#deadline);
    if (this.#abandon !== undefined)
      this.outgoing.signal?.removeEventListener("abort", this.#abandon);
  }
}

function passed(exchange: Exchange): void {
  exchange.expire();
}

/**
 * Content that is a request's body: counted while it is sent, and its own failure remembered, which
 * is not the registry's.
 */
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
