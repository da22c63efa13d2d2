// SPDX-License-Identifier: Apache-2.0
import { z } from "zod";
import {
  delaySchema,
  durationSchema,
  lifecycleIssuersSchema,
  parseDelay,
  parseDuration,
  resolveType,
  typeKey,
} from "../claims/index";
import { ConsignError } from "../errors";
import { digestSchema } from "../oci/digest";
import { locationSchema, parseLocation } from "../oci/reference";
import { isTagPattern, tagMatcher } from "../oci/tag-pattern";
import { checkRules, timeSchema, type Rules } from "../retention/index";
import { asOfSchema } from "../world/as-of";
import type { ResourceContext } from "../world/context";
import { trustSchema } from "../judging/judgement";
import { recordSigningShape } from "../signing/record-signing";

const holdSchema = z.union([digestSchema, z.strictObject({ claim: z.string().min(1).max(1024) })]);

const windowSchema = z.object({
  environment: z.string(),
  resource: z.string(),
  from: timeSchema,
  until: timeSchema.optional(),
});

const policyNameSchema = z.string().regex(/^[\x21-\x7e]{1,256}$/, {
  message: "has 1 to 256 printable ASCII characters, without spaces",
});

export const archiveSchema = z.object({
  sources: z.array(locationSchema).min(1).max(100),
  archive: locationSchema,
  deployments: z
    .strictObject({ environments: z.array(z.string().min(1)).min(1).max(100).optional() })
    .default({}),
  archiveAfter: delaySchema.default("30d"),
  retain: z
    .strictObject({
      for: durationSchema.optional(),
      from: z
        .enum(["end-of-production", "end-of-support", "archived"])
        .default("end-of-production"),
      last: z.number().int().min(1).max(100_000).optional(),
      holds: z.array(holdSchema).max(10_000).default([]),
      whileRunningIn: z.array(locationSchema).max(100).default([]),
    })
    .default({ from: "end-of-production", holds: [], whileRunningIn: [] }),
  onExpiry: z.enum(["report", "purge-content", "purge"]).default("report"),
  release: z.enum(["never", "after-archive"]).default("never"),
  // Without defaults, which would be changes to what earlier versions recorded.
  releaseTags: z
    .array(z.string().min(1).max(256).refine(isTagPattern, "is neither a tag nor a glob"))
    .max(1_000)
    .optional(),
  releaseUnverified: z.boolean().optional(),
  purgeGrace: delaySchema.optional(),
  freeBlobs: z.boolean().optional(),
  observe: z.enum(["live", "refresh"]).default("live"),
  ...recordSigningShape,
  trust: trustSchema,
  /** Who may end support, and who may lift a hold that is another's. */
  lifecycleIssuers: lifecycleIssuersSchema.omit({ redirect: true }).optional(),
  asOf: asOfSchema.optional(),
  /** By which this policy's records in an archive are told from those of others. */
  policy: policyNameSchema.optional(),
  /**
   * What it is without one: project, stack and name of the resource, as they were when it was made.
   */
  self: policyNameSchema.optional(),
  /** By digest, what promotions of this program are about to say; serves the preview. */
  upcoming: z.array(z.record(digestSchema, windowSchema)).max(1_000).optional(),
});
export type ArchiveInputs = z.infer<typeof archiveSchema>;

/** The arguments that rules are made of. */
export const RULE_ARGUMENTS = [
  "archive",
  "archiveAfter",
  "retain",
  "deployments",
  "onExpiry",
  "release",
  "releaseTags",
  "purgeGrace",
  "freeBlobs",
] as const;

/**
 * The rules in the arguments. @throws ConsignError `INPUT_INVALID` at the property, for rules that
 * contradict each other
 */
export function rulesOf(inputs: Pick<ArchiveInputs, (typeof RULE_ARGUMENTS)[number]>): Rules {
  const { archive, archiveAfter, retain, deployments, onExpiry, release } = inputs;
  const { releaseTags, purgeGrace = "24h", freeBlobs = false } = inputs;
  const isShared = parseLocation(archive).kind === "registry";
  const rules: Rules = {
    archiveAfter: delay(archiveAfter),
    ...(retain.for === undefined ? {} : { retain: period(retain.for) }),
    since: retain.from,
    ...(retain.last === undefined ? {} : { last: retain.last }),
    holds: retain.holds.flatMap((hold) => (typeof hold === "string" ? [hold] : [])),
    ...(deployments.environments === undefined ? {} : { environments: deployments.environments }),
    onExpiry,
    release,
    ...(releaseTags === undefined ? {} : { releaseTags: tagMatcher(releaseTags) }),
    purgeGrace: delay(purgeGrace),
    isShared,
    ...(isShared
      ? freeBlobs
        ? { frees: "registry" as const }
        : {}
      : { frees: "layout" as const }),
  };
  checkRules(rules);
  return rules;
}

function delay(text: string): { text: string; ms: number } {
  return { text, ms: parseDelay(text) };
}

function period(text: string): { text: string; ms: number } {
  return { text, ms: parseDuration(text) };
}

/** Types of claims whose presence is a legal hold, as {@link typeKey} has them. */
export function holdTypes({ holds }: ArchiveInputs["retain"]): Set<string> {
  return new Set(
    holds.flatMap((hold) => (typeof hold === "string" ? [] : [typeKey(resolveType(hold.claim))])),
  );
}

/**
 * Refuses an archive that is a source as well, whatever it is called: what is released there, or
 * purged here, would be gone for good.
 * @throws ConsignError `INPUT_INVALID` at the property
 */
export async function checkPlaces(
  { sources = [], archive, retain }: Partial<Pick<ArchiveInputs, "sources" | "archive" | "retain">>,
  { stores }: Pick<ResourceContext, "stores">,
): Promise<void> {
  const archived = archive === undefined ? undefined : await stores.placeOf(archive);
  const seen = new Set<string>();
  for (const [index, source] of sources.entries()) {
    const place = await stores.placeOf(source);
    if (place === archived)
      throw new ConsignError(
        "INPUT_INVALID",
        `${archive} is a source: an archive has to be somewhere else`,
        { path: "archive" },
      );
    if (seen.has(place))
      throw new ConsignError("INPUT_INVALID", `${source} is named twice`, {
        path: `sources[${index}]`,
      });
    seen.add(place);
  }
  for (const [index, watched] of (retain?.whileRunningIn ?? []).entries()) {
    if ((await stores.placeOf(watched)) === archived)
      throw new ConsignError("INPUT_INVALID", `nothing runs in the archive, ${archive}`, {
        path: `retain.whileRunningIn[${index}]`,
      });
  }
}
