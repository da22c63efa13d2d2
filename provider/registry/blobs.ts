// SPDX-License-Identifier: Apache-2.0
import type { CallOptions, Content } from "../content/storage";
import { ConsignError, isConsignError } from "../errors";
import type { Descriptor } from "../oci/descriptor";
import { believeAbsence } from "./absence";
import { scopes } from "./auth/auth";
import { openBlob } from "./blob-download";
import { BlobUpload, type Session } from "./blob-upload";
import type { Answer, Connection } from "./transport/connection";
import type { About } from "./transport/responses";

/**
 * Blobs up to this size are sent with the request that asks for the upload. Where that is not
 * offered, this much may be sent in vain, once.
 */
const ONE_REQUEST_BYTES = 4 * 1024 * 1024;

/** The blobs endpoints of one repository, without memory. */
export class Blobs {
  constructor(
    readonly connection: Connection,
    readonly repository: string,
  ) {}

  async has(target: Descriptor, options: CallOptions = {}): Promise<boolean> {
    const about = this.#about(target);
    const ask = (method: "HEAD" | "GET", headers: Record<string, string> = {}): Promise<Answer> =>
      this.connection.call({
        method,
        url: this.#path(target),
        headers,
        scopes: [scopes.pull(this.repository)],
        ok: method === "HEAD" ? [200, 404] : [200, 206, 404],
        about,
        signal: options.signal,
      });
    const answer = await ask("HEAD").catch(async (failure: unknown) => {
      // Where the registry leads to a store by a URL that is signed for GET, that refuses a HEAD.
      if (!isConsignError(failure) || ![400, 403, 405, 501].includes(failure.status ?? 0))
        throw failure;
      if (target.size === 0) throw failure;
      return ask("GET", { range: "bytes=0-0" }).catch(() => {
        throw failure;
      });
    });
    if (answer.status === 404) await believeAbsence(this.connection, answer, "HEAD", about);
    return answer.status === 200 || answer.status === 206;
  }

  async open(target: Descriptor, options: CallOptions = {}): Promise<Content> {
    try {
      return await openBlob(this.connection, this.repository, target, options);
    } catch (error) {
      // Where no list of errors says that a registry answered, it is asked in a way that tells.
      const isDoubtful =
        isConsignError(error, "BLOB_UNKNOWN") &&
        error.serverCodes.length === 0 &&
        (await this.has(target, options));
      if (!isDoubtful) throw error;
      const { reference } = this.#about(target);
      throw new ConsignError(
        "REGISTRY_RESPONSE_INVALID",
        `${reference}: HEAD says that it is there, and GET was answered with 404; run again, and look at what lies on the way if it stays so`,
        { reference, status: 404, cause: error },
      );
    }
  }

  /**
   * Sends a blob that is not there, or mounts it from another repository of this registry. @returns
   * whether bytes were sent
   */
  async push(
    target: Descriptor,
    open: () => Promise<Content>,
    from: string | undefined,
    options: CallOptions = {},
  ): Promise<boolean> {
    const upload = new BlobUpload(this.connection, this.repository, target, open, options);
    const mounted =
      from === undefined ? undefined : await this.#mount(target, from, upload, options);
    if (mounted === "mounted") return false;
    const { limits, takesBlobInOneRequest } = this.connection;
    const atOnce =
      mounted === undefined &&
      takesBlobInOneRequest &&
      target.size <= ONE_REQUEST_BYTES &&
      target.size < limits.chunkedFromBytes;
    if (atOnce && (await upload.sendAtOnce())) return true;
    await this.connection.repeat(async (tried) => {
      // The answer may have been lost, not the blob.
      if (tried > 0 && (await this.has(target, options))) return;
      await upload.send(tried === 0 && mounted !== undefined ? mounted : await upload.start());
    }, options.signal);
    return true;
  }

  /**
   * @returns the session that the registry opened instead, or undefined if it refuses: then the
   * blob is sent
   * @see
   * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#mounting-a-blob-from-another-repository
   */
  async #mount(
    target: Descriptor,
    from: string,
    upload: BlobUpload,
    options: CallOptions,
  ): Promise<"mounted" | Session | undefined> {
    try {
      const answer = await this.connection.call({
        method: "POST",
        url: `/v2/${this.repository}/blobs/uploads/?mount=${encodeURIComponent(target.digest)}&from=${encodeURIComponent(from)}`,
        scopes: [scopes.push(this.repository), scopes.pull(from)],
        ok: [201, 202, 400, 404, 405],
        about: this.#about(target),
        signal: options.signal,
      });
      if (answer.status === 201) return "mounted";
      return answer.status === 202 ? upload.session(answer) : undefined;
    } catch (error) {
      // No right to pull from there through this registry; the caller can read the blob, so it is
      // sent.
      if (isConsignError(error, "REGISTRY_DENIED", "REGISTRY_UNAUTHORIZED")) return undefined;
      throw error;
    }
  }

  /** Absent is fine. @throws ConsignError `REGISTRY_UNSUPPORTED` */
  /** Absent is fine; what is "not there" and is found all the same is asked for once more. */
  async delete(target: Descriptor, options: CallOptions = {}): Promise<void> {
    if ((await this.#delete(target, options)) !== 404) return;
    for (let look = 0; look < 2; look += 1)
      if (await this.has(target, options)) return void (await this.#delete(target, options));
  }

  async #delete(target: Descriptor, options: CallOptions): Promise<number> {
    const about = this.#about(target);
    const answer = await this.connection.call({
      method: "DELETE",
      url: this.#path(target),
      scopes: [scopes.delete(this.repository)],
      ok: [200, 202, 204, 400, 404, 405],
      about,
      signal: options.signal,
    });
    if (answer.status === 404) await believeAbsence(this.connection, answer, "DELETE", about);
    if (answer.status === 400 || answer.status === 405) {
      throw new ConsignError(
        "REGISTRY_UNSUPPORTED",
        `${about.reference}: this registry does not delete blobs; they go with its own garbage collection`,
        {
          reference: about.reference,
          status: answer.status,
        },
      );
    }
    return answer.status;
  }

  #path(target: Descriptor): string {
    return `/v2/${this.repository}/blobs/${target.digest}`;
  }

  #about(target: Descriptor): About {
    return {
      kind: "blob",
      reference: `${this.connection.registry}/${this.repository}@${target.digest}`,
    };
  }
}
