// SPDX-License-Identifier: Apache-2.0
import type { CallOptions, Content, ReadStore } from "../../content/storage";
import { readSmall } from "../../content/verify";
import { WholeContent } from "../../content/whole-content";
import type { Descriptor } from "../../oci/descriptor";
import type { Digest } from "../../oci/digest";

const SMALL = 1024 * 1024;
const KEPT = 64 * 1024 * 1024;

/**
 * A source that several destinations are filled from: small blobs are read once for all of them and
 * kept, up to a bound. Larger ones are relayed, see BlobRelay.
 */
export class SharedSource implements ReadStore {
  readonly #blobs = new Map<Digest, Promise<Uint8Array>>();
  #kept = 0;

  constructor(private readonly source: ReadStore) {}

  get name(): string {
    return this.source.name;
  }

  resolve: ReadStore["resolve"] = (reference, options) => this.source.resolve(reference, options);
  manifest: ReadStore["manifest"] = (target, options) => this.source.manifest(target, options);
  has: ReadStore["has"] = (target, options) => this.source.has(target, options);
  referrers: ReadStore["referrers"] = (subject, options) => this.source.referrers(subject, options);
  tags: ReadStore["tags"] = (options) => this.source.tags(options);

  async blob(target: Descriptor, options?: CallOptions): Promise<Content> {
    const known = this.#blobs.get(target.digest);
    if (known === undefined && (target.size > SMALL || this.#kept + target.size > KEPT))
      return this.source.blob(target, options);
    const reading = known ?? this.#read(target);
    return new WholeContent(await reading, target.digest);
  }

  #read(target: Descriptor): Promise<Uint8Array> {
    // Not bound to one caller's signal: several wait for it.
    const reading = readSmall(this.source, target, SMALL);
    this.#kept += target.size;
    this.#blobs.set(target.digest, reading);
    reading.catch(() => {
      this.#kept -= target.size;
      this.#blobs.delete(target.digest);
    });
    return reading;
  }
}
