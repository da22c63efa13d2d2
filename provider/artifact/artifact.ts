// SPDX-License-Identifier: Apache-2.0
import { parseLocation } from "../oci/reference";
import { recordedSignatures } from "../signing/signing";
import type { Reconciler } from "../world/reconciler";
import { ensureArtifact } from "./apply";
import { plannedArtifactSchema, signedArtifactSchema } from "./arguments";
import { observeArtifact } from "./observe";
import { planArtifact } from "./plan";
import { removeSignedArtifact } from "./remove";

/**
 * An artifact in a repository, its signature, and the tags on it. Signature before tag: who
 * resolves the tag finds it signed.
 */
export const signedArtifact: Reconciler<typeof signedArtifactSchema.shape> = {
  kind: "SignedArtifact",
  schema: signedArtifactSchema,
  replaceOn: ["repository"],
  places: ["repository"],
  ignore: ["signer", "files", "layout", "from", "tags", "artifactType", "annotations"],
  ensured: ["signatures", "formerSignatures", "placed", "signedReference", "made", "onDestroy"],

  plan: planArtifact,

  id: (inputs) => String(inputs["repository"]),

  holds(properties) {
    const held = plannedArtifactSchema
      .pick({ repository: true, digest: true, tags: true })
      .safeParse(properties);
    return held.success
      ? {
          location: parseLocation(held.data.repository),
          digests: [held.data.digest, ...recordedSignatures(properties)],
          tags: held.data.tags,
        }
      : undefined;
  },

  ensure: ensureArtifact,

  observe: observeArtifact,

  remove: removeSignedArtifact,
};
