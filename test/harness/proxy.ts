// SPDX-License-Identifier: Apache-2.0
import {
  Agent,
  createServer,
  request as forward,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type RequestListener,
  type ServerResponse,
} from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { FaultScript, type FaultRule } from "./faults";

/** What went over the wire, as the proxy saw it. */
export interface WireRequest {
  method: string;
  /** Path and query. */
  path: string;
  headers: IncomingHttpHeaders;
  /** Status the client got; 0 when the connection was broken instead. */
  status: number;
  /** Bytes of body, as sent by the client and as sent back to it. */
  sent: number;
  received: number;
  /** Milliseconds since the proxy started, at arrival. */
  at: number;
}

/** Answers a request itself and says true, or leaves it alone and says false. */
export type Gate = (
  request: IncomingMessage,
  response: ServerResponse,
) => boolean | Promise<boolean>;

export interface TlsOptions {
  key: string;
  cert: string;
  /** With it, clients must show a certificate that this CA issued. */
  clientCa?: string;
}

export interface ProxyOptions {
  /** `host:port` of the server behind it. */
  upstream: string;
  /** Asked in turn before faults and forwarding: authentication, for one. */
  gates?: readonly Gate[];
  faults?: readonly FaultRule[];
  /** Decides where a fault is given a probability. @default 1 */
  seed?: number;
  /** Milliseconds added to every request, as a far registry would. @default 0 */
  delayMs?: number;
  tls?: TlsOptions;
  /** Repositories have other names behind it than in front of it. */
  rename?: Renaming;
}

/** How what a client calls by one name is called by another behind the proxy. */
export interface Renaming {
  /** Path and query, as the client sends them. */
  behind(path: string): string;
  /** A value of `Location` or `Link`, as the registry sends it. */
  inFront(value: string): string;
}

export interface Proxy {
  /** `127.0.0.1:port`. */
  readonly host: string;
  /** `http://` or `https://` and the host. */
  readonly origin: string;
  /**
   * In order of arrival, without those that still run; with `method` and `path` only the matching
   * ones.
   */
  requests(method?: string, path?: RegExp): WireRequest[];
  /** Forgets the requests so far. */
  clear(): void;
  /** Replaces the script; counting starts anew. */
  setFaults(rules: readonly FaultRule[]): void;
  stop(): Promise<void>;
}

/**
 * An HTTP server in front of another that counts, asks for credentials, speaks TLS and misbehaves,
 * as told.
 */
export async function startProxy(options: ProxyOptions): Promise<Proxy> {
  const agent = new Agent({ keepAlive: true });
  const started = performance.now();
  let script = new FaultScript(options.faults ?? [], options.seed ?? 1);
  let log: WireRequest[] = [];

  const listener: RequestListener = (request, response) => {
    const entry: WireRequest = {
      method: request.method ?? "",
      path: request.url ?? "",
      headers: request.headers,
      status: 0,
      sent: 0,
      received: 0,
      at: performance.now() - started,
    };
    log.push(entry);
    request.on("data", (chunk: Buffer) => (entry.sent += chunk.length));
    request.pause();
    countBody(response, entry);
    response.once("close", () => (entry.status = response.headersSent ? response.statusCode : 0));
    handle(request, response).catch(() => response.destroy());
  };

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (options.delayMs !== undefined && options.delayMs > 0) await sleep(options.delayMs);
    for (const gate of options.gates ?? []) {
      if (await gate(request, response)) return void request.resume();
    }
    const fault = script.next(request.method ?? "", request.url ?? "");
    if (fault !== undefined && (await fault.before(request, response)))
      return void request.resume();
    await pass(request, response, (upstream) => fault?.after(upstream, request, response) ?? false);
  }

  /** Sends the request on, and the answer back unless `take` has dealt with it. */
  function pass(
    request: IncomingMessage,
    response: ServerResponse,
    take: (upstream: IncomingMessage) => boolean,
  ): Promise<void> {
    return new Promise((done, fail) => {
      const [hostname, port] = splitHost(options.upstream);
      const headers = {
        ...request.headers,
        ...(options.tls === undefined ? {} : { "x-forwarded-proto": "https" }),
      };
      const outgoing = forward(
        {
          agent,
          hostname,
          port,
          method: request.method,
          path: options.rename?.behind(request.url ?? "") ?? request.url,
          headers,
        },
        (upstream) => {
          for (const name of ["location", "link"]) {
            const value = upstream.headers[name];
            if (options.rename !== undefined && typeof value === "string")
              upstream.headers[name] = options.rename.inFront(value);
          }
          upstream.once("end", done).once("error", fail);
          if (take(upstream)) return void upstream.resume();
          response.writeHead(upstream.statusCode ?? 502, upstream.headers);
          upstream.pipe(response);
        },
      );
      outgoing.once("error", fail);
      response.once("close", () => outgoing.destroy());
      request.pipe(outgoing);
    });
  }

  const server =
    options.tls === undefined
      ? createServer(listener)
      : createTlsServer(serverTls(options.tls), listener);
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  await new Promise<void>(
    (done, fail) => void server.once("error", fail).listen(0, "127.0.0.1", done),
  );
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    host,
    origin: `${options.tls === undefined ? "http" : "https"}://${host}`,
    requests: (method, path) =>
      log.filter(
        (entry) =>
          (method === undefined || entry.method === method) &&
          (path === undefined || path.test(entry.path)),
      ),
    clear: () => void (log = []),
    setFaults: (rules) => void (script = new FaultScript(rules, options.seed ?? 1)),
    async stop() {
      const closed = new Promise<void>((done) => server.close(() => done()));
      sockets.forEach((socket) => socket.destroy());
      agent.destroy();
      await closed;
    },
  };
}

function serverTls({ key, cert, clientCa }: TlsOptions): object {
  return clientCa === undefined
    ? { key, cert }
    : { key, cert, ca: clientCa, requestCert: true, rejectUnauthorized: true };
}

function splitHost(host: string): [string, number] {
  const colon = host.lastIndexOf(":");
  return [host.slice(0, colon), Number(host.slice(colon + 1))];
}

/** Counts what is written to the client, whoever writes it. */
function countBody(response: ServerResponse, entry: WireRequest): void {
  const write = response.write.bind(response);
  response.write = ((chunk: Uint8Array | string, ...rest: []) => {
    entry.received += Buffer.byteLength(chunk);
    return write(chunk, ...rest);
  }) as typeof response.write;
  const end = response.end.bind(response);
  response.end = ((chunk?: Uint8Array | string | (() => void), ...rest: []) => {
    if (typeof chunk === "string" || chunk instanceof Uint8Array)
      entry.received += Buffer.byteLength(chunk);
    return end(chunk, ...rest);
  }) as typeof response.end;
}
