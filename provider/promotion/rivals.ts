// SPDX-License-Identifier: Apache-2.0
import { setTimeout as sleep } from "node:timers/promises";
import { manifestIfThere } from "../content/presence";
import { packClosing } from "../deployments/record";
import { ConsignError } from "../errors";
import { plainDescriptor, type Descriptor } from "../oci/descriptor";
import type { Digest } from "../oci/digest";
import { attachRecord } from "../signing/record-signing";
import type { ResourceContext } from "../world/context";
import { tagDigest } from "../world/tags";
import { endOfStay } from "./clock";
import { recordsOn, staysOn } from "./history";
import type { PromotionTask } from "./task";

/** How long each waits before it looks again, while a rival may still be at work. */
const LOOKS_AFTER_MS = [0, 100, 200, 400, 800, 1500];
/** A tag move that took longer may have come after the last look of somebody else's. */
const SLOW_MS = 1_500;

interface Rival {
  record: Digest;
  promotedAt: string;
  subject: Descriptor;
}

/**
 * Looks at the slot again once the tag has moved: between the last look at the tag and its move
 * somebody else may have moved it, or since. Whoever promotes from the same stay says so on what was
 * there before, ahead of its tag move, so that rivals find each other there. The one that the tag
 * has left in the end has lost. One whose own move was slow ends what a rival had begun, as that one
 * may have looked before.
 * @throws ConsignError `TAG_MOVED`
 */
export async function settleSlot(
  task: PromotionTask,
  opening: Digest,
  tookMs: number,
  context: ResourceContext,
): Promise<void> {
  let rivals: Rival[] = [];
  for (const after of LOOKS_AFTER_MS) {
    if (after > 0) await sleep(after);
    await refuseLostTag(task);
    rivals = await openRivals(task, opening, context);
    if (rivals.length === 0) return;
    if (tookMs > SLOW_MS) break;
  }
  if (tookMs <= SLOW_MS) return;
  for (const { record, promotedAt: from, subject } of rivals) {
    const until = endOfStay(from, task.promotedAt, context);
    const stay = { from, until, opening: record, closing: opening };
    await attachRecord(task.signing, packClosing(subject, task.slot, stay), context);
  }
}

async function refuseLostTag({ store, tag, descriptor }: PromotionTask): Promise<void> {
  const now = await tagDigest(store, tag, { fresh: true });
  if (now === descriptor.digest) return;
  throw new ConsignError(
    "TAG_MOVED",
    `tag ${tag} was moved to ${descriptor.digest}, and is at ${now ?? "nothing (absent)"} now: somebody else moved it at the same time; look at a new preview`,
    { path: "tag", reference: `${store.name}:${tag}`, side: "destination" },
  );
}

/** Promotions from the same stay that are believed, and that nobody has ended. */
async function openRivals(
  task: PromotionTask,
  opening: Digest,
  context: ResourceContext,
): Promise<Rival[]> {
  const { before, descriptor, history, store } = task;
  if (before === undefined || before.digest === descriptor.digest) return [];
  context.stores.forget();
  const known = new Set([opening, ...history.map(({ record }) => record)]);
  const successors = (await staysOn(task, before.digest, context)).flatMap(({ stay }) =>
    stay.opening === before.record && stay.closing !== undefined ? [stay.closing] : [],
  );
  const rivals: Rival[] = [];
  for (const record of new Set(successors)) {
    if (known.has(record)) continue;
    const subject = (await manifestIfThere(store, record))?.value.subject;
    if (subject === undefined) continue;
    const rival = (await recordsOn(task, subject.digest, context)).find(
      (each) => each.record === record && each.previous?.record === before.record,
    );
    const stays = await staysOn(task, subject.digest, context);
    if (
      rival !== undefined &&
      !stays.some(({ stay }) => stay.opening === record && stay.until !== undefined)
    )
      rivals.push({ record, promotedAt: rival.promotedAt, subject: plainDescriptor(subject) });
  }
  return rivals;
}
