// SPDX-License-Identifier: Apache-2.0
import { z } from "zod";
import { descriptorSchema } from "../oci/descriptor";
import { digestSchema } from "../oci/digest";
import { locationSchema, referenceSchema, tagSchema } from "../oci/reference";
import { artifactTagSchema, onDeleteSchema } from "../world/arguments";
import { originShape } from "./origin";
import type { Properties } from "../world/reconciler";
import { Made } from "../keeping/made";
import { NOT_DUE } from "../signing/renewal";
import { signedBySchema } from "../signing/signer";
import { signatureRecordSchema } from "../signing/signing";
import { signingShape } from "../signing/arguments";

export const signedArtifactSchema = z.object({
  repository: locationSchema,
  tags: z.array(artifactTagSchema).max(100).default([]),
  ...originShape,
  ...signingShape,
  onDelete: onDeleteSchema.default("retain"),
});

export type SignedArtifactInputs = z.infer<typeof signedArtifactSchema>;

export const plannedArtifactSchema = signedArtifactSchema.extend({
  tags: z.array(tagSchema).max(100).default([]),
  digest: digestSchema,
  reference: referenceSchema,
  descriptor: descriptorSchema,
  signedBy: signedBySchema,
  tagged: z.record(z.string(), z.string()),
  /** Where this resource itself last pointed each tag: what is there is its own to take away. */
  placed: z.record(z.string(), z.string()).optional(),
  renewal: z.string().default(NOT_DUE),
  signatures: z.array(signatureRecordSchema).optional(),
});

const tagsSchema = plannedArtifactSchema.pick({ tagged: true, placed: true }).partial();

/**
 * Where a state has its tags, and where this resource has set them. States without marks do not
 * tell these from tags that were there.
 */
export function tagsBefore(state: Properties | undefined): {
  seen: Record<string, string>;
  placed: Record<string, string>;
} {
  const { tagged = {}, placed = {} } = tagsSchema.safeParse(state ?? {}).data ?? {};
  return { seen: tagged, placed: Made.of(state).isMarked ? placed : {} };
}
