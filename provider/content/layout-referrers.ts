// SPDX-License-Identifier: Apache-2.0
import type { Descriptor } from "../oci/descriptor";
import type { Digest } from "../oci/digest";
import { referrerDescriptor, type Manifest } from "../oci/manifest";
import { isManifestType } from "../oci/media-types";
import { forEachBounded } from "./bounded";
import type { LayoutIndex } from "./layout-entries";

/** What has to be known of a manifest to place it in the graph; never changes for a digest. */
interface Placed {
  subject: Digest | undefined;
  children: Descriptor[];
  referrer: Descriptor;
}

interface Graph {
  index: LayoutIndex;
  reached: Set<Digest>;
  referrers: Map<Digest, Descriptor[]>;
}

/**
 * Who refers to whom in a layout: every manifest that index.json lists, and what lies below its
 * indexes. A layout keeps no such list, and other tools find referrers in the same way. Each
 * manifest is read once; after that a change of index.json costs a pass over its entries.
 */
export class LayoutReferrers {
  readonly #placed = new Map<Digest, Placed>();
  #current: Promise<Graph> | undefined;
  #index: LayoutIndex | undefined;

  /**
   * @param read answers undefined for a manifest that the layout lists and does not have, which
   * layouts are allowed to do
   */
  constructor(private readonly read: (descriptor: Descriptor) => Promise<Manifest | undefined>) {}

  /** Sorted by digest, each once. */
  async of(subject: Digest, index: LayoutIndex): Promise<Descriptor[]> {
    return [...((await this.#graph(index)).referrers.get(subject) ?? [])];
  }

  /** Whether the index lists this manifest, or one that it lists contains it. */
  async reaches(digest: Digest, index: LayoutIndex): Promise<boolean> {
    return (await this.#graph(index)).reached.has(digest);
  }

  /**
   * Takes note of a manifest that is being written, so that it need not be read. It may have been
   * listed before, and not been there.
   */
  note(manifest: Manifest): void {
    if (this.#placed.has(manifest.descriptor.digest)) return;
    this.#placed.set(manifest.descriptor.digest, placedOf(manifest));
    this.#current = undefined;
  }

  forget(digest: Digest): void {
    this.#placed.delete(digest);
    this.#current = undefined;
  }

  #graph(index: LayoutIndex): Promise<Graph> {
    if (this.#current === undefined || this.#index !== index) {
      const building = this.#build(index);
      this.#index = index;
      this.#current = building;
      building.catch(() => {
        if (this.#current === building) this.#current = undefined;
      });
    }
    return this.#current;
  }

  async #build(index: LayoutIndex): Promise<Graph> {
    const graph: Graph = { index, reached: new Set(), referrers: new Map() };
    for (let level = index.manifests; level.length > 0;) {
      const fresh = new Map<Digest, Descriptor>();
      for (const entry of level) {
        if (!isManifestType(entry.mediaType) || graph.reached.has(entry.digest)) continue;
        graph.reached.add(entry.digest);
        fresh.set(entry.digest, entry);
      }
      await forEachBounded(fresh.values(), 8, (entry) => this.#place(entry));
      level = [...fresh.keys()].flatMap((digest) => this.#link(graph, digest));
    }
    for (const listed of graph.referrers.values())
      listed.sort((a, b) => (a.digest < b.digest ? -1 : 1));
    return graph;
  }

  async #place(entry: Descriptor): Promise<void> {
    if (this.#placed.has(entry.digest)) return;
    const manifest = await this.read(entry);
    if (manifest !== undefined) this.#placed.set(entry.digest, placedOf(manifest));
  }

  #link(graph: Graph, digest: Digest): Descriptor[] {
    const placed = this.#placed.get(digest);
    if (placed === undefined) return [];
    if (placed.subject !== undefined) {
      const listed = graph.referrers.get(placed.subject);
      if (listed === undefined) graph.referrers.set(placed.subject, [placed.referrer]);
      else listed.push(placed.referrer);
    }
    return placed.children;
  }
}

function placedOf(manifest: Manifest): Placed {
  return {
    subject: manifest.value.subject?.digest,
    children: manifest.kind === "index" ? manifest.value.manifests : [],
    referrer: referrerDescriptor(manifest),
  };
}
