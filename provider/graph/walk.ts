// SPDX-License-Identifier: Apache-2.0
import { forEachBounded, groupedBy } from "../content/bounded";
import type { CallOptions, ReadStore } from "../content/storage";
import { ConsignError } from "../errors";
import type { Descriptor } from "../oci/descriptor";
import type { Digest } from "../oci/digest";
import { referrerDescriptor, type Manifest } from "../oci/manifest";
import { isManifestType } from "../oci/media-types";

/** A manifest and its place among the others. */
export interface GraphNode {
  /**
   * With `artifactType` and `annotations` as the manifest has them, and `platform` as its index
   * says.
   */
  descriptor: Descriptor;
  manifest: Manifest;
  subject?: Digest;
  /** An index's manifests, in its order. */
  children: Digest[];
  /** What refers to it, sorted by digest; each has been read and does refer to it. */
  referrers: Descriptor[];
  /** Steps from the root, over children or referrers, by the shortest way. */
  depth: number;
}

export interface Graph {
  root: Descriptor;
  /**
   * Level by level: an index's children in its order, then referrers by digest. The order does not
   * depend on timing.
   */
  nodes: Map<Digest, GraphNode>;
}

export interface WalkOptions extends Pick<CallOptions, "signal"> {
  /** List what refers to something again, whatever was found before. @default false */
  fresh?: boolean | undefined;
  /** Whether to look for referrers at all. @default true */
  referrers?: boolean | undefined;
  /** @default 32 */
  maxDepth?: number | undefined;
  /** @default 100000 */
  maxNodes?: number | undefined;
  /** Manifests under way at once. @default 8 */
  concurrency?: number | undefined;
  /** Artifact types whose own referrers are not asked for, as signatures. @default none */
  leafTypes?: readonly string[] | undefined;
}

interface Step {
  descriptor: Descriptor;
  /** The manifest whose referrers list named it, if one did. */
  subject?: Digest;
}

interface Found {
  node: GraphNode;
  next: Step[];
}

/**
 * Reads a manifest, everything below it, everything that refers to any of that, and so on. What a
 * store lists as a referrer and is none is left out.
 * @throws ConsignError `GRAPH_TOO_DEEP`, `GRAPH_TOO_LARGE`, and whatever the store answers
 */
export async function walk(
  source: ReadStore,
  root: Descriptor,
  options: WalkOptions = {},
): Promise<Graph> {
  const { maxDepth = 32, maxNodes = 100_000, concurrency = 8 } = options;
  const graph: Graph = { root, nodes: new Map() };
  let level: Step[] = [{ descriptor: root }];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > maxDepth)
      throw new ConsignError(
        "GRAPH_TOO_DEEP",
        `more than ${maxDepth} steps lead away from ${source.name}@${root.digest} over children and referrers`,
      );
    const steps = [...groupedBy(level, ({ descriptor }) => descriptor.digest).entries()].filter(
      ([digest]) => !graph.nodes.has(digest),
    );
    if (graph.nodes.size + steps.length > maxNodes)
      throw new ConsignError(
        "GRAPH_TOO_LARGE",
        `more than ${maxNodes} manifests belong to ${source.name}@${root.digest}`,
      );
    const found: (Found | undefined)[] = [];
    await forEachBounded(steps.entries(), concurrency, async ([at, [, ways]]) => {
      found[at] = await visit(source, ways, depth, options);
    });
    for (const each of found)
      if (each !== undefined) graph.nodes.set(each.node.descriptor.digest, each.node);
    level = found.flatMap((each) => each?.next ?? []);
  }
  return linked(graph);
}

async function visit(
  source: ReadStore,
  ways: readonly Step[],
  depth: number,
  options: WalkOptions,
): Promise<Found | undefined> {
  options.signal?.throwIfAborted();
  const call = { signal: options.signal };
  const [first] = ways;
  if (first === undefined) return undefined;
  const manifest = await source.manifest(first.descriptor, call);
  const subject = manifest.value.subject?.digest;
  if (!ways.some((way) => way.subject === undefined || way.subject === subject)) return undefined;
  const { platform } = first.descriptor;
  const descriptor: Descriptor = {
    ...referrerDescriptor(manifest),
    ...(platform === undefined ? {} : { platform }),
  };
  const children =
    manifest.kind === "index"
      ? manifest.value.manifests.filter((child) => isManifestType(child.mediaType))
      : [];
  const isLeaf =
    options.referrers === false ||
    (descriptor.artifactType !== undefined &&
      (options.leafTypes ?? []).includes(descriptor.artifactType));
  const referrers = isLeaf
    ? []
    : await source.referrers(descriptor.digest, { ...call, fresh: options.fresh });
  const candidates = referrers.filter(
    ({ digest, mediaType }) => digest !== descriptor.digest && isManifestType(mediaType),
  );
  return {
    node: {
      descriptor,
      manifest,
      ...(subject === undefined ? {} : { subject }),
      children: children.map(({ digest }) => digest),
      referrers: candidates,
      depth,
    },
    next: [
      ...children.map((child) => ({ descriptor: child })),
      ...candidates.map((candidate) => ({ descriptor: candidate, subject: descriptor.digest })),
    ],
  };
}

/** Replaces what lists claimed about referrers by what their manifests say. */
function linked(graph: Graph): Graph {
  for (const node of graph.nodes.values()) {
    const real = node.referrers
      .map(({ digest }) => graph.nodes.get(digest))
      .filter((referrer) => referrer?.subject === node.descriptor.digest);
    node.referrers = real
      .flatMap((referrer) => (referrer === undefined ? [] : [referrer.descriptor]))
      .sort((a, b) => (a.digest < b.digest ? -1 : 1));
  }
  return graph;
}
