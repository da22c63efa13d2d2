// SPDX-License-Identifier: Apache-2.0
import { z } from "zod";
import { copy } from "../content/copy";
import { bytesBlob, fileBlob, packManifest, pushArtifact, type PackedArtifact } from "../content/pack";
import type { ReadStore, Store } from "../content/storage";
import { ConsignError, isConsignError } from "../errors";
import { annotationsSchema, descriptorSchema, plainDescriptor, sameContent, type Descriptor } from "../oci/descriptor";
import { ANNOTATIONS } from "../oci/annotations";
import { MEDIA_TYPES, mediaTypeSchema } from "../oci/media-types";
import { locationSchema, parseLocation, parseReference, pinned, referenceSchema, tagSchema } from "../oci/reference";
import { digestSchema } from "../oci/digest";
import { onDeleteSchema, readState } from "./arguments";
import { argumentPath, at, type ResourceContext } from "./context";
import { PartialFailure, type Properties, type Reconciler } from "./reconciler";
import { removeArtifact } from "./removal";
import { ownSignatures } from "./own-signatures";
import { plannedSigner, signedBySchema, signerSchema } from "./signer";
import { ensureSigned, recordedSignatures, signatureRecordSchema, signatureRecords, signatureStatus } from "./signing";
import { observedTags, tagAll } from "./tagging";

const fileSchema = z.union([
  z.string().min(1),
  z.strictObject({ path: z.string().min(1), mediaType: mediaTypeSchema.optional(), title: z.string().min(1).optional(), annotations: annotationsSchema.optional() }),
]);

const schema = z.object({
  repository: locationSchema,
  tags: z.array(tagSchema).max(100).default([]),
  files: z.array(fileSchema).min(1).max(1000).optional(),
  layout: referenceSchema.optional(),
  from: referenceSchema.optional(),
  artifactType: mediaTypeSchema.optional(),
  annotations: annotationsSchema.optional(),
  signer: signerSchema,
  onDelete: onDeleteSchema.default("retain"),
});
type Inputs = z.infer<typeof schema>;

const plannedSchema = schema.extend({
  digest: digestSchema,
  reference: referenceSchema,
  descriptor: descriptorSchema,
  signedBy: signedBySchema,
  tagged: z.record(z.string(), z.string()),
  signatures: z.array(signatureRecordSchema).optional(),
});
type Planned = z.infer<typeof plannedSchema>;

/** What is to be pushed: packed from files, or a graph that lies somewhere already. */
type Origin = { packed: PackedArtifact } | { store: ReadStore; root: Descriptor };

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
    const given = (["files", "layout", "from"] as const).filter((name) => known[name] !== undefined || unknown.has(name));
    if (given.length !== 1) {
      throw new ConsignError("INPUT_INVALID", `give exactly one of files, layout and from; given are ${given.length === 0 ? "none" : given.join(" and ")}`, { path: given[1] ?? "files" });
    }
    if (known.files === undefined && (known.artifactType !== undefined || known.annotations !== undefined) && !unknown.has("files")) {
      throw new ConsignError("INPUT_INVALID", "artifactType and annotations belong to files; what a build wrote, or is pushed already, is taken as it is", { path: known.artifactType === undefined ? "annotations" : "artifactType" });
    }
    const planned: Properties = { tags: known.tags ?? [], onDelete: known.onDelete ?? "retain", signature: "valid" };
    if (known.signer !== undefined) planned["signedBy"] = await plannedSigner(known.signer, context);
    if (unknown.has(given[0] as string) || unknown.has("annotations") || unknown.has("artifactType")) return { planned };
    const descriptor = await plannedDescriptor(await originOf(known, context));
    planned["digest"] = descriptor.digest;
    planned["descriptor"] = descriptor;
    if (known.repository !== undefined) planned["reference"] = pinned(parseLocation(known.repository), descriptor.digest);
    if (known.tags !== undefined) planned["tagged"] = Object.fromEntries(known.tags.map((tag) => [tag, descriptor.digest]));
    if (unknown.has("tags")) delete planned["tags"];
    return { planned };
  },

  id: (inputs) => String(inputs["repository"]),

  async ensure(inputs, previous, context) {
    const plan = readState(plannedSchema, inputs);
    const store = await context.stores.open(plan.repository);
    try {
      await pushOrigin(await originOf(plan, context), store, plan, context);
      const signatures = await ensureSigned({ store, target: plan.descriptor, signer: plan.signer, signedBy: plan.signedBy, recorded: recordedSignatures(previous) }, context);
      await tagAll(store, plan.descriptor, plan.tags, previousTags(previous));
      return { signatures, signedReference: plan.reference };
    } catch (error) {
      throw new PartialFailure(error as Error, { ...inputs, signatures: [], tagged: {}, signature: "incomplete" });
    }
  },

  async observe(state, context) {
    const recorded = readState(plannedSchema, state);
    const store = await context.stores.open(recorded.repository);
    const found = await presentDescriptor(store, recorded.descriptor);
    if (found === undefined) return undefined;
    const verdicts = await ownSignatures(store, recorded.descriptor, recorded.signedBy, recordedSignatures(state), context);
    const status = signatureStatus(verdicts);
    const signatures = signatureRecords(verdicts);
    return {
      ...state,
      tagged: await observedTags(store, Object.keys(recorded.tagged)),
      signature: status,
      signatures,
      ...(status === "valid" ? { signedReference: recorded.reference } : { signedReference: undefined }),
    };
  },

  async remove(state, context) {
    const recorded = readState(plannedSchema, state);
    const store = await context.stores.open(recorded.repository);
    await removeArtifact(store, recorded.descriptor, recorded.tags, recorded.onDelete);
  },
};

async function originOf(inputs: Partial<Inputs>, context: ResourceContext): Promise<Origin> {
  if (inputs.files !== undefined) return { packed: await packFiles(inputs as Pick<Inputs, "files"> & Partial<Inputs>, context) };
  const property = inputs.layout === undefined ? "from" : "layout";
  return at(property, async () => {
    const reference = parseReference(inputs.layout ?? (inputs.from as string));
    if (property === "layout" && reference.location.kind !== "layout") {
      throw new ConsignError("INPUT_INVALID", `"${inputs.layout}" is in a registry: give it as \`from\`; layout takes oci:path:tag`);
    }
    const name = reference.digest ?? reference.tag;
    if (name === undefined) throw new ConsignError("INPUT_INVALID", "say which artifact is meant: add :tag or @digest");
    const store = await context.stores.open(reference.location);
    return { store, root: plainDescriptor(await store.resolve(name)) };
  });
}

async function packFiles(inputs: Partial<Inputs>, context: ResourceContext): Promise<PackedArtifact> {
  const layers = [];
  for (const [index, file] of (inputs.files ?? []).entries()) {
    const { path, mediaType, title, annotations } = typeof file === "string" ? { path: file } as Exclude<typeof file, string> : file;
    const property = `files[${index}]`;
    const resolved = await argumentPath(context, path, property);
    const name = title ?? path.split(/[\\/]/).at(-1) ?? path;
    layers.push(await at(property, () => fileBlob(resolved, mediaType ?? MEDIA_TYPES.octetStream, { [ANNOTATIONS.title]: name, ...annotations })));
  }
  return packManifest({
    artifactType: inputs.artifactType ?? "application/vnd.dev.consign.artifact.v1",
    config: bytesBlob(new TextEncoder().encode("{}"), MEDIA_TYPES.empty),
    layers,
    ...(inputs.annotations === undefined ? {} : { annotations: inputs.annotations }),
  });
}

async function plannedDescriptor(origin: Origin): Promise<Descriptor> {
  return plainDescriptor("packed" in origin ? origin.packed.manifest.descriptor : origin.root);
}

async function pushOrigin(origin: Origin, store: Store, plan: Planned, context: ResourceContext): Promise<void> {
  const actual = await plannedDescriptor(origin);
  if (!sameContent(actual, plan.descriptor)) {
    throw new ConsignError("PLAN_STALE", `what is to be pushed is now ${actual.digest}, the plan says ${plan.digest}: run again`, { reference: plan.reference });
  }
  if ("packed" in origin) await pushArtifact(store, origin.packed);
  else if (origin.store.name !== store.name) await copy(origin.store, store, origin.root, { referrers: async () => [], onProgress: undefined });
  context.progress(`${plan.reference} is pushed`);
}

/** The artifact as the store has it, or `undefined` if it is definitely gone. */
export async function presentDescriptor(store: ReadStore, descriptor: Descriptor): Promise<Descriptor | undefined> {
  try {
    return await store.resolve(descriptor.digest);
  } catch (error) {
    if (isConsignError(error, "MANIFEST_UNKNOWN")) return undefined;
    throw error;
  }
}

function previousTags(previous: Properties | undefined): Record<string, string> {
  const parsed = z.record(z.string(), z.string()).safeParse(previous?.["tagged"]);
  return parsed.success ? parsed.data : {};
}
