// SPDX-License-Identifier: Apache-2.0
import { createHash } from "node:crypto";
import { z } from "zod";
import { canonicalJson, packClaim, type ReadClaim } from "../claims/index";
import type { PackedArtifact } from "../content/pack";
import type { Descriptor } from "../oci/descriptor";
import { digestSchema, hexOf, type Digest } from "../oci/digest";
import { timeSchema } from "../retention/index";

const VERIFIER = "https://consign.dev/promotion/v1";

/** Where an environment finds its artifact: one tag at one place. */
export interface Slot {
  environment: string;
  /** `location:tag` */
  resource: string;
}

/**
 * What a promotion adds to a SLSA verification summary: where the artifact came from, and what it
 * took the place of.
 */
const lineageSchema = z.object({
  environment: z.string().min(1),
  from: z.object({ repository: z.string().min(1), digest: digestSchema }),
  /** The promotion before this one. */
  previous: z.object({ record: digestSchema, digest: digestSchema }).optional(),
  /** What the tag pointed at, where no promotion had put it there. */
  replaced: digestSchema.optional(),
});

/** @see https://slsa.dev/spec/v1.0/verification_summary */
export const recordSchema = z.object({
  verifier: z.object({ id: z.literal(VERIFIER) }),
  timeVerified: timeSchema,
  resourceUri: z.string().min(1),
  policy: z.object({ uri: z.string(), digest: z.object({ sha256: z.string() }) }),
  inputAttestations: z.array(z.object({ digest: z.record(z.string(), z.string()) })),
  verificationResult: z.literal("PASSED"),
  verifiedLevels: z.array(z.string()),
  slsaVersion: z.literal("1.0"),
  lineage: lineageSchema,
});
export type PromotionRecord = z.infer<typeof recordSchema>;

export interface RecordContent {
  slot: Slot;
  promotedAt: string;
  from: { repository: string; digest: Digest };
  previous?: { record: Digest; digest: Digest } | undefined;
  replaced?: Digest | undefined;
  /** What was asked for: trust and requirements, as the program has them. */
  policy: unknown;
  /** The claims that the verification rested on. */
  evidence: readonly Digest[];
}

export function promotionRecord({
  slot,
  promotedAt,
  from,
  previous,
  replaced,
  policy,
  evidence,
}: RecordContent): PromotionRecord {
  return {
    verifier: { id: VERIFIER },
    timeVerified: promotedAt,
    resourceUri: slot.resource,
    policy: {
      uri: `https://consign.dev/promotion/v1/${encodeURIComponent(slot.environment)}`,
      digest: { sha256: createHash("sha256").update(canonicalJson(policy)).digest("hex") },
    },
    inputAttestations: [...evidence]
      .sort()
      .map((digest) => ({ digest: { [digest.slice(0, digest.indexOf(":"))]: hexOf(digest) } })),
    verificationResult: "PASSED",
    verifiedLevels: ["CONSIGN_POLICY_MET"],
    slsaVersion: "1.0",
    lineage: {
      environment: slot.environment,
      from,
      ...(previous === undefined ? {} : { previous }),
      ...(replaced === undefined ? {} : { replaced }),
    },
  };
}

/** The record in a claim, if it is one of this slot. */
export function recordIn({ predicate }: ReadClaim, slot: Slot): PromotionRecord | undefined {
  const parsed = recordSchema.safeParse(predicate);
  if (!parsed.success) return undefined;
  return parsed.data.resourceUri === slot.resource &&
    parsed.data.lineage.environment === slot.environment
    ? parsed.data
    : undefined;
}

export function packRecord(subject: Descriptor, record: PromotionRecord): PackedArtifact {
  return packClaim({ type: "vsa", subject, predicate: record, audience: "internal" });
}

/**
 * `https://consign.dev/claims/deployment/v1`, with which promotion began the stay, and which ended
 * it.
 */
export const stayClaimSchema = z.object({
  environment: z.string().min(1),
  resource: z.string(),
  from: timeSchema,
  until: timeSchema.optional(),
  opening: digestSchema,
  /** Absent in a claim that closes because the artifact was demoted and nothing took its place. */
  closing: digestSchema.optional(),
});
export type StayClaim = z.infer<typeof stayClaimSchema>;

export function packOpening(
  subject: Descriptor,
  { environment, resource }: Slot,
  from: string,
  opening: Digest,
): PackedArtifact {
  return packClaim({
    type: "deployment",
    subject,
    predicate: { environment, resource, from, opening } satisfies StayClaim,
    audience: "internal",
  });
}

export function packClosing(
  subject: Descriptor,
  { environment, resource }: Slot,
  stay: { from: string; until: string; opening: Digest; closing?: Digest | undefined },
): PackedArtifact {
  const { from, until, opening, closing } = stay;
  const predicate: StayClaim = {
    environment,
    resource,
    from,
    until,
    opening,
    ...(closing === undefined ? {} : { closing }),
  };
  return packClaim({ type: "deployment", subject, predicate, audience: "internal" });
}

/** `production v1: sha256:a… → sha256:b…` */
export function describeMove(
  { environment, resource }: Slot,
  before: Digest | undefined,
  after: Digest,
): string {
  const tag = tagOf(resource);
  const name = (digest: Digest | undefined) =>
    digest === undefined ? "nothing" : `${digest.slice(0, digest.indexOf(":") + 13)}…`;
  return `${environment} ${tag}: ${name(before)} → ${name(after)}`;
}

/** `environment production still runs sha256:a… (prod)` */
export function describeRunning({ environment, resource }: Slot, digest: Digest): string {
  return `environment ${environment} still runs ${digest} (${tagOf(resource)})`;
}

function tagOf(resource: string): string {
  return resource.slice(resource.lastIndexOf(":") + 1);
}
