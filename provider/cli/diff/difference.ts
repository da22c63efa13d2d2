// SPDX-License-Identifier: Apache-2.0
import type { Descriptor } from "../../oci/descriptor";
import type { Digest } from "../../oci/digest";
import type { Reached, Untold, View } from "./reached";

export type Side = "a" | "b";

/** What one place has under its names. */
export interface Place {
  name: string;
  tags: Map<string, Digest>;
  /** Names of which it is not known what they lead to. */
  doubtfulTags: Set<string>;
  /** Further tags were not looked at. */
  moreTags: boolean;
  view: View;
}

export interface OnlyAt {
  only: Side;
  digest: Digest;
  kind: Reached["kind"];
  type?: string;
  from: Digest[];
}

export interface TagDifference {
  tag: string;
  a?: Digest;
  b?: Digest;
}

export interface Difference {
  a: string;
  b: string;
  answer: "same" | "different" | "unknown";
  tags: TagDifference[];
  /** Manifests that are at one place only. */
  graph: OnlyAt[];
  claims: OnlyAt[];
  /** Blobs that only one place's manifests name. */
  blobs: { only: Side; digest: Digest; size: number }[];
  /** Blobs that manifests name and one place lacks; only where blobs were asked for. */
  absentBlobs?: { at: Side; digest: Digest }[];
  same: { tags: number; manifests: number; claims: number; blobs: number };
  untold: (Untold & { at: Side })[];
}

const SIDES: readonly (readonly [Side, Side])[] = [
  ["a", "b"],
  ["b", "a"],
];

/** Compares what two places have. What could not be told is no difference, and not the same. */
export function differenceOf(places: Readonly<Record<Side, Place>>): Difference {
  const { a, b } = places;
  const tags = tagDifferences(places);
  const only = SIDES.flatMap(([side, other]) => onlyAt(side, places[side], places[other]));
  const certain = only.filter(({ sure }) => sure).map(({ item }) => item);
  const blobs = { a: blobsOf(a.view), b: blobsOf(b.view) };
  const untold = [...SIDES.flatMap(([side]) => untoldAt(side, places[side])), ...unsure(only)];
  const answer =
    tags.length + certain.length > 0 ? "different" : untold.length > 0 ? "unknown" : "same";
  const shared = [...a.view.nodes.values()].filter(({ digest }) => b.view.nodes.has(digest));
  return {
    a: a.name,
    b: b.name,
    answer,
    tags,
    graph: certain.filter(({ kind }) => kind !== "claim"),
    claims: certain.filter(({ kind }) => kind === "claim"),
    blobs: SIDES.flatMap(([side, other]) =>
      isWhole(places[other])
        ? [...blobs[side].values()]
            .filter(({ digest }) => !blobs[other].has(digest))
            .map(({ digest, size }) => ({ only: side, digest, size }))
            .sort(byDigest)
        : [],
    ),
    same: {
      tags: [...a.tags].filter(([tag, digest]) => b.tags.get(tag) === digest).length,
      manifests: shared.length,
      claims: shared.filter(({ kind }) => kind === "claim").length,
      blobs: [...blobs.a.keys()].filter((digest) => blobs.b.has(digest)).length,
    },
    untold,
  };
}

/** Blobs that a place's manifests name, by digest. */
export function blobsOf({ nodes }: View): Map<Digest, Descriptor> {
  const named = [...nodes.values()].flatMap(({ blobs }) => blobs);
  return new Map(named.map((blob) => [blob.digest, blob]));
}

function isWhole({ view, doubtfulTags, moreTags }: Place): boolean {
  return view.untold.length === 0 && !view.cut && doubtfulTags.size === 0 && !moreTags;
}

function tagDifferences({ a, b }: Readonly<Record<Side, Place>>): TagDifference[] {
  const names = [...new Set([...a.tags.keys(), ...b.tags.keys()])].sort();
  return names.flatMap((tag) => {
    const [left, right] = [a.tags.get(tag), b.tags.get(tag)];
    if (left === right) return [];
    if (left === undefined && mayHave(a, tag)) return [];
    if (right === undefined && mayHave(b, tag)) return [];
    return [
      {
        tag,
        ...(left === undefined ? {} : { a: left }),
        ...(right === undefined ? {} : { b: right }),
      },
    ];
  });
}

function mayHave({ doubtfulTags, moreTags }: Place, tag: string): boolean {
  return moreTags || doubtfulTags.has(tag);
}

/**
 * What one place has and the other was not seen to have. It is sure where the other was asked about
 * all that leads there.
 */
function onlyAt(side: Side, here: Place, there: Place): { item: OnlyAt; sure: boolean }[] {
  const sure = new Map<Digest, boolean>();
  const rooted = new Map<Digest, string[]>();
  for (const [tag, digest] of here.tags) rooted.set(digest, [...(rooted.get(digest) ?? []), tag]);
  const isSure = (digest: Digest, from: readonly Digest[]): boolean =>
    !there.view.cut &&
    !there.view.doubtful.has(digest) &&
    (rooted.get(digest) ?? []).every((tag) => there.tags.has(tag) || !mayHave(there, tag)) &&
    from.every((parent) =>
      there.view.nodes.has(parent) ? !there.view.doubtful.has(parent) : sure.get(parent) !== false,
    );
  const found: { item: OnlyAt; sure: boolean }[] = [];
  // Nodes come level by level, so what leads to one was judged before it.
  for (const { digest, kind, type, from } of here.view.nodes.values()) {
    if (there.view.nodes.has(digest)) continue;
    const judged = isSure(digest, from);
    sure.set(digest, judged);
    const item = { only: side, digest, kind, ...(type === undefined ? {} : { type }), from };
    found.push({ item, sure: judged });
  }
  return found.sort((a, b) => byDigest(a.item, b.item));
}

function untoldAt(
  at: Side,
  { view, doubtfulTags, moreTags, name }: Place,
): (Untold & { at: Side })[] {
  const bound = "GRAPH_TOO_LARGE" as const;
  return [
    ...view.untold.map((each) => ({ at, ...each })),
    ...[...doubtfulTags].sort().map((tag) => ({
      at,
      what: `tag ${tag}`,
      code: "MANIFEST_UNKNOWN" as const,
      reason: `it is listed, and what it leads to could not be told`,
    })),
    ...(moreTags
      ? [{ at, what: name, code: bound, reason: "it has more tags than the bound" }]
      : []),
    ...(view.cut
      ? [{ at, what: name, code: bound, reason: "it has more manifests than the bound" }]
      : []),
  ];
}

function unsure(only: readonly { item: OnlyAt; sure: boolean }[]): (Untold & { at: Side })[] {
  return only
    .filter(({ sure }) => !sure)
    .map(({ item: { only: side, digest } }) => ({
      at: side === "a" ? "b" : "a",
      what: digest,
      code: "REFERRERS_UNKNOWN",
      reason: "it is at the other place, and what leads to it here could not be told",
    }));
}

function byDigest(a: { digest: Digest }, b: { digest: Digest }): number {
  return a.digest < b.digest ? -1 : a.digest > b.digest ? 1 : 0;
}
