// SPDX-License-Identifier: Apache-2.0
import type { ReadStore } from "../content/storage";
import type { Descriptor } from "../oci/descriptor";

/**
 * A store that answers every question about referrers with a list that is known already; all else
 * it asks the store behind it.
 */
export function showing(store: ReadStore, referrers: readonly Descriptor[]): ReadStore {
  return {
    name: store.name,
    resolve: (reference, options) => store.resolve(reference, options),
    manifest: (target, options) => store.manifest(target, options),
    blob: (target, options) => store.blob(target, options),
    has: (target, options) => store.has(target, options),
    tags: (options) => store.tags(options),
    referrers: async () => [...referrers],
  };
}
