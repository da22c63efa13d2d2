// SPDX-License-Identifier: Apache-2.0
import { readClaim } from "../claims";
import { copy } from "../content/copy";
import type { ReadStore, Store } from "../content/storage";
import { ConsignError, isConsignError } from "../errors";
import { listSignatures } from "../notation";
import { plainDescriptor, type Descriptor } from "../oci/descriptor";
import type { Digest } from "../oci/digest";
import { MEDIA_TYPES } from "../oci/media-types";
import type { ResourceContext } from "./context";
import { recordDescriptors, recordsOn, staysOn, type HistoryQuestion, type Promoted } from "./promotion-history";
import { packClosing, packOpening, packRecord, recordIn, type PromotionRecord } from "./promotion-record";
import { purge } from "./removal";
import { attachRecord, type RecordSigner } from "./record-signing";
import type { SignatureRecord } from "./signing";
import { tagDigest } from "./tagging";

export interface PromotionTask extends HistoryQuestion {
  store: Store;
  signing: RecordSigner;
  source: ReadStore;
  descriptor: Descriptor;
  tag: string;
  /** Where the tag may be found: as the plan saw it. */
  expected: Digest | undefined;
  promotedAt: string;
  record: PromotionRecord;
  before: Promoted | undefined;
  history: readonly Promoted[];
  carries: Readonly<Record<Digest, string>>;
}

/**
 * Promotes: content, the signed record, the claim that the stay has begun, the one that the stay before is over, the tag last. Everything but
 * the tag is found again by a run that comes after one that was cut short; a race for the tag that is lost takes back what this run had written.
 * @throws ConsignError `TAG_MOVED`, and what copying and signing throw
 */
export async function promote(task: PromotionTask, context: ResourceContext): Promise<SignatureRecord[]> {
  await refuseMovedTag(task);
  await copyContent(task, context);
  await removeUnsignedRecords(task);
  const record = packRecord(task.descriptor, task.record);
  const signatures = await attachRecord(task.signing, record, context);
  const opening = record.manifest.descriptor.digest;
  await attachRecord(task.signing, packOpening(task.descriptor, task.slot, task.promotedAt, opening), context);
  if (task.before !== undefined) await closeBefore(task, task.before, opening, context);
  try {
    await moveTag(task, context);
  } catch (error) {
    if (isConsignError(error, "TAG_MOVED")) for (const descriptor of task.signing.written.reverse()) await purge(task.store, descriptor);
    throw error;
  }
  await removeVoid(task, opening, context);
  return signatures;
}

async function refuseMovedTag({ store, tag, descriptor, expected }: PromotionTask): Promise<void> {
  const now = await tagDigest(store, tag);
  if (now === descriptor.digest || now === expected) return;
  throw new ConsignError("TAG_MOVED", `tag ${tag} is at ${now ?? "nothing (absent)"} and not, as planned, at ${expected ?? "nothing (absent)"}: somebody else moved it; nothing was promoted, look at a new preview`, {
    path: "tag",
    reference: `${store.name}:${tag}`,
    side: "destination",
  });
}

async function copyContent({ source, store, descriptor, carries }: PromotionTask, context: ResourceContext): Promise<void> {
  if (source.name === store.name) return;
  const report = await copy(source, store, descriptor, {
    leafTypes: [MEDIA_TYPES.notarySignature],
    referrers: async (subject) => (await source.referrers(subject.digest)).filter(({ digest }) => carries[digest] !== undefined),
  }).catch((error: unknown) => {
    if (isConsignError(error, "MANIFEST_UNKNOWN") && error.side === "source") return undefined;
    throw error;
  });
  if (report === undefined) {
    // What was promoted before may have left its source since.
    if (!(await store.has(descriptor))) throw new ConsignError("MANIFEST_UNKNOWN", `${source.name}@${descriptor.digest} does not exist`, { path: "artifact", side: "source" });
    return;
  }
  if (report.manifests > 0) context.progress(`${store.name}@${descriptor.digest}: ${report.manifests} manifests, ${report.blobs} blobs, ${report.bytes} bytes copied`);
}

async function closeBefore(task: PromotionTask, before: Promoted, closing: Digest, context: ResourceContext): Promise<void> {
  if (before.digest === task.descriptor.digest) return;
  const subject = await task.store.resolve(before.digest).catch((error: unknown) => {
    if (isConsignError(error, "MANIFEST_UNKNOWN")) return undefined;
    throw error;
  });
  if (subject === undefined) {
    context.warn(`${task.store.name}@${before.digest}, which is replaced, is not there any more: nothing says when it left ${task.slot.environment}`);
    return;
  }
  const stay = { from: before.promotedAt, until: task.promotedAt, opening: before.record, closing };
  await attachRecord(task.signing, packClosing(plainDescriptor(subject), task.slot, stay), context);
}

async function moveTag({ store, tag, descriptor, expected }: PromotionTask, context: ResourceContext): Promise<void> {
  if ((await tagDigest(store, tag)) === descriptor.digest) return;
  await store.tag(await store.manifest(descriptor), tag, { expected });
  context.progress(`${store.name}:${tag} is ${descriptor.digest} now`);
}

/** A record of this slot that was cut short before it was signed: nobody believes it, and it would be there for ever. */
async function removeUnsignedRecords({ store, slot, descriptor, record }: PromotionTask): Promise<void> {
  const wanted = packRecord(descriptor, record).manifest.descriptor.digest;
  for (const candidate of await recordDescriptors(store, descriptor.digest)) {
    if (candidate.digest === wanted || (await listSignatures(store, candidate.digest)).length > 0) continue;
    const found = recordIn(await readClaim(store, candidate, { subject: descriptor.digest }), slot);
    if (found !== undefined) await purge(store, candidate);
  }
}

/**
 * A promotion that names one in the history as the one before, and is not what came after it, lost its race and was cut short. What it says
 * never was.
 */
async function removeVoid(task: PromotionTask, opening: Digest, context: ResourceContext): Promise<void> {
  const successors = new Map<Digest, Digest>();
  for (const { previous, record } of [...task.history, { previous: task.record.lineage.previous, record: opening }]) if (previous !== undefined) successors.set(previous.record, record);
  const isVoid = (record: Digest, previous: Digest | undefined) => previous !== undefined && successors.has(previous) && successors.get(previous) !== record;
  const voided = (await recordsOn(task, task.descriptor.digest, context)).filter(({ record, previous }) => isVoid(record, previous?.record));
  const subjects = [task.descriptor.digest, ...(task.before === undefined ? [] : [task.before.digest])];
  for (const subject of subjects) {
    for (const { descriptor, stay } of await staysOn(task, subject, context)) {
      const lost = voided.some(({ record }) => record === stay.opening) || (stay.closing !== undefined && isVoid(stay.closing, stay.opening));
      if (lost) await purge(task.store, descriptor);
    }
  }
  for (const { record } of voided) await purge(task.store, await task.store.resolve(record));
}

/** Ends the stay that holds the slot, unless it has ended. */
export async function demote(task: Pick<PromotionTask, "store" | "slot" | "trust" | "signing">, stay: { subject: Descriptor; from: string; until: string; opening: Digest }, context: ResourceContext): Promise<void> {
  const { subject, ...window } = stay;
  const claimed = await staysOn(task, subject.digest, context);
  if (claimed.some(({ stay: each }) => each.opening === stay.opening && each.until !== undefined && each.closing === undefined)) return;
  await attachRecord(task.signing, packClosing(subject, task.slot, window), context);
}
