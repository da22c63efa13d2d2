// SPDX-License-Identifier: Apache-2.0
import type { CallOptions, TagOptions } from "../content/storage";
import { ConsignError } from "../errors";
import type { Digest } from "../oci/digest";
import type { Manifest } from "../oci/manifest";
import { wait } from "./transport/gate";
import { Locks } from "./locks";
import { isCanonical, type Located, type Manifests } from "./manifests";
import { backoff } from "./transport/retry";

/** Moves and removes tags of one repository, one move of a tag at a time in this process. */
export class TagMoves {
  readonly #locks = new Locks();

  constructor(readonly manifests: Manifests) {}

  /**
   * Points a tag at a manifest and reads it back. With `expected` the tag is read first and left
   * alone if it is elsewhere; a registry that gives entity tags refuses the write if the tag moves
   * in between, on others that moment stays open.
   * @throws ConsignError `TAG_MOVED`, `READ_BACK_FAILED`, `REGISTRY_UNSUPPORTED` for a digest that
   * the registry does not tag
   */
  async move(manifest: Manifest, tag: string, options: TagOptions): Promise<void> {
    await this.#locks.hold(tag, async () => {
      if (!("expected" in options)) {
        await this.manifests.put(manifest, tag, options);
        return this.#confirm(manifest, tag, undefined, options);
      }
      const { expected } = options;
      const before = await this.manifests.head(tag, options);
      if (before?.descriptor.digest === manifest.descriptor.digest) return;
      if (before?.descriptor.digest !== expected)
        throw this.#moved(tag, expected, before?.descriptor.digest);
      const { moved } = await this.manifests.put(manifest, tag, {
        ...options,
        condition: isCanonical(manifest) ? conditionFor(before) : undefined,
      });
      if (moved) {
        const now = await this.manifests.head(tag, options);
        // A repeated request may have met its own success.
        if (now?.descriptor.digest !== manifest.descriptor.digest)
          throw this.#moved(tag, expected, now?.descriptor.digest);
        return;
      }
      await this.#confirm(manifest, tag, { expected }, options);
    });
  }

  /** Deletes a tag, never what it points at. @throws ConsignError `REGISTRY_UNSUPPORTED` */
  async remove(tag: string, options: CallOptions): Promise<void> {
    await this.#locks.hold(tag, async () => {
      let status = 0;
      // Some registries answer 202 or 404 and keep the tag, be it only once.
      for (let tried = 0; tried < 2; tried += 1) {
        status = await this.manifests.delete(tag, { ...options, ok: [400, 405, 501] });
        if (status >= 400 && status !== 404) break;
        if (!(await this.manifests.isThere(tag, options))) return;
      }
      const reference = this.manifests.reference(tag);
      throw new ConsignError(
        "REGISTRY_UNSUPPORTED",
        `${reference}: this registry does not remove a tag alone (answer ${status}); remove it by the registry's own means, or let onDelete retain it`,
        {
          reference,
          status,
        },
      );
    });
  }

  async #confirm(
    manifest: Manifest,
    tag: string,
    conditional: { expected: Digest | undefined } | undefined,
    options: CallOptions,
  ): Promise<void> {
    const { limits } = this.manifests.connection;
    const { digest } = manifest.descriptor;
    let found: Digest | undefined;
    for (let tried = 0; tried < limits.readBackTries; tried += 1) {
      found = (await this.manifests.head(tag, options))?.descriptor.digest;
      if (found === digest) return;
      if (conditional !== undefined && found !== undefined && found !== conditional.expected)
        throw this.#moved(tag, digest, found);
      await wait(
        backoff(tried, { backoffMs: limits.readBackMs, backoffCapMs: limits.backoffCapMs }),
        options.signal,
      );
    }
    const reference = this.manifests.reference(tag);
    if (!isCanonical(manifest))
      throw new ConsignError(
        "REGISTRY_UNSUPPORTED",
        `${reference} was left alone: this registry tags manifests by sha256 only, and this one is ${digest}; name it by its digest, without a tag`,
        { reference },
      );
    throw new ConsignError(
      "READ_BACK_FAILED",
      `${reference} was pointed at ${digest}, and ${found === undefined ? "does not exist" : `is at ${found}`} afterwards`,
      { reference },
    );
  }

  #moved(tag: string, expected: Digest | undefined, found: Digest | undefined): ConsignError {
    const reference = this.manifests.reference(tag);
    return new ConsignError(
      "TAG_MOVED",
      `${reference} is ${found === undefined ? "gone" : `at ${found}`}, not ${expected === undefined ? "absent" : `at ${expected}`}; it was left alone: run again to plan anew`,
      {
        reference,
      },
    );
  }
}

function conditionFor(before: Located | undefined): Record<string, string> | undefined {
  if (before === undefined) return { "if-none-match": "*" };
  return before.etag === undefined ? undefined : { "if-match": before.etag };
}
