// SPDX-License-Identifier: Apache-2.0
import { z } from "zod";
import {
  denyEntrySchema,
  followRedirectsSchema,
  issuersSchema,
  lifecycleIssuersSchema,
  requireEntrySchema,
} from "../claims/index";
import { referenceSchema } from "../oci/reference";
import { artifactSchema } from "../world/arguments";
import { arrivalSchema } from "./arrivals";
import { verdictSchema } from "../judging/judgement";
import { trustSchema } from "../judging/trust";

export const verificationSchema = z.object({
  artifact: artifactSchema,
  trust: trustSchema,
  require: z.array(requireEntrySchema).max(100).optional(),
  deny: z.array(denyEntrySchema).max(100).optional(),
  precedence: issuersSchema.optional(),
  lifecycleIssuers: lifecycleIssuersSchema.optional(),
  followRedirects: followRedirectsSchema.optional(),
  /** What this program is about to bring to the artifact's place. */
  mirror: arrivalSchema.optional(),
  /** Unknown in a preview as long as that is not there. */
  mirrorReady: z.boolean().optional(),
});
export type VerificationInputs = z.infer<typeof verificationSchema>;

export const recordedSchema = z.object({
  reference: referenceSchema.optional(),
  followed: z.array(referenceSchema).optional(),
  verdict: verdictSchema.optional(),
});
