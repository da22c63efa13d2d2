// SPDX-License-Identifier: Apache-2.0
import { z } from "zod";
import {
  denyEntrySchema,
  followRedirects,
  followRedirectsSchema,
  issuersSchema,
  lifecycleIssuersSchema,
  readIssuers,
  requireEntrySchema,
  type Traveller,
} from "../claims/index";
import { ConsignError, isConsignError } from "../errors";
import type { ResolvedTrustPolicy } from "../notation/index";
import { plainDescriptor, type Descriptor } from "../oci/descriptor";
import {
  formatReference,
  parseReference,
  pinned,
  referenceSchema,
  type Location,
} from "../oci/reference";
import {
  artifactSchema,
  locationOf,
  readState,
  referenceOf,
  type ArtifactArgument,
} from "../world/arguments";
import { arrivalSchema, requireDestination, withArrivals } from "./arrivals";
import { at, type ResourceContext } from "../world/context";
import {
  absent,
  withRefusedRedirect,
  judge,
  verdictSchema,
  type Judgement,
} from "../judging/judgement";
import type { Properties, Reconciler } from "../world/reconciler";
import { isInline, openTrust, trustSchema } from "../judging/trust";
import { verificationSummary } from "./summary";

const schema = z.object({
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
type Inputs = z.infer<typeof schema>;

const recordedSchema = z.object({
  reference: referenceSchema.optional(),
  followed: z.array(referenceSchema).optional(),
  verdict: verdictSchema.optional(),
});

/**
 * Decides whether an artifact may be used. Nothing is created: the resource is the verdict, and the
 * reference that exists only while the verdict is good. Any change of an argument asks again.
 */
export const verification: Reconciler<typeof schema.shape> = {
  kind: "Verification",
  schema,
  replaceOn: [],
  ignore: ["mirror", "mirrorReady"],
  ensured: [],

  async plan(known, unknown, _previous, context) {
    // What is about to arrive serves the preview and is no property of the verdict: it is neither
    // shown nor recorded.
    const planned: Properties = { mirror: undefined, mirrorReady: undefined };
    if (Object.keys(schema.shape).some((name) => name !== "mirrorReady" && unknown.has(name))) {
      await openKnownTrust(known, context);
      return { planned };
    }
    const { mirror, ...inputs } = known as Inputs;
    if (mirror !== undefined) requireDestination(mirror, locationOf(inputs.artifact));
    const arriving = unknown.has("mirrorReady") ? { ...inputs, mirror } : inputs;
    const { properties, judgement } = await verify(
      arriving,
      await present(inputs.artifact, context),
      context,
    );
    if (judgement.verdict.digest === undefined)
      context.warn(
        `${referenceOf(inputs.artifact)} is not there yet: it is verified in \`up\`, which fails if it is still not there then, or not good`,
      );
    else tell(inputs, judgement, context);
    return { planned: { ...planned, ...properties } };
  },

  id: (inputs) => referenceOf(readState(artifactSchema, inputs["artifact"] as Properties)),

  unsettled: (inputs) => inputs["reference"] === undefined,

  async ensure(inputs, _previous, context) {
    const known = readState(schema, inputs);
    const { properties, judgement } = await verify(
      known,
      await present(known.artifact, context),
      context,
    );
    const reference = referenceOf(known.artifact);
    if (!judgement.verified)
      throw new ConsignError(
        "VERIFICATION_UNMET",
        `${reference} is not verified: ${judgement.unmet.join("; ")}`,
        { path: "artifact" },
      );
    const planned = readState(recordedSchema, inputs).reference;
    if (planned !== undefined && planned !== properties["reference"]) {
      throw new ConsignError(
        "PLAN_STALE",
        `${reference} is now ${String(judgement.verdict.digest)}, the plan says ${planned}: run again`,
        { path: "artifact" },
      );
    }
    return { ...inputs, ...properties };
  },

  /**
   * A tag that has moved is one fact, `verdict.digest`: what was verified is verified again, and
   * what the tag names now is for the next plan. `summary` is the record of the last `up`, so that
   * a fact shows under `claims` and `verdict` alone.
   */
  async observe(state, context) {
    const inputs = readState(schema, state);
    const { reference, followed: [first = reference] = [] } = readState(recordedSchema, state);
    const named = await present(inputs.artifact, context);
    const verified =
      first === undefined || parseReference(first).digest === named?.digest
        ? named
        : await present(first, context);
    const { properties, judgement } = await verify(inputs, verified, context, first);
    tell(inputs, judgement, context);
    const verdict = { ...judgement.verdict, digest: named?.digest };
    return {
      ...state,
      reference: undefined,
      followed: undefined,
      ...properties,
      verdict,
      summary: state["summary"],
    };
  },

  async remove() {
    // A verdict leaves nothing behind.
  },
};

/** A broken trust policy is an error as soon as it is known. */
async function openKnownTrust(
  { trust, artifact }: Partial<Inputs>,
  context: ResourceContext,
): Promise<void> {
  if (trust !== undefined && (artifact !== undefined || isInline(trust))) {
    await openTrust(
      trust,
      artifact === undefined ? "" : (await context.stores.open(locationOf(artifact))).name,
      context,
    );
  }
}

/** `artifact` is `undefined` where there is none. */
async function verify(
  inputs: Inputs,
  artifact: Descriptor | undefined,
  context: ResourceContext,
  asked = referenceOf(inputs.artifact),
): Promise<{ properties: Properties; judgement: Judgement }> {
  const location = locationOf(inputs.artifact);
  if (artifact === undefined) {
    await openKnownTrust(inputs, context);
    const judgement = absent(asked);
    return { properties: { verdict: judgement.verdict, claims: judgement.claims }, judgement };
  }
  const start = { location, artifact, judged: await judgeAt(inputs, location, artifact, context) };
  const {
    end,
    stops = [],
    refusal,
  } = inputs.followRedirects === "verify"
    ? await followRedirects(start, traveller(inputs, context))
    : { end: start };
  const judgement = refusal === undefined ? end.judged : withRefusedRedirect(end.judged, refusal);
  const { claims, evidence, verified } = judgement;
  const properties = {
    verdict: { ...judgement.verdict, digest: artifact.digest },
    claims,
    ...(stops.length > 1 ? { followed: stops } : {}),
  };
  if (!verified) return { properties, judgement };
  const { require, deny } = inputs;
  const issuers = await readIssuers(inputs, context.baseDir);
  const policy = { trust: end.judged.trust, require, deny, ...issuers };
  const summary = verificationSummary(end.location, end.artifact.digest, policy, evidence, claims);
  return {
    properties: { ...properties, summary, reference: pinned(end.location, end.artifact.digest) },
    judgement,
  };
}

/** Under the trust policy that applies at the place. */
async function judgeAt(
  inputs: Inputs,
  location: Location,
  artifact: Descriptor,
  context: ResourceContext,
): Promise<Judgement & { trust: ResolvedTrustPolicy }> {
  const store = await at("artifact", () => context.stores.open(location));
  const trust = await openTrust(inputs.trust, store.name, context);
  const issuers = await readIssuers(inputs, context.baseDir);
  const { require, deny } = inputs;
  const judgement = await judge(store, artifact, trust, { require, deny, ...issuers }, context);
  if (inputs.mirror === undefined) return { ...judgement, trust };
  const { followRedirects: follow } = inputs;
  const trustScope = { trust, scope: store.name, question: issuers };
  return {
    ...(await withArrivals(
      judgement,
      inputs.mirror,
      { store, location, artifact, trustScope, follows: follow === "verify" },
      context,
    )),
    trust,
  };
}

function traveller(
  inputs: Inputs,
  context: ResourceContext,
): Traveller<Judgement & { trust: ResolvedTrustPolicy }> {
  return {
    resolve: (reference) => present(formatReference(reference), context),
    visit: (location, artifact) => judgeAt(inputs, location, artifact, context),
  };
}

/**
 * The artifact as it lies there; `undefined` if it does not. What another resource says of it is
 * not taken at its word.
 */
async function present(
  artifact: ArtifactArgument,
  context: ResourceContext,
): Promise<Descriptor | undefined> {
  return at("artifact", async () => {
    const reference = parseReference(referenceOf(artifact));
    const name = reference.digest ?? reference.tag;
    if (name === undefined)
      throw new ConsignError(
        "INPUT_INVALID",
        `"${referenceOf(artifact)}" names a repository: say which artifact, by @digest or :tag`,
      );
    try {
      return plainDescriptor(await (await context.stores.open(reference.location)).resolve(name));
    } catch (error) {
      if (isConsignError(error, "MANIFEST_UNKNOWN")) return undefined;
      throw error;
    }
  });
}

/** One warning for all that is not met, and one for each thing that will not stay so. */
function tell(
  { artifact }: Inputs,
  { unmet, warnings }: Judgement,
  context: ResourceContext,
): void {
  if (unmet.length > 0)
    context.warn(`${referenceOf(artifact)} is not verified: ${unmet.join("; ")}`);
  for (const warning of warnings) context.warn(`${referenceOf(artifact)} ${warning}`);
}
