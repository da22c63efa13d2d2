// SPDX-License-Identifier: Apache-2.0
import { ConsignError, asConsignError, type Side } from "../errors";
import type { Descriptor } from "../oci/descriptor";
import type { Digest } from "../oci/digest";
import { referrerDescriptor, type Manifest } from "../oci/manifest";
import { isIndexType, isManifestType } from "../oci/media-types";
import { forEachBounded, groupedBy } from "./bounded";
import type { CallOptions, ReadStore, ReferrersOptions } from "./storage";

/**
 * Manifests read while the graph is explored are kept for writing up to this many bytes; beyond it
 * they are read again.
 */
const KEPT_BYTES = 64 * 1024 * 1024;

/** One manifest of the graph that is to be copied. */
export interface CopyNode {
  descriptor: Descriptor;
  depth: number;
  /** Whether the destination already has it. */
  present: boolean;
  /** The destination was asked, as nobody knew. */
  asked: boolean;
  /** The index below which it is, the uppermost, where one led here. */
  within: Digest | undefined;
  /** What the source listed as referring to it, and does. */
  referrers: Digest[];
  /** An index's children that go along. */
  children: Digest[];
  /** Dropped once written, or when too much is held already. */
  manifest: Manifest | undefined;
}

export interface ExploreOptions extends CallOptions {
  referrers: (subject: Descriptor) => Promise<Descriptor[]>;
  /** Whether the destination has a manifest; undefined where it has to be asked. */
  held: (target: Descriptor) => boolean | undefined;
  /** Whether an index's child goes along. */
  takesChild: (child: Descriptor, index: Manifest) => boolean;
  /**
   * Whether an index that the destination has may lack parts that are to go along, so that each is
   * asked for.
   */
  mayLackChildren: (index: Descriptor) => boolean;
  leafTypes: readonly string[];
  deep: boolean;
  unproven?: ReferrersOptions["unproven"];
  /** Look for referrers of what is absent, too. */
  resumes: boolean;
  concurrency: number;
  maxDepth: number;
  maxNodes: number;
}

interface Visit {
  descriptor: Descriptor;
  depth: number;
  /** The manifest whose referrers list named it, if one did. */
  subject?: Digest;
  /** What its parent or its subject's referrers list at the destination already tells. */
  present?: boolean;
  /** That list, or that of its parent, was what told. */
  asked?: boolean;
  /** The uppermost index that led here. */
  within?: Digest;
}

/**
 * Finds out what is to be copied, level by level: manifests, an index's children, everything that
 * refers to any of them, and so on. What a source lists as a referrer and is none is left out.
 * Manifests that the destination has are not read, unless it takes that to go on.
 */
export class CopyGraph {
  readonly nodes = new Map<Digest, CopyNode>();
  /** What the source listed as a referrer of something, and is none. */
  impostors = 0;
  #kept = 0;
  #seen = 0;
  readonly #subjects = new Map<Digest, Digest | undefined>();

  constructor(
    private readonly source: ReadStore,
    private readonly destination: ReadStore,
    private readonly options: ExploreOptions,
  ) {}

  async explore(roots: readonly Descriptor[]): Promise<void> {
    for (
      let level: Visit[] = roots.map((descriptor) => ({ descriptor, depth: 0 }));
      level.length > 0;
    ) {
      const byDigest = [...groupedBy(level, ({ descriptor }) => descriptor.digest).values()];
      const found: Visit[][] = byDigest.map(() => []);
      await forEachBounded(byDigest.entries(), this.options.concurrency, async ([at, visits]) => {
        for (const visit of visits) found[at]?.push(...(await this.#visit(visit)));
      });
      level = found.flat();
    }
  }

  /** The manifest's bytes, from memory or once more from the source. */
  async manifestOf(node: CopyNode): Promise<Manifest> {
    return (
      node.manifest ??
      at("source", this.source, node.descriptor, () =>
        this.source.manifest(node.descriptor, this.#call),
      )
    );
  }

  /** Lets go of a manifest that is written. */
  release(node: CopyNode): void {
    if (node.manifest !== undefined) this.#kept -= node.manifest.bytes.byteLength;
    node.manifest = undefined;
  }

  async #visit(visit: Visit): Promise<Visit[]> {
    this.options.signal?.throwIfAborted();
    const { descriptor, depth, subject } = visit;
    if (this.nodes.has(descriptor.digest)) {
      if (subject !== undefined) this.#linkIfTrue(subject, descriptor.digest);
      return [];
    }
    if (depth > this.options.maxDepth) {
      throw new ConsignError(
        "GRAPH_TOO_DEEP",
        `${this.source.name}@${descriptor.digest} is more than ${this.options.maxDepth} steps from what is to be copied; something may refer to itself through many others`,
        { side: "source" },
      );
    }
    if (++this.#seen > this.options.maxNodes) {
      throw new ConsignError(
        "GRAPH_TOO_LARGE",
        `more than ${this.options.maxNodes} manifests belong to what is to be copied from ${this.source.name}; select fewer referrers`,
        { side: "source" },
      );
    }
    return this.#expand(visit);
  }

  async #expand({ descriptor, depth, subject, ...told }: Visit): Promise<Visit[]> {
    const { deep, leafTypes } = this.options;
    const known = told.present ?? this.options.held(descriptor);
    const asked = told.asked ?? known === undefined;
    const present =
      known ??
      (await at("destination", this.destination, descriptor, () =>
        this.destination.has(descriptor, this.#call),
      ));
    const needed = !present || deep || isIndexType(descriptor.mediaType);
    const manifest = needed
      ? await at("source", this.source, descriptor, () =>
          this.source.manifest(descriptor, this.#call),
        )
      : undefined;
    if (
      subject !== undefined &&
      manifest !== undefined &&
      manifest.value.subject?.digest !== subject
    ) {
      this.impostors++;
      return [];
    }
    const children =
      manifest?.kind === "index"
        ? manifest.value.manifests.filter(
            (child) => isManifestType(child.mediaType) && this.options.takesChild(child, manifest),
          )
        : [];
    const node: CopyNode = {
      descriptor,
      depth,
      present,
      asked,
      within: told.within,
      referrers: [],
      children: children.map(({ digest }) => digest),
      manifest: undefined,
    };
    this.nodes.set(descriptor.digest, node);
    this.#subjects.set(descriptor.digest, manifest?.value.subject?.digest ?? subject);
    if (subject !== undefined) this.#linkIfTrue(subject, descriptor.digest);
    if (manifest !== undefined) this.#keep(node, manifest);
    const whole =
      present && !deep && children.length > 0 && !this.options.mayLackChildren(descriptor);
    const below: Visit[] = children.map((child) => ({
      descriptor: child,
      depth: depth + 1,
      within: told.within ?? descriptor.digest,
      ...(whole ? { present: true, asked } : {}),
    }));
    const type =
      manifest === undefined ? descriptor.artifactType : referrerDescriptor(manifest).artifactType;
    const isLeaf = type !== undefined && leafTypes.includes(type);
    return isLeaf ? below : [...below, ...(await this.#referrersOf(node))];
  }

  async #referrersOf(node: CopyNode): Promise<Visit[]> {
    const { descriptor, depth } = node;
    const listed = await at("source", this.source, descriptor, () =>
      this.options.referrers(descriptor),
    );
    const candidates = listed.filter(
      ({ digest, mediaType }) => digest !== descriptor.digest && isManifestType(mediaType),
    );
    this.impostors += listed.length - candidates.length;
    const there = await this.#heldReferrers(node, candidates);
    return candidates.map((candidate) => {
      const held = this.options.held(candidate);
      return {
        descriptor: candidate,
        depth: depth + 1,
        subject: descriptor.digest,
        present: held ?? there.has(candidate.digest),
        asked: held === undefined,
      };
    });
  }

  /**
   * One list tells of all at once; a subject that is absent has none, unless a copy was killed
   * after writing them, the deepest being first.
   */
  async #heldReferrers(
    { descriptor, present }: CopyNode,
    candidates: readonly Descriptor[],
  ): Promise<ReadonlySet<Digest>> {
    if (
      (!present && !this.options.resumes) ||
      candidates.every((candidate) => this.options.held(candidate) !== undefined)
    )
      return new Set();
    const there = await at("destination", this.destination, descriptor, () =>
      this.destination.referrers(descriptor.digest, {
        ...this.#call,
        settled: () => true,
        unproven: this.options.unproven,
      }),
    );
    return new Set(there.map(({ digest }) => digest));
  }

  #linkIfTrue(subject: Digest, referrer: Digest): void {
    if (this.#subjects.get(referrer) === subject) this.nodes.get(subject)?.referrers.push(referrer);
    else this.impostors++;
  }

  #keep(node: CopyNode, manifest: Manifest): void {
    const size = manifest.bytes.byteLength;
    if (this.#kept + size > KEPT_BYTES || (node.present && !this.options.deep)) return;
    this.#kept += size;
    node.manifest = manifest;
  }

  get #call(): CallOptions {
    return { signal: this.options.signal };
  }
}

/** Runs one step at one end of a copy; what fails in it says at which end, and on what. */
export async function at<T>(
  side: Side,
  store: ReadStore,
  target: Descriptor,
  step: () => Promise<T>,
): Promise<T> {
  try {
    return await step();
  } catch (error) {
    throw failureAt(error, side, store, target);
  }
}

export function failureAt(
  error: unknown,
  side: Side,
  store: ReadStore,
  target: Descriptor,
): ConsignError {
  return asConsignError(error, "COPY_FAILED", {
    side,
    reference: `${store.name}@${target.digest}`,
  });
}
