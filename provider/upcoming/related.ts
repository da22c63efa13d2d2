// SPDX-License-Identifier: Apache-2.0
import { z } from "zod";
import { audienceOf, claimTypeOf, kindOf, resolveType } from "../claims/index";
import { groupedBy } from "../content/bounded";
import type { SurveyedReferrer } from "../graph/index";
import { isSignature } from "../notation/index";
import { digestSchema, hexOf, isDigest, type Digest } from "../oci/digest";

/** How a plan names what is a signature rather than a claim. */
export const SIGNATURE = "signature";

/** Something that refers to an artifact, to a part of it, or to something that does. */
export interface Related {
  /**
   * A claim's short name or predicate type, {@link SIGNATURE}, or the artifact type of what is
   * neither.
   */
  type: string;
  audience: "internal" | "public";
  /** What it refers to, where that is not the artifact itself. */
  of?: Digest | undefined;
}
export type RelatedByDigest = Record<Digest, Related>;

/**
 * As plans and state have it: `sbom/spdx public`, `signature of 0123456789ab`. Short, as state
 * holds one for every manifest.
 */
export const relatedTextSchema = z.record(digestSchema, z.string().min(1).max(2048));
export type RelatedText = Record<Digest, string>;

const SHORT_HEX = 12;

/**
 * One word for a type, the same for a claim as a program announces it and as a registry lists it.
 */
export function typeName(type: string): string {
  const kind = kindOf(type);
  return kind !== undefined && resolveType(kind.name) === type
    ? kind.name
    : type.replace(/\s/g, "");
}

export function describeReferrer({ descriptor, of }: SurveyedReferrer, root: Digest): Related {
  const base = of === root ? {} : { of };
  if (isSignature(descriptor)) return { type: SIGNATURE, audience: "internal", ...base };
  return {
    type: typeName(claimTypeOf(descriptor) ?? descriptor.artifactType ?? "unknown"),
    audience: audienceOf(descriptor),
    ...base,
  };
}

export function encodeRelated(related: RelatedByDigest): RelatedText {
  const named = byPrefix(Object.keys(related) as Digest[]);
  return Object.fromEntries(
    Object.entries(related).map(([digest, { type, audience, of }]) => {
      const about =
        of === undefined
          ? ""
          : ` of ${related[of] === undefined ? of : shortest(of, named.get(prefixOf(of)) ?? [])}`;
      return [digest, `${type}${audience === "public" ? " public" : ""}${about}`];
    }),
  );
}

/** @returns undefined where a text names a subject that is not there */
export function decodeRelated(text: RelatedText): RelatedByDigest | undefined {
  const decoded: RelatedByDigest = {};
  const digests = Object.keys(text) as Digest[];
  const named = byPrefix(digests);
  for (const [digest, line] of Object.entries(text) as [Digest, string][]) {
    const [what = "", about] = line.split(" of ");
    const [type = "", audience] = what.split(" ");
    const of =
      about === undefined
        ? undefined
        : isDigest(about)
          ? about
          : (named.get(about.slice(0, SHORT_HEX)) ?? digests).find((other) =>
              hexOf(other).startsWith(about),
            );
    if (about !== undefined && of === undefined) return undefined;
    decoded[digest] = {
      type: typeName(type),
      audience: audience === "public" ? "public" : "internal",
      ...(of === undefined ? {} : { of }),
    };
  }
  return decoded;
}

function prefixOf(digest: Digest): string {
  return hexOf(digest).slice(0, SHORT_HEX);
}

function byPrefix(digests: readonly Digest[]): Map<string, Digest[]> {
  return groupedBy(digests, prefixOf);
}

function shortest(digest: Digest, among: readonly Digest[]): string {
  const hex = hexOf(digest);
  for (let length = SHORT_HEX; length < hex.length; length += 4) {
    const prefix = hex.slice(0, length);
    if (among.every((other) => other === digest || !hexOf(other).startsWith(prefix))) return prefix;
  }
  return digest;
}

/**
 * The part of `related` that a selection takes. A signature goes with what it signs; what refers to
 * something that stays behind stays behind as well.
 */
export function selectRelated(
  related: Readonly<RelatedByDigest>,
  takes: (related: Related, digest: Digest) => boolean,
): RelatedByDigest {
  const decided = new Map<Digest, boolean>();
  const decide = (digest: Digest): boolean => {
    const entry = related[digest];
    if (entry === undefined) return true;
    const before = decided.get(digest);
    if (before !== undefined) return before;
    // Whoever comes back here while deciding has found a loop, which nothing of it belongs to.
    decided.set(digest, false);
    const taken =
      (entry.type === SIGNATURE || takes(entry, digest)) &&
      (entry.of === undefined || decide(entry.of));
    decided.set(digest, taken);
    return taken;
  };
  const chosen = (Object.entries(related) as [Digest, Related][]).filter(([digest]) =>
    decide(digest),
  );
  return sortedByKey(Object.fromEntries(chosen));
}

/**
 * By how many steps something is away from the artifact or the part of it that it is about in the
 * end.
 */
export function distanceOf(related: Readonly<RelatedByDigest>, digest: Digest, bound = 32): number {
  const of = related[digest]?.of;
  return of === undefined || bound === 0
    ? 1
    : related[of] === undefined
      ? 1
      : 1 + distanceOf(related, of, bound - 1);
}

export function sortedByKey<Key extends string, Value>(
  record: Record<Key, Value>,
): Record<Key, Value> {
  return Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1))) as Record<
    Key,
    Value
  >;
}
