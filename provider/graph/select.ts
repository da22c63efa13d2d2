// SPDX-License-Identifier: Apache-2.0
import type { Descriptor } from "../oci/descriptor";
import type { Digest } from "../oci/digest";
import type { Graph, GraphNode } from "./walk";

/** A referrer about which is to be decided. */
export interface Candidate {
  /** With `artifactType` and `annotations`. */
  descriptor: Descriptor;
  node: GraphNode;
  /** What it refers to; itself selected. */
  subject: GraphNode;
  depth: number;
}

export interface Dropped {
  descriptor: Descriptor;
  subject: Digest;
  /**
   * `refused`: the predicate said no. `subject-dropped`: what it refers to is not taken, so it has
   * nothing to speak about.
   */
  reason: "refused" | "subject-dropped";
}

export interface Selection {
  graph: Graph;
  /** Sorted by digest, each referrer once. */
  dropped: Dropped[];
}

/**
 * The part of a graph that is left when only some referrers are taken along. The root and
 * everything below it always stay; a referrer that is not taken takes with it whatever refers to
 * it, as its signatures. The predicate is asked once for each referrer whose subject is selected.
 */
export function select(graph: Graph, keep: (candidate: Candidate) => boolean): Selection {
  const selected = new Map<Digest, GraphNode>();
  const refused = new Set<Digest>();
  const queue: Digest[] = [graph.root.digest];
  for (let at = 0; at < queue.length; at++) {
    const digest = queue[at];
    const node = digest === undefined ? undefined : graph.nodes.get(digest);
    if (node === undefined || selected.has(node.descriptor.digest)) continue;
    const referrers = node.referrers.filter((descriptor) => {
      const referrer = graph.nodes.get(descriptor.digest);
      if (referrer === undefined) return false;
      const kept = keep({ descriptor, node: referrer, subject: node, depth: referrer.depth });
      if (!kept) refused.add(descriptor.digest);
      return kept;
    });
    selected.set(node.descriptor.digest, { ...node, children: [...node.children], referrers });
    queue.push(...node.children, ...referrers.map((referrer) => referrer.digest));
  }
  const nodes = new Map(
    [...graph.nodes.keys()].flatMap((digest): [Digest, GraphNode][] => {
      const node = selected.get(digest);
      return node === undefined ? [] : [[digest, node]];
    }),
  );
  return { graph: { root: graph.root, nodes }, dropped: droppedFrom(graph, nodes, refused) };
}

function droppedFrom(
  graph: Graph,
  selected: ReadonlyMap<Digest, GraphNode>,
  refused: ReadonlySet<Digest>,
): Dropped[] {
  const dropped = [...graph.nodes.values()].flatMap(({ descriptor, subject }): Dropped[] => {
    if (subject === undefined || selected.has(descriptor.digest) || !graph.nodes.has(subject))
      return [];
    return [
      {
        descriptor,
        subject,
        reason: refused.has(descriptor.digest) ? "refused" : "subject-dropped",
      },
    ];
  });
  return dropped.sort((a, b) => (a.descriptor.digest < b.descriptor.digest ? -1 : 1));
}

/** A graph's referrers in the form that a copy asks for, so that exactly this graph is copied. */
export function referrersIn(graph: Graph): (subject: Descriptor) => Promise<Descriptor[]> {
  return async (subject) => graph.nodes.get(subject.digest)?.referrers ?? [];
}
