// SPDX-License-Identifier: Apache-2.0
import { z } from "zod";
import { denyEntrySchema, identitySchema, requireEntrySchema } from "../claims";
import { ConsignError, isConsignError } from "../errors";
import { plainDescriptor, type Descriptor } from "../oci/descriptor";
import { parseReference, pinned } from "../oci/reference";
import { artifactSchema, locationOf, readState, referenceOf, type ArtifactArgument } from "./arguments";
import { at, type ResourceContext } from "./context";
import { judge, openTrust, trustSchema, unmet, verdictSchema, type Judgement } from "./judgement";
import type { Properties, Reconciler } from "./reconciler";

const identities = z.array(identitySchema).max(100).optional();

const schema = z.object({
  artifact: artifactSchema,
  trust: trustSchema,
  require: z.array(requireEntrySchema).max(100).optional(),
  deny: z.array(denyEntrySchema).max(100).optional(),
  precedence: z.array(identitySchema).max(100).optional(),
  lifecycleIssuers: z.strictObject({ revocation: identities, redirect: identities, endOfLife: identities }).optional(),
});
type Inputs = z.infer<typeof schema>;

/**
 * Decides whether an artifact may be used. Nothing is created: the resource is the verdict, and the reference that exists only while the
 * verdict is good.
 */
export const verification: Reconciler<typeof schema.shape> = {
  kind: "Verification",
  schema,
  replaceOn: [],
  ignore: ["artifact", "trust", "require", "deny", "precedence", "lifecycleIssuers"],
  ensured: [],

  async plan(known, unknown, _previous, context) {
    const undetermined = Object.keys(schema.shape).some((name) => unknown.has(name));
    if (undetermined) {
      if (known.trust !== undefined && known.artifact !== undefined) await openTrust(known.trust, referenceOf(known.artifact), context);
      return { planned: {} };
    }
    const judgement = await judgeInputs(known as Inputs, context);
    for (const reason of unmet(judgement.verdict)) context.warn(`${referenceOf((known as Inputs).artifact)} is not verified: ${reason}`);
    for (const warning of judgement.verdict.warnings ?? []) context.warn(`${referenceOf((known as Inputs).artifact)}: ${warning}`);
    return { planned: settledProperties(known as Inputs, judgement) };
  },

  id: (inputs) => referenceOf(readState(artifactSchema, inputs["artifact"] as Properties)),

  unsettled: (inputs) => {
    const verdict = verdictSchema.safeParse(inputs["verdict"]);
    return !verdict.success || !verdict.data.verified;
  },

  async ensure(inputs, _previous, context) {
    const known = readState(schema, inputs);
    const judgement = await judgeInputs(known, context);
    if (!judgement.verdict.verified) {
      throw new ConsignError("VERIFICATION_UNMET", `${referenceOf(known.artifact)} is not verified: ${unmet(judgement.verdict).join("; ")}`, { path: "artifact" });
    }
    const planned = verdictSchema.safeParse(inputs["verdict"]);
    if (planned.success && planned.data.verified && planned.data.digest !== judgement.verdict.digest) {
      throw new ConsignError("PLAN_STALE", `${referenceOf(known.artifact)} is now ${judgement.verdict.digest}, the plan says ${planned.data.digest}: run again`, { path: "artifact" });
    }
    return settledProperties(known, judgement);
  },

  async observe(state, context) {
    const known = readState(schema, state);
    const judgement = await judgeInputs(known, context);
    return { ...state, reference: undefined, ...settledProperties(known, judgement) };
  },

  async remove() {
    // A verdict leaves nothing behind.
  },
};

async function judgeInputs(inputs: Inputs, context: ResourceContext): Promise<Judgement> {
  const location = locationOf(inputs.artifact);
  const store = await at("artifact", () => context.stores.open(location));
  const trust = await openTrust(inputs.trust, store.name, context);
  const artifact = await at("artifact", () => resolveArtifact(inputs.artifact, context));
  if (artifact === undefined) {
    return { verdict: { verified: false, signature: `missing: ${referenceOf(inputs.artifact)} does not exist [MANIFEST_UNKNOWN]`, requirements: {} }, claims: {} };
  }
  return judge(store, artifact, trust, inputs, context);
}

/** The artifact as it lies there; `undefined` if it does not. What another resource says of it is not taken at its word. */
async function resolveArtifact(artifact: ArtifactArgument, context: ResourceContext): Promise<Descriptor | undefined> {
  const reference = parseReference(referenceOf(artifact));
  const name = reference.digest ?? reference.tag;
  if (name === undefined) throw new ConsignError("INPUT_INVALID", `"${referenceOf(artifact)}" names a repository: say which artifact, by @digest or :tag`);
  try {
    return plainDescriptor(await (await context.stores.open(reference.location)).resolve(name));
  } catch (error) {
    if (isConsignError(error, "MANIFEST_UNKNOWN")) return undefined;
    throw error;
  }
}

function settledProperties(inputs: Inputs, { verdict, claims }: Judgement): Properties {
  const { verified, digest } = verdict;
  return { verdict, claims, ...(verified && digest !== undefined ? { reference: pinned(locationOf(inputs.artifact), digest) } : {}) };
}
