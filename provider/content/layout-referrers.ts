// SPDX-License-Identifier: Apache-2.0
import { isConsignError, ConsignError } from "../errors";
import type { Descriptor } from "../oci/descriptor";
import type { Digest } from "../oci/digest";
import { referrerDescriptor, type Manifest } from "../oci/manifest";
import { isManifestType } from "../oci/media-types";
import { forEachBounded } from "./bounded";
import type { LayoutIndex } from "./layout-entries";
import { mayRefer, unreadUnder, type DamagedReferrer, type Unread } from "./layout-unread";
import type { ReferrersOptions } from "./storage";

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
  /** The first that is listed and cannot be read. */
  broken?: ConsignError;
  /** What may refer to something, and cannot be read. */
  unread: Unread[];
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
  constructor(
    private readonly read: (
      descriptor: Descriptor,
    ) => Promise<Manifest | DamagedReferrer | undefined>,
  ) {}

  /**
   * Sorted by digest, each once; with what cannot be read and may be among them. Any entry that
   * tells nothing may be one that refers to it. @throws ConsignError where there is such an entry,
   * unless `unproven` takes note of that
   */
  async of(
    subject: Digest,
    index: LayoutIndex,
    options: ReferrersOptions = {},
  ): Promise<Descriptor[]> {
    const { unproven } = options;
    const { referrers, unread, broken = oddEntries(index) } = await this.#graph(index);
    if (broken !== undefined && unproven === undefined) throw broken;
    if (broken !== undefined) unproven?.(broken.message);
    const listed = referrers.get(subject) ?? [];
    const doubtful = unreadUnder(subject, unread, options);
    // A copy leaves behind what cannot be read, and says so.
    if (unproven !== undefined) {
      for (const { digest } of doubtful) unproven(`${digest} is listed, and cannot be read`);
      return [...listed].sort(byDigest);
    }
    return [...listed, ...doubtful].sort(byDigest);
  }

  /** Whether the index lists this manifest, or one that it lists contains it. */
  async reaches(digest: Digest, index: LayoutIndex): Promise<boolean> {
    const { reached, broken } = await this.#graph(index);
    if (broken !== undefined) throw broken;
    return reached.has(digest);
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
      const forget = (): void => {
        if (this.#current === building) this.#current = undefined;
      };
      building.then(({ broken, unread }) => {
        if (broken !== undefined || unread.length > 0) forget();
      }, forget);
    }
    return this.#current;
  }

  async #build(index: LayoutIndex): Promise<Graph> {
    const graph: Graph = { index, reached: new Set(), referrers: new Map(), unread: [] };
    for (let level = index.manifests; level.length > 0;) {
      const listed = level === index.manifests;
      const fresh = new Map<Digest, Descriptor>();
      for (const entry of level) {
        if (!isManifestType(entry.mediaType) || graph.reached.has(entry.digest)) continue;
        graph.reached.add(entry.digest);
        fresh.set(entry.digest, entry);
      }
      await forEachBounded(fresh.values(), 8, async (entry) => {
        const unread = await this.#place(entry, graph);
        // An index may name manifests that are elsewhere; index.json lists what is here.
        if (unread !== undefined && (unread.damage !== undefined || (listed && mayRefer(entry))))
          graph.unread.push(unread);
      });
      level = [...fresh.keys()].flatMap((digest) => this.#link(graph, digest));
    }
    return graph;
  }

  async #place(entry: Descriptor, graph: Graph): Promise<Unread | undefined> {
    if (this.#placed.has(entry.digest)) return undefined;
    try {
      const found = await this.read(entry);
      if (found === undefined || "damage" in found) return { entry, ...found };
      this.#placed.set(entry.digest, placedOf(found));
    } catch (error) {
      if (!isConsignError(error, "LAYOUT_INVALID")) throw error;
      graph.broken ??= error;
    }
    return undefined;
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

function byDigest(a: Descriptor, b: Descriptor): number {
  return a.digest < b.digest ? -1 : 1;
}

function placedOf(manifest: Manifest): Placed {
  return {
    subject: manifest.value.subject?.digest,
    children: manifest.kind === "index" ? manifest.value.manifests : [],
    referrer: referrerDescriptor(manifest),
  };
}

function oddEntries({ odd }: LayoutIndex): ConsignError | undefined {
  const [first] = odd;
  return first === undefined
    ? undefined
    : new ConsignError(
        "LAYOUT_INVALID",
        `index.json has ${odd.length === 1 ? "an entry" : `${odd.length} entries`} that cannot be read, the first for this: ${first.why}`,
      );
}
