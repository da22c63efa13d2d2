// SPDX-License-Identifier: Apache-2.0
import { readClaim } from "../claims/index";
import { copy } from "../content/copy";
import { ConsignError, isConsignError } from "../errors";
import { listSignatures } from "../notation/index";
import { plainDescriptor } from "../oci/descriptor";
import type { Digest } from "../oci/digest";
import { MEDIA_TYPES } from "../oci/media-types";
import { SKEW_MS } from "../world/as-of";
import type { ResourceContext } from "../world/context";
import { endOfStay } from "./clock";
import { readHistory, recordDescriptors, recordsOn, staysOn, type Promoted } from "./history";
import { packClosing, packOpening, packRecord, recordIn } from "../deployments/record";
import { removeManifests } from "../keeping/remove";
import type { LeavingManifest } from "../keeping/leaving";
import { settleSlot } from "./rivals";
import type { PromotionTask } from "./task";
import { attachRecord } from "../signing/record-signing";
import type { SignatureRecord } from "../signing/signing";
import { tagDigest } from "../world/tags";

/**
 * Promotes: content, the signed record, the claim that the stay has begun, the one that the stay
 * before is over, the tag last. Everything but the tag is found again by a run that comes after one
 * that was cut short; a race for the tag that is lost, and a revocation that came in the meantime,
 * take back what this run had written.
 * @throws ConsignError `TAG_MOVED`, `VERIFICATION_UNMET`, and what copying and signing throw
 */
export async function promote(
  task: PromotionTask,
  context: ResourceContext,
): Promise<SignatureRecord[]> {
  const arrived = await refuseMovedTag(task);
  if (!arrived) await refuseRevoked(task, context);
  await copyContent(task, context);
  await removeUnsignedRecords(task, context);
  const record = packRecord(task.descriptor, task.record);
  const signatures = await attachRecord(task.signing, record, context);
  const opening = record.manifest.descriptor.digest;
  await attachRecord(
    task.signing,
    packOpening(task.descriptor, task.slot, task.promotedAt, opening),
    context,
  );
  if (task.before !== undefined)
    await closeBefore(task, task.before, { opening, arrived }, context);
  try {
    const began = context.now().getTime();
    await moveTag(task, context);
    await settleSlot(task, opening, context.now().getTime() - began, context);
  } catch (error) {
    const mayGo =
      isConsignError(error, "TAG_MOVED", "VERIFICATION_UNMET") &&
      !(await mayBeHistory(task, opening, context));
    if (mayGo) await takeBack(task, opening, context);
    throw error;
  }
  for (const digest of task.signing.written.keys()) task.made.add(digest);
  await closeOvertakenStays(task, opening, context);
  return signatures;
}

/** Where nothing can be deleted, the stay that was begun is ended at least. */
async function takeBack(
  task: PromotionTask,
  opening: Digest,
  context: ResourceContext,
): Promise<void> {
  const { store, slot, signing, descriptor, promotedAt } = task;
  const { written } = signing;
  const manifests = new Map<Digest, LeavingManifest>(
    [...written].map(([digest, subject]) => [
      digest,
      written.has(subject) ? { subject, with: subject } : { subject },
    ]),
  );
  const { kept } = await removeManifests({ store, manifests, isOwnTag: () => false }, context);
  if (!kept.some(({ digest }) => digest === opening)) return;
  const tagged = await tagDigest(store, task.tag, { fresh: true });
  const [winner] = await readHistory(task, tagged, [], context);
  const until = endOfStay(promotedAt, promotedAt, context);
  const stay = {
    from: promotedAt,
    until,
    opening,
    ...(winner === undefined ? {} : { closing: winner.record }),
  };
  await attachRecord(signing, packClosing(descriptor, slot, stay), context);
}

/** Says whether the tag is at the artifact already. */
async function refuseMovedTag({
  store,
  tag,
  descriptor,
  expected,
}: PromotionTask): Promise<boolean> {
  const now = await tagDigest(store, tag);
  if (now === descriptor.digest || now === expected) return now === descriptor.digest;
  throw new ConsignError(
    "TAG_MOVED",
    `tag ${tag} is at ${now ?? "nothing (absent)"} and not, as planned, at ${expected ?? "nothing (absent)"}: somebody else moved it; nothing was promoted, look at a new preview`,
    {
      path: "tag",
      reference: `${store.name}:${tag}`,
      side: "destination",
    },
  );
}

/** The plan may be of an hour ago, and what is revoked is to go nowhere. */
async function refuseRevoked(
  { store, tag, descriptor, revoked }: PromotionTask,
  context: ResourceContext,
): Promise<void> {
  context.stores.forget();
  const reason = await revoked();
  if (reason === undefined) return;
  const reference = `${store.name}:${tag}`;
  throw new ConsignError(
    "VERIFICATION_UNMET",
    `${descriptor.digest} is not promoted: since it was planned it has been revoked: ${reason}`,
    { path: "artifact", reference },
  );
}

async function copyContent(
  { source, store, descriptor, carries, made }: PromotionTask,
  context: ResourceContext,
): Promise<void> {
  if (source.name === store.name) return;
  const report = await copy(source, store, descriptor, {
    leafTypes: [MEDIA_TYPES.notarySignature],
    certain: true,
    prove: true,
    onProgress: (event) => {
      if (event.kind === "manifest" && event.action === "copied") made.add(event.descriptor.digest);
    },
    referrers: async (subject) =>
      (await source.referrers(subject.digest)).filter(
        ({ digest }) => carries[digest] !== undefined,
      ),
  }).catch((error: unknown) => {
    if (isConsignError(error, "MANIFEST_UNKNOWN") && error.side === "source") return undefined;
    throw error;
  });
  if (report === undefined) {
    // What was promoted before may have left its source since.
    if (!(await store.has(descriptor)))
      throw new ConsignError(
        "MANIFEST_UNKNOWN",
        `${source.name}@${descriptor.digest} does not exist`,
        { path: "artifact", side: "source" },
      );
    return;
  }
  if (report.manifests > 0)
    context.progress(
      `${store.name}@${descriptor.digest}: ${report.manifests} manifests, ${report.blobs} blobs, ${report.bytes} bytes copied`,
    );
}

async function closeBefore(
  task: PromotionTask,
  before: Promoted,
  { opening, arrived }: { opening: Digest; arrived: boolean },
  context: ResourceContext,
): Promise<void> {
  if (before.digest === task.descriptor.digest) return;
  const subject = await task.store.resolve(before.digest).catch((error: unknown) => {
    if (isConsignError(error, "MANIFEST_UNKNOWN")) return undefined;
    throw error;
  });
  if (subject === undefined) {
    context.warn(
      `${task.store.name}@${before.digest}, which is replaced, is not there any more: nothing says when it left ${task.slot.environment}`,
    );
    return;
  }
  // A run that was cut short before the tag moved had closed it too early, so it is closed again;
  // of two ends the later one counts.
  if (
    arrived &&
    (await staysOn(task, before.digest, context)).some(
      ({ stay }) => stay.opening === before.record && stay.closing === opening,
    )
  )
    return;
  const until = plannedEnd(task.endsBefore, endOfStay(before.promotedAt, task.promotedAt, context));
  const stay = { from: before.promotedAt, until, opening: before.record, closing: opening };
  await attachRecord(task.signing, packClosing(plainDescriptor(subject), task.slot, stay), context);
}

/**
 * What the plan said, and an archive policy of the same program went by, unless that is long past:
 * a copy may take hours.
 */
function plannedEnd(planned: string | undefined, now: string): string {
  return planned !== undefined && Date.parse(now) - Date.parse(planned) <= SKEW_MS ? planned : now;
}

async function moveTag(task: PromotionTask, context: ResourceContext): Promise<void> {
  const { store, tag, descriptor, expected } = task;
  if ((await tagDigest(store, tag)) === descriptor.digest) return;
  await refuseRevoked(task, context);
  await store.tag(await store.manifest(descriptor), tag, { expected });
  context.progress(`${store.name}:${tag} is ${descriptor.digest} now`);
}

/**
 * Whether another run of the same promotion took up what this one had written, and the history
 * leads over it by now. Where nobody can tell it stays.
 */
async function mayBeHistory(
  task: PromotionTask,
  opening: Digest,
  context: ResourceContext,
): Promise<boolean> {
  try {
    context.stores.forget();
    const tagged = await tagDigest(task.store, task.tag);
    return (await readHistory(task, tagged, [], context)).some(({ record }) => record === opening);
  } catch (error) {
    if (isConsignError(error)) return true;
    throw error;
  }
}

/**
 * A record of this slot that this promotion had cut short before it was signed: nobody believes it,
 * and it would be there for ever.
 */
async function removeUnsignedRecords(
  { store, slot, descriptor, record, made }: PromotionTask,
  context: ResourceContext,
): Promise<void> {
  const wanted = packRecord(descriptor, record).manifest.descriptor.digest;
  for (const candidate of await recordDescriptors(store, descriptor.digest)) {
    if (candidate.digest === wanted || !made.has(candidate.digest)) continue;
    if ((await listSignatures(store, candidate.digest)).length > 0) continue;
    const found = recordIn(await readClaim(store, candidate, { subject: descriptor.digest }), slot);
    if (found === undefined) continue;
    const manifests = new Map([[candidate.digest, { subject: descriptor.digest }]]);
    await removeManifests({ store, manifests, isOwnTag: () => false }, context);
  }
}

/**
 * A promotion of this artifact that names one in the history as the one before, and is not what
 * came after it, lost its race and was cut short, or the tag was moved back by hand behind it. It
 * may have been there for a while and is signed, so its stay is closed, and nothing of it is
 * removed.
 */
async function closeOvertakenStays(
  task: PromotionTask,
  opening: Digest,
  context: ResourceContext,
): Promise<void> {
  const { slot, signing, descriptor } = task;
  const successors = new Map<Digest, Digest>();
  for (const { previous, record } of [
    ...task.history,
    { previous: task.record.lineage.previous, record: opening },
  ])
    if (previous !== undefined) successors.set(previous.record, record);
  const overtaken = (await recordsOn(task, descriptor.digest, context)).flatMap(
    ({ record, previous, promotedAt }) => {
      const closing = previous === undefined ? undefined : successors.get(previous.record);
      return closing === undefined || closing === record ? [] : [{ record, promotedAt, closing }];
    },
  );
  if (overtaken.length === 0) return;
  const ended = new Set(
    (await staysOn(task, descriptor.digest, context)).flatMap(({ stay }) =>
      stay.until === undefined ? [] : [stay.opening],
    ),
  );
  for (const { record, promotedAt, closing } of overtaken.filter(
    (each) => !ended.has(each.record),
  )) {
    const stay = {
      from: promotedAt,
      until: endOfStay(promotedAt, task.promotedAt, context),
      opening: record,
      closing,
    };
    await attachRecord(signing, packClosing(descriptor, slot, stay), context);
  }
}
