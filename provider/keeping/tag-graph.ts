// SPDX-License-Identifier: Apache-2.0
import { forEachBounded } from "../content/bounded";
import type { ReadStore } from "../content/storage";
import { isConsignError } from "../errors";
import type { Digest } from "../oci/digest";
import type { Manifest } from "../oci/manifest";
import { isTag } from "../oci/reference";

/**
 * What is below tags: what they point at, and where that is an index, all that it contains. Each
 * manifest is read once.
 */
export class TagGraph {
  readonly #manifests = new Map<string, Promise<Manifest | undefined>>();

  constructor(private readonly store: ReadStore) {}

  /** A place without any tag is looked at twice, as everything there would be nobody's. */
  async tags(): Promise<string[]> {
    const there = await this.store.tags({ fresh: true });
    return there.length > 0 ? there : this.store.tags({ fresh: true });
  }

  /** Of each digest that one of these references leads to, the first that does. */
  async below(references: readonly string[]): Promise<ReadonlyMap<Digest, string>> {
    const held = new Map<Digest, string>();
    const visit = async (reference: string, from: string): Promise<void> => {
      const manifest = await this.#manifest(reference);
      if (manifest === undefined || held.has(manifest.descriptor.digest)) return;
      held.set(manifest.descriptor.digest, from);
      if (manifest.kind === "index")
        for (const child of manifest.value.manifests) await visit(child.digest, from);
    };
    await forEachBounded(references, 8, (reference) => visit(reference, reference));
    return held;
  }

  #manifest(reference: string): Promise<Manifest | undefined> {
    const reading = this.#manifests.get(reference) ?? this.#read(reference);
    this.#manifests.set(reference, reading);
    return reading;
  }

  /**
   * A tag that was listed and is not there is looked for once more: it may be all that holds
   * something.
   */
  async #read(reference: string): Promise<Manifest | undefined> {
    return (
      (await this.#present(reference, false)) ??
      (isTag(reference) ? this.#present(reference, true) : undefined)
    );
  }

  async #present(reference: string, fresh: boolean): Promise<Manifest | undefined> {
    try {
      return await this.store.manifest(reference, { fresh });
    } catch (error) {
      if (isConsignError(error, "MANIFEST_UNKNOWN", "BLOB_UNKNOWN")) return undefined;
      throw error;
    }
  }
}
