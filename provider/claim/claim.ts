// SPDX-License-Identifier: Apache-2.0
import { recordedSignatures } from "../signing/signing";
import { artifactSchema, locationOf, readState, referenceOf } from "../world/arguments";
import type { Properties, Reconciler } from "../world/reconciler";
import { ensureClaim } from "./apply";
import { plannedSchema, schema } from "./arguments";
import { observeClaimResource } from "./observe";
import { planClaim } from "./plan";
import { removeClaimResource } from "./remove";
import { isDeliberate } from "./standing";

/**
 * A signed statement about an artifact, attached to it in its repository. Its digest follows from
 * what it says and about what, so it is known before anything is pushed; when it was made and until
 * when it holds is in its signature.
 */
export const claim: Reconciler<typeof schema.shape> = {
  kind: "Claim",
  schema,
  replaceOn: ["repository"],
  places: ["repository"],
  ignore: [
    "signer",
    "subject",
    "predicate",
    "document",
    "supersedes",
    "type",
    "audience",
    "annotations",
  ],
  ensured: [
    "signatures",
    "formerSignatures",
    "made",
    "onDestroy",
    "replaces",
    "issuedAt",
    "expiresAt",
  ],

  plan: planClaim,

  id: (inputs) =>
    String(
      inputs["reference"] ??
        referenceOf(readState(artifactSchema, inputs["subject"] as Properties)),
    ),

  acknowledged: (name, recorded) => name === "status" && isDeliberate(recorded),

  holds(properties) {
    const held = plannedSchema.pick({ subject: true, digest: true }).safeParse(properties);
    return held.success
      ? {
          location: locationOf(held.data.subject),
          digests: [held.data.digest, ...recordedSignatures(properties)],
          tags: [],
        }
      : undefined;
  },

  ensure: ensureClaim,

  observe: observeClaimResource,

  remove: removeClaimResource,
};
