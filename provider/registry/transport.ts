// SPDX-License-Identifier: Apache-2.0
import { Readable } from "node:stream";
import { isIP } from "node:net";
import { checkServerIdentity, getCACertificates, type ConnectionOptions } from "node:tls";
import { Pool, ProxyAgent, type Dispatcher } from "undici";
import type { Content } from "../content/storage";
import type { Counters } from "./counters";
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
  headers: Record<string, string>;
  body?: Uint8Array | StreamBody | undefined;
  deadlineMs: number;
  /** How long to wait for the response's head; the idle timeout otherwise. */
  answerTimeoutMs?: number | undefined;
  signal?: AbortSignal | undefined;
}

export interface Incoming {
  status: number;
  /** Names in lower case; repeated headers are joined by commas. */
  headers: ReadonlyMap<string, string>;
  /** The response's body; must be iterated or discarded. */
  body: AsyncIterable<Uint8Array>;
  url: URL;
  discard(): Promise<void>;
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
  readonly #dispatchers = new Map<string, Dispatcher>();
  readonly #options: TransportOptions;

  constructor(options: TransportOptions) {
    this.#options = options;
  }

  async send(outgoing: Outgoing): Promise<Incoming> {
    const { counters, limits } = this.#options;
    const { url, method, signal } = outgoing;
    signal?.throwIfAborted();
    const deadline = AbortSignal.timeout(outgoing.deadlineMs);
    const combined = signal === undefined ? deadline : AbortSignal.any([signal, deadline]);
    const outbound = new OutgoingBody(outgoing.body, counters);
    const explain = (error: unknown): unknown => {
      if (signal?.aborted === true) return signal.reason;
      return outbound.failure ?? transportFailure(error, `${method} ${url.href}`, deadline.aborted);
    };
    counters.count(url.host, method);
    try {
      const response = await this.#dispatcher(url).request({
        origin: this.#connectOrigin(url),
        path: url.pathname + url.search,
        method,
        headers: { "user-agent": USER_AGENT, ...outgoing.headers, ...outbound.headers, host: url.host },
        body: outbound.stream ?? null,
        signal: combined,
        headersTimeout: outgoing.answerTimeoutMs ?? limits.idleTimeoutMs,
      });
      // A body that is destroyed early emits an error, also when nobody listens any more.
      response.body.on("error", () => {});
      return {
        status: response.statusCode,
        headers: flatten(response.headers),
        url,
        body: received(response.body, counters, explain),
        discard: async () => {
          await response.body.dump({ limit: 65_536 }).catch(() => {});
        },
      };
    } catch (error) {
      throw explain(error);
    } finally {
      // Content whose reading never began would otherwise stay open.
      if (outbound.stream instanceof Readable && !outbound.stream.readableEnded) outbound.stream.destroy();
    }
  }

  async close(): Promise<void> {
    const open = [...this.#dispatchers.values()];
    this.#dispatchers.clear();
    await Promise.all(open.map((dispatcher) => dispatcher.destroy()));
  }

  #aliased(url: URL): boolean {
    return this.#options.address !== undefined && url.origin === this.#options.origin.origin;
  }

  #connectOrigin(url: URL): string {
    return this.#aliased(url) ? `${url.protocol}//${this.#options.address}` : url.origin;
  }

  #dispatcher(url: URL): Dispatcher {
    let dispatcher = this.#dispatchers.get(url.origin);
    if (dispatcher === undefined) {
      dispatcher = this.#dial(url);
      this.#dispatchers.set(url.origin, dispatcher);
    }
    return dispatcher;
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
    if (proxy === undefined) return new Pool(this.#connectOrigin(url), { ...common, connect: { ...tls, timeout: limits.connectTimeoutMs } });
    return new ProxyAgent({ ...common, uri: proxy, requestTls: tls, proxyTls: this.#ca() });
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

/** A request's body, counted while it is sent; remembers the failure of the content itself, which is not the registry's. */
class OutgoingBody {
  readonly stream: Uint8Array | Readable | undefined;
  readonly headers: Record<string, string>;
  failure: unknown;

  constructor(body: Uint8Array | StreamBody | undefined, counters: Counters) {
    if (body === undefined || body instanceof Uint8Array) {
      this.stream = body;
      this.headers = {};
      counters.bytesSent += body?.byteLength ?? 0;
    } else {
      this.stream = Readable.from(this.#sent(body.content, counters), { objectMode: false, highWaterMark: 65_536 });
      this.headers = { "content-length": String(body.length) };
    }
  }

  async *#sent(content: Content, counters: Counters): Content {
    try {
      for await (const chunk of content) {
        counters.bytesSent += chunk.byteLength;
        yield chunk;
      }
    } catch (error) {
      this.failure = error;
      throw error;
    }
  }
}

async function* received(body: AsyncIterable<Uint8Array>, counters: Counters, explain: (error: unknown) => unknown): Content {
  try {
    for await (const chunk of body) {
      counters.bytesReceived += chunk.byteLength;
      yield chunk;
    }
  } catch (error) {
    throw explain(error);
  }
}

function flatten(headers: Record<string, string | string[] | undefined>): Map<string, string> {
  const flat = new Map<string, string>();
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) flat.set(name.toLowerCase(), typeof value === "string" ? value : value.join(", "));
  }
  return flat;
}

/** Reads a body that is known to be small. @returns undefined if it has more than `limit` bytes */
export async function readBody(incoming: Incoming, limit: number): Promise<Uint8Array | undefined> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of incoming.body) {
    size += chunk.byteLength;
    if (size > limit) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size);
}

