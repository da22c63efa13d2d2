// SPDX-License-Identifier: Apache-2.0
import type { CallOptions, Content, ReadStore } from "../../content/storage";
import { ConsignError, isConsignError } from "../../errors";
import type { Descriptor } from "../../oci/descriptor";
import { isDigest, type Digest } from "../../oci/digest";
import type { Manifest } from "../../oci/manifest";

/**
 * A source with the destinations behind it: what is gone there and kept here is read from whichever
 * of them still has it.
 */
export class KeptSource implements ReadStore {
  #opened: Promise<ReadStore[]> | undefined;

  /** @param withdrawn what is known to be gone at the source, and is not asked for there */
  constructor(
    private readonly source: ReadStore,
    private readonly places: () => Promise<ReadStore[]>,
    private readonly withdrawn: ReadonlySet<string>,
  ) {}

  get name(): string {
    return this.source.name;
  }

  resolve: ReadStore["resolve"] = (reference, options) => this.source.resolve(reference, options);
  has: ReadStore["has"] = (target, options) => this.source.has(target, options);
  referrers: ReadStore["referrers"] = (subject, options) => this.source.referrers(subject, options);
  tags: ReadStore["tags"] = (options) => this.source.tags(options);

  async manifest(target: Descriptor | string, options?: CallOptions): Promise<Manifest> {
    const digest = typeof target === "string" ? target : target.digest;
    if (!isDigest(digest)) return this.source.manifest(digest, options);
    return this.#first(digest, (store) => store.manifest(target, options));
  }

  async blob(target: Descriptor, options?: CallOptions): Promise<Content> {
    return this.#first(target.digest, (store) => store.blob(target, options));
  }

  async #first<T>(digest: Digest, read: (store: ReadStore) => Promise<T>): Promise<T> {
    let failure: ConsignError | undefined;
    if (!this.withdrawn.has(digest)) {
      try {
        return await read(this.source);
      } catch (error) {
        if (!isConsignError(error, "MANIFEST_UNKNOWN", "BLOB_UNKNOWN")) throw error;
        failure = error;
      }
    }
    let unreachable: ConsignError | undefined;
    for (const store of await (this.#opened ??= this.places())) {
      try {
        return await read(store);
      } catch (error) {
        if (!isConsignError(error)) throw error;
        if (!isConsignError(error, "MANIFEST_UNKNOWN", "BLOB_UNKNOWN")) unreachable ??= error;
      }
    }
    throw failure ?? unreachable ?? gone(this.name, digest);
  }
}

function gone(source: string, digest: Digest): ConsignError {
  return new ConsignError(
    "MANIFEST_UNKNOWN",
    `${digest} is gone at ${source} and at every destination: refresh, so that it is forgotten, or set withdrawn to "remove"`,
    { reference: `${source}@${digest}` },
  );
}
