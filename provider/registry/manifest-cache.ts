// SPDX-License-Identifier: Apache-2.0
import type { Manifest } from "../oci/manifest";

/**
 * Manifests by `repository@digest`, the least recently used dropped when their bytes exceed the
 * bound.
 */
export class ManifestCache {
  readonly #entries = new Map<string, Manifest>();
  #bytes = 0;

  constructor(readonly maxBytes: number) {}

  get(key: string): Manifest | undefined {
    const manifest = this.#entries.get(key);
    if (manifest !== undefined) {
      this.#entries.delete(key);
      this.#entries.set(key, manifest);
    }
    return manifest;
  }

  set(key: string, manifest: Manifest): void {
    this.delete(key);
    this.#entries.set(key, manifest);
    this.#bytes += manifest.bytes.byteLength;
    for (const oldest of this.#entries.keys()) {
      if (this.#bytes <= this.maxBytes) break;
      this.delete(oldest);
    }
  }

  delete(key: string): void {
    this.#bytes -= this.#entries.get(key)?.bytes.byteLength ?? 0;
    this.#entries.delete(key);
  }
}
