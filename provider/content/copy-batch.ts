// SPDX-License-Identifier: Apache-2.0
import { ConsignError, isConsignError } from "../errors";
import type { Descriptor } from "../oci/descriptor";
import type { Digest } from "../oci/digest";
import { successorsOf, type Manifest } from "../oci/manifest";
import { isManifestType } from "../oci/media-types";
import { forEachBounded, groupedBy } from "./bounded";
import { CopyGraph, type CopyNode } from "./copy-graph";
import type { CopyItem, TagMove } from "./copy-options";
import { proveBlobs } from "./copy-proof";
import type { CopySession } from "./copy-session";

const READ_BACK_ROUNDS = 3;

/**
 * Artifacts that are copied together: all content is written, then all of it is read back, then the
 * tags are set.
 */
export class CopyBatch {
  readonly #graph: CopyGraph;
  readonly #manifests = new Map<Digest, Promise<void>>();
  readonly #written: CopyNode[] = [];

  constructor(private readonly session: CopySession) {
    const { source, destination, options, concurrency, call } = session;
    this.#graph = new CopyGraph(source, destination, {
      ...call,
      referrers:
        options.referrers ??
        ((subject) => source.referrers(subject.digest, { ...call, unproven: options.unproven })),
      unproven: options.unproven,
      held: options.held ?? (() => undefined),
      takesChild: options.takesChild ?? (() => true),
      mayLackChildren: options.mayLackChildren ?? (() => false),
      leafTypes: options.leafTypes ?? [],
      deep: options.deep ?? false,
      resumes: options.resumes ?? false,
      concurrency,
      maxDepth: options.maxDepth ?? 32,
      maxNodes: options.maxNodes ?? 100_000,
    });
  }

  async run(items: readonly CopyItem[]): Promise<void> {
    const { session } = this;
    await this.#graph.explore(items.map(({ root }) => root));
    session.report.referrersIgnored += this.#graph.impostors;
    await forEachBounded(items, session.concurrency, ({ root }) => this.#manifest(root.digest));
    const levels = groupedBy(this.#graph.nodes.values(), (node) => node.depth);
    for (const depth of [...levels.keys()].sort((a, b) => b - a)) {
      const digests = (levels.get(depth) ?? []).map((node) => node.descriptor.digest).sort();
      await forEachBounded(digests, session.concurrency, (digest) => this.#manifest(digest));
    }
    const repaired = await this.#readBack();
    if (session.options.prove === true) await this.#prove();
    // A registry that loses writes which come at once would lose tags as well.
    const moves = items.flatMap(({ root, tags = [] }) => tags.map((move) => ({ root, move })));
    await forEachBounded(moves, repaired ? 1 : session.concurrency, ({ root, move }) =>
      this.#tag(root, move),
    );
  }

  /**
   * Once a digest: a manifest's parts, then the manifest. Parts are below it by digest, so this
   * comes to an end.
   */
  #manifest(digest: Digest): Promise<void> {
    const running = this.#manifests.get(digest) ?? this.#writeManifest(digest);
    this.#manifests.set(digest, running);
    return running;
  }

  async #writeManifest(digest: Digest): Promise<void> {
    const { session } = this;
    const node = this.#graph.nodes.get(digest);
    if (node === undefined)
      throw new ConsignError(
        "INTERNAL",
        `manifest ${digest} is to be copied but was never looked at`,
      );
    if (node.present && !session.options.deep) return this.#skipManifest(node);
    const manifest =
      node.manifest ??
      (await session.io("source", node.descriptor, () => this.#graph.manifestOf(node)));
    const parts = successorsOf(manifest).filter(
      (part) => !isManifestType(part.mediaType) || node.children.includes(part.digest),
    );
    await forEachBounded(parts, session.concurrency, (part) =>
      isManifestType(part.mediaType)
        ? this.#manifest(part.digest)
        : session.blob(part, !node.present),
    );
    if (node.present) return this.#skipManifest(node);
    const isThere = await this.#isThere(node);
    // A referrer that is there and was not listed gets into the list by being sent.
    if (isThere && manifest.value.subject === undefined) return this.#skipManifest(node);
    await session.io("destination", node.descriptor, () =>
      session.destination.pushManifest(manifest, {
        ...session.call,
        readBack: "later",
        onRepair: () => session.lost(digest),
      }),
    );
    if (node.depth > 0) this.#graph.release(node);
    this.#written.push(node);
    if (isThere) return this.#skipManifest(node);
    session.report.manifests++;
    session.options.onProgress?.({
      kind: "manifest",
      action: "copied",
      descriptor: node.descriptor,
      within: node.within,
    });
  }

  async #isThere({ descriptor }: CopyNode): Promise<boolean> {
    const { session } = this;
    return (
      session.options.certain === true &&
      session.io("destination", descriptor, () =>
        session.destination.has(descriptor, { ...session.call, fresh: true }),
      )
    );
  }

  #skipManifest(node: CopyNode): void {
    this.session.report.manifestsSkipped++;
    this.session.options.onProgress?.({
      kind: "manifest",
      action: "skipped",
      descriptor: node.descriptor,
      found: node.asked || !node.present,
      within: node.within,
    });
  }

  /**
   * A registry that took a write may lose it to another one that came at the same time, so what is
   * missing is written again, one by one.
   */
  async #readBack(): Promise<boolean> {
    const { session } = this;
    let missing = await this.#missing();
    const lossy = missing.length > 0;
    for (let round = 1; missing.length > 0 && round < READ_BACK_ROUNDS; round++) {
      for (const node of missing) {
        const manifest = await session.io("source", node.descriptor, () =>
          this.#graph.manifestOf(node),
        );
        await session.io("destination", node.descriptor, () =>
          session.destination.pushManifest(manifest, session.call),
        );
        session.lost(node.descriptor.digest);
      }
      // One that was there the last time may have gone with the writes since.
      missing = await this.#missing();
    }
    const [first] = missing;
    if (first === undefined) return lossy;
    throw new ConsignError(
      "READ_BACK_FAILED",
      `${session.destination.name} took ${missing.length} manifests and does not show them afterwards, the first being ${first.descriptor.digest}; run again, with less concurrency if it happens often`,
      { side: "destination", reference: `${session.destination.name}@${first.descriptor.digest}` },
    );
  }

  /** What the caller knows to be there whole is not looked at. */
  async #prove(): Promise<void> {
    const unproven = [...this.#graph.nodes.values()].filter((node) => !node.present || node.asked);
    const manifests: Manifest[] = [];
    await forEachBounded(unproven, this.session.concurrency, async (node) => {
      manifests.push(
        await this.session.io("source", node.descriptor, () => this.#graph.manifestOf(node)),
      );
    });
    await proveBlobs(this.session, manifests);
  }

  async #missing(): Promise<CopyNode[]> {
    const { destination, call, concurrency, options } = this.session;
    const shown = new Set<Digest>();
    const wanted = new Set(this.#written.map((node) => node.descriptor.digest));
    const subjects = [...this.#graph.nodes.values()].filter((node) =>
      node.referrers.some((digest) => wanted.has(digest)),
    );
    const referrers = new Set(subjects.flatMap((node) => node.referrers));
    await forEachBounded(subjects, concurrency, async ({ descriptor }) => {
      const listed = await this.session.io("destination", descriptor, () =>
        destination.referrers(descriptor.digest, {
          ...call,
          settled: () => true,
          unproven: options.unproven,
        }),
      );
      for (const { digest } of listed) shown.add(digest);
    });
    await forEachBounded(this.#written, concurrency, async ({ descriptor }) => {
      if (referrers.has(descriptor.digest)) return;
      if (await this.session.io("destination", descriptor, () => destination.has(descriptor, call)))
        shown.add(descriptor.digest);
    });
    return this.#written.filter((node) => !shown.has(node.descriptor.digest));
  }

  async #tag(root: Descriptor, wanted: TagMove): Promise<void> {
    const { source, destination, call, options, report } = this.session;
    const moved =
      wanted.looked === true || (await this.#targetOf(root, wanted.tag)) !== root.digest;
    if (moved) {
      const node = this.#graph.nodes.get(root.digest);
      const manifest = await (node === undefined
        ? source.manifest(root, call)
        : this.#graph.manifestOf(node));
      const condition = "expected" in wanted ? { expected: wanted.expected } : {};
      await this.session.io("destination", root, () =>
        destination.tag(manifest, wanted.tag, { ...call, ...condition }),
      );
      report.tagsMoved++;
    }
    options.onProgress?.({ kind: "tag", action: moved ? "copied" : "skipped", tag: wanted.tag });
  }

  async #targetOf(root: Descriptor, tag: string): Promise<Digest | undefined> {
    const { destination, call } = this.session;
    try {
      return (await this.session.io("destination", root, () => destination.resolve(tag, call)))
        .digest;
    } catch (error) {
      if (isConsignError(error, "MANIFEST_UNKNOWN")) return undefined;
      throw error;
    }
  }
}
