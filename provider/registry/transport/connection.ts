// SPDX-License-Identifier: Apache-2.0
import { ConsignError, type ErrorCode } from "../../errors";
import { Address } from "./address";
import type { HeaderFields, Incoming } from "./arrival";
import { Authorizer } from "../auth/auth";
import { withOwnScheme } from "../own-scheme";
import type { Counters } from "./counters";
import { Gate, wait, type Lane } from "./gate";
import type { Limits } from "./limits";
import { Quota } from "./quota";
import { MAX_ERROR_BODY, responseFailure, type About } from "./responses";
import { retried, Transient, type Patience } from "./retry";
import type { Method, StreamBody, Transport } from "./transport";
import type { TokenRequest } from "../auth/token";
import type { Credentials } from "../auth/credential";

export interface Call {
  method: Method;
  /**
   * Path on the registry, beginning with `/v2/`, spelt as a URL has it, or a URL that the registry
   * gave.
   */
  url: string | URL;
  headers?: Record<string, string>;
  body?: Uint8Array | StreamBody;
  scopes: readonly string[];
  /**
   * Statuses that the caller understands; all others throw. With 401 among them the request goes
   * without credentials.
   */
  ok: readonly number[];
  about: About;
  /** Bound of the response's body, and the error past it. */
  maxBytes?: number;
  tooLarge?: ErrorCode;
  deadlineMs?: number;
  answerTimeoutMs?: number;
  /**
   * Whether another host that the registry redirects to is asked again where it fails for now.
   * @default "again"
   */
  elsewhere?: "once" | "again" | undefined;
  signal?: AbortSignal | undefined;
}

export interface Answer {
  status: number;
  headers: HeaderFields;
  bytes: Uint8Array;
  /** Of whoever answered, which is somebody else where a redirect was followed. */
  address: Address;
}

/** A response, and who gave it. */
interface Received extends Incoming {
  address: Address;
}

export interface ConnectionOptions {
  registry: string;
  origin: URL;
  limits: Limits;
  requestsPerSecond?: number | undefined;
  transport: Transport;
  credentials: (repository: string | undefined) => Promise<Credentials>;
  counters: Counters;
}

const MAX_REDIRECTS = 5;
const NOTHING = new Uint8Array();
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/**
 * One registry, as everything in this process talks to it: gated, authorised, redirected, and
 * retried where a request can be repeated.
 */
export class Connection {
  readonly registry: string;
  readonly origin: URL;
  readonly limits: Limits;
  readonly counters: Counters;
  readonly gate: Gate;
  /**
   * Until it is seen that the registry does not: a blob sent whole with the POST that asks for its
   * upload.
   */
  takesBlobInOneRequest = true;
  /** Until it is seen that something on the way to it bounds a request's size. */
  takesAnySize = true;
  readonly #home: Address;
  readonly #quota: Quota;
  readonly #onWait = (failure: Transient, ms: number): void => {
    this.counters.retries += 1;
    if (failure.pausesRegistry) this.gate.pause(this.#quota.refused(failure, ms));
  };
  readonly #transport: Transport;
  readonly #authorizer: Authorizer;

  constructor(options: ConnectionOptions) {
    this.registry = options.registry;
    this.origin = options.origin;
    this.#home = Address.of(options.origin);
    this.limits = options.limits;
    this.counters = options.counters;
    this.#quota = new Quota(options.limits);
    this.gate = new Gate(options.limits.concurrency, options.requestsPerSecond);
    this.#transport = options.transport;
    this.#authorizer = new Authorizer({
      registry: options.registry,
      origin: options.origin,
      credentials: options.credentials,
      send: (request) => this.#askForToken(request),
      now: () => Date.now(),
    });
  }

  /** One spelling for what is asked here. */
  href(url: string | URL): string {
    return typeof url === "string" ? this.#home.at(url).href : url.href;
  }

  /**
   * Makes a request and reads its answer whole. A streamed body cannot be sent again: its transient
   * failures are thrown as Transient.
   */
  call(call: Call): Promise<Answer> {
    const isRepeatable = call.body === undefined || call.body instanceof Uint8Array;
    return isRepeatable ? this.repeat(() => this.#attempt(call), call.signal) : this.#attempt(call);
  }

  async #attempt(call: Call): Promise<Answer> {
    const leave = this.gate.enterNow("call") ?? (await this.gate.enter("call", call.signal));
    try {
      const { status, headers, body, address } = await this.#exchange(call, "call");
      // Most of what is small is there with its head, and is not waited for again.
      if (call.method === "HEAD" && !body.over) await body.discard();
      const limit = call.maxBytes ?? MAX_ERROR_BODY;
      const bytes = call.method === "HEAD" ? NOTHING : await body.bytes(limit);
      if (bytes === undefined)
        throw new ConsignError(
          call.tooLarge ?? "REGISTRY_RESPONSE_INVALID",
          `${call.about.reference}: the answer has more than ${limit} bytes`,
          { reference: call.about.reference },
        );
      this.gate.answered("call");
      this.#quota.answered();
      return { status, headers, address, bytes };
    } finally {
      leave();
    }
  }

  /**
   * Makes a request whose answer the caller streams. The caller holds a place in the download lane.
   * Transient failures are thrown as such.
   */
  async open(call: Call): Promise<Incoming> {
    const incoming = await this.#exchange(call, "download");
    this.gate.answered("download");
    this.#quota.answered();
    return incoming;
  }

  /**
   * Repeats an attempt within the limits; a registry that asks everybody to wait is left alone as a
   * whole.
   */
  async repeat<T>(attempt: (tried: number) => Promise<T>, signal?: AbortSignal): Promise<T> {
    const unlessExhausted = (tried: number): Promise<T> => {
      this.#quota.check();
      return attempt(tried);
    };
    try {
      return await retried(unlessExhausted, this.limits, { signal, onWait: this.#onWait });
    } catch (error) {
      this.#quota.failed(error);
      throw error;
    }
  }

  /**
   * Waits before what broke goes on, as long as its patience lasts, with the registry as a whole
   * where that asks for it.
   */
  async pause(failure: Transient, patience: Patience, signal?: AbortSignal): Promise<void> {
    this.#quota.check();
    let ms: number;
    try {
      ms = patience.after(failure);
    } catch (error) {
      this.#quota.failed(error);
      throw error;
    }
    this.#onWait(failure, ms);
    await wait(ms, signal);
  }

  async #exchange(call: Call, lane: Lane): Promise<Received> {
    const address = typeof call.url === "string" ? this.#home.at(call.url) : Address.of(call.url);
    const own = address.origin === this.#home.origin && !call.ok.includes(401);
    for (let renewed = false; ; renewed = true) {
      const asked = own ? this.#authorizer.header(call.scopes, call.signal) : undefined;
      const authorization = asked === undefined ? undefined : await asked;
      const first = await this.#send(call, lane, address, authorization);
      const isRedirect = REDIRECTS.has(first.status) && !call.ok.includes(first.status);
      const received = isRedirect
        ? await this.#follow(call, lane, first, address, authorization)
        : { ...first, address };
      if (
        received.status === 401 &&
        own &&
        !renewed &&
        received.address.origin === this.#home.origin
      ) {
        if (
          await this.#authorizer.challenged(
            received.headers.get("www-authenticate"),
            call.scopes,
            authorization,
          )
        ) {
          const replayable = call.body === undefined || call.body instanceof Uint8Array;
          if (!replayable) throw new Transient(toError(await this.#failure(received, call)), 0);
          await received.body.discard();
          continue;
        }
      }
      if (call.ok.includes(received.status)) return received;
      throw await this.#failure(received, call);
    }
  }

  #send(
    call: Call,
    lane: Lane,
    address: Address,
    authorization: string | undefined,
  ): Promise<Incoming> {
    return this.#transport.send({
      method: call.method,
      address,
      way: lane,
      headers: authorization === undefined ? call.headers : { ...call.headers, authorization },
      body: call.body,
      deadlineMs: call.deadlineMs ?? this.limits.requestTimeoutMs,
      answerTimeoutMs: call.answerTimeoutMs,
      signal: call.signal,
    });
  }

  /**
   * Only GET and HEAD follow; the Authorization header stays at the registry, also when a redirect
   * leads back to it.
   */
  async #follow(
    call: Call,
    lane: Lane,
    redirect: Incoming,
    from: Address,
    authorization: string | undefined,
  ): Promise<Received> {
    let [incoming, url, credential] = [redirect, from.url, authorization];
    for (let hops = 0; ; hops += 1) {
      await incoming.body.discard();
      const target = this.#redirectTarget(call, url, incoming.headers.get("location"), hops);
      if (target.origin !== url.origin) credential = undefined;
      url = target;
      const address = Address.of(url);
      incoming = await this.#send(call, lane, address, credential).catch((error: unknown) => {
        throw this.#isFinal(call, address) && error instanceof Transient ? error.error : error;
      });
      if (!REDIRECTS.has(incoming.status) || call.ok.includes(incoming.status))
        return { ...incoming, address };
    }
  }

  #redirectTarget(call: Call, from: URL, location: string | undefined, hops: number): URL {
    const refuse = (why: string): ConsignError =>
      new ConsignError(
        "REDIRECT_REFUSED",
        `${call.about.reference}: ${call.method} ${from.href} was redirected, ${why}`,
        { reference: call.about.reference },
      );
    if (call.method !== "GET" && call.method !== "HEAD")
      throw refuse("which is not followed for a write; check the registry's address");
    if (hops >= MAX_REDIRECTS)
      throw refuse(`for the ${hops + 1}th time; at most ${MAX_REDIRECTS} are followed`);
    if (location === undefined || !URL.canParse(location, from.href))
      throw refuse("without a usable Location");
    const target = withOwnScheme(new URL(location, from), this.origin);
    if (target.protocol !== "https:" && target.protocol !== from.protocol)
      throw refuse(`to ${target.protocol}//${target.host}, away from https`);
    if (target.protocol !== "https:" && target.protocol !== "http:")
      throw refuse(`to ${target.protocol}, which is neither http nor https`);
    if (target.username !== "" || target.password !== "") throw refuse("to a URL with user info");
    return target;
  }

  #isFinal({ elsewhere }: Pick<Call, "elsewhere">, { origin }: Address): boolean {
    return elsewhere === "once" && origin !== this.#home.origin;
  }

  async #failure(
    incoming: Received,
    call: Pick<Call, "method" | "about" | "elsewhere">,
  ): Promise<ConsignError | Transient> {
    const { method, about } = call;
    // What matters is the status; a body that breaks off or is endless only costs its text.
    const body = await incoming.body.bytes(MAX_ERROR_BODY).catch(() => undefined);
    const failure = responseFailure({
      request: `${method} ${incoming.address.href}`,
      status: incoming.status,
      headers: incoming.headers,
      body: body ?? new Uint8Array(),
      about,
      isRegistry: about.kind === "token" || incoming.address.origin === this.#home.origin,
      now: Date.now(),
    });
    if (failure instanceof Transient) this.#quota.saw(failure);
    if (failure instanceof Transient && failure.pausesRegistry) this.gate.throttled();
    return this.#isFinal(call, incoming.address) ? toError(failure) : failure;
  }

  /** Token requests pass no gate: the request that needs the token holds a place already. */
  async #askForToken(request: TokenRequest): Promise<{ status: number; body: Uint8Array }> {
    const about: About = { kind: "token", reference: this.registry };
    const { url, ...message } = request;
    return this.repeat(async () => {
      const address = Address.of(url);
      const incoming = {
        ...(await this.#transport.send({
          ...message,
          way: "token",
          address,
          deadlineMs: this.limits.requestTimeoutMs,
        })),
        address,
      };
      if (REDIRECTS.has(incoming.status)) {
        await incoming.body.discard();
        throw new ConsignError(
          "REDIRECT_REFUSED",
          `${this.registry}: the token service ${address.host} redirects; credentials do not follow`,
          { reference: this.registry },
        );
      }
      if (incoming.status !== 200 && !request.ok.includes(incoming.status))
        throw await this.#failure(incoming, { method: request.method, about });
      return {
        status: incoming.status,
        body: (await incoming.body.bytes(1024 * 1024)) ?? new Uint8Array(),
      };
    });
  }
}

function toError(failure: ConsignError | Transient): ConsignError {
  return failure instanceof Transient ? failure.error : failure;
}
