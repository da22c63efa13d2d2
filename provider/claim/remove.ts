// SPDX-License-Identifier: Apache-2.0
import { z } from "zod";
import type { Store } from "../content/storage";
import { ConsignError, isConsignError } from "../errors";
import { listSignatures } from "../notation/index";
import { descriptorSchema, type Descriptor } from "../oci/descriptor";
import { parseReference, referenceSchema, type Location } from "../oci/reference";
import type { ResourceContext } from "../world/context";
import { holdingsOf } from "../world/holdings";
import { isOwnSignature } from "../signing/own-marks";
import { deleteManifest } from "../keeping/removal";

/**
 * A claim of ours that is to go: what it is, about what, and what tells our signatures on it from
 * those of others.
 */
export const leavingClaimSchema = z.object({
  descriptor: descriptorSchema,
  about: referenceSchema,
  recorded: z.array(z.string()),
  thumbprint: z.string(),
});
export type LeavingClaim = z.infer<typeof leavingClaimSchema>;

/**
 * A resource's claim as it is, or was, with what it had taken the place of and could not remove
 * yet.
 */
export interface ClaimBefore {
  claim: LeavingClaim;
  replaces: readonly LeavingClaim[];
  onDelete: "retain" | "purge";
}

/**
 * What a claim takes the place of: the one before, and what that one had not seen removed. A claim
 * about an earlier artifact stays, as it is still true of that one; and whoever says that claims
 * are to be retained, now or before, means these.
 */
export function replacedBy(
  plan: { descriptor: Descriptor; about: string; onDelete: "retain" | "purge" },
  before: ClaimBefore | undefined,
): LeavingClaim[] {
  if (before === undefined || before.onDelete === "retain" || plan.onDelete === "retain") return [];
  const all = new Map(
    [...before.replaces, before.claim].map((claim) => [claim.descriptor.digest, claim]),
  );
  return [...all.values()].filter(
    ({ descriptor, about }) =>
      descriptor.digest !== plan.descriptor.digest &&
      parseReference(about).digest === parseReference(plan.about).digest,
  );
}

/**
 * @returns what is still there, as this registry deletes nothing: a warning says so, and the state
 * remembers it
 */
export async function removeReplaced(
  store: Store,
  location: Location,
  replaced: readonly LeavingClaim[],
  context: ResourceContext,
): Promise<LeavingClaim[]> {
  const left: LeavingClaim[] = [];
  for (const claim of replaced) {
    try {
      await removeClaim(store, location, claim, context);
    } catch (error) {
      if (!isConsignError(error, "REGISTRY_UNSUPPORTED")) throw error;
      context.warn(
        `the claim ${store.name}@${claim.descriptor.digest} has been replaced and is still there, signed, beside the one in its place: ${error.message}`,
      );
      left.push(claim);
    }
  }
  return left;
}

/**
 * Removes a claim with our signatures on it, these first. What others said about it stays, a
 * revocation above all: a referrer may outlive its subject. While others have signed it too, or
 * another resource of this run has it, the claim itself stays as well.
 */
export async function removeClaim(
  store: Store,
  location: Location,
  claim: LeavingClaim,
  context: ResourceContext,
): Promise<void> {
  const { descriptor } = claim;
  const held = holdingsOf(context);
  let others = 0;
  for (const signature of await listSignatures(store, descriptor.digest, { fresh: true })) {
    if (isOwnSignature(signature, claim)) {
      if (!(await held.has(location, signature.digest))) await deleteManifest(store, signature);
    } else others += 1;
  }
  if (await held.has(location, descriptor.digest)) return;
  if (others === 0) return deleteManifest(store, descriptor);
  context.warn(
    `the claim ${store.name}@${descriptor.digest} stays, without the signatures of this resource: others have signed it too`,
  );
}

/** Where nothing can be deleted, only leaving it helps. */
export function explainUndeletable(error: unknown): unknown {
  if (!isConsignError(error, "REGISTRY_UNSUPPORTED")) return error;
  return new ConsignError(
    "REGISTRY_UNSUPPORTED",
    `${error.message}; to leave the claim there, set onDelete to "retain" and run up first`,
    { reference: error.reference, status: error.status, path: "onDelete" },
  );
}
