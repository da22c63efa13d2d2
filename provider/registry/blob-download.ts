// SPDX-License-Identifier: Apache-2.0
import { verified, verifiedWhole } from "../content/verify";
import type { CallOptions, Content } from "../content/storage";
import { ConsignError } from "../errors";
import type { Descriptor } from "../oci/descriptor";
import { scopes } from "./auth/auth";
import type { Call, Connection } from "./transport/connection";
import { transferDeadline } from "./transport/limits";
import type { About } from "./transport/responses";
import { Patience, Transient } from "./transport/retry";
import type { Incoming } from "./transport/arrival";

/** Blobs up to this size are read at once when they are opened. */
const WHOLE_BYTES = 64 * 1024;

/** However much progress there is between them, a download is not resumed more often. */
const MAX_RESUMES = 50;

/**
 * Opens a blob: what is read is verified, and a broken connection is resumed where it broke.
 * @throws ConsignError `BLOB_UNKNOWN`; `DIGEST_MISMATCH`, `SIZE_MISMATCH` here for what is small,
 * else while iterating
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pulling-blobs
 */
export async function openBlob(
  connection: Connection,
  repository: string,
  target: Descriptor,
  options: CallOptions = {},
): Promise<Content> {
  if (target.size <= WHOLE_BYTES)
    return verifiedWhole(await readWhole(connection, repository, target, options.signal), target);
  const download = new Download(connection, repository, target, options.signal);
  await download.open();
  return verified(download, target);
}

/** @returns undefined if there are more bytes than announced */
function readWhole(
  connection: Connection,
  repository: string,
  target: Descriptor,
  signal: AbortSignal | undefined,
): Promise<Uint8Array | undefined> {
  return connection.repeat(async () => {
    const leave =
      connection.gate.enterNow("download") ?? (await connection.gate.enter("download", signal));
    const request = blobRequest(connection, repository, target, signal);
    try {
      const incoming = await connection.open(request);
      const bytes = await incoming.body.bytes(target.size);
      if (
        bytes !== undefined &&
        bytes.byteLength < target.size &&
        !incoming.headers.has("content-length")
      )
        throw brokenOff(target, bytes.byteLength, request.about);
      return bytes;
    } finally {
      leave();
    }
  }, signal);
}

function blobRequest(
  connection: Connection,
  repository: string,
  target: Descriptor,
  signal: AbortSignal | undefined,
): Call {
  return {
    method: "GET",
    url: `/v2/${repository}/blobs/${target.digest}`,
    scopes: [scopes.pull(repository)],
    ok: [200],
    about: { kind: "blob", reference: `${connection.registry}/${repository}@${target.digest}` },
    deadlineMs: transferDeadline(target.size, connection.limits),
    signal,
  };
}

/** A body of unknown length that is too short may have been cut on the way. */
function brokenOff(
  { size }: Descriptor,
  after: number,
  { reference }: Pick<About, "reference">,
): Transient {
  return new Transient(
    new ConsignError("SIZE_MISMATCH", `${reference} ended after ${after} of ${size} bytes`, {
      reference,
    }),
  );
}

class Download implements AsyncIterable<Uint8Array> {
  readonly #about: About;
  #leave: (() => void) | undefined;
  #incoming: Incoming | undefined;
  /**
   * Ends a download that was opened and not read, so that it holds no place for ever. Reading it
   * later opens it again.
   */
  #unread: NodeJS.Timeout | undefined;

  constructor(
    readonly connection: Connection,
    readonly repository: string,
    readonly target: Descriptor,
    readonly signal: AbortSignal | undefined,
  ) {
    this.#about = {
      kind: "blob",
      reference: `${connection.registry}/${repository}@${target.digest}`,
    };
  }

  async open(): Promise<void> {
    try {
      this.#incoming = await this.connection.repeat(() => this.#request(0), this.signal);
    } catch (error) {
      this.#close();
      throw error;
    }
    this.#unread = setTimeout(() => this.#close(), this.connection.limits.idleTimeoutMs).unref();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    clearTimeout(this.#unread);
    const patience = new Patience(this.connection.limits);
    let offset = 0;
    try {
      for (let resumes = 0; ; resumes += 1) {
        try {
          const incoming = this.#incoming ?? (await this.#request(offset));
          this.#incoming = undefined;
          // A registry that ignores Range begins anew.
          let skip = incoming.status === 206 ? 0 : offset;
          for await (const chunk of incoming.body) {
            const fresh = chunk.subarray(Math.min(skip, chunk.byteLength));
            skip -= chunk.byteLength - fresh.byteLength;
            if (fresh.byteLength === 0) continue;
            offset += fresh.byteLength;
            patience.renew();
            yield fresh;
          }
          // A body of known length that ended is all there is; its size is judged by the reader.
          if (offset >= this.target.size || incoming.headers.has("content-length")) return;
          throw brokenOff(this.target, offset, this.#about);
        } catch (failure) {
          if (!(failure instanceof Transient)) throw failure;
          if (resumes >= MAX_RESUMES) throw failure.error;
          await this.connection.pause(failure, patience, this.signal);
        }
      }
    } finally {
      this.#close();
    }
  }

  async #request(offset: number): Promise<Incoming> {
    const { connection, signal } = this;
    if (this.#leave === undefined) this.#leave = await connection.gate.enter("download", signal);
    else await connection.gate.turn(signal);
    const call = blobRequest(connection, this.repository, this.target, signal);
    const incoming = await connection.open(
      offset === 0 ? call : { ...call, headers: { range: `bytes=${offset}-` }, ok: [200, 206] },
    );
    if (
      incoming.status === 206 &&
      !incoming.headers.get("content-range")?.startsWith(`bytes ${offset}-`)
    ) {
      await incoming.body.discard();
      throw new ConsignError(
        "REGISTRY_RESPONSE_INVALID",
        `${this.#about.reference}: a range from ${offset} was asked for, and another one came`,
        this.#about,
      );
    }
    return incoming;
  }

  #close(): void {
    clearTimeout(this.#unread);
    const [unread, leave] = [this.#incoming, this.#leave];
    this.#incoming = undefined;
    this.#leave = undefined;
    // The place is free when its connection is.
    if (unread === undefined) leave?.();
    else void unread.body.discard().finally(() => leave?.());
  }
}
