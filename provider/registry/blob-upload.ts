// SPDX-License-Identifier: Apache-2.0
import type { CallOptions, Content } from "../content/storage";
import { withOwnScheme } from "./own-scheme";
import { isLoopback } from "./settings";
import { WholeContent } from "../content/whole-content";
import { ConsignError } from "../errors";
import type { Descriptor } from "../oci/descriptor";
import { isDigest } from "../oci/digest";
import { MEDIA_TYPES } from "../oci/media-types";
import { scopes } from "./auth/auth";
import { ContentCursor } from "./content-cursor";
import type { Answer, Call, Connection } from "./transport/connection";
import { transferDeadline } from "./transport/limits";
import type { About } from "./transport/responses";
import { Patience, Transient } from "./transport/retry";

/** An upload session: where it goes on, and the least size of a chunk that the registry takes. */
export interface Session {
  url: URL;
  minChunk: number;
}

/** Finishing a large blob makes some registries read all of it again. */
const FINISH_FACTOR = 5;

/**
 * One attempt to send one blob. It goes whole with the request that ends its upload, as chunks cost
 * a registry that has to put them together dear and few connections break. Once one has, a large
 * one goes on in chunks, from where it broke where the registry knows that. Throws Transient where
 * a new attempt, with a new session, may succeed.
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-blobs
 */
export class BlobUpload {
  readonly #about: About;
  /** Sending it whole has failed before. */
  #broke = false;

  constructor(
    readonly connection: Connection,
    readonly repository: string,
    readonly target: Descriptor,
    readonly open: () => Promise<Content>,
    readonly options: CallOptions,
  ) {
    this.#about = {
      kind: "upload",
      reference: `${connection.registry}/${repository}@${target.digest}`,
    };
  }

  async start(): Promise<Session> {
    return this.session(
      await this.#call({ method: "POST", url: `/v2/${this.repository}/blobs/uploads/`, ok: [202] }),
    );
  }

  /**
   * Sends a small blob in one request, which registries need not offer. What was sent in vain is
   * little, and it is not tried again there.
   * @returns whether it is there now
   * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#single-post
   */
  async sendAtOnce(): Promise<boolean> {
    const content = await this.open();
    const parts: Uint8Array[] = [];
    if (!(content instanceof WholeContent)) for await (const chunk of content) parts.push(chunk);
    const answer = await this.#call({
      method: "POST",
      url: `/v2/${this.repository}/blobs/uploads/?digest=${encodeURIComponent(this.target.digest)}`,
      headers: { "content-type": MEDIA_TYPES.octetStream },
      body: content instanceof WholeContent ? content.bytes : Buffer.concat(parts),
      deadlineMs: transferDeadline(this.target.size, this.connection.limits),
      ok: [201, 202, 400, 404, 405, 411, 413, 415, 422, 501],
    });
    if (answer.status === 201) {
      this.#checkStored(answer);
      return true;
    }
    this.connection.takesBlobInOneRequest = false;
    return false;
  }

  /**
   * Reads a session out of a 202. @throws ConsignError `REGISTRY_RESPONSE_INVALID`,
   * `REDIRECT_REFUSED`
   */
  session(answer: Answer): Session {
    const location = answer.headers.get("location");
    if (location === undefined || !URL.canParse(location, answer.address.href))
      throw this.#failed("REGISTRY_RESPONSE_INVALID", "the upload session has no usable Location");
    const { origin } = this.connection;
    const url = withOwnScheme(new URL(location, answer.address.url), origin);
    const isOwn = url.origin === origin.origin;
    // Credentials stay at the registry in any case; content leaves it by https alone.
    const mayLeave = url.protocol === "https:" || (!isSecure(origin) && isLoopback(url.hostname));
    if (!isOwn && !mayLeave) {
      throw this.#failed(
        "REDIRECT_REFUSED",
        `the upload session leads to ${url.protocol}//${url.host}, and content goes to another host by https alone; is the registry behind a proxy that it does not know of?`,
      );
    }
    url.hash = "";
    const minimum = Number(answer.headers.get("oci-chunk-min-length") ?? 0);
    return { url, minChunk: Number.isSafeInteger(minimum) ? minimum : 0 };
  }

  async send(session: Session): Promise<void> {
    const { size } = this.target;
    const { connection } = this;
    const isLarge =
      size >= connection.limits.chunkedFromBytes ||
      (!connection.takesAnySize && size > connection.limits.chunkBytes);
    if (isLarge && (this.#broke || !connection.takesAnySize))
      return this.#finish(await this.#sendChunks(session, 0));
    try {
      await this.#finish(session.url, { content: await this.open(), length: size });
    } catch (failure) {
      if (!isLarge || !(failure instanceof Transient)) throw failure;
      this.#broke = true;
      await this.connection.pause(failure, new Patience(connection.limits), this.options.signal);
      const { url, offset } = await this.#progress(session.url, 0, size);
      await this.#finish(await this.#sendChunks({ ...session, url }, offset));
    }
  }

  async #sendChunks(session: Session, from: number): Promise<URL> {
    const { size } = this.target;
    const chunkSize = Math.max(this.connection.limits.chunkBytes, session.minChunk);
    let url = session.url;
    let cursor: ContentCursor | undefined;
    let offset = from;
    const patience = new Patience(this.connection.limits);
    try {
      while (offset < size) {
        const length = Math.min(chunkSize, size - offset);
        try {
          cursor ??= await ContentCursor.at(this.open, offset);
          const answer = await this.#patch(url, cursor, offset, length);
          url = this.session(answer).url;
          offset += length;
          patience.renew();
        } catch (failure) {
          await cursor?.close();
          cursor = undefined;
          if (!(failure instanceof Transient)) throw failure;
          await this.connection.pause(failure, patience, this.options.signal);
          ({ url, offset } = await this.#progress(url, offset, offset + length));
        }
      }
      return url;
    } finally {
      await cursor?.close();
    }
  }

  #patch(url: URL, cursor: ContentCursor, offset: number, length: number): Promise<Answer> {
    return this.#call({
      method: "PATCH",
      url,
      headers: {
        "content-type": MEDIA_TYPES.octetStream,
        "content-range": `${offset}-${offset + length - 1}`,
      },
      body: { content: cursor.take(length), length },
      deadlineMs: transferDeadline(length, this.connection.limits),
      // Some registries answer "resume incomplete" to every chunk but the last.
      ok: [202, 308],
    });
  }

  /**
   * Asks how much of the session arrived: at least `sent`, at most `end`. Anything else makes the
   * session worthless.
   */
  async #progress(url: URL, sent: number, end: number): Promise<{ url: URL; offset: number }> {
    const answer = await this.#call({ method: "GET", url, ok: [204, 400, 404, 405, 416] });
    const last = /^(?:bytes=)?0-(\d+)$/.exec(answer.headers.get("range") ?? "")?.[1];
    // `0-0` means one byte or none; nobody sends a chunk of one byte.
    const offset = last === undefined || last === "0" ? 0 : Number(last) + 1;
    if (answer.status !== 204 || offset < sent || offset > end)
      throw new Transient(this.#failed("REGISTRY_FAILED", "the registry lost the upload session"));
    return { url: answer.headers.has("location") ? this.session(answer).url : url, offset };
  }

  async #finish(url: URL, body?: { content: Content; length: number }): Promise<void> {
    const { size, digest } = this.target;
    const { limits } = this.connection;
    const answer = await this.#call({
      method: "PUT",
      // The query stays byte for byte as the registry wrote it: it may be signed.
      url: new URL(
        `${url.href}${url.search === "" ? "?" : "&"}digest=${encodeURIComponent(digest)}`,
      ),
      headers: { "content-type": MEDIA_TYPES.octetStream },
      ...(body === undefined ? {} : { body }),
      deadlineMs: transferDeadline(size, limits) + limits.idleTimeoutMs * FINISH_FACTOR,
      answerTimeoutMs: limits.idleTimeoutMs * FINISH_FACTOR,
      ok: size > limits.chunkBytes ? [201, 404, 413, 416] : [201, 404, 416],
    });
    if (answer.status === 413) this.connection.takesAnySize = false;
    if (answer.status !== 201)
      throw new Transient(
        this.#failed(
          "REGISTRY_FAILED",
          answer.status === 413
            ? `the registry does not take ${size} bytes in one request`
            : "the registry lost the upload session",
        ),
      );
    this.#checkStored(answer);
  }

  #checkStored(answer: Answer): void {
    const { digest } = this.target;
    const stored = answer.headers.get("docker-content-digest")?.trim();
    if (isDigest(stored) && stored.split(":")[0] === digest.split(":")[0] && stored !== digest) {
      throw this.#failed("DIGEST_MISMATCH", `the registry stored ${stored}`);
    }
  }

  #call(call: Omit<Call, "scopes" | "about" | "signal">): Promise<Answer> {
    return this.connection.call({
      ...call,
      scopes: [scopes.push(this.repository)],
      about: this.#about,
      signal: this.options.signal,
    });
  }

  #failed(
    code: "REGISTRY_RESPONSE_INVALID" | "REDIRECT_REFUSED" | "REGISTRY_FAILED" | "DIGEST_MISMATCH",
    what: string,
  ): ConsignError {
    return new ConsignError(code, `${this.#about.reference}: ${what}`, {
      reference: this.#about.reference,
    });
  }
}

function isSecure({ protocol }: URL): boolean {
  return protocol === "https:";
}
