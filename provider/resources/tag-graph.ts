// SPDX-License-Identifier: Apache-2.0
import { forEachBounded } from "../content/bounded";
import type { ReadStore } from "../content/storage";
import { isConsignError } from "../errors";
import type { Digest } from "../oci/digest";
import type { Manifest } from "../oci/manifest";

/** What is below tags: what they point at, and where that is an index, all that it contains. Each manifest is read once. */
export class TagGraph {
  readonly #manifests = new Map<string, Promise<Manifest | undefined>>();

  constructor(private readonly store: ReadStore) {}

  /** Of each digest that one of these references leads to, the first that does. */
  async below(references: readonly string[]): Promise<ReadonlyMap<Digest, string>> {
    const held = new Map<Digest, string>();
    const visit = async (reference: string, from: string): Promise<void> => {
      const manifest = await this.#manifest(reference);
      if (manifest === undefined || held.has(manifest.descriptor.digest)) return;
      held.set(manifest.descriptor.digest, from);
      if (manifest.kind === "index") for (const child of manifest.value.manifests) await visit(child.digest, from);
    };
    await forEachBounded(references, 8, (reference) => visit(reference, reference));
    return held;
  }

  #manifest(reference: string): Promise<Manifest | undefined> {
    const reading = this.#manifests.get(reference) ?? this.#read(reference);
    this.#manifests.set(reference, reading);
    return reading;
  }

  async #read(reference: string): Promise<Manifest | undefined> {
    try {
      return await this.store.manifest(reference);
    } catch (error) {
      if (isConsignError(error, "MANIFEST_UNKNOWN", "BLOB_UNKNOWN")) return undefined;
      throw error;
    }
  }
}
