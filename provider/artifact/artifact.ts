// SPDX-License-Identifier: Apache-2.0
import { parseLocation } from "../oci/reference";
import { readState } from "../world/arguments";
import { ownMarks } from "../signing/own-marks";
import type { Reconciler } from "../world/reconciler";
import { removeArtifact } from "../keeping/removal";
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
  ensured: ["signatures", "formerSignatures", "placed", "signedReference"],

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
    const { seen, placed } = tagsBefore(state);
    const tags = Object.fromEntries(
      [...new Set([...recorded.tags, ...Object.keys(seen), ...Object.keys(placed)])].map((tag) => [
        tag,
        [recorded.digest, placed[tag] ?? recorded.digest],
      ]),
    );
    const leaving = {
      store,
      location: parseLocation(recorded.repository),
      target: recorded.descriptor,
      tags,
      referrers: ownMarks(state, recorded.signedBy),
    };
    await removeArtifact(leaving, recorded.onDelete, context);
  },
};
