// SPDX-License-Identifier: Apache-2.0
import { ConsignError, asConsignError, isConsignError } from "../errors";
import type { Descriptor } from "../oci/descriptor";
import type { Digest } from "../oci/digest";
import { successorsOf, type Manifest } from "../oci/manifest";
import { MEDIA_TYPES, isManifestType } from "../oci/media-types";
import { forEachBounded, gate, groupedBy } from "./bounded";
import { CopyGraph, at, type CopyNode } from "./copy-graph";
import type { CallOptions, Content, ReadStore, Store } from "./storage";

/** Up to this size, sending a blob that is most likely not there is no dearer than asking first. */
const CHEAP_BYTES = 64 * 1024;
const READ_BACK_ROUNDS = 3;

export interface CopyOptions extends CallOptions {
  /** Which of a manifest's referrers to take along. @default all that the source lists */
  referrers?: ((subject: Descriptor) => Promise<Descriptor[]>) | undefined;
  /** Artifact types whose own referrers are not asked for. @default none */
  leafTypes?: readonly string[] | undefined;
  /** Tags to point at the root when everything is there; with `expected` (even undefined, for absent) only if the tag is still there. */
  tags?: readonly { tag: string; expected?: Digest | undefined }[] | undefined;
  /** Look into manifests that the destination has already, and send what they lack. @default false */
  deep?: boolean | undefined;
  /** Requests under way at once, at both ends together. @default 8 */
  concurrency?: number | undefined;
  onProgress?: ((event: CopyProgress) => void) | undefined;
  /** Longest way from the root over children and referrers. @default 32 */
  maxDepth?: number | undefined;
  /** Most manifests that may belong to the root. @default 100000 */
  maxNodes?: number | undefined;
}

/** One thing that is done. `skipped`: the destination had it. */
export type CopyProgress =
  | { kind: "manifest" | "blob"; action: "copied" | "skipped"; descriptor: Descriptor }
  | { kind: "tag"; action: "copied" | "skipped"; tag: string };

export interface CopyReport {
  manifests: number;
  /** Manifests that the destination had. */
  manifestsSkipped: number;
  blobs: number;
  /** Blobs that were looked at and not sent: the destination had them, or they are foreign and the source has not. */
  blobsSkipped: number;
  /** Bytes of the blobs that were sent. */
  bytes: number;
  /** What the source listed as a referrer of something it does not refer to; left out. */
  referrersIgnored: number;
  tagsMoved: number;
}

/**
 * Copies a manifest with everything in it and everything that refers to it, at any depth. Bytes stay as they are, and each digest moves once.
 * Blobs stream. Order: blobs, children, the root by digest, the deepest referrers first, all of it read back, tags last: whoever resolves the
 * tag finds every claim, and whoever finds a claim finds its signature. A copy that fails leaves what it wrote for the next one to go on with.
 * @throws ConsignError the code of what failed, with `side` telling where; `GRAPH_TOO_DEEP`, `GRAPH_TOO_LARGE`, `READ_BACK_FAILED`, `TAG_MOVED`, `COPY_FAILED`
 */
export async function copy(source: ReadStore, destination: Store, root: Descriptor, options: CopyOptions = {}): Promise<CopyReport> {
  try {
    return await new Copying(source, destination, options).run(root);
  } catch (error) {
    throw asConsignError(error, "COPY_FAILED", { reference: `${source.name}@${root.digest}` });
  }
}

class Copying {
  readonly #graph: CopyGraph;
  readonly #report: CopyReport = { manifests: 0, manifestsSkipped: 0, blobs: 0, blobsSkipped: 0, bytes: 0, referrersIgnored: 0, tagsMoved: 0 };
  readonly #manifests = new Map<Digest, Promise<void>>();
  readonly #blobs = new Map<Digest, Promise<void>>();
  readonly #written: CopyNode[] = [];
  readonly #gate: <T>(operation: () => Promise<T>) => Promise<T>;
  readonly #concurrency: number;
  readonly #call: CallOptions;
  #failure: { error: unknown } | undefined;

  constructor(private readonly source: ReadStore, private readonly destination: Store, private readonly options: CopyOptions) {
    this.#concurrency = options.concurrency ?? 8;
    this.#gate = gate(this.#concurrency);
    this.#call = { signal: options.signal };
    this.#graph = new CopyGraph(source, destination, {
      ...this.#call,
      referrers: options.referrers ?? ((subject) => source.referrers(subject.digest, this.#call)),
      leafTypes: options.leafTypes ?? [],
      deep: options.deep ?? false,
      concurrency: this.#concurrency,
      maxDepth: options.maxDepth ?? 32,
      maxNodes: options.maxNodes ?? 100_000,
    });
  }

  async run(root: Descriptor): Promise<CopyReport> {
    await this.#graph.explore(root);
    this.#report.referrersIgnored = this.#graph.impostors;
    await this.#manifest(root.digest);
    const levels = groupedBy(this.#graph.nodes.values(), (node) => node.depth);
    for (const depth of [...levels.keys()].sort((a, b) => b - a)) {
      const digests = (levels.get(depth) ?? []).map((node) => node.descriptor.digest).sort();
      await forEachBounded(digests, this.#concurrency, (digest) => this.#manifest(digest));
    }
    await this.#readBack();
    for (const wanted of this.options.tags ?? []) await this.#tag(root, wanted);
    return this.#report;
  }

  /** Once a digest: a manifest's parts, then the manifest. Parts are below it by digest, so this comes to an end. */
  #manifest(digest: Digest): Promise<void> {
    const running = this.#manifests.get(digest) ?? this.#writeManifest(digest);
    this.#manifests.set(digest, running);
    return running;
  }

  async #writeManifest(digest: Digest): Promise<void> {
    const node = this.#graph.nodes.get(digest);
    if (node === undefined) throw new ConsignError("INTERNAL", `manifest ${digest} is to be copied but was never looked at`);
    if (node.present && !this.options.deep) return this.#skipManifest(node);
    const manifest = await this.#io(() => this.#graph.manifestOf(node));
    await forEachBounded(successorsOf(manifest), this.#concurrency, (part) =>
      isManifestType(part.mediaType) ? this.#manifest(part.digest) : this.#blob(part, node),
    );
    if (node.present) return this.#skipManifest(node);
    await this.#push(node, manifest);
    if (node.depth > 0) this.#graph.release(node);
    this.#written.push(node);
    this.#report.manifests++;
    this.options.onProgress?.({ kind: "manifest", action: "copied", descriptor: node.descriptor });
  }

  #skipManifest(node: CopyNode): void {
    this.#report.manifestsSkipped++;
    this.options.onProgress?.({ kind: "manifest", action: "skipped", descriptor: node.descriptor });
  }

  async #push(node: CopyNode, manifest: Manifest): Promise<void> {
    await this.#io(() => at("destination", this.destination, node.descriptor, () => this.destination.pushManifest(manifest, this.#call)));
  }

  #blob(target: Descriptor, within: CopyNode): Promise<void> {
    const running = this.#blobs.get(target.digest) ?? this.#writeBlob(target, within);
    this.#blobs.set(target.digest, running);
    return running;
  }

  async #writeBlob(target: Descriptor, within: CopyNode): Promise<void> {
    const absent = !within.present && target.size <= CHEAP_BYTES && target.mediaType !== MEDIA_TYPES.empty;
    const open = async () => named(this.source, target, await at("source", this.source, target, () => this.source.blob(target, this.#call)));
    const push = () => this.destination.pushBlob(target, open, { ...this.#call, from: this.source, absent });
    const sent = await this.#io(() => at("destination", this.destination, target, push)).catch((error: unknown) => {
      if (isForeign(target) && isConsignError(error, "BLOB_UNKNOWN") && error.side === "source") return false;
      throw error;
    });
    if (sent) {
      this.#report.blobs++;
      this.#report.bytes += target.size;
    } else {
      this.#report.blobsSkipped++;
    }
    this.options.onProgress?.({ kind: "blob", action: sent ? "copied" : "skipped", descriptor: target });
  }

  /** A registry that took a write may lose it to another one that came at the same time, so what is missing is written again, one by one. */
  async #readBack(): Promise<void> {
    let missing = await this.#missing(this.#written);
    for (let round = 1; missing.length > 0 && round < READ_BACK_ROUNDS; round++) {
      for (const node of missing) await this.#push(node, await this.#io(() => this.#graph.manifestOf(node)));
      missing = await this.#missing(missing);
    }
    const [first] = missing;
    if (first === undefined) return;
    throw new ConsignError(
      "READ_BACK_FAILED",
      `${this.destination.name} took ${missing.length} manifests and does not show them afterwards, the first being ${first.descriptor.digest}; run again, with less concurrency if it happens often`,
      { side: "destination", reference: `${this.destination.name}@${first.descriptor.digest}` },
    );
  }

  async #missing(written: readonly CopyNode[]): Promise<CopyNode[]> {
    const shown = new Set<Digest>();
    const wanted = new Set(written.map((node) => node.descriptor.digest));
    const subjects = [...this.#graph.nodes.values()].filter((node) => node.referrers.some((digest) => wanted.has(digest)));
    const referrers = new Set(subjects.flatMap((node) => node.referrers));
    await forEachBounded(subjects, this.#concurrency, async ({ descriptor }) => {
      const listed = await this.#io(() => at("destination", this.destination, descriptor, () => this.destination.referrers(descriptor.digest, this.#call)));
      for (const { digest } of listed) shown.add(digest);
    });
    await forEachBounded(written, this.#concurrency, async ({ descriptor }) => {
      if (referrers.has(descriptor.digest)) return;
      if (await this.#io(() => at("destination", this.destination, descriptor, () => this.destination.has(descriptor, this.#call)))) shown.add(descriptor.digest);
    });
    return written.filter((node) => !shown.has(node.descriptor.digest));
  }

  async #tag(root: Descriptor, wanted: { tag: string; expected?: Digest | undefined }): Promise<void> {
    const current = await this.#io(() => at("destination", this.destination, root, () => this.destination.resolve(wanted.tag, this.#call))).catch((error: unknown) => {
      if (isConsignError(error, "MANIFEST_UNKNOWN")) return undefined;
      throw error;
    });
    const moved = current?.digest !== root.digest;
    if (moved) {
      const node = this.#graph.nodes.get(root.digest);
      const manifest = await (node === undefined ? this.source.manifest(root, this.#call) : this.#graph.manifestOf(node));
      const condition = "expected" in wanted ? { expected: wanted.expected } : {};
      await at("destination", this.destination, root, () => this.destination.tag(manifest, wanted.tag, { ...this.#call, ...condition }));
      this.#report.tagsMoved++;
    }
    this.options.onProgress?.({ kind: "tag", action: moved ? "copied" : "skipped", tag: wanted.tag });
  }

  /** One operation at one of the ends, in its turn; none is started after the first failure. */
  #io<T>(operation: () => Promise<T>): Promise<T> {
    return this.#gate(async () => {
      if (this.#failure !== undefined) throw this.#failure.error;
      this.options.signal?.throwIfAborted();
      return operation();
    }).catch((error: unknown) => {
      if (!isConsignError(error, "MANIFEST_UNKNOWN", "BLOB_UNKNOWN")) this.#failure ??= { error };
      throw error;
    });
  }
}

/** Layers that are meant to be fetched from elsewhere, and that a source need not have. */
function isForeign(target: Descriptor): boolean {
  return (Array.isArray(target["urls"]) && target["urls"].length > 0) || /nondistributable|\.foreign\./.test(target.mediaType);
}

/** Content whose failures are the source's, although they surface while the destination is being written. */
async function* named(source: ReadStore, target: Descriptor, content: Content): AsyncGenerator<Uint8Array, void, undefined> {
  const iterator = content[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await at("source", source, target, () => iterator.next());
      if (next.done) return;
      yield next.value;
    }
  } finally {
    await iterator.return?.();
  }
}
