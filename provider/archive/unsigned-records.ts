// SPDX-License-Identifier: Apache-2.0
import { archivedSchema, claimTypeOf, contentPurgedSchema, observeClaim } from "../claims/index";
import type { LeavingManifest } from "../keeping/leaving";
import { removeManifests } from "../keeping/remove";
import { listSignatures } from "../notation/index";
import type { Digest } from "../oci/digest";
import type { ResourceContext } from "../world/context";
import { ARCHIVED } from "./record";
import type { ArchiveTask } from "./task";

/**
 * Records of a run of this policy that was cut short before it signed them: nobody believes them,
 * and they would be there for ever. One that anything refers to stays.
 */
export async function removeUnsigned(
  { archive, inputs }: Pick<ArchiveTask, "archive" | "inputs">,
  subject: Digest,
  type: string,
  context: ResourceContext,
): Promise<void> {
  const manifests = new Map<Digest, LeavingManifest>();
  for (const candidate of await archive.referrers(subject)) {
    if (claimTypeOf(candidate) !== type) continue;
    if ((await listSignatures(archive, candidate.digest)).length > 0) continue;
    const claim = await observeClaim(archive, candidate, { subject });
    if ("broken" in claim) continue;
    const { data } = (type === ARCHIVED ? archivedSchema : contentPurgedSchema).safeParse(
      claim.predicate,
    );
    const ours = data !== undefined && (type !== ARCHIVED || data["policy"] === inputs.policy);
    if (ours) manifests.set(candidate.digest, { subject });
  }
  if (manifests.size === 0) return;
  await removeManifests({ store: archive, manifests, isOwnTag: () => false }, context);
}
