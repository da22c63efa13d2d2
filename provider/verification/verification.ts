// SPDX-License-Identifier: Apache-2.0
import { artifactSchema, readState, referenceOf } from "../world/arguments";
import type { Properties, Reconciler } from "../world/reconciler";
import { verificationSchema } from "./arguments";
import { ensureVerified } from "./apply";
import { observeVerification } from "./observe";
import { planVerification } from "./plan";

/**
 * Decides whether an artifact may be used. Nothing is created: the resource is the verdict, and the
 * reference that exists only while the verdict is good. Any change of an argument asks again.
 */
export const verification: Reconciler<typeof verificationSchema.shape> = {
  kind: "Verification",
  schema: verificationSchema,
  replaceOn: [],
  ignore: ["mirror", "mirrorReady", "against"],
  ensured: [],

  plan: planVerification,

  id: (inputs) => referenceOf(readState(artifactSchema, inputs["artifact"] as Properties)),

  unsettled: (inputs) => inputs["reference"] === undefined,

  ensure: ensureVerified,

  observe: observeVerification,

  async remove() {
    // A verdict leaves nothing behind.
  },
};
