// SPDX-License-Identifier: Apache-2.0
import { readState } from "../world/arguments";
import { contentStatus } from "./content-status";
import type { ResourceContext } from "../world/context";
import type { Properties } from "../world/reconciler";
import {
  currentSignatures,
  recordedSignatures,
  satisfying,
  signatureRecord,
  signatureStatus,
} from "../signing/signing";
import { observedTags } from "../world/tags";
import { plannedArtifactSchema } from "./arguments";

export async function observeArtifact(
  state: Properties,
  context: ResourceContext,
): Promise<Properties | undefined> {
  const recorded = readState(plannedArtifactSchema, state);
  const store = await context.stores.observe(recorded.repository);
  const content = await contentStatus(store, recorded.descriptor);
  if (content === undefined) return undefined;
  if (content.startsWith("altered")) return { ...state, content };
  const own = await currentSignatures(
    store,
    recorded.descriptor,
    recorded,
    recorded.signedBy,
    recordedSignatures(state),
    context,
  );
  const signature = signatureStatus(own, recorded);
  // What was signed stays recorded, so that a bad signature is one changed line: `signature`.
  const adopted =
    recorded.signatures !== undefined
      ? {}
      : {
          signatures: satisfying(own, recorded).map(signatureRecord),
          ...(signature === "valid" ? { signedReference: recorded.reference } : {}),
        };
  return {
    ...state,
    content,
    signature,
    tagged: await observedTags(store, Object.keys(recorded.tagged)),
    ...adopted,
  };
}
