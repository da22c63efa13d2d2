// SPDX-License-Identifier: Apache-2.0
import { ConsignError, isConsignError } from "../errors";
import type { Digest } from "../oci/digest";
import { formatLocation, parseReference, pinned } from "../oci/reference";
import { readState, referenceOf, type ArtifactArgument } from "../world/arguments";
import { resolveAsOf } from "../world/as-of";
import type { ResourceContext } from "../world/context";
import { promote } from "./apply";
import { endOfStay, isAhead } from "./clock";
import { readHistory, staysOf, type HistoryQuestion, type Promoted } from "./history";
import {
  artifactQuestion,
  historyQuestion,
  plannedPromotionSchema,
  promotionSchema,
  type PlannedPromotion,
  type PromotionInputs,
  type Recorded,
} from "./arguments";
import { isSamePlace } from "../deployments/place";
import {
  resolvePromotion,
  revocationOf,
  revocationOfArtifact,
  slotOf,
  type PromotionAnswer,
} from "./plan";
import { describeMove, describeRunning } from "../deployments/record";
import { Made } from "../keeping/made";
import { onDestroy, removePromotion } from "./remove";
import type { Properties, Reconciler } from "../world/reconciler";
import { requireTrustedSigner } from "../signing/signer-trust";
import { plannedSigning } from "../signing/signing";
import { ABSENT, observedTags } from "../world/tags";

const NEEDED = [
  "environment",
  "to",
  "tag",
  "trust",
  "require",
  "deny",
  "precedence",
  "lifecycleIssuers",
  "historyTrust",
  "claims",
  "asOf",
] as const;

/**
 * An artifact in an environment: its graph at a place, a tag on it, and signed records of how it
 * came there. The records are the history; the state only remembers it.
 */
export const promotion: Reconciler<typeof promotionSchema.shape> = {
  kind: "Promotion",
  schema: promotionSchema,
  replaceOn: ["environment", "to", "tag"],
  ignore: [
    "artifact",
    "claims",
    "signer",
    "trust",
    "require",
    "deny",
    "precedence",
    "lifecycleIssuers",
    "historyTrust",
    "asOf",
    "seen",
    "upcoming",
  ],
  ensured: ["signatures", "made", "onDestroy"],
  // Of a revocation nobody is to overlook it, though nothing can be done about it here. A tag
  // elsewhere is never as it should be.
  unsettled: (inputs) =>
    inputs["revoked"] !== undefined ||
    (inputs["seen"] !== undefined && inputs["seen"] !== inputs["digest"]),

  async plan(given, unknown, previous, context) {
    const { upcoming, ...known } = await asRecordedAt(given, previous, context);
    if (known.artifact !== undefined) requirePinned(known.artifact);
    if (known.trust === undefined && !unknown.has("trust")) {
      throw new ConsignError(
        "INPUT_INVALID",
        "a reference alone does not prove that anybody verified it: give trust (and what to require), or pass a Verification",
        { path: "trust" },
      );
    }
    const planned: Properties = {
      upcoming: undefined,
      ...(known.to === undefined ? {} : { to: known.to }),
      claims: known.claims ?? {},
      onDelete: known.onDelete ?? "untag",
      status: "promoted",
    };
    for (const name of ["claims", "onDelete"]) if (unknown.has(name)) delete planned[name];
    Object.assign(planned, await plannedSigning(known, context));
    const expected =
      unknown.has("artifact") && upcoming !== undefined && isPinned(upcoming)
        ? upcoming
        : known.artifact;
    if (expected === undefined || NEEDED.some((name) => unknown.has(name))) return { planned };
    return {
      planned: {
        ...planned,
        ...(await plannedPromotion(
          { ...(known as PromotionInputs), artifact: expected },
          previous,
          context,
        )),
      },
    };
  },

  id: (inputs) =>
    `${String(inputs["environment"])} ${String(inputs["to"])}:${String(inputs["tag"])}`,

  holds(properties) {
    const held = plannedPromotionSchema
      .pick({ to: true, digest: true, tag: true, record: true })
      .safeParse(properties);
    if (!held.success) return undefined;
    const { to, digest, tag, record } = held.data;
    return {
      location: parseReference(to).location,
      digests: [digest, ...(record === undefined ? [] : [record])],
      tags: [tag],
    };
  },

  async ensure(inputs, previous, context) {
    const plan = await settled(inputs, previous, context);
    const { descriptor, record, summary } = plan;
    if (!plan.verified)
      throw new ConsignError(
        "VERIFICATION_UNMET",
        `${referenceOf(plan.artifact)} is not promoted: ${plan.unmet.join("; ")}`,
        { path: "artifact" },
      );
    if (descriptor === undefined || record === undefined || summary === undefined)
      throw new ConsignError(
        "PLAN_STALE",
        `the plan to promote ${referenceOf(plan.artifact)} is not complete: run again`,
        { path: "artifact" },
      );
    const question = await historyQuestion(plan, context);
    const asked = { ...question, ...(await artifactQuestion(plan, context)) };
    const [, before] = plan.promotions;
    const made = Made.of(previous);
    const signatures = await promote(
      {
        ...question,
        source: asked.source,
        revoked: () => revocationOfArtifact(asked, descriptor, context),
        descriptor,
        tag: plan.tag,
        expected: expectedTag(plan, previous),
        promotedAt: plan.promotedAt,
        record: summary,
        before: before,
        endsBefore: before === undefined ? undefined : plan.windows?.[before.digest]?.until,
        history: plan.promotions,
        carries: plan.carries ?? {},
        made,
        signing: { store: question.store, args: plan, signedBy: plan.signedBy, written: new Map() },
      },
      context,
    );
    return {
      ...inputs,
      ...plan,
      tagged: { [plan.tag]: plan.digest },
      signatures,
      made: made.record(),
      onDestroy: onDestroy(plan, made),
    };
  },

  async observe(state, context) {
    const recorded = readState(plannedPromotionSchema, state);
    const question = await historyQuestion(recorded, context);
    const tagged = await observedTags(question.store, [recorded.tag]);
    const history = await readHistory(
      question,
      tagged[recorded.tag] === ABSENT ? undefined : (tagged[recorded.tag] as Digest),
      [],
      context,
    );
    const mine =
      history.find(({ record }) => record === recorded.record) ??
      (await recordOnArtifact(question, recorded, context));
    if (
      mine === undefined &&
      tagged[recorded.tag] === ABSENT &&
      !(await isThere(question, recorded.digest))
    )
      return undefined;
    return {
      ...state,
      tagged,
      status: statusOf(mine, tagged[recorded.tag], recorded),
      revoked: await observedRevoked(question, recorded, tagged[recorded.tag], context),
    };
  },

  async remove(state, context) {
    const recorded = readState(plannedPromotionSchema, state);
    if (recorded.onDelete === "retain") return;
    await removePromotion(
      { ...recorded, made: Made.of(state) },
      await historyQuestion(recorded, context),
      context,
    );
  },
};

/**
 * A place that is only spelt otherwise is the same place, and keeps the spelling that its records
 * have.
 */
async function asRecordedAt<Given extends Partial<PromotionInputs>>(
  given: Given,
  previous: Properties | undefined,
  context: ResourceContext,
): Promise<Given> {
  const recorded = previous?.["to"];
  return given.to !== undefined &&
    typeof recorded === "string" &&
    (await isSamePlace(given.to, recorded, context))
    ? { ...given, to: recorded }
    : given;
}

function isPinned(artifact: ArtifactArgument): boolean {
  return parseReference(referenceOf(artifact)).digest !== undefined;
}

function requirePinned(artifact: ArtifactArgument): void {
  if (isPinned(artifact)) return;
  const reference = referenceOf(artifact);
  throw new ConsignError(
    "INPUT_INVALID",
    `"${reference}" is not pinned: what is promoted must be named by its digest, as repository@sha256:…`,
    { path: "artifact" },
  );
}

async function plannedPromotion(
  inputs: PromotionInputs,
  previous: Properties | undefined,
  context: ResourceContext,
): Promise<Properties> {
  const { digest } = parseReference(referenceOf(inputs.artifact));
  if (digest === undefined || inputs.trust === undefined)
    throw new ConsignError("INTERNAL", "planned a promotion without digest or trust");
  const history = await historyQuestion(inputs, context);
  await requireTrustedSigner(
    inputs.signer,
    history.trust,
    inputs.historyTrust === undefined ? "trust" : "historyTrust",
    context,
  );
  const before = plannedPromotionSchema.partial().safeParse(previous ?? {});
  const recorded: Recorded = before.success && isSameSlot(before.data, inputs) ? before.data : {};
  const asked = await artifactQuestion(inputs, context);
  const answer = await resolvePromotion(
    {
      ...history,
      ...asked,
      digest,
      descriptor: typeof inputs.artifact === "string" ? undefined : inputs.artifact.descriptor,
      policy: { trust: inputs.trust, ...asked.question },
      claims: inputs.claims,
      tag: inputs.tag,
      asOf: resolveAsOf(
        inputs.asOf,
        recorded.asOf === undefined || isAhead(recorded.asOf, context) ? undefined : recorded.asOf,
        context,
      ),
      asOfGiven: inputs.asOf !== undefined,
      recorded: recorded.promotions ?? [],
    },
    context,
  );
  return properties(inputs, digest, answer, recorded, context);
}

function isSameSlot(recorded: Recorded, inputs: PromotionInputs): boolean {
  return (
    recorded.environment === inputs.environment &&
    recorded.to === inputs.to &&
    recorded.tag === inputs.tag
  );
}

function properties(
  inputs: PromotionInputs,
  digest: Digest,
  answer: PromotionAnswer,
  recorded: Recorded,
  context: ResourceContext,
): Properties {
  const { descriptor, record, history, replaced, before, judgement, promotedAt, seen } = answer;
  const slot = slotOf(inputs.environment, inputs.to, inputs.tag);
  const reference = pinned(parseReference(`${inputs.to}@${digest}`).location, digest);
  // What the environment runs stays there, whatever is known of it by now; put there again is
  // nothing that would not be put there now.
  const stays = answer.done && seen === digest;
  const done = stays && recorded.digest === digest && recorded.verified === true;
  const same: Recorded = record !== undefined && recorded.record === record.digest ? recorded : {};
  const verified = stays || judgement.verified;
  if (judgement.unmet.length > 0)
    context.warn(
      `${referenceOf(inputs.artifact)} ${stays ? "is promoted, and would not be now" : "is not promoted"}: ${judgement.unmet.join("; ")}`,
    );
  for (const line of movedByHand(inputs, digest, answer, recorded)) context.warn(line);
  const promotions = history.map(({ predicate: _, ...promoted }) => promoted);
  const running =
    seen === undefined || answer.runsRevoked === undefined
      ? undefined
      : { [seen]: `${describeRunning(slot, seen)}, ${answer.runsRevoked}` };
  for (const line of Object.values(running ?? {}))
    context.warn(
      `${line}${verified && seen !== digest ? `; this promotion replaces it by ${digest}` : ""}`,
    );
  return {
    digest,
    reference,
    promotedAt,
    revoked: verified && seen !== digest ? undefined : running,
    move:
      seen === digest
        ? (same.move ?? describeMove(slot, replaced, digest))
        : describeMove(slot, seen, digest),
    tagged: { [inputs.tag]: digest },
    seen: seen ?? ABSENT,
    promotions,
    history: staysOf(history),
    ...(replaced === undefined
      ? {}
      : { previous: pinned(parseReference(`${inputs.to}@${replaced}`).location, replaced) }),
    ...(descriptor === undefined ? {} : { descriptor }),
    ...(record === undefined ? {} : { record: record.digest, summary: record.predicate }),
    // What was promoted stays promoted; its verdict is that of the day.
    verdict: done ? recorded.verdict : judgement.verdict,
    verified,
    unmet: stays ? [] : judgement.unmet,
    carries: answer.carries ?? recorded.carries ?? {},
    windows: {
      ...(before === undefined || before.digest === digest
        ? {}
        : {
            [before.digest]: same.windows?.[before.digest] ?? {
              ...slot,
              from: before.promotedAt,
              until: answer.done
                ? later(promotedAt, before.promotedAt)
                : endOfStay(before.promotedAt, promotedAt, context),
            },
          }),
      [digest]: { ...slot, from: promotedAt },
    },
  };
}

/** What the tag points at, where neither a promotion nor the last refresh had left it. */
function movedByHand(
  inputs: PromotionInputs,
  digest: Digest,
  { seen, done, history, before }: PromotionAnswer,
  recorded: Recorded,
): string[] {
  if (seen === undefined || seen === digest) return [];
  const known = recorded.tagged?.[inputs.tag];
  const left = known ?? (done ? history[0]?.digest : before?.digest);
  if (left === seen) return [];
  const what = `tag ${inputs.tag} of ${inputs.to} is at ${seen}, where no promotion of ${inputs.environment} that counts has put it`;
  return [
    known === undefined
      ? `${what}; this one would move it to ${digest}`
      : `${what}: refresh, or this one will not move it`,
  ];
}

function later(a: string, b: string): string {
  return a < b ? b : a;
}

/**
 * Where a plan had to leave something open, because the artifact or its claims were not there yet,
 * it can be completed now.
 */
async function settled(
  inputs: Properties,
  previous: Properties | undefined,
  context: ResourceContext,
): Promise<PlannedPromotion> {
  if (inputs["record"] !== undefined) return readState(plannedPromotionSchema, inputs);
  const known = readState(promotionSchema, inputs);
  const again = await plannedPromotion(
    {
      ...known,
      ...(typeof inputs["promotedAt"] === "string" ? { asOf: inputs["promotedAt"] } : {}),
    },
    previous,
    context,
  );
  return readState(plannedPromotionSchema, { ...inputs, ...again, asOf: inputs["asOf"] });
}

/**
 * Where the tag may be found when it is moved: as planned, if the plan saw it where this promotion
 * had put it or a refresh had shown it.
 */
function expectedTag(plan: PlannedPromotion, previous: Properties | undefined): Digest | undefined {
  const seen = plan.seen === ABSENT ? undefined : (plan.seen as Digest);
  const before = plannedPromotionSchema.partial().safeParse(previous ?? {});
  const known =
    before.success && isSameSlot(before.data, plan) ? before.data.tagged?.[plan.tag] : undefined;
  if (
    known === undefined ||
    known === plan.seen ||
    plan.seen === plan.digest ||
    plan.seen === ABSENT
  )
    return seen;
  throw new ConsignError(
    "TAG_MOVED",
    `tag ${plan.tag} is at ${plan.seen}, and this promotion had left it at ${known}: somebody else moved it; refresh to see it, and run again`,
    {
      path: "tag",
      reference: `${formatLocation(parseReference(plan.to).location)}:${plan.tag}`,
      side: "destination",
    },
  );
}

async function recordOnArtifact(
  question: HistoryQuestion,
  recorded: PlannedPromotion,
  context: ResourceContext,
): Promise<Promoted | undefined> {
  const onArtifact = await readHistory(question, recorded.digest, [], context);
  return onArtifact.find(({ record }) => record === recorded.record);
}

async function observedRevoked(
  question: HistoryQuestion,
  recorded: PlannedPromotion,
  tag: string | undefined,
  context: ResourceContext,
): Promise<Record<Digest, string> | undefined> {
  if (tag === undefined || tag === ABSENT) return undefined;
  const reason = await revocationOf(
    { ...question, ...(await artifactQuestion(recorded, context)) },
    tag as Digest,
    context,
  );
  if (reason === undefined) return undefined;
  const line = `${describeRunning(question.slot, tag as Digest)}, ${reason}`;
  context.warn(line);
  return { [tag]: line };
}

async function isThere({ store }: HistoryQuestion, digest: Digest): Promise<boolean> {
  try {
    await store.resolve(digest);
    return true;
  } catch (error) {
    if (isConsignError(error, "MANIFEST_UNKNOWN")) return false;
    throw error;
  }
}

function statusOf(
  mine: Promoted | undefined,
  tag: string | undefined,
  { digest, tag: name }: PlannedPromotion,
): string {
  if (mine === undefined) return "its record is missing, or not believed any more";
  return tag === digest ? "promoted" : `replaced: tag ${name} is at ${tag ?? ABSENT}`;
}
