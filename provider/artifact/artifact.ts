// SPDX-License-Identifier: Apache-2.0
import { parseLocation } from "../oci/reference";
import { readState } from "../world/arguments";
import type { Reconciler } from "../world/reconciler";
import { Made } from "../keeping/made";
import { ownSignaturesOn, takeAway } from "../keeping/take-away";
import { recordedSignatures } from "../signing/signing";
import { ensureArtifact } from "./apply";
import { signedArtifactSchema, plannedArtifactSchema, tagsBefore } from "./arguments";
import { observeArtifact } from "./observe";
import { planArtifact } from "./plan";

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

  async remove(state, context) {
    const recorded = readState(plannedArtifactSchema, state);
    const store = await context.stores.open(recorded.repository);
    const made = Made.of(state);
    const leaving = {
      store,
      location: parseLocation(recorded.repository),
      target: recorded.descriptor,
      tags: Object.fromEntries(
        Object.entries(tagsBefore(state).placed).map(([tag, digest]) => [tag, [digest]]),
      ),
      made,
      related: ownSignaturesOn(recorded.digest, made),
    };
    await takeAway(leaving, recorded.onDelete, context);
  },
};
