// SPDX-License-Identifier: Apache-2.0
import { followRedirects, type Traveller } from "../claims/index";
import { ConsignError, isConsignError } from "../errors";
import type { ResolvedTrustPolicy } from "../notation/index";
import { plainDescriptor, type Descriptor } from "../oci/descriptor";
import { formatReference, parseReference, pinned, type Location } from "../oci/reference";
import { locationOf, referenceOf, type ArtifactArgument } from "../world/arguments";
import { withArrivals } from "./arrivals";
import { at, type ResourceContext } from "../world/context";
import { absent, withRefusedRedirect, judge, type Judgement } from "../judging/judgement";
import type { Properties } from "../world/reconciler";
import { isInline, openTrust } from "../judging/trust";
import { verificationSummary } from "./summary";

import type { VerificationInputs } from "./arguments";

/** A broken trust policy is an error as soon as it is known. */
export async function openKnownTrust(
  { trust, artifact }: Partial<VerificationInputs>,
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
export async function verdictOf(
  inputs: VerificationInputs,
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
  const { require, deny, precedence, lifecycleIssuers } = inputs;
  const policy = { trust: end.judged.trust, require, deny, precedence, lifecycleIssuers };
  const summary = verificationSummary(end.location, end.artifact.digest, policy, evidence, claims);
  return {
    properties: { ...properties, summary, reference: pinned(end.location, end.artifact.digest) },
    judgement,
  };
}

/** Under the trust policy that applies at the place. */
async function judgeAt(
  inputs: VerificationInputs,
  location: Location,
  artifact: Descriptor,
  context: ResourceContext,
): Promise<Judgement & { trust: ResolvedTrustPolicy }> {
  const store = await at("artifact", () => context.stores.open(location));
  const trust = await openTrust(inputs.trust, store.name, context);
  const judgement = await judge(store, artifact, trust, inputs, context);
  if (inputs.mirror === undefined) return { ...judgement, trust };
  const { followRedirects: follow, precedence, lifecycleIssuers } = inputs;
  const trustScope = { trust, scope: store.name, question: { precedence, lifecycleIssuers } };
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
  inputs: VerificationInputs,
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
export async function present(
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
export function tell(
  { artifact }: VerificationInputs,
  { unmet, warnings }: Judgement,
  context: ResourceContext,
): void {
  if (unmet.length > 0)
    context.warn(`${referenceOf(artifact)} is not verified: ${unmet.join("; ")}`);
  for (const warning of warnings) context.warn(`${referenceOf(artifact)} ${warning}`);
}
