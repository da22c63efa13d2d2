// SPDX-License-Identifier: Apache-2.0
import { followRedirects, readIssuers } from "../claims/index";
import { ConsignError, isConsignError } from "../errors";
import type { ResolvedTrustPolicy } from "../notation/index";
import { plainDescriptor, type Descriptor } from "../oci/descriptor";
import { formatReference, parseReference, pinned, type Location } from "../oci/reference";
import { locationOf, referenceOf, type ArtifactArgument } from "../world/arguments";
import { withArrivals } from "./arrivals";
import { at, type ResourceContext } from "../world/context";
import { absent, withRefusedRedirect, judge, type Judgement } from "../judging/judgement";
import type { Properties } from "../world/reconciler";
import { remembering, type Against } from "../judging/against";
import { withContent } from "../judging/content";
import { isInline, openTrust } from "../judging/trust";
import { verificationSummary } from "./summary";

import type { VerificationInputs } from "./arguments";

/** What a verdict that is not good takes away. */
export const NOTHING_GOOD: Properties = {
  reference: undefined,
  followed: undefined,
  summary: undefined,
  against: undefined,
};

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
  remembered: Against,
  context: ResourceContext,
  asked = referenceOf(inputs.artifact),
): Promise<{ properties: Properties; judgement: Judgement }> {
  const location = locationOf(inputs.artifact);
  if (artifact === undefined) {
    await openKnownTrust(inputs, context);
    const judgement = absent(asked);
    const { verdict, claims } = judgement;
    return { properties: { verdict, claims, ...recordedAgainst(remembered) }, judgement };
  }
  const memory: Memory = { before: remembered, now: {} };
  const visit = (place: Location, found: Descriptor) =>
    judgeAt(inputs, place, found, memory, context);
  const start = { location, artifact, judged: await visit(location, artifact) };
  const {
    end,
    stops = [],
    refusal,
  } = inputs.followRedirects === "verify"
    ? await followRedirects(start, {
        resolve: (reference) => present(formatReference(reference), context),
        visit,
      })
    : { end: start };
  const judgement = refusal === undefined ? end.judged : withRefusedRedirect(end.judged, refusal);
  const { claims, evidence, verified } = judgement;
  const properties = {
    verdict: { ...judgement.verdict, digest: artifact.digest },
    claims,
    ...(stops.length > 1 ? { followed: stops } : {}),
    ...recordedAgainst(memory.now),
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

/** What was said against the artifact and what it leads to, when it was last looked at and now. */
interface Memory {
  readonly before: Against;
  readonly now: Against;
}

function recordedAgainst(against: Against): Properties {
  return Object.keys(against).length === 0 ? {} : { against };
}

/** Under the trust policy that applies at the place. */
async function judgeAt(
  inputs: VerificationInputs,
  location: Location,
  artifact: Descriptor,
  memory: Memory,
  context: ResourceContext,
): Promise<Judgement & { trust: ResolvedTrustPolicy }> {
  const store = remembering(
    await at("artifact", () => context.stores.open(location)),
    memory.before,
  );
  const trust = await openTrust(inputs.trust, store.name, context);
  const issuers = await readIssuers(inputs, context.baseDir);
  const { require, deny } = inputs;
  const judged = await judge(store, artifact, trust, { require, deny, ...issuers }, context);
  Object.assign(memory.now, judged.against);
  const judgement = await withContent(judged, store, artifact);
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
