// SPDX-License-Identifier: Apache-2.0
import { z } from "zod";
import { claimTypeOf, resolveType, type ReadClaim } from "../claims/index";
import type { ReadStore } from "../content/storage";
import { isConsignError } from "../errors";
import type { ResolvedTrustPolicy } from "../notation/index";
import type { Descriptor } from "../oci/descriptor";
import { digestSchema, type Digest } from "../oci/digest";
import { timeSchema } from "../retention/index";
import { testimonyOn } from "../judging/testimony";
import type { ResourceContext } from "../world/context";
import type { recordSchema } from "../deployments/record";
import { recordIn, stayClaimSchema, type Slot, type StayClaim } from "../deployments/record";

/** Promotions that are read back at most. */
export const MAX_HISTORY = 1_000;

const VSA = resolveType("vsa");

/** A promotion as its record tells it. */
export const promotedSchema = z.object({
  /** The artifact. */
  digest: digestSchema,
  /** The record's own digest. */
  record: digestSchema,
  promotedAt: timeSchema,
  previous: z.object({ record: digestSchema, digest: digestSchema }).optional(),
  replaced: digestSchema.optional(),
});
export type Promoted = z.infer<typeof promotedSchema> & {
  predicate?: z.infer<typeof recordSchema>;
};

/** What people see of it: newest first, `until` absent in the one that holds. */
export interface Stay {
  digest: Digest;
  record: Digest;
  from: string;
  until?: string;
}

export interface HistoryQuestion {
  store: ReadStore;
  slot: Slot;
  trust: ResolvedTrustPolicy;
}

/** Every believed record of the slot on one artifact, oldest first. */
export async function recordsOn(
  { store, slot, trust }: HistoryQuestion,
  subject: Digest,
  context: ResourceContext,
): Promise<Promoted[]> {
  const found: Promoted[] = [];
  const said = await testimonyOn({ store, trust, subject, type: "vsa" }, context);
  for (const { descriptor, claim, worth } of said) {
    const promoted = "broken" in claim ? undefined : promotedIn(claim, slot);
    if (promoted === undefined || worth === "unsigned") continue;
    if (worth === "believed") found.push(promoted);
    else
      context.warn(
        `${slot.resource}: the promotion record ${descriptor.digest} does not count: ${worth}`,
      );
  }
  return found.sort((a, b) =>
    a.promotedAt < b.promotedAt
      ? -1
      : a.promotedAt > b.promotedAt
        ? 1
        : a.record < b.record
          ? -1
          : 1,
  );
}

export async function recordDescriptors(store: ReadStore, subject: Digest): Promise<Descriptor[]> {
  return (await store.referrers(subject)).filter((descriptor) => claimTypeOf(descriptor) === VSA);
}

export interface ClaimedStay {
  descriptor: Descriptor;
  stay: StayClaim;
}

/** Every believed claim that an artifact was, or is, in the slot. */
export async function staysOn(
  { store, slot, trust }: HistoryQuestion,
  subject: Digest,
  context: ResourceContext,
): Promise<ClaimedStay[]> {
  const found: ClaimedStay[] = [];
  const said = await testimonyOn({ store, trust, subject, type: "deployment" }, context);
  for (const { descriptor, claim, worth } of said) {
    const stay = "broken" in claim ? undefined : stayClaimSchema.safeParse(claim.predicate).data;
    if (
      worth === "believed" &&
      stay?.resource === slot.resource &&
      stay.environment === slot.environment
    )
      found.push({ descriptor, stay });
  }
  return found;
}

/** The promotion that a claim records, if it is one of this slot. */
export function promotedIn(claim: ReadClaim, slot: Slot): Promoted | undefined {
  const record = recordIn(claim, slot);
  if (record === undefined) return undefined;
  const { previous, replaced } = record.lineage;
  return {
    digest: claim.subject.digest,
    record: claim.digest,
    promotedAt: record.timeVerified,
    ...(previous === undefined ? {} : { previous }),
    ...(replaced === undefined ? {} : { replaced }),
    predicate: record,
  };
}

/**
 * The promotions of a slot, newest first: each record names the one before, so the way back can be
 * followed from where the tag points, or from what was recorded. It ends where a record is missing
 * or not believed.
 * @param recorded newest first, believed earlier: where the way reaches one of them, the rest is
 * taken from there
 */
export async function readHistory(
  question: HistoryQuestion,
  tagged: Digest | undefined,
  recorded: readonly Promoted[],
  context: ResourceContext,
): Promise<Promoted[]> {
  const onTagged = tagged === undefined ? [] : await recordsOn(question, tagged, context);
  const fromTag = await latestChain(question, onTagged, recorded, context);
  const [known] = recorded;
  if (known === undefined || fromTag.some(({ record }) => record === known.record)) return fromTag;
  const still = (await recordsOn(question, known.digest, context)).find(
    ({ record }) => record === known.record,
  );
  const fromState = await chain(question, still, recorded.slice(1), context);
  const [newest] = fromTag;
  return newest === undefined || fromState.some(({ record }) => record === newest.record)
    ? fromState
    : fromTag;
}

/**
 * The way back from the newest of the promotions of one artifact: from the one that comes last,
 * unless another one says that it followed that. A clock that was ahead once makes an older one
 * look the newest.
 */
async function latestChain(
  question: HistoryQuestion,
  promotions: readonly Promoted[],
  recorded: readonly Promoted[],
  context: ResourceContext,
): Promise<Promoted[]> {
  let found = await chain(question, promotions.at(-1), recorded, context);
  for (const promoted of promotions.slice(0, -1).reverse()) {
    if (found.some(({ record }) => record === promoted.record)) continue;
    const other = await chain(question, promoted, recorded, context);
    if (other.some(({ record }) => record === found[0]?.record)) found = other;
  }
  return found;
}

async function chain(
  question: HistoryQuestion,
  head: Promoted | undefined,
  recorded: readonly Promoted[],
  context: ResourceContext,
): Promise<Promoted[]> {
  const found: Promoted[] = [];
  for (let next = head; next !== undefined && found.length < MAX_HISTORY;) {
    found.push(next);
    const { previous } = next;
    if (previous === undefined) break;
    const known = recorded.findIndex(({ record }) => record === previous.record);
    if (known !== -1) return [...found, ...recorded.slice(known)].slice(0, MAX_HISTORY);
    next = await recordOf(question, previous, context);
    if (next !== undefined && found.some(({ record }) => record === next?.record)) break;
  }
  return found;
}

async function recordOf(
  question: HistoryQuestion,
  { record, digest }: { record: Digest; digest: Digest },
  context: ResourceContext,
): Promise<Promoted | undefined> {
  try {
    return (await recordsOn(question, digest, context)).find((each) => each.record === record);
  } catch (error) {
    if (isConsignError(error, "MANIFEST_UNKNOWN")) return undefined;
    throw error;
  }
}

/** From when until when each artifact held the slot, newest first. */
export function staysOf(promotions: readonly Promoted[]): Stay[] {
  return promotions.map(({ digest, record, promotedAt }, index) => {
    const until = promotions[index - 1]?.promotedAt;
    return {
      digest,
      record,
      from: promotedAt,
      ...(until === undefined ? {} : { until: until < promotedAt ? promotedAt : until }),
    };
  });
}
