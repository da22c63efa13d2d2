// SPDX-License-Identifier: Apache-2.0
import type { CallOptions } from "../content/storage";
import { ConsignError } from "../errors";
import type { Descriptor } from "../oci/descriptor";
import { algorithmOf, digestOf, isDigest, type Digest } from "../oci/digest";
import { MAX_MANIFEST_SIZE, parseManifest, type Manifest } from "../oci/manifest";
import { bygoneManifest, isManifestType, MANIFEST_ACCEPT } from "../oci/media-types";
import { believeAbsence } from "./absence";
import { scopes } from "./auth/auth";
import type { Answer, Connection } from "./transport/connection";
import type { About } from "./transport/responses";

/** A manifest's state under a tag or digest. `etag` is a strong entity tag, usable in If-Match. */
export interface Located {
  descriptor: Descriptor;
  etag: string | undefined;
}

export interface PutOptions extends CallOptions {
  /** `If-Match` or `If-None-Match`, for registries that know them. */
  condition?: Record<string, string> | undefined;
}

interface DeleteOptions extends CallOptions {
  /** Statuses that are answers as well. */
  ok?: readonly number[];
}

/**
 * The manifests endpoint of one repository, request by request, without memory.
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pulling-manifests
 */
export class Manifests {
  constructor(
    readonly connection: Connection,
    readonly repository: string,
  ) {}

  reference(tagOrDigest: string): string {
    return `${this.connection.registry}/${this.repository}${isDigest(tagOrDigest) ? "@" : ":"}${tagOrDigest}`;
  }

  /**
   * HEAD, or GET where the HEAD leaves something out. @returns undefined if it is definitely not
   * there
   */
  async head(tagOrDigest: string, options: CallOptions = {}): Promise<Located | undefined> {
    const answer = await this.connection.call({
      method: "HEAD",
      url: this.#path(tagOrDigest),
      headers: { accept: MANIFEST_ACCEPT },
      scopes: [scopes.pull(this.repository)],
      ok: [200, 404],
      about: this.#about(tagOrDigest),
      signal: options.signal,
    });
    if (answer.status === 404) return this.#absent(answer, "HEAD", tagOrDigest);
    const mediaType = mediaTypeOf(answer);
    const size = Number(answer.headers.get("content-length") ?? NaN);
    const claimed = this.#digestHeader(answer, tagOrDigest);
    // Asked for by sha512, some registries say which sha256 the same bytes have.
    const digest = isDigest(tagOrDigest) ? tagOrDigest : claimed;
    if (
      digest === undefined ||
      !isManifestType(mediaType) ||
      !Number.isSafeInteger(size) ||
      size <= 0
    ) {
      const read = await this.get(tagOrDigest, options);
      return read && { descriptor: read.manifest.descriptor, etag: read.etag };
    }
    return { descriptor: { mediaType, digest, size }, etag: strongEtag(answer) };
  }

  /**
   * @returns undefined if it is definitely not there @throws ConsignError `DIGEST_MISMATCH`,
   * `MANIFEST_TOO_LARGE`, `MANIFEST_INVALID`, `REGISTRY_RESPONSE_INVALID`
   */
  async get(
    tagOrDigest: string,
    options: CallOptions = {},
  ): Promise<{ manifest: Manifest; etag: string | undefined } | undefined> {
    const about = this.#about(tagOrDigest);
    const answer = await this.connection.call({
      method: "GET",
      url: this.#path(tagOrDigest),
      headers: { accept: MANIFEST_ACCEPT },
      scopes: [scopes.pull(this.repository)],
      ok: [200, 404],
      about,
      maxBytes: MAX_MANIFEST_SIZE,
      tooLarge: "MANIFEST_TOO_LARGE",
      signal: options.signal,
    });
    if (answer.status === 404) return this.#absent(answer, "GET", tagOrDigest);
    const mediaType = mediaTypeOf(answer);
    const bygone = bygoneManifest(mediaType);
    if (bygone !== undefined)
      throw new ConsignError(
        "MANIFEST_INVALID",
        `${about.reference} is a manifest of a kind that is not read, ${bygone} (${mediaType}); push it again as an OCI image manifest`,
        { reference: about.reference },
      );
    if (!isManifestType(mediaType))
      throw this.#invalid(
        about,
        `was answered with content type "${mediaType}", which is no manifest's`,
      );
    const claimed = this.#digestHeader(answer, tagOrDigest);
    const asked = isDigest(tagOrDigest) ? tagOrDigest : claimed;
    const digest = digestOf(answer.bytes, asked === undefined ? "sha256" : algorithmOf(asked));
    if (isDigest(tagOrDigest) && digest !== tagOrDigest) {
      throw new ConsignError(
        "DIGEST_MISMATCH",
        `${about.reference}: the bytes that came have the digest ${digest}; the registry or something on the way changed them`,
        about,
      );
    }
    if (
      claimed !== undefined &&
      claimed !== digest &&
      claimed !== digestOf(answer.bytes, algorithmOf(claimed))
    )
      throw this.#invalid(
        about,
        `has the digest ${digest}, but Docker-Content-Digest says ${claimed}`,
      );
    try {
      return { manifest: parseManifest(answer.bytes, mediaType, digest), etag: strongEtag(answer) };
    } catch (error) {
      throw error instanceof ConsignError ? error.within({ reference: about.reference }) : error;
    }
  }

  /**
   * Puts a manifest under its digest or a tag. A registry gives what comes under a tag alone a
   * sha256 digest, which is not that of what was signed by another one: then the tag goes along
   * with the digest.
   * @see https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pushing-manifests
   * @returns `moved` if the condition no longer holds (412); `subject`, the digest in `OCI-Subject`
   * where the registry sent one
   */
  async put(
    manifest: Manifest,
    tagOrDigest: string,
    options: PutOptions = {},
  ): Promise<{ moved: boolean; subject: string | undefined }> {
    const about = this.#about(tagOrDigest);
    if (manifest.bytes.byteLength > MAX_MANIFEST_SIZE) {
      throw new ConsignError(
        "MANIFEST_TOO_LARGE",
        `${about.reference} has ${manifest.bytes.byteLength} bytes; registries take at most ${MAX_MANIFEST_SIZE}`,
        about,
      );
    }
    const conditional = options.condition !== undefined;
    const answer = await this.connection.call({
      method: "PUT",
      url:
        isDigest(tagOrDigest) || isCanonical(manifest)
          ? this.#path(tagOrDigest)
          : `${this.#path(manifest.descriptor.digest)}?tag=${tagOrDigest}`,
      headers: { "content-type": manifest.descriptor.mediaType, ...options.condition },
      body: manifest.bytes,
      scopes: [scopes.push(this.repository)],
      ok: conditional ? [201, 412] : [201],
      about,
      signal: options.signal,
    });
    if (answer.status === 412) return { moved: true, subject: undefined };
    const stored = this.#digestHeader(answer, tagOrDigest);
    if (
      stored !== undefined &&
      algorithmOf(stored) === algorithmOf(manifest.descriptor.digest) &&
      stored !== manifest.descriptor.digest
    ) {
      throw new ConsignError(
        "DIGEST_MISMATCH",
        `${about.reference}: the registry stored ${stored} instead of ${manifest.descriptor.digest}`,
        about,
      );
    }
    return { moved: false, subject: answer.headers.get("oci-subject") };
  }

  /**
   * Absent is fine; what is "not there" and is found all the same is asked for once more.
   * @returns the status: 202, 404, or one of those that `ok` adds
   */
  async delete(tagOrDigest: string, options: DeleteOptions = {}): Promise<number> {
    const status = await this.#delete(tagOrDigest, options);
    return status === 404 && (await this.isThere(tagOrDigest, options))
      ? this.#delete(tagOrDigest, options)
      : status;
  }

  /** Not so only where it is missing twice. */
  async isThere(tagOrDigest: string, options: CallOptions = {}): Promise<boolean> {
    for (let look = 0; look < 2; look += 1)
      if ((await this.head(tagOrDigest, options)) !== undefined) return true;
    return false;
  }

  async #delete(tagOrDigest: string, options: DeleteOptions): Promise<number> {
    const answer = await this.connection.call({
      method: "DELETE",
      url: this.#path(tagOrDigest),
      scopes: [scopes.delete(this.repository)],
      ok: [200, 202, 204, 404, ...(options.ok ?? [])],
      about: this.#about(tagOrDigest),
      signal: options.signal,
    });
    if (answer.status === 404) await this.#absent(answer, "DELETE", tagOrDigest);
    return answer.status;
  }

  async #absent(answer: Answer, method: string, tagOrDigest: string): Promise<undefined> {
    await believeAbsence(this.connection, answer, method, this.#about(tagOrDigest));
    return undefined;
  }

  #path(tagOrDigest: string): string {
    return `/v2/${this.repository}/manifests/${tagOrDigest}`;
  }

  #about(tagOrDigest: string): About {
    return { kind: "manifest", reference: this.reference(tagOrDigest) };
  }

  #digestHeader(answer: Answer, asked: string): Digest | undefined {
    const header = answer.headers.get("docker-content-digest")?.trim();
    if (header === undefined || header === "") return undefined;
    const about = this.#about(asked);
    if (!isDigest(header))
      throw this.#invalid(about, "was answered with a Docker-Content-Digest that is no digest");
    if (isDigest(asked) && algorithmOf(asked) === algorithmOf(header) && asked !== header)
      throw this.#invalid(about, `was asked for, but Docker-Content-Digest says ${header}`);
    return header;
  }

  #invalid(about: About, what: string): ConsignError {
    return new ConsignError("REGISTRY_RESPONSE_INVALID", `${about.reference} ${what}`, {
      reference: about.reference,
    });
  }
}

/** Whether a manifest that is put under a tag has the digest that the registry will give it. */
export function isCanonical({ descriptor }: Manifest): boolean {
  return algorithmOf(descriptor.digest) === "sha256";
}

function mediaTypeOf(answer: Answer): string {
  return answer.headers.get("content-type")?.split(";")[0]?.trim() ?? "";
}

/**
 * A weak entity tag never matches in If-Match. @see
 * https://www.rfc-editor.org/rfc/rfc9110#section-13.1.1
 */
function strongEtag(answer: Answer): string | undefined {
  const etag = answer.headers.get("etag");
  return etag !== undefined && /^"[\x21\x23-\x7e]+"$/.test(etag) ? etag : undefined;
}
