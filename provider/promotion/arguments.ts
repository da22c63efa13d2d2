// SPDX-License-Identifier: Apache-2.0
import { z } from "zod";
import {
  denyEntrySchema,
  issuersSchema,
  lifecycleIssuersSchema,
  readIssuers,
  requireEntrySchema,
} from "../claims/index";
import type { Store } from "../content/storage";
import { descriptorSchema } from "../oci/descriptor";
import { digestSchema } from "../oci/digest";
import { locationSchema, parseReference, referenceSchema, tagSchema } from "../oci/reference";
import { timeSchema } from "../retention/index";
import { artifactSchema, artifactTagSchema, onDeleteSchema, referenceOf } from "../world/arguments";
import { asOfSchema } from "../world/as-of";
import { at, type ResourceContext } from "../world/context";
import { carrySelectionSchema } from "./carried-claims";
import { againstSchema } from "../judging/against";
import { openTrust, trustSchema, verdictSchema } from "../judging/judgement";
import { promotedSchema, type HistoryQuestion } from "./history";
import { slotOf, type PromotionQuestion } from "./plan";
import { recordSchema } from "../deployments/record";
import { recordSigningShape } from "../signing/record-signing";
import { signedBySchema } from "../signing/signer";
import { signatureRecordSchema } from "../signing/signing";

export const promotionSchema = z.object({
  artifact: artifactSchema,
  environment: z.string().min(1).max(128),
  to: locationSchema,
  tag: artifactTagSchema,
  claims: carrySelectionSchema.default({}),
  ...recordSigningShape,
  trust: trustSchema.optional(),
  require: z.array(requireEntrySchema).max(100).optional(),
  deny: z.array(denyEntrySchema).max(100).optional(),
  precedence: issuersSchema.optional(),
  lifecycleIssuers: lifecycleIssuersSchema.optional(),
  historyTrust: trustSchema.optional(),
  onDelete: onDeleteSchema.default("untag"),
  asOf: asOfSchema.optional(),
  /** What will be `artifact` once it is verified; serves the preview. */
  upcoming: artifactSchema.optional(),
});
export type PromotionInputs = z.infer<typeof promotionSchema>;

const windowSchema = z.object({
  environment: z.string(),
  resource: z.string(),
  from: timeSchema,
  until: timeSchema.optional(),
});

export const plannedPromotionSchema = promotionSchema.extend({
  tag: tagSchema,
  trust: trustSchema,
  digest: digestSchema,
  /** Only of what may be used, and is there. */
  reference: referenceSchema.optional(),
  promotedAt: timeSchema,
  signedBy: signedBySchema,
  /** By tag, where it is to be; after a refresh, where it is. */
  tagged: z.record(z.string(), z.string()),
  /** Where the plan saw the tag. */
  seen: z.string(),
  verdict: verdictSchema,
  verified: z.boolean(),
  /** What is not met, one line each. */
  unmet: z.array(z.string()),
  against: againstSchema.optional(),
  /** By digest, what the environment will run, or runs, although it is revoked. */
  revoked: z.record(digestSchema, z.string()).optional(),
  descriptor: descriptorSchema.optional(),
  record: digestSchema.optional(),
  summary: recordSchema.optional(),
  carries: z.record(digestSchema, z.string()).optional(),
  move: z.string().optional(),
  windows: z.record(digestSchema, windowSchema).optional(),
  promotions: z.array(promotedSchema),
  signatures: z.array(signatureRecordSchema).optional(),
});
export type PlannedPromotion = z.infer<typeof plannedPromotionSchema>;
/** What is recorded of an earlier plan, which may have had to leave things open. */
export type Recorded = { [Name in keyof PlannedPromotion]?: PlannedPromotion[Name] | undefined };

/** Where the history of the slot is, and whose records count in it. */
export async function historyQuestion(
  inputs: Pick<PromotionInputs, "environment" | "to" | "tag" | "trust" | "historyTrust">,
  context: ResourceContext,
): Promise<HistoryQuestion & { store: Store }> {
  const store = await at("to", () => context.stores.open(inputs.to));
  const property = inputs.historyTrust === undefined ? "trust" : "historyTrust";
  const trust = await at(property, async () =>
    openTrust(
      inputs.historyTrust ?? inputs.trust ?? { notationConfig: "default" },
      store.name,
      context,
    ),
  );
  return { store, slot: slotOf(inputs.environment, inputs.to, inputs.tag), trust };
}

/** Where the artifact comes from, and what is asked of it. */
export async function artifactQuestion(
  inputs: Pick<
    PromotionInputs,
    "artifact" | "trust" | "require" | "deny" | "precedence" | "lifecycleIssuers"
  >,
  context: ResourceContext,
): Promise<Pick<PromotionQuestion, "source" | "trustOfArtifact" | "question">> {
  const { artifact, trust = { notationConfig: "default" }, require, deny } = inputs;
  const source = await at("artifact", () =>
    context.stores.open(parseReference(referenceOf(artifact)).location),
  );
  return {
    source,
    trustOfArtifact: await openTrust(trust, source.name, context),
    question: { require, deny, ...(await readIssuers(inputs, context.baseDir)) },
  };
}
