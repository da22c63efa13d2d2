// SPDX-License-Identifier: Apache-2.0
import type { ReadStore } from "../content/storage";
import { ConsignError, isConsignError } from "../errors";
import type { ResolvedTrustPolicy } from "../notation/index";
import { plainDescriptor, type Descriptor } from "../oci/descriptor";
import type { Digest } from "../oci/digest";
import { formatInstant } from "../retention/index";
import { SKEW_MS } from "../world/as-of";
import type { ResourceContext } from "../world/context";
import { carriedClaims, type CarrySelection } from "./carried-claims";
import { absent, judge, withObjections, type Judgement, type Question } from "../judging/judgement";
import { remembering, type Against } from "../judging/against";
import { withContent } from "../judging/content";
import { lifecycleAt, revocationIn, type Objections, type TrustScope } from "../judging/objections";
import { isAhead } from "./clock";
import { readHistory, recordsOn, staysOn, type HistoryQuestion, type Promoted } from "./history";
import {
  promotionRecord,
  packRecord,
  recordSchema,
  type PromotionRecord,
  type Slot,
} from "../deployments/record";
import { tagDigest } from "../world/tags";

export interface PromotionQuestion extends HistoryQuestion {
  source: ReadStore;
  /** The artifact as it is named; its descriptor, where it is known already. */
  digest: Digest;
  descriptor: Descriptor | undefined;
  trustOfArtifact: ResolvedTrustPolicy;
  question: Question;
  /** Trust and requirements as the program has them, for the record. */
  policy: unknown;
  claims: CarrySelection;
  /** What was said against what was promoted, or was to be, when that was looked at last. */
  remembered: Against;
  tag: string;
  asOf: string;
  /** Whether the program says what the time is, and not the clock. */
  asOfGiven: boolean;
  recorded: readonly Promoted[];
}

export interface PromotionAnswer {
  descriptor: Descriptor | undefined;
  /** Whether the newest promotion of the slot is of this artifact already. */
  done: boolean;
  promotedAt: string;
  before: Promoted | undefined;
  /** What the tag pointed at before, by whatever means. */
  replaced: Digest | undefined;
  record: { digest: Digest; predicate: PromotionRecord } | undefined;
  /** Newest first, this one included. */
  history: Promoted[];
  seen: Digest | undefined;
  /** Why what the tag points at now is revoked, if it is. */
  runsRevoked: string | undefined;
  judgement: Judgement;
  /** What is to be remembered of what was said against it. */
  against: Against;
  carries: Record<Digest, string> | undefined;
}

/**
 * Decides what promoting means here and now: which promotion it follows, when it happens, and what
 * its record says. Writes nothing.
 */
export async function resolvePromotion(
  ask: PromotionQuestion,
  context: ResourceContext,
): Promise<PromotionAnswer> {
  const seen = await tagDigest(ask.store, ask.tag);
  const chain = await readHistory(ask, seen, ask.recorded, context);
  const [head] = chain;
  if (head !== undefined && isAhead(head.promotedAt, context)) {
    context.warn(
      `${ask.slot.resource}: the promotion of ${head.digest} is recorded for ${head.promotedAt}, which lies ahead: a clock was wrong; what comes after it is dated by the clock`,
    );
  }
  const descriptor =
    ask.descriptor ??
    (await present(ask.source, ask.digest)) ??
    (await present(ask.store, ask.digest));
  const { judgement, against, at } = await judged(ask, descriptor, context);
  const running = seen === undefined ? NOTHING_SAID : await lifecycleOf(ask, seen, context);
  const common = {
    descriptor,
    seen: seen,
    runsRevoked: revocationIn(running),
    judgement,
    against: { ...running.against, ...against },
  };
  const carries = at === ask.source ? await carried(ask, descriptor) : undefined;
  if (head?.digest === ask.digest && !(await isDemoted(ask, head, context))) {
    const [, before] = chain;
    return {
      ...common,
      done: true,
      promotedAt: head.promotedAt,
      before,
      replaced: before?.digest ?? head.replaced,
      record: asRecord(head),
      history: chain,
      carries,
    };
  }
  const pending = await resumable(ask, head, context);
  const promotedAt = pending?.promotedAt ?? (await startOf(ask, head, context));
  const previous = head === undefined ? undefined : { record: head.record, digest: head.digest };
  const replaced = head === undefined ? seen : undefined;
  const record =
    pending === undefined
      ? newRecord(ask, descriptor, promotedAt, previous, replaced, judgement)
      : asRecord(pending);
  const newest: Promoted[] =
    record === undefined
      ? []
      : [
          {
            digest: ask.digest,
            record: record.digest,
            promotedAt,
            ...(previous === undefined ? {} : { previous }),
            ...(replaced === undefined ? {} : { replaced }),
          },
        ];
  return {
    ...common,
    done: false,
    promotedAt,
    before: head,
    replaced: head?.digest ?? replaced,
    record,
    history: [...newest, ...chain],
    carries,
  };
}

async function present(store: ReadStore, digest: Digest): Promise<Descriptor | undefined> {
  try {
    return plainDescriptor(await store.resolve(digest));
  } catch (error) {
    if (isConsignError(error, "MANIFEST_UNKNOWN")) return undefined;
    throw error;
  }
}

/**
 * Where what is claimed of an artifact counts: what nobody has told the source yet, the destination
 * may know, and the other way round.
 */
function juryOf({
  trustOfArtifact,
  source,
  question,
}: Pick<PromotionQuestion, "trustOfArtifact" | "source" | "question">): TrustScope {
  const { precedence, lifecycleIssuers } = question;
  return { trust: trustOfArtifact, scope: source.name, question: { precedence, lifecycleIssuers } };
}

const NOTHING_SAID: Objections = { results: [], against: {} };

/** What is claimed of the lifecycle of what is at the destination, there and at the source. */
export async function lifecycleOf(
  ask: RevocationQuestion,
  digest: Digest,
  context: ResourceContext,
): Promise<Objections> {
  const artifact = await present(ask.store, digest);
  return artifact === undefined ? NOTHING_SAID : lifecycleOfArtifact(ask, artifact, context);
}

export type RevocationQuestion = Pick<
  PromotionQuestion,
  "trustOfArtifact" | "source" | "question" | "store" | "remembered"
>;

/** The same of one that may not be at the destination yet. */
export async function lifecycleOfArtifact(
  ask: RevocationQuestion,
  artifact: Descriptor,
  context: ResourceContext,
): Promise<Objections> {
  const { store, source, remembered } = ask;
  const witnesses = [store, ...(source.name === store.name ? [] : [source])].map((each) => ({
    store: remembering(each, remembered),
  }));
  return lifecycleAt(witnesses, artifact, juryOf(ask), context);
}

/**
 * Judges it at the source, or, where the source has it no more, at the destination; what is said
 * against it at the other place counts as well.
 */
async function judged(
  ask: PromotionQuestion,
  descriptor: Descriptor | undefined,
  context: ResourceContext,
): Promise<{ judgement: Judgement; against: Against; at: ReadStore | undefined }> {
  for (const store of [ask.source, ask.store]) {
    if (descriptor === undefined || (await present(store, ask.digest)) === undefined) continue;
    const place = remembering(store, ask.remembered);
    const judgement = await withContent(
      await judge(place, descriptor, ask.trustOfArtifact, ask.question, context),
      store,
      descriptor,
    );
    if (ask.source.name === ask.store.name)
      return { judgement, against: judgement.against, at: store };
    const { results, against } = await lifecycleAt(
      [ask.source, ask.store].map((each) => ({ store: remembering(each, ask.remembered) })),
      descriptor,
      juryOf(ask),
      context,
    );
    return {
      judgement: withObjections(judgement, results),
      against: { ...against, ...judgement.against },
      at: store,
    };
  }
  const judgement = absent(`${ask.source.name}@${ask.digest}`);
  return { judgement, against: ask.remembered, at: undefined };
}

async function carried(
  { source, store, claims }: PromotionQuestion,
  descriptor: Descriptor | undefined,
): Promise<Record<Digest, string> | undefined> {
  return source.name === store.name || descriptor === undefined
    ? {}
    : carriedClaims(source, descriptor, claims);
}

/**
 * A promotion of this artifact that follows the newest one was begun before and never came to its
 * end.
 */
async function resumable(
  ask: PromotionQuestion,
  head: Promoted | undefined,
  context: ResourceContext,
): Promise<Promoted | undefined> {
  const attempts = (await recordsOn(ask, ask.digest, context)).filter(
    ({ previous, promotedAt }) =>
      previous?.record === head?.record && !isAhead(promotedAt, context),
  );
  if (attempts.length === 0) return undefined;
  const ended = new Set(
    (await staysOn(ask, ask.digest, context)).flatMap(({ stay }) =>
      stay.until === undefined ? [] : [stay.opening],
    ),
  );
  return attempts.findLast(({ record }) => !ended.has(record));
}

/** The newest promotion put the artifact there, and it was demoted since. */
async function isDemoted(
  ask: PromotionQuestion,
  head: Promoted,
  context: ResourceContext,
): Promise<boolean> {
  return (await staysOn(ask, head.digest, context)).some(
    ({ stay }) =>
      stay.opening === head.record && stay.until !== undefined && stay.closing === undefined,
  );
}

/**
 * When a new promotion begins: as of the plan, but after everything that is recorded, as two stays
 * must not begin at one time. What is recorded for a time that has not come is followed all the
 * same, or one wrong clock would end all promotions.
 */
async function startOf(
  ask: PromotionQuestion,
  head: Promoted | undefined,
  context: ResourceContext,
): Promise<string> {
  if (isAhead(ask.asOf, context)) {
    throw new ConsignError(
      "INPUT_INVALID",
      `this promotion would be recorded for ${ask.asOf}, and this machine's clock says ${formatInstant(context.now())}: leave asOf out, or give a time that has come`,
      { path: "asOf" },
    );
  }
  const earlier = [
    ...(head === undefined ? [] : [head]),
    ...(await recordsOn(ask, ask.digest, context)),
  ].filter(({ promotedAt }) => !isAhead(promotedAt, context));
  const last = Math.max(-Infinity, ...earlier.map(({ promotedAt }) => Date.parse(promotedAt)));
  const asOf = Date.parse(ask.asOf);
  if (asOf > last) return ask.asOf;
  if (ask.asOfGiven) {
    throw new ConsignError(
      "INPUT_INVALID",
      `this promotion would begin at ${ask.asOf}, and the one before it began at ${formatInstant(last)}: the clock runs backwards, or asOf was left in the program; leave it out, or give a later time`,
      { path: "asOf" },
    );
  }
  if (last - asOf <= SKEW_MS) return formatInstant(last + 1_000);
  throw new ConsignError(
    "INPUT_INVALID",
    `the clock runs backwards: this promotion would begin at ${ask.asOf}, and the one before it began at ${formatInstant(last)}`,
    { path: "asOf" },
  );
}

function newRecord(
  ask: PromotionQuestion,
  descriptor: Descriptor | undefined,
  promotedAt: string,
  previous: { record: Digest; digest: Digest } | undefined,
  replaced: Digest | undefined,
  { verified, evidence }: Judgement,
): PromotionAnswer["record"] {
  if (descriptor === undefined || !verified) return undefined;
  const predicate = promotionRecord({
    slot: ask.slot,
    promotedAt,
    from: { repository: ask.source.name, digest: ask.digest },
    previous,
    replaced,
    policy: ask.policy,
    evidence,
  });
  return { digest: packRecord(descriptor, predicate).manifest.descriptor.digest, predicate };
}

function asRecord({ record, predicate }: Promoted): PromotionAnswer["record"] {
  const parsed = recordSchema.safeParse(predicate);
  return parsed.success ? { digest: record, predicate: parsed.data } : undefined;
}

/** The slot that a promotion is about. */
export function slotOf(environment: string, to: string, tag: string): Slot {
  return { environment, resource: `${to}:${tag}` };
}
