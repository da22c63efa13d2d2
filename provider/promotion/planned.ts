// SPDX-License-Identifier: Apache-2.0
import { rememberedIn } from "../judging/against";
import { ConsignError } from "../errors";
import { parseReference } from "../oci/reference";
import { referenceOf, type ArtifactArgument } from "../world/arguments";
import { resolveAsOf } from "../world/as-of";
import type { ResourceContext } from "../world/context";
import { isAhead } from "./clock";
import {
  artifactQuestion,
  historyQuestion,
  plannedPromotionSchema,
  type PromotionInputs,
  type Recorded,
} from "./arguments";
import { isSamePlace } from "../deployments/place";
import { resolvePromotion } from "./plan";
import type { Plan, Properties } from "../world/reconciler";
import { signerOfDue } from "../signing/planned-signer";
import { signedBySchema } from "../signing/signer";
import { requireTrustedSigner } from "../signing/signer-trust";
import { plannedSigning } from "../signing/signing";
import { plannedProperties } from "./planned-properties";

const NEEDED = [
  "environment",
  "to",
  "tag",
  "trust",
  "require",
  "deny",
  "precedence",
  "lifecycleIssuers",
  "historyTrust",
  "claims",
  "asOf",
] as const;

/** What the program does not say yet stays open. Writes nothing. */
export async function planPromotion(
  given: Partial<PromotionInputs>,
  unknown: ReadonlySet<string>,
  previous: Properties | undefined,
  context: ResourceContext,
): Promise<Plan> {
  const { upcoming, ...known } = await asRecordedAt(given, previous, context);
  if (known.artifact !== undefined) requirePinned(known.artifact);
  if (known.trust === undefined && !unknown.has("trust")) {
    throw new ConsignError(
      "INPUT_INVALID",
      "a reference alone does not prove that anybody verified it: give trust (and what to require), or pass a Verification",
      { path: "trust" },
    );
  }
  const planned: Properties = {
    upcoming: undefined,
    ...(known.to === undefined ? {} : { to: known.to }),
    claims: known.claims ?? {},
    onDelete: known.onDelete ?? "untag",
    status: "promoted",
  };
  for (const name of ["claims", "onDelete"]) if (unknown.has(name)) delete planned[name];
  Object.assign(planned, await plannedSigning(known, previous, context));
  const expected =
    unknown.has("artifact") && upcoming !== undefined && isPinned(upcoming)
      ? upcoming
      : known.artifact;
  if (expected === undefined || NEEDED.some((name) => unknown.has(name))) return { planned };
  const inputs = { ...(known as PromotionInputs), artifact: expected };
  Object.assign(planned, await plannedPromotion(inputs, previous, context));
  return { planned: { ...planned, ...(await dueSigner(inputs, planned, previous, context)) } };
}

/** A promotion is signed where its record is a new one. */
async function dueSigner(
  { signer }: PromotionInputs,
  { signedBy, verified, record }: Properties,
  previous: Properties | undefined,
  context: ResourceContext,
): Promise<Properties> {
  const planned = signedBySchema.safeParse(signedBy).data;
  if (planned === undefined || verified !== true || record === previous?.["record"]) return {};
  return { signedBy: await signerOfDue(signer, planned, context) };
}

/**
 * A place that is only spelt otherwise is the same place, and keeps the spelling that its records
 * have.
 */
async function asRecordedAt<Given extends Partial<PromotionInputs>>(
  given: Given,
  previous: Properties | undefined,
  context: ResourceContext,
): Promise<Given> {
  const recorded = previous?.["to"];
  return given.to !== undefined &&
    typeof recorded === "string" &&
    (await isSamePlace(given.to, recorded, context))
    ? { ...given, to: recorded }
    : given;
}

function isPinned(artifact: ArtifactArgument): boolean {
  return parseReference(referenceOf(artifact)).digest !== undefined;
}

function requirePinned(artifact: ArtifactArgument): void {
  if (isPinned(artifact)) return;
  const reference = referenceOf(artifact);
  throw new ConsignError(
    "INPUT_INVALID",
    `"${reference}" is not pinned: what is promoted must be named by its digest, as repository@sha256:…`,
    { path: "artifact" },
  );
}

export async function plannedPromotion(
  inputs: PromotionInputs,
  previous: Properties | undefined,
  context: ResourceContext,
): Promise<Properties> {
  const { digest } = parseReference(referenceOf(inputs.artifact));
  if (digest === undefined || inputs.trust === undefined)
    throw new ConsignError("INTERNAL", "planned a promotion without digest or trust");
  const history = await historyQuestion(inputs, context);
  await requireTrustedSigner(
    { signer: inputs.signer, previous },
    history.trust,
    inputs.historyTrust === undefined ? "trust" : "historyTrust",
    context,
  );
  const before = plannedPromotionSchema.partial().safeParse(previous ?? {});
  const recorded: Recorded = before.success && isSameSlot(before.data, inputs) ? before.data : {};
  const asked = await artifactQuestion(inputs, context);
  const answer = await resolvePromotion(
    {
      ...history,
      ...asked,
      digest,
      descriptor: typeof inputs.artifact === "string" ? undefined : inputs.artifact.descriptor,
      policy: { trust: inputs.trust, ...asked.question },
      claims: inputs.claims,
      remembered: rememberedIn(previous),
      tag: inputs.tag,
      asOf: resolveAsOf(
        inputs.asOf,
        recorded.verified === false ||
          recorded.asOf === undefined ||
          isAhead(recorded.asOf, context)
          ? undefined
          : recorded.asOf,
        context,
      ),
      asOfGiven: inputs.asOf !== undefined,
      recorded: recorded.promotions ?? [],
    },
    context,
  );
  return plannedProperties(inputs, digest, answer, recorded, context);
}

export function isSameSlot(recorded: Recorded, inputs: PromotionInputs): boolean {
  return (
    recorded.environment === inputs.environment &&
    recorded.to === inputs.to &&
    recorded.tag === inputs.tag
  );
}
