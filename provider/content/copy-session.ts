// SPDX-License-Identifier: Apache-2.0
import { isConsignError } from "../errors";
import type { Descriptor } from "../oci/descriptor";
import type { Digest } from "../oci/digest";
import { MEDIA_TYPES } from "../oci/media-types";
import { Turns } from "./bounded";
import { at, failureAt } from "./copy-graph";
import { emptyReport, type CopyAllOptions } from "./copy-options";
import type { CallOptions, Content, ReadStore, Store } from "./storage";
import { WholeContent } from "./whole-content";

/** Up to this size, sending a blob that is most likely not there is no dearer than asking first. */
const CHEAP_BYTES = 64 * 1024;

/**
 * What the batches of one copy share: the two ends, the blobs that have moved, the report, and the
 * first failure.
 */
export class CopySession {
  readonly report = emptyReport();
  readonly concurrency: number;
  readonly call: CallOptions;
  readonly #blobs = new Map<Digest, Promise<void>>();
  readonly #lost = new Set<Digest>();
  /** Blobs that the destination has shown. */
  readonly proven = new Set<Digest>();
  readonly #turns: Turns;
  #failure: { error: unknown } | undefined;

  constructor(
    readonly source: ReadStore,
    readonly destination: Store,
    readonly options: CopyAllOptions,
  ) {
    this.concurrency = options.concurrency ?? 8;
    this.#turns = new Turns(this.concurrency);
    this.call = { signal: options.signal };
  }

  /**
   * One operation at one of the ends, in its turn; none is started after the first failure. What
   * fails in it says at which end, and on what.
   */
  async io<T>(
    side: "source" | "destination",
    target: Descriptor,
    operation: () => Promise<T>,
  ): Promise<T> {
    if (!this.#turns.takeNow()) await this.#turns.take();
    try {
      this.#check();
      return await operation();
    } catch (error) {
      const failure =
        error === this.#failure?.error ? error : failureAt(error, side, this[side], target);
      if (!isConsignError(failure, "MANIFEST_UNKNOWN", "BLOB_UNKNOWN"))
        this.#failure ??= { error: failure };
      throw failure;
    } finally {
      this.#turns.leave();
    }
  }

  #check(): void {
    if (this.#failure === undefined && this.call.signal?.aborted === true)
      this.#failure = { error: this.call.signal.reason };
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  /**
   * Counts a manifest that the destination had taken and lost, once however often it had to be
   * written.
   */
  lost(digest: Digest): void {
    this.#lost.add(digest);
    this.report.repaired = this.#lost.size;
  }

  /** Sends a blob once. `fresh`: it belongs to a manifest that the destination does not have. */
  blob(target: Descriptor, fresh: boolean): Promise<void> {
    const running = this.#blobs.get(target.digest) ?? this.#writeBlob(target, fresh);
    this.#blobs.set(target.digest, running);
    return running;
  }

  /** Sends a blob that was taken and is not there, or that was never looked for. */
  async sendAgain(target: Descriptor): Promise<void> {
    this.#blobs.delete(target.digest);
    await this.blob(target, true);
  }

  async #writeBlob(target: Descriptor, fresh: boolean): Promise<void> {
    const absent =
      fresh &&
      this.options.resumes !== true &&
      target.size <= CHEAP_BYTES &&
      target.mediaType !== MEDIA_TYPES.empty;
    const open = async (): Promise<Content> => {
      const content = await at("source", this.source, target, () =>
        this.source.blob(target, this.call),
      );
      const seen = (bytes: number): void =>
        this.options.onProgress?.({ kind: "bytes", descriptor: target, bytes });
      if (!(content instanceof WholeContent)) return named(this.source, target, content, seen);
      if (target.size > 0) seen(target.size);
      return content;
    };
    const push = (from: () => Promise<Content>) =>
      this.destination.pushBlob(target, from, {
        ...this.call,
        from: this.options.mountFrom ?? this.source,
        absent,
      });
    let sent = false;
    try {
      sent = await this.io(
        "destination",
        target,
        () => this.options.sendBlob?.(target, open, push) ?? push(open),
      );
    } catch (error) {
      if (!isForeign(target) || !isConsignError(error, "BLOB_UNKNOWN") || error.side !== "source")
        throw error;
    }
    if (sent) {
      this.report.blobs++;
      this.report.bytes += target.size;
    } else {
      this.report.blobsSkipped++;
    }
    this.options.onProgress?.({
      kind: "blob",
      action: sent ? "copied" : "skipped",
      descriptor: target,
    });
  }
}

/** Layers that are meant to be fetched from elsewhere, and that a source need not have. */
function isForeign(target: Descriptor): boolean {
  return (
    (Array.isArray(target["urls"]) && target["urls"].length > 0) ||
    /nondistributable|\.foreign\./.test(target.mediaType)
  );
}

/**
 * Content whose failures are the source's, although they surface while the destination is being
 * written. `seen` is told how much of it has gone by.
 */
async function* named(
  source: ReadStore,
  target: Descriptor,
  content: Content,
  seen: (bytes: number) => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  const iterator = content[Symbol.asyncIterator]();
  let bytes = 0;
  try {
    for (;;) {
      const next = await nextOf(iterator, source, target);
      if (next.done) return;
      seen((bytes += next.value.byteLength));
      yield next.value;
    }
  } finally {
    await iterator.return?.();
  }
}

async function nextOf(
  iterator: AsyncIterator<Uint8Array>,
  source: ReadStore,
  target: Descriptor,
): Promise<IteratorResult<Uint8Array>> {
  try {
    return await iterator.next();
  } catch (error) {
    throw failureAt(error, "source", source, target);
  }
}
