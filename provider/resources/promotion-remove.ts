// SPDX-License-Identifier: Apache-2.0
import type { Store } from "../content/storage";
import { isConsignError } from "../errors";
import { plainDescriptor, type Descriptor } from "../oci/descriptor";
import type { Digest } from "../oci/digest";
import { claimTypeOf, typeKey } from "../claims";
import { weighClaim } from "./believed-claims";
import type { ResourceContext } from "./context";
import { endOfStay } from "./promotion-clock";
import { promotedIn, readHistory, staysOn, type HistoryQuestion, type Promoted } from "./promotion-history";
import type { PlannedPromotion } from "./promotion-inputs";
import { isSameTag, wantedAt } from "./promotion-place";
import { packClosing, stayClaimSchema } from "./promotion-record";
import { attachRecord } from "./record-signing";
import { removeArtifact } from "./removal";
import { tagDigest } from "./tagging";

export type RemovalQuestion = HistoryQuestion & { store: Store };

/**
 * Takes a promotion back as `onDelete` says: the tag first, then the claim that its stay is over, as nobody is to say so while it lasts, then the
 * content. What somebody else has taken over stays as it is: another environment by the same tag, or a later promotion.
 */
export async function removePromotion(recorded: PlannedPromotion, question: RemovalQuestion, context: ResourceContext): Promise<void> {
  const { store, slot } = question;
  const { digest, tag, onDelete } = recorded;
  const subject = await present(store, digest);
  if (onDelete === "retain" || subject === undefined) return;
  const wanted = wantedAt(slot, context);
  // A resource of another name has adopted this very promotion, and its stay goes on.
  if (wanted?.digest === digest && wanted.slot.environment === slot.environment) return;
  const pointsHere = (await tagDigest(store, tag)) === digest;
  const keeper = wanted === undefined ? await keeperOf(recorded, question, context) : `${wanted.slot.environment} wants the tag now`;
  if (keeper === undefined) await removeArtifact(store, subject, [tag], "untag");
  else context.warn(`${store.name}@${digest} ${pointsHere ? `and tag ${tag} stay` : "stays"}: ${keeper}`);
  await close(recorded, question, subject, pointsHere, context);
  if (keeper === undefined && onDelete === "purge") await purgeUnlessHeld(store, subject, tag, context);
}

async function present(store: Store, digest: Digest): Promise<Descriptor | undefined> {
  try {
    return plainDescriptor(await store.resolve(digest));
  } catch (error) {
    if (isConsignError(error, "MANIFEST_UNKNOWN")) return undefined;
    throw error;
  }
}

/** Ends the stay that the promotion began, unless it has ended. Where the tag was there until now, only a demotion says so. */
async function close(recorded: PlannedPromotion, question: RemovalQuestion, subject: Descriptor, pointsHere: boolean, context: ResourceContext): Promise<void> {
  const { record: opening, promotedAt: from, asOf, signedBy } = recorded;
  if (opening === undefined) return;
  const stays = (await staysOn(question, subject.digest, context)).filter(({ stay }) => stay.opening === opening);
  if (stays.some(({ stay: { until, closing } }) => until !== undefined && (closing === undefined || !pointsHere))) return;
  const stay = { from, until: endOfStay(from, asOf, context), opening };
  await attachRecord({ store: question.store, args: recorded, signedBy, written: [] }, packClosing(subject, question.slot, stay), context);
}

/** What other tags hold is not ours alone; the tag is gone by now, and that is what was asked for first. */
async function purgeUnlessHeld(store: Store, subject: Descriptor, tag: string, context: ResourceContext): Promise<void> {
  try {
    await removeArtifact(store, subject, [tag], "purge");
  } catch (error) {
    if (!isConsignError(error, "TAG_MOVED")) throw error;
    context.warn(`tag ${tag} is gone, and the artifact stays: ${error.message}`);
  }
}

/** Why somebody else needs what this promotion has put there. Whose claim cannot be judged now may be somebody's. */
async function keeperOf(recorded: PlannedPromotion, question: RemovalQuestion, context: ResourceContext): Promise<string | undefined> {
  const { store, slot } = question;
  const tagged = (await tagDigest(store, recorded.tag)) as Digest | undefined;
  const [head] = await readHistory(question, tagged, recorded.promotions as Promoted[], context);
  if (head !== undefined && head.record !== recorded.record) return `a later promotion of ${head.digest} is the newest of ${slot.environment}, by ${head.record}`;
  return (await unsureSuccessor(recorded, question, context)) ?? otherStay(recorded, question, context);
}

async function unsureSuccessor(recorded: PlannedPromotion, { store, slot, trust }: RemovalQuestion, context: ResourceContext): Promise<string | undefined> {
  for (const descriptor of await claimsOf(store, recorded.digest, "vsa")) {
    const { claim, worth, reason } = await weighClaim(store, descriptor, recorded.digest, trust, context);
    const promoted = "broken" in claim || worth !== "inconclusive" ? undefined : promotedIn(claim, slot);
    if (promoted !== undefined && promoted.record !== recorded.record && promoted.promotedAt > recorded.promotedAt) return `it may have been promoted again by ${promoted.record}: ${reason}`;
  }
  return undefined;
}

async function otherStay(recorded: PlannedPromotion, { store, slot, trust }: RemovalQuestion, context: ResourceContext): Promise<string | undefined> {
  const open = new Map<Digest, string>();
  const ended = new Set<Digest>();
  for (const descriptor of await claimsOf(store, recorded.digest, "deployment")) {
    const { claim, worth } = await weighClaim(store, descriptor, recorded.digest, trust, context);
    const stay = "broken" in claim ? undefined : stayClaimSchema.safeParse(claim.predicate).data;
    if (stay === undefined || stay.environment === slot.environment || !isSameTag(stay, slot, context)) continue;
    if (stay.until !== undefined) {
      if (worth === "believed") ended.add(stay.opening);
    } else if (worth === "believed" || worth === "inconclusive" || worth === "expired") open.set(stay.opening, stay.environment);
  }
  const [environment] = [...open].flatMap(([opening, each]) => (ended.has(opening) ? [] : [each]));
  return environment === undefined ? undefined : `${environment} is in use by the same tag`;
}

async function claimsOf(store: Store, subject: Digest, name: string): Promise<Descriptor[]> {
  return (await store.referrers(subject)).filter((descriptor) => typeKey(claimTypeOf(descriptor) ?? "") === name);
}
