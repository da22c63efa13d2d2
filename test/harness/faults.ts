// SPDX-License-Identifier: Apache-2.0
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { digestOf } from "../../provider/oci/digest";

/** One way in which a registry, or the way to it, can misbehave. */
export type Fault =
  /**
   * Answers with this status. `forwarded`: the registry did the work first, only its answer is
   * lost.
   */
  | {
      kind: "status";
      status: number;
      headers?: Record<string, string>;
      body?: string;
      forwarded?: boolean;
    }
  /** 429, with Retry-After in seconds or as a date where given. */
  | { kind: "rateLimit"; retryAfter?: number | Date | string }
  /**
   * Breaks the connection: before the answer, after its headers, or after this many bytes of its
   * body.
   */
  | {
      kind: "reset";
      when: "before" | "after-headers" | "mid-body";
      bytes?: number;
      forwarded?: boolean;
    }
  /**
   * Leaves out the end of the body. `honest`: Content-Length says so; otherwise the client waits
   * for bytes that never come.
   */
  | { kind: "shortBody"; drop?: number; honest?: boolean }
  /** Bytes after the real body, with a Content-Length that counts them. */
  | { kind: "longBody"; extra?: string }
  /** Flips one bit of the byte at this offset, from the end when negative. @default the middle */
  | { kind: "corrupt"; at?: number }
  /** Sets headers of the answer: a lying digest, length or media type. */
  | { kind: "setHeaders"; headers: Record<string, string> }
  | { kind: "dropHeaders"; names: string[] }
  /** Another body in place of the real one, in form as good: length and digest are said to match. */
  | { kind: "rewrite"; body: (original: Buffer) => Buffer }
  /** Sends the client to the same path on another origin. */
  | { kind: "redirect"; to: string; status?: number }
  | { kind: "delay"; ms: number }
  /** Never answers. */
  | { kind: "hang" };

/** When a fault strikes. Every given condition must hold. */
export interface FaultRule {
  /** `GET`, or several as `GET|HEAD`. */
  method?: string;
  /** Matched against path and query. */
  path?: RegExp;
  /** For what no expression can say. */
  where?: (method: string, path: string) => boolean;
  /** Strikes from this matching request on, counted from 1. */
  from?: number;
  /** Strikes the nth matching request only, counted from 1; several as a list. */
  nth?: number | readonly number[];
  /** Strikes the first so many matching requests. */
  times?: number;
  /** Strikes each matching request with this probability, from 0 to 1, by a seeded generator. */
  probability?: number;
  fault: Fault;
}

/**
 * A rule that has been found to apply to a request. Both say true once they have dealt with the
 * answer.
 */
export interface Strike {
  /** Before anything is forwarded. */
  before(request: IncomingMessage, response: ServerResponse): boolean | Promise<boolean>;
  /** With the registry's own answer at hand. */
  after(upstream: IncomingMessage, request: IncomingMessage, response: ServerResponse): boolean;
}

/** The common one: the registry has no referrers API. */
export const noReferrersApi: FaultRule = {
  method: "GET",
  path: /\/referrers\//,
  fault: { kind: "status", status: 404, body: "404 page not found\n" },
};

/** Rules in order; the first that applies strikes, and every matching rule counts the request. */
export class FaultScript {
  readonly #rules: { rule: FaultRule; seen: number }[];
  #state: number;

  constructor(rules: readonly FaultRule[], seed: number) {
    this.#rules = rules.map((rule) => ({ rule, seen: 0 }));
    this.#state = seed >>> 0;
  }

  next(method: string, path: string): Strike | undefined {
    let chosen: Fault | undefined;
    for (const entry of this.#rules) {
      if (!matches(entry.rule, method, path)) continue;
      entry.seen++;
      if (chosen === undefined && this.#strikes(entry.rule, entry.seen)) chosen = entry.rule.fault;
    }
    return chosen === undefined ? undefined : strike(chosen);
  }

  #strikes({ from, nth, times, probability }: FaultRule, seen: number): boolean {
    if (from !== undefined && seen < from) return false;
    if (nth !== undefined && ![nth].flat().includes(seen)) return false;
    if (times !== undefined && seen > times) return false;
    return probability === undefined || this.#random() < probability;
  }

  /** Mulberry32: small, seeded, good enough to pick requests. */
  #random(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  }
}

function matches(rule: FaultRule, method: string, path: string): boolean {
  return (
    (rule.method === undefined || rule.method.split("|").includes(method)) &&
    (rule.path === undefined || rule.path.test(path)) &&
    (rule.where === undefined || rule.where(method, path))
  );
}

const nothingBefore = (): boolean => false;
const nothingAfter = (): boolean => false;

function strike(fault: Fault): Strike {
  switch (fault.kind) {
    case "status":
      return fault.forwarded === true
        ? {
            before: nothingBefore,
            after: (_upstream, _request, response) =>
              answer(response, fault.status, fault.headers, fault.body),
          }
        : {
            before: (_request, response) =>
              answer(response, fault.status, fault.headers, fault.body),
            after: nothingAfter,
          };
    case "rateLimit":
      return {
        before: (_request, response) =>
          answer(response, 429, retryAfter(fault.retryAfter), errorBody("TOOMANYREQUESTS")),
        after: nothingAfter,
      };
    case "redirect":
      return {
        before: (request, response) =>
          answer(response, fault.status ?? 307, { location: fault.to + (request.url ?? "") }),
        after: nothingAfter,
      };
    case "delay":
      return { before: () => sleep(fault.ms).then(() => false), after: nothingAfter };
    case "hang":
      return { before: () => true, after: nothingAfter };
    case "reset":
      return reset(fault);
    default:
      return {
        before: nothingBefore,
        after: (upstream, request, response) => alter(fault, upstream, request, response),
      };
  }
}

function answer(
  response: ServerResponse,
  status: number,
  headers: Record<string, string> = {},
  body = status >= 400 ? errorBody(errorCode(status)) : "",
): boolean {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(body);
  return true;
}

function errorBody(code: string): string {
  return JSON.stringify({ errors: [{ code, message: "told to fail by the test" }] });
}

function errorCode(status: number): string {
  return (
    {
      401: "UNAUTHORIZED",
      403: "DENIED",
      404: "NAME_UNKNOWN",
      405: "UNSUPPORTED",
      429: "TOOMANYREQUESTS",
    }[status] ?? "UNKNOWN"
  );
}

function retryAfter(value: number | Date | string | undefined): Record<string, string> {
  if (value === undefined) return {};
  return { "retry-after": value instanceof Date ? value.toUTCString() : String(value) };
}

function reset(fault: Extract<Fault, { kind: "reset" }>): Strike {
  const cut = (response: ServerResponse): boolean => {
    response.socket?.resetAndDestroy();
    return true;
  };
  if (fault.when === "before") {
    return fault.forwarded === true
      ? { before: nothingBefore, after: (_upstream, _request, response) => cut(response) }
      : { before: (_request, response) => cut(response), after: nothingAfter };
  }
  return {
    before: nothingBefore,
    after: (upstream, _request, response) => {
      response.writeHead(upstream.statusCode ?? 502, upstream.headers);
      response.flushHeaders();
      if (fault.when === "after-headers") setImmediate(cut, response);
      else
        collect(
          upstream,
          (body) =>
            void response.write(body.subarray(0, fault.bytes ?? body.length >> 1), () =>
              setImmediate(cut, response),
            ),
        );
      return true;
    },
  };
}

type Altering = Exclude<
  Fault,
  { kind: "status" | "rateLimit" | "redirect" | "delay" | "hang" | "reset" }
>;

/**
 * The registry's answer, changed as told. Bodies are held in memory, so this is for what tests
 * make.
 */
function alter(
  fault: Altering,
  upstream: IncomingMessage,
  request: IncomingMessage,
  response: ServerResponse,
): boolean {
  const headers: OutgoingHttpHeaders = { ...upstream.headers };
  collect(upstream, (original) => {
    let body = original;
    if (fault.kind === "setHeaders")
      for (const [name, value] of Object.entries(fault.headers))
        headers[name.toLowerCase()] = value;
    if (fault.kind === "dropHeaders")
      for (const name of fault.names) delete headers[name.toLowerCase()];
    if (fault.kind === "rewrite") {
      body = fault.body(original);
      if (headers["docker-content-digest"] !== undefined)
        headers["docker-content-digest"] = digestOf(body);
    }
    if (fault.kind === "corrupt") body = flipped(original, fault.at ?? original.length >> 1);
    if (fault.kind === "longBody")
      body = Buffer.concat([original, Buffer.from(fault.extra ?? "\n")]);
    if (fault.kind === "shortBody")
      body = original.subarray(0, Math.max(0, original.length - (fault.drop ?? 1)));
    if (body.length !== original.length && !(fault.kind === "shortBody" && fault.honest !== true))
      headers["content-length"] = String(body.length);
    response.writeHead(upstream.statusCode ?? 502, headers);
    if (request.method === "HEAD") response.end();
    else if (fault.kind === "shortBody" && fault.honest !== true)
      response.write(body, () => setTimeout(() => response.destroy(), 50));
    else response.end(body);
  });
  return true;
}

function flipped(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  const index = at < 0 ? copy.length + at : at;
  if (copy[index] !== undefined) copy[index] ^= 1;
  return copy;
}

function collect(stream: IncomingMessage, done: (body: Buffer) => void): void {
  const chunks: Buffer[] = [];
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  stream.once("end", () => done(Buffer.concat(chunks)));
}
