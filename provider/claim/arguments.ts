// SPDX-License-Identifier: Apache-2.0
import { z } from "zod";
import { descriptorSchema } from "../oci/descriptor";
import { digestSchema } from "../oci/digest";
import { referenceSchema } from "../oci/reference";
import { signingShape } from "../signing/arguments";
import { NOT_DUE } from "../signing/renewal";
import { signedBySchema } from "../signing/signer";
import { signatureRecordSchema } from "../signing/signing";
import { contentShape } from "./content";
import { leavingClaimSchema } from "./remove";

export const schema = z.object({
  ...contentShape,
  ...signingShape,
  onDelete: z.enum(["retain", "purge"]).optional(),
});

export const plannedSchema = schema.extend({
  onDelete: z.enum(["retain", "purge"]).default("purge"),
  digest: digestSchema,
  reference: referenceSchema,
  descriptor: descriptorSchema,
  about: referenceSchema,
  signedBy: signedBySchema,
  renewal: z.string().default(NOT_DUE),
  signatures: z.array(signatureRecordSchema).optional(),
  replaces: z.array(leavingClaimSchema).default([]),
});
export type Planned = z.infer<typeof plannedSchema>;
