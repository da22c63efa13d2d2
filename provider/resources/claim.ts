// SPDX-License-Identifier: Apache-2.0
import { readFile, stat } from "node:fs/promises";
import { z } from "zod";
import { MAX_DOCUMENT_SIZE, durationSchema, kindOf, packClaim, parseDuration, readClaim, resolveType, type ClaimContent } from "../claims";
import { pushArtifact, type PackedArtifact } from "../content/pack";
import type { Store } from "../content/storage";
import { ConsignError, isConsignError } from "../errors";
import { annotationsSchema, descriptorSchema, plainDescriptor, type Descriptor } from "../oci/descriptor";
import { digestSchema, type Digest } from "../oci/digest";
import { mediaTypeSchema } from "../oci/media-types";
import { formatLocation, parseReference, pinned, referenceSchema } from "../oci/reference";
import { artifactSchema, locationOf, readState, referenceOf, type ArtifactArgument } from "./arguments";
import { argumentPath, at, type ResourceContext } from "./context";
import { PartialFailure, type Properties, type Reconciler } from "./reconciler";
import { purge } from "./removal";
import { presentDescriptor } from "./signed-artifact";
import { ownSignatures } from "./own-signatures";
import { plannedSigner, signedBySchema, signerSchema } from "./signer";
import { ensureSigned, recordedSignatures, signatureRecordSchema, signatureRecords, signatureStatus } from "./signing";

const schema = z.object({
  subject: artifactSchema,
  type: z.string().min(1).max(1024),
  predicate: z.record(z.string(), z.unknown()).optional(),
  document: z.union([z.string().min(1), z.strictObject({ path: z.string().min(1), mediaType: mediaTypeSchema.optional() })]).optional(),
  audience: z.enum(["internal", "public"]).default("internal"),
  supersedes: z.array(z.string()).max(100).default([]),
  annotations: annotationsSchema.optional(),
  validFor: durationSchema.optional(),
  signer: signerSchema,
  onDelete: z.enum(["retain", "purge"]).default("purge"),
});
type Inputs = z.infer<typeof schema>;

const plannedSchema = schema.extend({
  digest: digestSchema,
  reference: referenceSchema,
  descriptor: descriptorSchema,
  about: referenceSchema,
  signedBy: signedBySchema,
  signatures: z.array(signatureRecordSchema).optional(),
});

/**
 * A signed statement about an artifact, attached to it in its repository. Its digest follows from what it says and about what, so it is
 * known before anything is pushed; when it was made and until when it holds is in its signature.
 */
export const claim: Reconciler<typeof schema.shape> = {
  kind: "Claim",
  schema,
  replaceOn: ["repository"],
  ignore: ["signer", "subject", "predicate", "document", "supersedes", "type", "audience", "annotations"],
  ensured: ["signatures", "issuedAt", "expiresAt"],

  async plan(known, unknown, _previous, context) {
    if (known.predicate !== undefined && known.document !== undefined) {
      throw new ConsignError("INPUT_INVALID", "give predicate or document, not both", { path: "document" });
    }
    if (known.predicate === undefined && known.document === undefined && !unknown.has("predicate") && !unknown.has("document")) {
      throw new ConsignError("INPUT_INVALID", "give what the claim says: predicate (a value) or document (a file)", { path: "predicate" });
    }
    const planned: Properties = { audience: known.audience ?? "internal", supersedes: known.supersedes ?? [], onDelete: known.onDelete ?? "purge", status: "valid" };
    for (const name of ["audience", "supersedes", "onDelete"]) if (unknown.has(name)) delete planned[name];
    if (known.signer !== undefined) {
      const signedBy = await plannedSigner(known.signer, context);
      Object.assign(planned, { signedBy, issuer: signedBy.subject });
    }
    if (known.type !== undefined) planned["predicateType"] = await at("type", () => resolveType(known.type as string));
    if (known.subject !== undefined) planned["repository"] = formatLocation(locationOf(known.subject));
    const undetermined = ["subject", "type", "predicate", "document", "audience", "supersedes", "annotations"].some((name) => unknown.has(name));
    if (undetermined || known.subject === undefined) return { planned };
    const subject = await at("subject", () => subjectDescriptor(known.subject as ArtifactArgument, context));
    if (subject === undefined) {
      context.warn(`${referenceOf(known.subject)} does not exist yet, so the digest of the ${known.type} claim about it is not known yet`);
      return { planned };
    }
    const packed = await packInputs(known as Inputs, subject, context);
    const descriptor = plainDescriptor(packed.manifest.descriptor);
    return {
      planned: {
        ...planned,
        about: pinned(locationOf(known.subject), subject.digest),
        digest: descriptor.digest,
        descriptor,
        reference: pinned(locationOf(known.subject), descriptor.digest),
      },
    };
  },

  id: (inputs) => String(inputs["reference"] ?? referenceOf(readState(artifactSchema, inputs["subject"] as Properties))),

  async ensure(inputs, previous, context) {
    const plan = await settled(inputs, context);
    const repository = formatLocation(locationOf(plan.subject));
    const store = await context.stores.open(repository);
    try {
      const subject = await subjectDescriptor(plan.subject, context);
      if (subject === undefined) throw new ConsignError("MANIFEST_UNKNOWN", `the claim's subject ${plan.about} does not exist`, { path: "subject", reference: plan.about });
      const packed = await packInputs(plan, subject, context);
      if (packed.manifest.descriptor.digest !== plan.digest) {
        throw new ConsignError("PLAN_STALE", `the claim is now ${packed.manifest.descriptor.digest}, the plan says ${plan.digest}: run again`, { reference: plan.reference });
      }
      await pushArtifact(store, packed);
      const validForMs = plan.validFor === undefined ? undefined : parseDuration(plan.validFor);
      const signatures = await ensureSigned({ store, target: plan.descriptor, signer: plan.signer, signedBy: plan.signedBy, recorded: recordedSignatures(previous), validForMs }, context);
      context.progress(`${plan.type} claim ${plan.digest} about ${plan.about} is signed`);
      await removeReplaced(store, previous, plan.about, plan.digest);
      return { ...inputs, ...plan, signatures, issuedAt: signatures[0]?.signedAt, expiresAt: signatures[0]?.expiresAt };
    } catch (error) {
      throw new PartialFailure(error as Error, { ...inputs, ...plan, signatures: [], status: "incomplete" });
    }
  },

  async observe(state, context) {
    const recorded = readState(plannedSchema, state);
    const store = await context.stores.open(formatLocation(locationOf(recorded.subject)));
    if ((await presentDescriptor(store, recorded.descriptor)) === undefined) return undefined;
    const verdicts = await ownSignatures(store, recorded.descriptor, recorded.signedBy, recordedSignatures(state), context);
    const signatures = signatureRecords(verdicts);
    return {
      ...state,
      status: (await contentStatus(store, recorded.descriptor, recorded.about)) ?? statusOf(signatureStatus(verdicts)),
      signatures,
      issuedAt: signatures[0]?.signedAt,
      expiresAt: signatures[0]?.expiresAt,
    };
  },

  async remove(state, context) {
    const recorded = readState(plannedSchema, state);
    if (recorded.onDelete === "retain") return;
    const store = await context.stores.open(formatLocation(locationOf(recorded.subject)));
    await purge(store, recorded.descriptor);
  },
};

/** The subject's descriptor: given, or looked up; `undefined` if there is no such artifact yet. */
async function subjectDescriptor(subject: ArtifactArgument, context: ResourceContext): Promise<Descriptor | undefined> {
  if (typeof subject !== "string") return plainDescriptor(subject.descriptor);
  const reference = parseReference(subject);
  const name = reference.digest ?? reference.tag;
  if (name === undefined) throw new ConsignError("INPUT_INVALID", `"${subject}" names a repository: say which artifact the claim is about, by @digest or :tag`);
  const store = await context.stores.open(reference.location);
  try {
    return plainDescriptor(await store.resolve(name));
  } catch (error) {
    if (isConsignError(error, "MANIFEST_UNKNOWN")) return undefined;
    throw error;
  }
}

async function packInputs(inputs: Inputs, subject: Descriptor, context: ResourceContext): Promise<PackedArtifact> {
  const content: ClaimContent = {
    type: await at("type", () => resolveType(inputs.type)),
    subject,
    audience: inputs.audience ?? "internal",
    supersedes: await Promise.all((inputs.supersedes ?? []).map((text, index) => at(`supersedes[${index}]`, () => supersededDigest(text)))),
    ...(inputs.annotations === undefined ? {} : { annotations: inputs.annotations }),
  };
  if (inputs.document === undefined) return at("predicate", () => packClaim({ ...content, predicate: inputs.predicate }));
  const { path, mediaType } = typeof inputs.document === "string" ? { path: inputs.document, mediaType: undefined } : inputs.document;
  const file = await argumentPath(context, path, "document");
  return at("document", async () => {
    const { size } = await stat(file);
    if (size > MAX_DOCUMENT_SIZE) throw new ConsignError("INPUT_INVALID", `"${path}" has ${size} bytes; a claim's document may have at most ${MAX_DOCUMENT_SIZE}`);
    return packClaim({ ...content, document: { bytes: await readFile(file), mediaType: mediaType ?? kindOf(content.type)?.documentType ?? "application/json" } });
  });
}

function supersededDigest(text: string): Digest {
  const digest = digestSchema.safeParse(text);
  if (digest.success) return digest.data;
  const reference = parseReference(text);
  if (reference.digest === undefined) throw new ConsignError("INPUT_INVALID", `"${text}" has no digest: a claim supersedes claims by digest`);
  return reference.digest;
}

/** Where a plan had to leave the digest open, because the subject was not there, it can be filled in now. */
async function settled(inputs: Properties, context: ResourceContext): Promise<z.infer<typeof plannedSchema>> {
  if (inputs["digest"] !== undefined) return readState(plannedSchema, inputs);
  const { planned } = await claim.plan(readState(schema, inputs), new Set(), undefined, context);
  if (planned["digest"] === undefined) {
    throw new ConsignError("MANIFEST_UNKNOWN", `the claim's subject ${referenceOf(readState(schema, inputs).subject)} does not exist`, { path: "subject" });
  }
  return readState(plannedSchema, { ...inputs, ...planned });
}

/** A corrected claim takes the place of the one before; a claim about an earlier artifact stays, as it is still true of that one. */
async function removeReplaced(store: Store, previous: Properties | undefined, about: string, digest: Digest): Promise<void> {
  const before = plannedSchema.safeParse(previous);
  if (!before.success || before.data.about !== about || before.data.digest === digest || before.data.onDelete === "retain") return;
  await purge(store, before.data.descriptor);
}

/** `undefined` if the content is what it should be; else, in one line, what is wrong with it. */
async function contentStatus(store: Store, descriptor: Descriptor, about: string): Promise<string | undefined> {
  try {
    const content = await readClaim(store, descriptor);
    return content.subject.digest === parseReference(about).digest ? undefined : `tampered: it speaks about ${content.subject.digest} [SUBJECT_MISMATCH]`;
  } catch (error) {
    if (isConsignError(error, "DIGEST_MISMATCH", "SIZE_MISMATCH", "MANIFEST_INVALID", "STATEMENT_INVALID", "PREDICATE_INVALID", "SUBJECT_MISMATCH", "BLOB_UNKNOWN")) {
      return `tampered: ${error.message} [${error.code}]`;
    }
    throw error;
  }
}

function statusOf(signature: string): string {
  return signature === "missing" ? "unsigned" : signature;
}
