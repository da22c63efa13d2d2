// SPDX-License-Identifier: Apache-2.0
import type { Digest } from "../oci/digest";

/**
 * What a mirror left behind last time, what its source has now, and what its destination has now.
 */
export interface Sides<T> {
  base: T;
  source: T;
  destination: T;
}

export interface DigestDecision {
  digest: Digest;
  reason: string;
}

export interface DigestMerge {
  /** In the source, not in the destination. */
  add: DigestDecision[];
  /** In both. */
  keep: DigestDecision[];
  /** Mirrored earlier, still in the destination, gone from the source. */
  withdrawn: DigestDecision[];
  /** Only in the destination, and never mirrored: somebody's own. */
  local: DigestDecision[];
  /** Mirrored earlier, gone from both. */
  gone: DigestDecision[];
}

/**
 * Merges sets of digests three ways. Every digest of any side is in exactly one list; the lists are
 * sorted.
 */
export function mergeDigests({
  base,
  source,
  destination,
}: Sides<ReadonlySet<Digest>>): DigestMerge {
  const merge: DigestMerge = { add: [], keep: [], withdrawn: [], local: [], gone: [] };
  for (const digest of [...new Set([...base, ...source, ...destination])].sort()) {
    const [decision, reason] = decideDigest(
      base.has(digest),
      source.has(digest),
      destination.has(digest),
    );
    merge[decision].push({ digest, reason });
  }
  return merge;
}

function decideDigest(
  inBase: boolean,
  inSource: boolean,
  inDestination: boolean,
): [keyof DigestMerge, string] {
  if (inSource && inDestination) return ["keep", "source and destination both have it"];
  if (inSource)
    return [
      "add",
      inBase
        ? "it was mirrored before and has been removed from the destination"
        : "it is new at the source",
    ];
  if (!inDestination)
    return ["gone", "it was mirrored before and has been removed from both sides"];
  return inBase
    ? ["withdrawn", "it was mirrored before and has been removed from the source"]
    : ["local", "it was added at the destination"];
}

export interface TagDecision {
  tag: string;
  /** Where the destination has it now. */
  from?: Digest;
  /** Where the source has it. */
  to?: Digest;
  reason: string;
}

export interface TagMerge {
  /** At the source, absent at the destination. */
  add: TagDecision[];
  /** At the destination as it was left, and elsewhere at the source: may be moved. */
  move: TagDecision[];
  /** The same at both. */
  keep: TagDecision[];
  /** At the destination as it was left, gone from the source. */
  withdrawn: TagDecision[];
  /** Only at the destination, and not as it was left: somebody's own. */
  local: TagDecision[];
  /** At both, not the same, and the destination is not as it was left: somebody moved it there. */
  conflict: TagDecision[];
  /** Mirrored earlier, gone from both. */
  gone: TagDecision[];
}

/**
 * Merges tags three ways. Every tag of any side is in exactly one list; the lists are sorted by
 * tag.
 */
export function mergeTags({
  base,
  source,
  destination,
}: Sides<ReadonlyMap<string, Digest>>): TagMerge {
  const merge: TagMerge = {
    add: [],
    move: [],
    keep: [],
    withdrawn: [],
    local: [],
    conflict: [],
    gone: [],
  };
  for (const tag of [
    ...new Set([...base.keys(), ...source.keys(), ...destination.keys()]),
  ].sort()) {
    const [from, to] = [destination.get(tag), source.get(tag)];
    const [decision, reason] = decideTag(base.get(tag), to, from);
    merge[decision].push({
      tag,
      ...(from === undefined ? {} : { from }),
      ...(to === undefined ? {} : { to }),
      reason,
    });
  }
  return merge;
}

function decideTag(
  base: Digest | undefined,
  source: Digest | undefined,
  destination: Digest | undefined,
): [keyof TagMerge, string] {
  if (source === undefined) return decideSourceless(base, destination);
  if (destination === undefined)
    return [
      "add",
      base === undefined
        ? "it is new at the source"
        : "it was mirrored before and has been removed from the destination",
    ];
  if (source === destination) return ["keep", "source and destination agree"];
  if (destination === base) return ["move", "it moved at the source"];
  if (base === undefined)
    return ["conflict", "the destination has a tag of that name that was not mirrored"];
  return [
    "conflict",
    source === base
      ? "it was moved at the destination"
      : "it was moved at the destination, and elsewhere at the source",
  ];
}

function decideSourceless(
  base: Digest | undefined,
  destination: Digest | undefined,
): [keyof TagMerge, string] {
  if (destination === undefined)
    return ["gone", "it was mirrored before and has been removed from both sides"];
  if (destination === base)
    return ["withdrawn", "it was mirrored before and has been removed from the source"];
  return [
    "local",
    base === undefined
      ? "it was added at the destination"
      : "it was removed from the source and moved at the destination",
  ];
}
