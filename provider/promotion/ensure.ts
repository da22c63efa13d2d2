// SPDX-License-Identifier: Apache-2.0
import { ConsignError } from "../errors";
import type { Digest } from "../oci/digest";
import { formatLocation, parseReference } from "../oci/reference";
import { readState, referenceOf } from "../world/arguments";
import type { ResourceContext } from "../world/context";
import { promote } from "./apply";
import {
  artifactQuestion,
  historyQuestion,
  plannedPromotionSchema,
  promotionSchema,
  type PlannedPromotion,
} from "./arguments";
import { Made } from "../keeping/made";
import { revocationIn } from "../judging/objections";
import { lifecycleOfArtifact } from "./plan";
import { onDestroy } from "./remove";
import type { Properties } from "../world/reconciler";
import { ABSENT } from "../world/tags";
import { rememberedIn } from "../judging/against";
import { failed, refused } from "./refused";
import { plannedPromotion, isSameSlot } from "./planned";

export async function ensurePromotion(
  inputs: Properties,
  previous: Properties | undefined,
  context: ResourceContext,
): Promise<Properties> {
  const plan = await settled(inputs, previous, context);
  const { descriptor, record, summary } = plan;
  if (!plan.verified) {
    const unmet = new ConsignError(
      "VERIFICATION_UNMET",
      `${referenceOf(plan.artifact)} is not promoted: ${plan.unmet.join("; ")}`,
      { path: "artifact" },
    );
    throw refused(unmet, plan, previous);
  }
  if (descriptor === undefined || record === undefined || summary === undefined)
    throw new ConsignError(
      "PLAN_STALE",
      `the plan to promote ${referenceOf(plan.artifact)} is not complete: run again`,
      { path: "artifact" },
    );
  const question = await historyQuestion(plan, context);
  const asked = {
    ...question,
    ...(await artifactQuestion(plan, context)),
    remembered: rememberedIn(plan),
  };
  const [, before] = plan.promotions;
  const made = Made.of(previous);
  const written = new Map<Digest, Digest>();
  const signatures = await promote(
    {
      ...question,
      source: asked.source,
      revoked: async () => revocationIn(await lifecycleOfArtifact(asked, descriptor, context)),
      descriptor,
      tag: plan.tag,
      expected: expectedTag(plan, previous),
      promotedAt: plan.promotedAt,
      record: summary,
      before: before,
      endsBefore: before === undefined ? undefined : plan.windows?.[before.digest]?.until,
      history: plan.promotions,
      carries: plan.carries ?? {},
      made,
      signing: { store: question.store, args: plan, signedBy: plan.signedBy, written },
    },
    context,
  ).catch((error: unknown) => {
    for (const digest of written.keys()) made.add(digest);
    throw failed(error, plan, made, previous);
  });
  return {
    ...inputs,
    ...plan,
    tagged: { [plan.tag]: plan.digest },
    signatures,
    made: made.record(),
    onDestroy: onDestroy(plan, made),
  };
}

/**
 * Where a plan had to leave something open, because the artifact or its claims were not there yet,
 * it can be completed now.
 */
async function settled(
  inputs: Properties,
  previous: Properties | undefined,
  context: ResourceContext,
): Promise<PlannedPromotion> {
  if (inputs["record"] !== undefined) return readState(plannedPromotionSchema, inputs);
  const known = readState(promotionSchema, inputs);
  const again = await plannedPromotion(
    {
      ...known,
      ...(typeof inputs["promotedAt"] === "string" ? { asOf: inputs["promotedAt"] } : {}),
    },
    { ...previous, against: { ...rememberedIn(previous), ...rememberedIn(inputs) } },
    context,
  );
  return readState(plannedPromotionSchema, { ...inputs, ...again, asOf: inputs["asOf"] });
}

/**
 * Where the tag may be found when it is moved: as planned, if the plan saw it where this promotion
 * had put it or a refresh had shown it.
 */
function expectedTag(plan: PlannedPromotion, previous: Properties | undefined): Digest | undefined {
  const seen = plan.seen === ABSENT ? undefined : (plan.seen as Digest);
  const before = plannedPromotionSchema.partial().safeParse(previous ?? {});
  const known =
    before.success && isSameSlot(before.data, plan) ? before.data.tagged?.[plan.tag] : undefined;
  if (
    known === undefined ||
    known === plan.seen ||
    plan.seen === plan.digest ||
    plan.seen === ABSENT
  )
    return seen;
  throw new ConsignError(
    "TAG_MOVED",
    `tag ${plan.tag} is at ${plan.seen}, and this promotion had left it at ${known}: somebody else moved it; refresh to see it, and run again`,
    {
      path: "tag",
      reference: `${formatLocation(parseReference(plan.to).location)}:${plan.tag}`,
      side: "destination",
    },
  );
}
