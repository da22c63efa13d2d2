// SPDX-License-Identifier: Apache-2.0
import { parseReference } from "../oci/reference";
import { readState } from "../world/arguments";
import { historyQuestion, plannedPromotionSchema, promotionSchema } from "./arguments";
import { Made } from "../keeping/made";
import { removePromotion } from "./remove";
import type { Reconciler } from "../world/reconciler";
import { ensurePromotion } from "./apply";
import { observePromotion } from "./observe";
import { planPromotion } from "./plan";

/**
 * An artifact in an environment: its graph at a place, a tag on it, and signed records of how it
 * came there. The records are the history; the state only remembers it.
 */
export const promotion: Reconciler<typeof promotionSchema.shape> = {
  kind: "Promotion",
  schema: promotionSchema,
  replaceOn: ["environment", "to", "tag"],
  ignore: [
    "artifact",
    "claims",
    "signer",
    "trust",
    "require",
    "deny",
    "precedence",
    "lifecycleIssuers",
    "historyTrust",
    "asOf",
    "seen",
    "upcoming",
    "against",
  ],
  ensured: ["signatures", "made", "onDestroy"],
  // Of a revocation nobody is to overlook it, though nothing can be done about it here. A tag
  // elsewhere is never as it should be.
  unsettled: (inputs) =>
    inputs["revoked"] !== undefined ||
    (inputs["seen"] !== undefined && inputs["seen"] !== inputs["digest"]),

  plan: planPromotion,

  id: (inputs) =>
    `${String(inputs["environment"])} ${String(inputs["to"])}:${String(inputs["tag"])}`,

  holds(properties) {
    const held = plannedPromotionSchema
      .pick({ to: true, digest: true, tag: true, record: true })
      .safeParse(properties);
    if (!held.success) return undefined;
    const { to, digest, tag, record } = held.data;
    return {
      location: parseReference(to).location,
      digests: [digest, ...(record === undefined ? [] : [record])],
      tags: [tag],
    };
  },

  ensure: ensurePromotion,

  observe: observePromotion,

  async remove(state, context) {
    const recorded = readState(plannedPromotionSchema, state);
    if (recorded.onDelete === "retain") return;
    await removePromotion(
      { ...recorded, made: Made.of(state) },
      await historyQuestion(recorded, context),
      context,
    );
  },
};
