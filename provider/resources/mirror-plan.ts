// SPDX-License-Identifier: Apache-2.0
import { z } from "zod";
import type { Graph } from "../graph";
import { audienceOf, claimTypeOf } from "../claims";
import { isSignature } from "../notation";
import type { Descriptor } from "../oci/descriptor";
import { digestSchema, type Digest } from "../oci/digest";

/** How a plan names what is a signature rather than a claim. */
export const SIGNATURE = "signature";

/** Something that refers to an artifact, or to something that does. */
export const relatedSchema = z.object({
  /** A claim's type, or {@link SIGNATURE}. */
  type: z.string(),
  audience: z.enum(["internal", "public"]).optional(),
  /** What it refers to, where that is not the artifact itself. */
  of: digestSchema.optional(),
});
export type Related = z.infer<typeof relatedSchema>;

export const plannedArtifactSchema = z.object({
  mediaType: z.string(),
  size: z.number().int().nonnegative(),
  related: z.record(digestSchema, relatedSchema),
});
export type PlannedArtifact = z.infer<typeof plannedArtifactSchema>;

/**
 * What a mirror's destinations are to hold: nothing more of its own, nothing less. This is what a preview shows line by line, what state
 * remembers as the base of the next merge, and what a mirror of the mirror plans from.
 */
export const mirrorPlanSchema = z.object({
  tags: z.record(z.string(), digestSchema),
  artifacts: z.record(digestSchema, plannedArtifactSchema),
  /** Tags that are gone at the source and kept here. */
  withdrawn: z.array(z.string()).optional(),
  /** Tags that are not copied, because their artifact is not verified, and why. */
  refused: z.record(z.string(), z.string()).optional(),
  /** Tags asked for by name that the source does not have. */
  missing: z.array(z.string()).optional(),
});
export type MirrorPlan = z.infer<typeof mirrorPlanSchema>;

/** What is about to appear at a source: a plan in which an artifact that exists already may be named by its digest alone. */
export const upcomingSchema = mirrorPlanSchema.extend({
  artifacts: z.record(digestSchema, plannedArtifactSchema.partial({ mediaType: true, size: true })),
});
export type Upcoming = z.infer<typeof upcomingSchema>;

/** Per destination, what is not as planned: nothing, or `{ "tag v1": "absent" }`. */
export const statusSchema = z.record(z.string(), z.record(z.string(), z.string()));
export type DestinationStatus = z.infer<typeof statusSchema>[string];

export const claimSelectionSchema = z.strictObject({
  /** Only these types (short names or predicate type URIs; default: all). */
  types: z.array(z.string().min(1)).min(1).optional(),
  /** Not these. */
  excludeTypes: z.array(z.string().min(1)).min(1).optional(),
  /** `public`: only what is explicitly public. Default `any`. */
  audience: z.enum(["public", "any"]).optional(),
});
export type ClaimSelection = z.infer<typeof claimSelectionSchema>;

/** A table of what refers to the graph's root, complete, before anything is selected. */
export function relatedIn(graph: Graph): Record<Digest, Related> {
  const related: Record<Digest, Related> = {};
  for (const [digest, node] of graph.nodes) {
    for (const referrer of node.referrers) related[referrer.digest] = describeReferrer(referrer, digest === graph.root.digest ? undefined : digest);
  }
  return sortedByKey(related);
}

function describeReferrer(referrer: Descriptor, of: Digest | undefined): Related {
  const base = of === undefined ? {} : { of };
  return isSignature(referrer) ? { type: SIGNATURE, ...base } : { type: claimTypeOf(referrer) ?? "unknown", audience: audienceOf(referrer), ...base };
}

/**
 * The part of `related` that a selection takes. A signature goes with what it signs; what refers to something that stays behind stays
 * behind as well.
 */
export function selectRelated(related: Readonly<Record<Digest, Related>>, takes: (related: Related) => boolean): Record<Digest, Related> {
  const chosen: Record<Digest, Related> = {};
  const decide = (digest: Digest, seen: ReadonlySet<Digest>): boolean => {
    const entry = related[digest];
    if (entry === undefined) return true;
    if (seen.has(digest)) return false;
    return (entry.type === SIGNATURE || takes(entry)) && (entry.of === undefined || decide(entry.of, new Set([...seen, digest])));
  };
  for (const [digest, entry] of Object.entries(related) as [Digest, Related][]) if (decide(digest, new Set())) chosen[digest] = entry;
  return sortedByKey(chosen);
}

export function sortedByKey<Key extends string, Value>(record: Record<Key, Value>): Record<Key, Value> {
  return Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1))) as Record<Key, Value>;
}
