// SPDX-License-Identifier: Apache-2.0
import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import { ConsignError } from "../errors";
import { digestOf, digestSchema, type Digest } from "../oci/digest";
import {
  decodeRelated,
  encodeRelated,
  relatedTextSchema,
  sortedByKey,
  type RelatedByDigest,
} from "./related";

export const plannedArtifactSchema = z.object({
  mediaType: z.string(),
  size: z.number().int().nonnegative(),
  /**
   * What refers to it, by digest: `vulnerabilities public`, `signature of 0123456789ab`. Absent in
   * a summary.
   */
  related: relatedTextSchema.optional(),
  /** The index of which this one has only some platforms. */
  derivedFrom: digestSchema.optional(),
  /** Of an index of which some parts stay behind, the platforms that go along. */
  platforms: z.array(z.string().min(1).max(256)).max(1000).optional(),
  /** Parts of an index that stay behind although their platform goes along, or have none. */
  without: z.array(digestSchema).max(20_000).optional(),
  /**
   * Tags that led here when it was mirrored, and have moved on since; it stays as long as one of
   * them is mirrored.
   */
  was: z.array(z.string()).optional(),
});

const countSchema = z.number().int().nonnegative();

export const summarySchema = z.object({
  /** Manifest of the inventory, which lies at each destination and says all. */
  inventory: digestSchema,
  tags: countSchema,
  artifacts: countSchema,
  /** By type, how many of what refers to them. */
  related: z.record(z.string(), countSchema),
});

/**
 * Requests and bytes that bringing one destination from the plan before to this one is expected to
 * take.
 */
export const budgetSchema = z.object({ requests: countSchema, bytes: countSchema });
export type Budget = z.infer<typeof budgetSchema>;

/**
 * What a mirror's destinations are to hold: nothing more of its own, nothing less. This is what a
 * preview shows line by line, what state remembers as the base of the next merge, and what a mirror
 * of the mirror plans from.
 */
export const mirrorPlanSchema = z.object({
  tags: z.record(z.string(), digestSchema),
  artifacts: z.record(digestSchema, plannedArtifactSchema),
  /** Cosign's tags of what is mirrored. */
  cosignTags: z.record(z.string(), digestSchema).optional(),
  /**
   * Tags, artifacts, claims and signatures that were mirrored and are gone at the source: kept
   * here, or taken away, as the mirror says.
   */
  withdrawn: z.array(z.string()).optional(),
  /**
   * By tag, digest or claim, why it is not copied, or what speaks against it where it stays as it
   * was mirrored before.
   */
  refused: z.record(z.string(), z.string()).optional(),
  /** Tags and digests asked for by name that the source does not have. */
  missing: z.array(z.string()).optional(),
  /**
   * Of what is refused, what fails `up` once all the rest is done: what a fault at the source has
   * refused, and was named outright, or the mirror says so.
   */
  failing: z.array(z.string()).optional(),
  /** Lists of referrers of which nobody can tell that they are complete. */
  unproven: z.array(z.string()).optional(),
  summary: summarySchema.optional(),
  budget: budgetSchema.optional(),
});
export type MirrorPlan = z.infer<typeof mirrorPlanSchema>;

/**
 * What is about to appear at a source: a plan in which an artifact that exists already may be named
 * by its digest alone.
 */
export const upcomingSchema = mirrorPlanSchema.extend({
  artifacts: z.record(digestSchema, plannedArtifactSchema.partial({ mediaType: true, size: true })),
});
export type Upcoming = z.infer<typeof upcomingSchema>;

/** Per destination, what is not as planned: nothing, or `{ "tag v1": "absent" }`. */
export const statusSchema = z.record(z.string(), z.record(z.string(), z.string()));
export type DestinationStatus = z.infer<typeof statusSchema>[string];

export interface FullArtifact {
  mediaType: string;
  size: number;
  related: RelatedByDigest;
  derivedFrom?: Digest | undefined;
  platforms?: readonly string[] | undefined;
  /** Parts that stay behind all the same. */
  without?: readonly Digest[] | undefined;
  /** Tags that led here and have moved on. */
  was?: readonly string[] | undefined;
}

/** A plan with everything in it, as it is worked with. */
export interface FullPlan {
  tags: Record<string, Digest>;
  artifacts: Record<Digest, FullArtifact>;
  cosignTags: Record<string, Digest>;
  withdrawn: string[];
  refused: Record<string, string>;
  missing: string[];
  failing: string[];
  unproven: string[];
}

export function emptyPlan(): FullPlan {
  return {
    tags: {},
    artifacts: {},
    cosignTags: {},
    withdrawn: [],
    refused: {},
    missing: [],
    failing: [],
    unproven: [],
  };
}

/** A plan in the form in which it is shown and recorded, whole. */
export function recordPlan(plan: FullPlan): MirrorPlan {
  const artifacts = Object.entries(plan.artifacts).map(
    ([digest, { mediaType, size, related, derivedFrom, platforms, without, was }]) => [
      digest,
      {
        mediaType,
        size,
        related: encodeRelated(related),
        ...given({ derivedFrom, platforms, without, was }),
      },
    ],
  );
  return {
    tags: sortedByKey(plan.tags),
    artifacts: sortedByKey(Object.fromEntries(artifacts) as MirrorPlan["artifacts"]),
    ...(Object.keys(plan.cosignTags).length === 0
      ? {}
      : { cosignTags: sortedByKey(plan.cosignTags) }),
    ...exceptionsOf(plan),
  };
}

export function exceptionsOf(
  plan: FullPlan,
): Pick<MirrorPlan, "withdrawn" | "refused" | "missing" | "failing" | "unproven"> {
  return {
    ...(plan.withdrawn.length === 0 ? {} : { withdrawn: [...plan.withdrawn].sort() }),
    ...(Object.keys(plan.refused).length === 0 ? {} : { refused: sortedByKey(plan.refused) }),
    ...(plan.missing.length === 0 ? {} : { missing: [...plan.missing].sort() }),
    ...(plan.failing.length === 0 ? {} : { failing: [...plan.failing].sort() }),
    ...(plan.unproven.length === 0 ? {} : { unproven: [...plan.unproven].sort() }),
  };
}

/**
 * The way back from {@link recordPlan}. @throws ConsignError `STATE_INVALID` for what was not
 * written by it
 */
export function readPlan(recorded: MirrorPlan): FullPlan {
  const artifacts: Record<Digest, FullArtifact> = {};
  for (const [digest, artifact] of Object.entries(recorded.artifacts) as [
    Digest,
    MirrorPlan["artifacts"][Digest],
  ][]) {
    const related = decodeRelated(artifact.related ?? {});
    if (related === undefined)
      throw new ConsignError(
        "STATE_INVALID",
        `the recorded plan for ${digest} names what it does not list`,
        { path: "plan" },
      );
    const { mediaType, size, derivedFrom, platforms, without, was } = artifact;
    artifacts[digest] = {
      mediaType,
      size,
      related,
      ...given({ derivedFrom, platforms, without, was }),
    };
  }
  const {
    tags,
    cosignTags = {},
    withdrawn = [],
    refused = {},
    missing = [],
    failing = [],
    unproven = [],
  } = recorded;
  return {
    tags: { ...tags },
    artifacts,
    cosignTags: { ...cosignTags },
    withdrawn: [...withdrawn],
    refused: { ...refused },
    missing: [...missing],
    failing: [...failing],
    unproven: [...unproven],
  };
}

/** What is undefined is not recorded at all. */
function given<T extends object>(members: T): Partial<T> {
  return Object.fromEntries(
    Object.entries(members).filter(([, value]) => value !== undefined),
  ) as Partial<T>;
}

/** Every manifest that a plan names. */
export function manifestCount(plan: FullPlan): number {
  return Object.values(plan.artifacts).reduce(
    (sum, { related }) => sum + 1 + Object.keys(related).length,
    Object.keys(plan.cosignTags).length,
  );
}

/** What a place holds of a plan, other than all of it. */
export interface Departures {
  /** By tag, where it points instead; undefined if it is absent. */
  tags?: ReadonlyMap<string, string | undefined>;
  absent?: ReadonlySet<Digest>;
  /** Parts of indexes that are not there, each with its index. */
  parts?: readonly string[];
}

/**
 * One digest over what a place holds of a plan: equal for places that hold the same, different for
 * those that do not.
 */
export function parityOf(plan: FullPlan, departures: Departures = {}): Digest {
  const {
    tags = new Map<string, string | undefined>(),
    absent = new Set<Digest>(),
    parts = [],
  } = departures;
  const lines: string[] = parts.map((part) => `without ${part}`);
  for (const [tag, digest] of Object.entries({ ...plan.tags, ...plan.cosignTags })) {
    const at = tags.has(tag) ? tags.get(tag) : digest;
    if (at !== undefined) lines.push(`tag ${tag} ${at}`);
  }
  for (const [digest, { related }] of Object.entries(plan.artifacts) as [Digest, FullArtifact][]) {
    if (absent.has(digest)) continue;
    lines.push(`artifact ${digest}`);
    for (const referrer of Object.keys(related) as Digest[])
      if (!absent.has(referrer)) lines.push(`referrer ${referrer} ${digest}`);
  }
  return digestOf(`${lines.sort().join("\n")}\n`);
}

/**
 * Everything that a destination may hold of two plans. Where they differ about a tag, it is most
 * likely where the first has it, as the second was not finished.
 */
export function union(a: FullPlan | undefined, b: FullPlan | undefined): FullPlan | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  const artifacts = { ...a.artifacts, ...b.artifacts };
  for (const digest of Object.keys(a.artifacts) as Digest[]) {
    const [left, right] = [a.artifacts[digest], b.artifacts[digest]];
    if (left === undefined || right === undefined) continue;
    const platforms = isDeepStrictEqual(left.platforms, right.platforms)
      ? left.platforms
      : undefined;
    const without = isDeepStrictEqual(left.without, right.without) ? left.without : undefined;
    const related = { ...left.related, ...right.related };
    artifacts[digest] = { ...right, related, platforms, without };
  }
  return {
    ...b,
    artifacts,
    tags: { ...b.tags, ...a.tags },
    cosignTags: { ...b.cosignTags, ...a.cosignTags },
  };
}

/** Whether the same parts of an index go along in both; one that is no index has none. */
export function samePartsIn(a: FullArtifact | undefined, b: FullArtifact | undefined): boolean {
  return isDeepStrictEqual(a?.platforms, b?.platforms) && isDeepStrictEqual(a?.without, b?.without);
}
