// SPDX-License-Identifier: Apache-2.0

/** What holds back or ends a response that is coming in. */
interface Flow {
  pause(): void;
  resume(): void;
  abort(reason: Error): void;
}

type RawHeaders = Record<string, string | string[] | undefined>;

/** A response's header fields, asked for by lower-case name; repeated ones are joined by commas. */
export interface HeaderFields {
  get(name: string): string | undefined;
  has(name: string): boolean;
}

export interface Incoming {
  status: number;
  headers: HeaderFields;
  /** Must be iterated, read or discarded. */
  body: Arrival;
}

/** Who waits for a response, and is told what becomes of it. */
export interface Recipient {
  received(bytes: number): void;
  /** What to throw for a failure. */
  explain(error: unknown): unknown;
  /** Called once, whatever the end is. */
  ended(): void;
}

/** Bytes that may wait for their reader before the sender is held back. */
const WAITING_BYTES = 256 * 1024;
/**
 * What is left of a body that nobody wants is let in up to here, which is cheaper than a new
 * connection.
 */
const UNWANTED_BYTES = 64 * 1024;

/**
 * One response as it comes in, told of each part by the dispatcher: the head as a promise, the body
 * to be iterated, read whole, or discarded. Small bodies are mostly there when their head is, so
 * that reading them waits for nothing.
 */
export class Arrival implements AsyncIterable<Uint8Array> {
  readonly head: Promise<Incoming>;
  #begin: (head: Incoming) => void = () => {};
  #refuse: (error: unknown) => void = () => {};
  #flow: Flow | undefined;
  #chunks: Uint8Array[] = [];
  #waiting = 0;
  #paused = false;
  #unwanted = false;
  #unwantedBytes = 0;
  #over = false;
  #failure: { error: unknown } | undefined;
  #wake: (() => void) | undefined;

  constructor(private readonly recipient: Recipient) {
    this.head = new Promise<Incoming>((resolve, reject) => {
      this.#begin = resolve;
      this.#refuse = reject;
    });
  }

  /** Gives up what has not arrived; whoever waits for it gets `reason`, explained. */
  stop(reason: Error): void {
    if (this.#over) return;
    if (this.#flow === undefined) this.#end({ error: reason });
    else this.#flow.abort(reason);
  }

  onRequestStart(flow: Flow): void {
    this.#flow = flow;
    if (this.#over) flow.abort(new Error("given up before it began"));
  }

  onResponseStart(_flow: Flow, status: number, headers: RawHeaders): void {
    if (status >= 200) this.#begin({ status, headers: new Fields(headers), body: this });
  }

  onResponseData(flow: Flow, chunk: Uint8Array): void {
    this.recipient.received(chunk.byteLength);
    if (this.#unwanted) {
      this.#unwantedBytes += chunk.byteLength;
      if (this.#unwantedBytes > UNWANTED_BYTES) flow.abort(new Error("nobody wants the rest"));
      return;
    }
    this.#chunks.push(chunk);
    this.#waiting += chunk.byteLength;
    if (this.#waiting >= WAITING_BYTES) {
      this.#paused = true;
      flow.pause();
    }
    this.#wake?.();
  }

  onResponseEnd(): void {
    this.#end(undefined);
  }

  onResponseError(_flow: unknown, error: Error): void {
    this.#end({ error });
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array, undefined> {
    return {
      next: () => this.#next(),
      return: async () => {
        this.stop(new Error("the reader left"));
        return { done: true, value: undefined };
      },
    };
  }

  /**
   * The whole body. @returns undefined if it has more than `limit` bytes; the rest is not waited
   * for then
   */
  async bytes(limit: number): Promise<Uint8Array | undefined> {
    const chunks: Uint8Array[] = [];
    let size = 0;
    for (;;) {
      for (const chunk of this.#taken()) {
        size += chunk.byteLength;
        chunks.push(chunk);
      }
      if (size > limit) {
        this.stop(new Error("the body is too large"));
        return undefined;
      }
      if (this.#over) break;
      await this.#more();
    }
    if (this.#failure !== undefined) throw this.recipient.explain(this.#failure.error);
    const [only] = chunks;
    return chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks, size);
  }

  /** Whether all of it has arrived, or has failed to. */
  get over(): boolean {
    return this.#over;
  }

  /** Ends once the connection is free again, or closed. */
  async discard(): Promise<void> {
    this.#unwanted = true;
    this.#taken();
    while (!this.#over) await this.#more();
  }

  async #next(): Promise<IteratorResult<Uint8Array, undefined>> {
    for (;;) {
      const chunk = this.#chunks.shift();
      if (chunk !== undefined) {
        this.#waiting -= chunk.byteLength;
        if (this.#waiting < WAITING_BYTES / 2) this.#resume();
        return { done: false, value: chunk };
      }
      if (this.#failure !== undefined) throw this.recipient.explain(this.#failure.error);
      if (this.#over) return { done: true, value: undefined };
      await this.#more();
    }
  }

  #taken(): Uint8Array[] {
    const chunks = this.#chunks;
    this.#chunks = [];
    this.#waiting = 0;
    this.#resume();
    return chunks;
  }

  #resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#flow?.resume();
  }

  #more(): Promise<void> {
    // Letting more in may have brought it at once.
    if (this.#chunks.length > 0 || this.#over) return Promise.resolve();
    return new Promise((resolve) => {
      const before = this.#wake;
      this.#wake = () => {
        this.#wake = undefined;
        before?.();
        resolve();
      };
    });
  }

  #end(failure: { error: unknown } | undefined): void {
    if (this.#over) return;
    this.#over = true;
    this.#failure = failure;
    this.recipient.ended();
    if (failure !== undefined) this.#refuse(this.recipient.explain(failure.error));
    this.#wake?.();
  }
}

class Fields implements HeaderFields {
  constructor(private readonly raw: RawHeaders) {}

  get(name: string): string | undefined {
    const value = Object.hasOwn(this.raw, name) ? this.raw[name] : undefined;
    return typeof value === "object" ? value.join(", ") : value;
  }

  has(name: string): boolean {
    return this.get(name) !== undefined;
  }
}
