// SPDX-License-Identifier: Apache-2.0
import { manifestIfThere } from "../content/presence";
import type { Store } from "../content/storage";
import { isConsignError } from "../errors";
import { plainDescriptor, type Descriptor } from "../oci/descriptor";
import type { Digest } from "../oci/digest";
import { isTag, parseReference } from "../oci/reference";
import { testimonyOn } from "../judging/testimony";
import type { ResourceContext } from "../world/context";
import { holdingsOf } from "../world/holdings";
import { endOfStay } from "./clock";
import { promotedIn, readHistory, staysOn, type HistoryQuestion } from "./history";
import type { PlannedPromotion } from "./arguments";
import { isSamePlace, isSameTag } from "../deployments/place";
import { packClosing, stayClaimSchema } from "../deployments/record";
import { attachRecord } from "../signing/record-signing";
import type { LeavingManifest } from "../keeping/leaving";
import type { Made } from "../keeping/made";
import { contentOf, tagNow } from "../keeping/reach";
import { takeAway, type OnDelete, type TakenAway } from "../keeping/take-away";

export type RemovalQuestion = HistoryQuestion & { store: Store };

/** A promotion as it is recorded, with what of it this resource has put there. */
export type LeavingPromotion = PlannedPromotion & { made: Made };

/** What a destroy does, which asks nobody in its preview. */
export function onDestroy(
  { reference, tag, digest, onDelete }: PlannedPromotion,
  made: Made,
): string[] {
  if (onDelete === "retain") return [`destroy will keep ${reference} and tag ${tag}`];
  return [
    `destroy will remove tag ${tag} while it leads to ${digest}`,
    onDelete === "purge" && made.has(digest)
      ? `destroy will remove ${reference} with all that this resource has brought there, unless others need it`
      : `destroy will keep ${reference}`,
  ];
}

/**
 * Takes a promotion back as `onDelete` says: the tag first, then the content, then, where that
 * stays, the claim that its stay is over, as nobody is to say so while it lasts. What somebody else
 * has taken over stays as it is: another environment by the same tag, or a later promotion.
 */
export async function removePromotion(
  recorded: LeavingPromotion,
  question: RemovalQuestion,
  context: ResourceContext,
): Promise<void> {
  const { store } = question;
  const { digest, tag, onDelete, record } = recorded;
  const { location } = parseReference(recorded.to);
  const subject =
    onDelete === "retain" ? undefined : (await manifestIfThere(store, digest))?.descriptor;
  if (subject === undefined) return;
  // Under another name the same promotion goes on.
  if (record !== undefined && (await holdingsOf(context).has(location, record))) return;
  const pointsHere = (await tagNow(store, tag))?.digest === digest;
  const ended: EndedStay = { recorded, subject, pointsHere };
  const keeper = (await holdingsOf(context).hasTag(location, tag))
    ? "another resource of this program has the tag now"
    : await keeperOf(recorded, question, context);
  if (keeper !== undefined) {
    context.warn(
      `${store.name}@${digest} ${pointsHere ? `and tag ${tag} stay` : "stays"}: ${keeper}`,
    );
    return close(ended, question, context);
  }
  const leaving: TakenAway = {
    store,
    location,
    target: subject,
    tags: { [tag]: [digest] },
    made: recorded.made,
    related: new Map(),
  };
  const untagged = await untag(leaving, onDelete, context);
  // A claim that is written before the purge would keep what it is about from a purge that is
  // repeated: state never learns of it, as a destroy records nothing.
  const stays = onDelete !== "purge" || !(await purge(recorded, leaving, question, context));
  if (untagged && stays) await close(ended, question, context);
}

/** @returns whether the artifact has gone */
async function purge(
  recorded: LeavingPromotion,
  leaving: TakenAway,
  question: RemovalQuestion,
  context: ResourceContext,
): Promise<boolean> {
  const { store, target } = leaving;
  const history = await historyOfAnother(recorded, question, context);
  if (history === undefined) {
    const related = await relatedMade(store, target.digest, recorded.made);
    return takeAway({ ...leaving, related }, "purge", context);
  }
  context.warn(
    `${store.name}@${target.digest} stays: ${history} has been there, and its history leads over it`,
  );
  return false;
}

/**
 * Where a registry removes a tag with its manifest only, the stay lasts until that is purged, and
 * what is claimed of it goes with it.
 */
async function untag(
  leaving: TakenAway,
  onDelete: OnDelete,
  context: ResourceContext,
): Promise<boolean> {
  try {
    await takeAway(leaving, "untag", context);
    return true;
  } catch (error) {
    if (onDelete === "purge" && isConsignError(error, "REGISTRY_UNSUPPORTED")) return false;
    throw error;
  }
}

interface EndedStay {
  recorded: LeavingPromotion;
  subject: Descriptor;
  /** The tag was there until now. */
  pointsHere: boolean;
}

/**
 * Ends the stay that the promotion began, unless it has ended. Where the tag was there until now,
 * only a demotion says so.
 */
async function close(
  { recorded, subject, pointsHere }: EndedStay,
  question: RemovalQuestion,
  context: ResourceContext,
): Promise<void> {
  const { record: opening, promotedAt: from, asOf, signedBy } = recorded;
  if (opening === undefined) return;
  const stays = (await staysOn(question, subject.digest, context)).filter(
    ({ stay }) => stay.opening === opening,
  );
  if (
    stays.some(
      ({ stay: { until, closing } }) =>
        until !== undefined && (closing === undefined || !pointsHere),
    )
  )
    return;
  const stay = { from, until: endOfStay(from, asOf, context), opening };
  await attachRecord(
    { store: question.store, args: recorded, signedBy, written: new Map() },
    packClosing(plainDescriptor(subject), question.slot, stay),
    context,
  );
}

/**
 * Of what this resource has brought there, what belongs to an artifact that it has brought there
 * too: it goes only with that. Lists say where to look, and nothing else.
 */
async function relatedMade(
  store: Store,
  root: Digest,
  made: Made,
): Promise<Map<Digest, LeavingManifest>> {
  const related = new Map<Digest, LeavingManifest>();
  if (!made.has(root)) return related;
  for (let level = [root]; level.length > 0;) {
    const next: Digest[] = [];
    const add = (digest: Digest, subject?: Digest): void => {
      if (digest === root || related.has(digest) || !made.has(digest)) return;
      related.set(digest, { with: root, ...(subject === undefined ? {} : { subject }) });
      next.push(digest);
    };
    for (const digest of level) {
      const manifest = await contentOf(store, digest);
      if (manifest?.kind === "index") for (const part of manifest.value.manifests) add(part.digest);
      for (const referrer of await store.referrers(digest, { fresh: true }))
        add(referrer.digest, digest);
    }
    level = next;
  }
  return related;
}

/**
 * Why somebody else needs what this promotion has put there. Whose claim cannot be judged now may
 * be somebody's.
 */
async function keeperOf(
  recorded: PlannedPromotion,
  question: RemovalQuestion,
  context: ResourceContext,
): Promise<string | undefined> {
  const { store, slot } = question;
  const tagged = (await tagNow(store, recorded.tag))?.digest;
  const [head] = await readHistory(question, tagged, recorded.promotions, context);
  if (head !== undefined && head.record !== recorded.record)
    return `a later promotion of ${head.digest} is the newest of ${slot.environment}, by ${head.record}`;
  return (
    (await unsureSuccessor(recorded, question, context)) ?? otherStay(recorded, question, context)
  );
}

async function unsureSuccessor(
  recorded: PlannedPromotion,
  { store, slot, trust }: RemovalQuestion,
  context: ResourceContext,
): Promise<string | undefined> {
  const subject = recorded.digest;
  const said = await testimonyOn({ store, trust, subject, type: "vsa" }, context);
  for (const { claim, worth, reason } of said) {
    const promoted =
      "broken" in claim || worth !== "inconclusive" ? undefined : promotedIn(claim, slot);
    if (
      promoted !== undefined &&
      promoted.record !== recorded.record &&
      promoted.promotedAt > recorded.promotedAt
    )
      return `it may have been promoted again by ${promoted.record}: ${reason}`;
  }
  return undefined;
}

async function otherStay(
  recorded: PlannedPromotion,
  { store, slot, trust }: RemovalQuestion,
  context: ResourceContext,
): Promise<string | undefined> {
  const open = new Map<Digest, string>();
  const ended = new Set<Digest>();
  const subject = recorded.digest;
  const said = await testimonyOn({ store, trust, subject, type: "deployment" }, context);
  for (const { claim, worth } of said) {
    const stay = "broken" in claim ? undefined : stayClaimSchema.safeParse(claim.predicate).data;
    if (
      stay === undefined ||
      stay.environment === slot.environment ||
      !(await isSameTag(stay, slot, context))
    )
      continue;
    if (stay.until !== undefined) {
      if (worth === "believed") ended.add(stay.opening);
    } else if (worth === "believed" || worth === "inconclusive" || worth === "expired")
      open.set(stay.opening, stay.environment);
  }
  const [environment] = [...open].flatMap(([opening, each]) => (ended.has(opening) ? [] : [each]));
  return environment === undefined ? undefined : `${environment} is in use by the same tag`;
}

/**
 * Another environment at the same place, by another tag, that is still there: when it ran this, and
 * by which promotion, is told by what would be purged.
 */
async function historyOfAnother(
  recorded: PlannedPromotion,
  { store, slot, trust }: RemovalQuestion,
  context: ResourceContext,
): Promise<string | undefined> {
  const subject = recorded.digest;
  const said = await testimonyOn({ store, trust, subject, type: "deployment" }, context);
  for (const { claim, worth } of said) {
    const stay =
      "broken" in claim || worth === "unsigned" || worth === "refused"
        ? undefined
        : stayClaimSchema.safeParse(claim.predicate).data;
    if (stay === undefined || stay.environment === slot.environment) continue;
    const colon = stay.resource.lastIndexOf(":");
    const tag = stay.resource.slice(colon + 1);
    const isBeside =
      isTag(tag) &&
      tag !== recorded.tag &&
      (await isSamePlace(
        stay.resource.slice(0, Math.max(colon, 0)),
        slot.resource.slice(0, slot.resource.lastIndexOf(":")),
        context,
      ));
    if (isBeside && (await tagNow(store, tag)) !== undefined) return stay.environment;
  }
  return undefined;
}
