// SPDX-License-Identifier: Apache-2.0
import { z } from "zod";
import { trustPolicySchema } from "../notation/index";
import { digestSchema } from "../oci/digest";
import { locationSchema } from "../oci/reference";
import { signedBySchema, signerSchema } from "../signing/signer";
import { mirrorPlanSchema, statusSchema, upcomingSchema } from "../upcoming/plan";
import { onDeleteSchema } from "../world/arguments";
import { claimSelectionSchema } from "./choose/claims";
import { platformsSchema } from "./choose/platforms";
import { tagSelectionSchema } from "./choose/tags";
import type { Properties } from "../world/reconciler";
import { marksSchema } from "./fill/marks";

export const schema = z.object({
  source: locationSchema,
  destinations: z.array(locationSchema).min(1).max(100),
  tags: tagSelectionSchema.default({}),
  claims: claimSelectionSchema.default({}),
  platforms: platformsSchema.optional(),
  signer: signerSchema.optional(),
  trust: trustPolicySchema.optional(),
  withdrawn: z.enum(["keep", "remove"]).default("keep"),
  /** `exclude`: evidence that buildkit puts into an index stays behind. */
  attestations: z.enum(["include", "exclude"]).optional(),
  /** `skip`: what an index names and the source does not have stays behind. */
  absent: z.enum(["fail", "skip"]).optional(),
  /** Not there in states of 0.1.0, so that its default is none in them. */
  onRefused: z.enum(["warn", "fail"]).optional(),
  onConflict: z.enum(["fail", "overwrite", "keep"]).default("fail"),
  rollout: z.enum(["parallel", "sequential"]).default("parallel"),
  summarizeAbove: z.number().int().min(0).max(1_000_000).default(200),
  onDelete: onDeleteSchema.default("retain"),
  /** What this program is about to put at the source, told by the resources that will. */
  upcoming: upcomingSchema.optional(),
  /** Unknown in a preview as long as that is not there. */
  upcomingReady: z.boolean().optional(),
});

export type Inputs = z.infer<typeof schema>;

export const plannedMirrorSchema = schema.extend({
  plan: mirrorPlanSchema,
  status: statusSchema,
  parity: z.record(z.string(), digestSchema).default({}),
  signedBy: signedBySchema.optional(),
  /** By destination, the tags that stay where others have them. */
  kept: statusSchema.optional(),
  /** By destination that could not be finished, what it may still hold of earlier plans. */
  behind: z.record(z.string(), mirrorPlanSchema).optional(),
  /** By destination, what tells what this mirror has put there from what it has found. */
  marks: z.record(z.string(), marksSchema).optional(),
});

export type PlannedMirror = z.infer<typeof plannedMirrorSchema>;

/** A mirror as an earlier run has recorded it, if that can be read. */
export function previousMirror(previous: Properties | undefined): PlannedMirror | undefined {
  const parsed = plannedMirrorSchema.safeParse(previous ?? {});
  return parsed.success ? parsed.data : undefined;
}
