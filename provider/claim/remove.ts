// SPDX-License-Identifier: Apache-2.0
import { z } from "zod";
import { typeKey } from "../claims/index";
import { manifestIfThere, presenceOf } from "../content/presence";
import type { Store } from "../content/storage";
import { ConsignError, isConsignError } from "../errors";
import { untold, unsupported, type LeavingManifest } from "../keeping/leaving";
import { removeManifests } from "../keeping/remove";
import { listSignatures } from "../notation/index";
import { descriptorSchema, type Descriptor } from "../oci/descriptor";
import { isDigest, type Digest } from "../oci/digest";
import { parseReference, referenceSchema, type Location } from "../oci/reference";
import type { Made } from "../keeping/made";
import type { ResourceContext } from "../world/context";
import { holdingsOf } from "../world/holdings";
import type { Properties } from "../world/reconciler";

/** A claim of ours that is to go: what it is, about what, and what of it and on it we have made. */
export const leavingClaimSchema = z.object({
  descriptor: descriptorSchema,
  about: referenceSchema,
  /** States of old have it, with the digests of our signatures. */
  recorded: z.array(z.string()).default([]),
  thumbprint: z.string().default(""),
  made: z.array(z.string()).optional(),
});
export type LeavingClaim = z.infer<typeof leavingClaimSchema>;

/** Whose absence would say something: that what was revoked is good again. */
const RETAINED: ReadonlySet<string> = new Set([
  "revocation",
  "endOfLife",
  "redirect",
  "vsa",
  "deployment",
  "archived",
  "content-purged",
]);

export function defaultOnDelete(type: string): "retain" | "purge" {
  return RETAINED.has(typeKey(type)) ? "retain" : "purge";
}

/**
 * A resource's claim as it is, or was, with what it had taken the place of and could not remove
 * yet.
 */
export interface ClaimBefore {
  claim: LeavingClaim;
  replaces: readonly LeavingClaim[];
}

/**
 * What a claim takes the place of: the one before, and what that one had not seen removed. A claim
 * about an earlier artifact stays, as it is still true of that one.
 */
export function replacedBy(
  plan: { descriptor: Descriptor; about: string },
  before: ClaimBefore | undefined,
): LeavingClaim[] {
  if (before === undefined) return [];
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
 * Removes a claim that this resource made, with the signatures that it made on it: together, or not
 * at all, but for what others have signed too. That stays without ours.
 * @throws ConsignError what leaves it unknown whether somebody needs it; `REGISTRY_UNSUPPORTED`
 */
export async function removeClaim(
  store: Store,
  location: Location,
  claim: LeavingClaim,
  context: ResourceContext,
): Promise<void> {
  const { digest } = claim.descriptor;
  const made = new Set(claim.made ?? claim.recorded);
  const isCosigned = claim.made !== undefined && (await isSignedByOthers(store, digest, made));
  const manifests = new Map<Digest, LeavingManifest>();
  for (const each of made)
    if (isDigest(each) && each !== digest)
      manifests.set(each, isCosigned ? { subject: digest } : { subject: digest, with: digest });
  if (made.has(digest)) manifests.set(digest, { subject: parseReference(claim.about).digest });
  const held = holdingsOf(context);
  const result = await removeManifests(
    {
      store,
      manifests,
      isOwnTag: () => false,
      holds: async (each) =>
        (await held.has(location, each)) ? "another resource of this program has it" : undefined,
    },
    context,
  );
  const failure = unsupported(result) ?? untold(result);
  if (failure !== undefined) throw failure;
  if (await held.has(location, digest)) return;
  const kept = result.kept.find((each) => each.digest === digest)?.reason;
  const why = made.has(digest) ? kept : await whyAdoptedStays(store, claim);
  const how = isCosigned
    ? "stays, without the signatures of this resource: others have signed it too"
    : `stays: ${why}`;
  if (why !== undefined) context.warn(`the claim ${store.name}@${digest} ${how}`);
}

async function whyAdoptedStays(
  store: Store,
  { descriptor, made }: LeavingClaim,
): Promise<string | undefined> {
  if ((await presenceOf(store, descriptor)).is === "gone") return undefined;
  return made === undefined
    ? "its state was recorded by 0.1.0, which did not tell what it had made from what it had found"
    : "it was there before this resource, which has only adopted it";
}

/** The list is a hint: a signature counts that is read back, and is on this claim. */
async function isSignedByOthers(
  store: Store,
  claim: Digest,
  made: ReadonlySet<string>,
): Promise<boolean> {
  for (const { digest } of await listSignatures(store, claim, { fresh: true })) {
    if (made.has(digest)) continue;
    const manifest = await manifestIfThere(store, digest);
    if (manifest?.value.subject?.digest === claim) return true;
  }
  return false;
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

/** What is ours, and what that means for a destroy, which asks nobody in its preview. */
export function marks(
  {
    digest,
    reference,
    onDelete,
  }: { digest: string; reference: string; onDelete: "retain" | "purge" },
  made: Made,
): Properties {
  return {
    made: made.record(),
    onDestroy: [
      onDelete === "retain"
        ? `destroy will keep ${reference}: onDelete is "retain"`
        : made.has(digest)
          ? `destroy will remove ${reference} with the signatures of this resource, unless others need it`
          : `destroy will keep ${reference}: it was there before this resource`,
    ],
  };
}
