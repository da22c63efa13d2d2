// SPDX-License-Identifier: Apache-2.0
import { z } from "zod";
import { ConsignError } from "../errors";
import { descriptorSchema, sameContent } from "../oci/descriptor";
import { digestSchema } from "../oci/digest";
import { locationSchema, parseLocation, pinned, referenceSchema, tagSchema } from "../oci/reference";
import { onDeleteSchema, pick, readState } from "./arguments";
import { openOrigin, originKnown, originShape, pushOrigin } from "./artifact-origin";
import { COMPLETE, contentStatus } from "./content-status";
import type { ResourceContext } from "./context";
import { PartialFailure, type Properties, type Reconciler } from "./reconciler";
import { removeArtifact } from "./removal";
import { NOT_DUE } from "./renewal";
import { signedBySchema } from "./signer";
import { currentSignatures, ensureSigned, keptSignatures, plannedRenewal, plannedSigning, recordedSignatures, satisfying, signatureRecord, signatureRecordSchema, signatureStatus } from "./signing";
import { signingShape, type SigningArguments } from "./signing-arguments";
import { observedTags, tagAll } from "./tagging";

const schema = z.object({
  repository: locationSchema,
  tags: z.array(tagSchema).max(100).default([]),
  ...originShape,
  ...signingShape,
  onDelete: onDeleteSchema.default("retain"),
});

const plannedSchema = schema.extend({
  digest: digestSchema,
  reference: referenceSchema,
  descriptor: descriptorSchema,
  signedBy: signedBySchema,
  tagged: z.record(z.string(), z.string()),
  renewal: z.string().default(NOT_DUE),
  signatures: z.array(signatureRecordSchema).optional(),
});

/**
 * An artifact in a repository, its signature, and the tags on it. Signature before tag: who resolves the tag finds it signed.
 */
export const signedArtifact: Reconciler<typeof schema.shape> = {
  kind: "SignedArtifact",
  schema,
  replaceOn: ["repository"],
  ignore: ["signer", "files", "layout", "from", "tags", "artifactType", "annotations"],
  ensured: ["signatures", "signedReference"],

  async plan(known, unknown, _previous, context) {
    const settled = originKnown(known, unknown);
    const { signedBy } = await plannedSigning(known, context);
    const planned: Properties = { ...pick(known, "tags", "onDelete"), content: COMPLETE, signature: "valid", ...(signedBy === undefined ? {} : { signedBy }) };
    if (!unknown.has("renewBefore") && known.renewBefore === undefined) planned["renewal"] = NOT_DUE;
    if (!settled) return { planned };
    const { root: descriptor } = await openOrigin(known, context);
    Object.assign(planned, { digest: descriptor.digest, descriptor });
    if (known.tags !== undefined) planned["tagged"] = Object.fromEntries(known.tags.map((tag) => [tag, descriptor.digest]));
    const { repository } = known;
    if (repository === undefined) return { planned };
    planned["reference"] = pinned(parseLocation(repository), descriptor.digest);
    const undetermined = Object.keys(signingShape).some((name) => unknown.has(name));
    if (signedBy !== undefined && !undetermined) {
      planned["renewal"] = await plannedRenewal(() => context.stores.open(repository), descriptor, known as SigningArguments, signedBy, context);
    }
    return { planned };
  },

  id: (inputs) => String(inputs["repository"]),

  async ensure(inputs, previous, context) {
    const plan = readState(plannedSchema, inputs);
    const tagged = previousTags(previous);
    const done: Properties = { signatures: keptSignatures(previous), signedReference: undefined, tagged, content: "incomplete", signature: "incomplete" };
    try {
      const store = await context.stores.open(plan.repository);
      await ensureContent(plan, previous !== undefined && previous["content"] !== COMPLETE, context);
      done["content"] = COMPLETE;
      const request = { store, target: plan.descriptor, args: plan, signedBy: plan.signedBy, renew: plan.renewal !== NOT_DUE, previous };
      Object.assign(done, { signatures: await ensureSigned(request, context), signature: "valid", signedReference: plan.reference });
      await tagAll(store, plan.descriptor, plan.tags, tagged);
      return { ...done, tagged: plan.tagged, renewal: NOT_DUE };
    } catch (error) {
      throw new PartialFailure(error as Error, { ...inputs, ...done });
    }
  },

  async observe(state, context) {
    const recorded = readState(plannedSchema, state);
    const store = await context.stores.open(recorded.repository);
    const content = await contentStatus(store, recorded.descriptor);
    if (content === undefined) return undefined;
    if (content.startsWith("altered")) return { ...state, content };
    const own = await currentSignatures(store, recorded.descriptor, recorded, recorded.signedBy, recordedSignatures(state), context);
    const signature = signatureStatus(own, recorded);
    // What was signed stays recorded, so that a bad signature is one changed line: `signature`.
    const adopted = recorded.signatures !== undefined ? {} : { signatures: satisfying(own, recorded).map(signatureRecord), ...(signature === "valid" ? { signedReference: recorded.reference } : {}) };
    return { ...state, content, signature, tagged: await observedTags(store, Object.keys(recorded.tagged)), ...adopted };
  },

  async remove(state, context) {
    const recorded = readState(plannedSchema, state);
    const store = await context.stores.open(recorded.repository);
    await removeArtifact(store, recorded.descriptor, [...new Set([...recorded.tags, ...Object.keys(recorded.tagged)])], recorded.onDelete);
  },
};

async function ensureContent(plan: z.infer<typeof plannedSchema>, deep: boolean, context: ResourceContext): Promise<void> {
  const origin = await openOrigin(plan, context);
  if (!sameContent(origin.root, plan.descriptor)) {
    throw new ConsignError("PLAN_STALE", `what is to be pushed is now ${origin.root.digest}, the plan says ${plan.digest}: run again`, { reference: plan.reference });
  }
  const store = await context.stores.open(plan.repository);
  await pushOrigin(origin, store, deep);
  const status = await contentStatus(store, plan.descriptor);
  if (status !== COMPLETE) {
    throw new ConsignError("READ_BACK_FAILED", `${plan.reference} was pushed, and cannot be read back (${status ?? "missing"}); if its content is damaged, delete it there and run again`, { reference: plan.reference });
  }
  context.progress(`${plan.reference} is pushed`);
}

function previousTags(previous: Properties | undefined): Record<string, string> {
  const parsed = z.record(z.string(), z.string()).safeParse(previous?.["tagged"]);
  return parsed.success ? parsed.data : {};
}
