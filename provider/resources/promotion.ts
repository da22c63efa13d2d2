// SPDX-License-Identifier: Apache-2.0
import { z } from "zod";
import { denyEntrySchema, identitySchema, requireEntrySchema } from "../claims";
import { ConsignError, isConsignError } from "../errors";
import { descriptorSchema } from "../oci/descriptor";
import { digestSchema, type Digest } from "../oci/digest";
import { formatLocation, locationSchema, parseReference, pinned, referenceSchema, tagSchema } from "../oci/reference";
import { formatInstant, timeSchema } from "../retention";
import { artifactSchema, onDeleteSchema, readState, referenceOf, type ArtifactArgument } from "./arguments";
import { asOfSchema, resolveAsOf } from "./as-of";
import { at, type ResourceContext } from "./context";
import { carrySelectionSchema } from "./carried-claims";
import { openTrust, trustSchema, verdictSchema } from "./judgement";
import { demote, promote } from "./promotion-apply";
import { promotedSchema, readHistory, staysOf, type HistoryQuestion, type Promoted } from "./promotion-history";
import { resolvePromotion, slotOf, type PromotionAnswer } from "./promotion-plan";
import { describeMove, recordSchema } from "./promotion-record";
import type { Properties, Reconciler } from "./reconciler";
import { removeArtifact } from "./removal";
import { recordSigningShape } from "./record-signing";
import { signedBySchema } from "./signer";
import { requireTrustedSigner } from "./signer-trust";
import { plannedSigning, signatureRecordSchema } from "./signing";
import { ABSENT, observedTags, tagDigest } from "./tagging";

const identities = z.array(identitySchema).max(100).optional();

const schema = z.object({
  artifact: artifactSchema,
  environment: z.string().min(1).max(128),
  to: locationSchema,
  tag: tagSchema,
  claims: carrySelectionSchema.default({}),
  ...recordSigningShape,
  trust: trustSchema.optional(),
  require: z.array(requireEntrySchema).max(100).optional(),
  deny: z.array(denyEntrySchema).max(100).optional(),
  precedence: z.array(identitySchema).max(100).optional(),
  lifecycleIssuers: z.strictObject({ revocation: identities, redirect: identities, endOfLife: identities }).optional(),
  historyTrust: trustSchema.optional(),
  onDelete: onDeleteSchema.default("untag"),
  asOf: asOfSchema.optional(),
  /** What will be `artifact` once it is verified; serves the preview. */
  upcoming: artifactSchema.optional(),
});
type Inputs = z.infer<typeof schema>;

const plannedSchema = schema.extend({
  trust: trustSchema,
  digest: digestSchema,
  reference: referenceSchema,
  promotedAt: timeSchema,
  signedBy: signedBySchema,
  /** By tag, where it is to be; after a refresh, where it is. */
  tagged: z.record(z.string(), z.string()),
  /** Where the plan saw the tag. */
  seen: z.string(),
  verdict: verdictSchema,
  verified: z.boolean(),
  /** What is not met, one line each. */
  unmet: z.array(z.string()),
  descriptor: descriptorSchema.optional(),
  record: digestSchema.optional(),
  summary: recordSchema.optional(),
  carries: z.record(digestSchema, z.string()).optional(),
  promotions: z.array(promotedSchema),
  signatures: z.array(signatureRecordSchema).optional(),
});
type Planned = z.infer<typeof plannedSchema>;
/** What is recorded of an earlier plan, which may have had to leave things open. */
type Recorded = { [Name in keyof Planned]?: Planned[Name] | undefined };

const NEEDED = ["environment", "to", "tag", "trust", "require", "deny", "precedence", "lifecycleIssuers", "historyTrust", "claims", "asOf"] as const;

/**
 * An artifact in an environment: its graph at a place, a tag on it, and signed records of how it came there. The records are the history; the
 * state only remembers it.
 */
export const promotion: Reconciler<typeof schema.shape> = {
  kind: "Promotion",
  schema,
  replaceOn: ["environment", "to", "tag"],
  ignore: ["artifact", "claims", "signer", "trust", "require", "deny", "precedence", "lifecycleIssuers", "historyTrust", "asOf", "seen", "upcoming"],
  ensured: ["signatures"],

  async plan(given, unknown, previous, context) {
    const { upcoming, ...known } = given;
    if (known.artifact !== undefined) requirePinned(known.artifact);
    if (known.trust === undefined && !unknown.has("trust")) {
      throw new ConsignError("INPUT_INVALID", "a reference alone does not prove that anybody verified it: give trust (and what to require), or pass a Verification", { path: "trust" });
    }
    const planned: Properties = { upcoming: undefined, claims: known.claims ?? {}, onDelete: known.onDelete ?? "untag", status: "promoted" };
    for (const name of ["claims", "onDelete"]) if (unknown.has(name)) delete planned[name];
    Object.assign(planned, await plannedSigning(known, context));
    const expected = unknown.has("artifact") && upcoming !== undefined && isPinned(upcoming) ? upcoming : known.artifact;
    if (expected === undefined || NEEDED.some((name) => unknown.has(name))) return { planned };
    return { planned: { ...planned, ...(await plannedPromotion({ ...(known as Inputs), artifact: expected }, previous, context)) } };
  },

  id: (inputs) => `${String(inputs["environment"])} ${String(inputs["to"])}:${String(inputs["tag"])}`,

  async ensure(inputs, previous, context) {
    const plan = await settled(inputs, previous, context);
    const { descriptor, record, summary } = plan;
    if (!plan.verified) throw new ConsignError("VERIFICATION_UNMET", `${referenceOf(plan.artifact)} is not promoted: ${plan.unmet.join("; ")}`, { path: "artifact" });
    if (descriptor === undefined || record === undefined || summary === undefined) throw new ConsignError("PLAN_STALE", `the plan to promote ${referenceOf(plan.artifact)} is not complete: run again`, { path: "artifact" });
    const question = await historyQuestion(plan, context);
    const [, before] = plan.promotions;
    const signatures = await promote(
      {
        ...question,
        source: await context.stores.open(parseReference(referenceOf(plan.artifact)).location),
        descriptor,
        tag: plan.tag,
        expected: expectedTag(plan, previous),
        promotedAt: plan.promotedAt,
        record: summary,
        before: before as Promoted | undefined,
        history: plan.promotions as Promoted[],
        carries: plan.carries ?? {},
        signing: { store: question.store, args: plan, signedBy: plan.signedBy, written: [] },
      },
      context,
    );
    return { ...inputs, ...plan, tagged: { [plan.tag]: plan.digest }, signatures };
  },

  async observe(state, context) {
    const recorded = readState(plannedSchema, state);
    const question = await historyQuestion(recorded, context);
    const tagged = await observedTags(question.store, [recorded.tag]);
    const history = await readHistory(question, tagged[recorded.tag] === ABSENT ? undefined : (tagged[recorded.tag] as Digest), [], context);
    const mine = history.find(({ record }) => record === recorded.record) ?? (await recordOnArtifact(question, recorded, context));
    if (mine === undefined && tagged[recorded.tag] === ABSENT && !(await isThere(question, recorded.digest))) return undefined;
    return { ...state, tagged, status: statusOf(mine, tagged[recorded.tag], recorded) };
  },

  async remove(state, context) {
    const recorded = readState(plannedSchema, state);
    if (recorded.onDelete === "retain") return;
    const question = await historyQuestion(recorded, context);
    const { store } = question;
    const subject = await store.resolve(recorded.digest).catch((error: unknown) => {
      if (isConsignError(error, "MANIFEST_UNKNOWN")) return undefined;
      throw error;
    });
    if (subject === undefined) return;
    if (recorded.record !== undefined && (await tagDigest(store, recorded.tag)) === recorded.digest) {
      const now = recorded.asOf === undefined ? context.now().getTime() : Date.parse(recorded.asOf);
      const until = formatInstant(Math.max(now, Date.parse(recorded.promotedAt)));
      await demote({ ...question, signing: { store, args: recorded, signedBy: recorded.signedBy, written: [] } }, { subject, from: recorded.promotedAt, until, opening: recorded.record }, context);
    }
    await removeArtifact(store, subject, [recorded.tag], recorded.onDelete);
  },
};

function isPinned(artifact: ArtifactArgument): boolean {
  return parseReference(referenceOf(artifact)).digest !== undefined;
}

function requirePinned(artifact: ArtifactArgument): void {
  if (isPinned(artifact)) return;
  const reference = referenceOf(artifact);
  throw new ConsignError("INPUT_INVALID", `"${reference}" is not pinned: what is promoted must be named by its digest, as repository@sha256:…`, { path: "artifact" });
}

async function historyQuestion(inputs: Pick<Inputs, "environment" | "to" | "tag" | "trust" | "historyTrust">, context: ResourceContext): Promise<HistoryQuestion & { store: Awaited<ReturnType<ResourceContext["stores"]["open"]>> }> {
  const store = await at("to", () => context.stores.open(inputs.to));
  const property = inputs.historyTrust === undefined ? "trust" : "historyTrust";
  const trust = await at(property, async () => openTrust(inputs.historyTrust ?? inputs.trust ?? { notationConfig: "default" }, store.name, context));
  return { store, slot: slotOf(inputs.environment, inputs.to, inputs.tag), trust };
}

async function plannedPromotion(inputs: Inputs, previous: Properties | undefined, context: ResourceContext): Promise<Properties> {
  const { location, digest } = parseReference(referenceOf(inputs.artifact));
  if (digest === undefined || inputs.trust === undefined) throw new ConsignError("INTERNAL", "planned a promotion without digest or trust");
  const question = await historyQuestion(inputs, context);
  await requireTrustedSigner(inputs.signer, question.trust, inputs.historyTrust === undefined ? "trust" : "historyTrust", context);
  const before = plannedSchema.partial().safeParse(previous ?? {});
  const recorded: Recorded = before.success && isSameSlot(before.data, inputs) ? before.data : {};
  const { require, deny, precedence, lifecycleIssuers, trust } = inputs;
  const source = await at("artifact", () => context.stores.open(location));
  const answer = await resolvePromotion(
    {
      ...question,
      source,
      digest,
      descriptor: typeof inputs.artifact === "string" ? undefined : inputs.artifact.descriptor,
      trustOfArtifact: await openTrust(trust, source.name, context),
      question: { require, deny, precedence, lifecycleIssuers },
      policy: { trust, require, deny, precedence, lifecycleIssuers },
      claims: inputs.claims,
      tag: inputs.tag,
      asOf: resolveAsOf(inputs.asOf, recorded.asOf, context),
      recorded: (recorded.promotions ?? []) as Promoted[],
    },
    context,
  );
  return properties(inputs, digest, answer, recorded, context);
}

function isSameSlot(recorded: Recorded, inputs: Inputs): boolean {
  return recorded.environment === inputs.environment && recorded.to === inputs.to && recorded.tag === inputs.tag;
}

function properties(inputs: Inputs, digest: Digest, answer: PromotionAnswer, recorded: Recorded, context: ResourceContext): Properties {
  const { descriptor, record, history, replaced, before, judgement, promotedAt, seen } = answer;
  const slot = slotOf(inputs.environment, inputs.to, inputs.tag);
  const reference = pinned(parseReference(`${inputs.to}@${digest}`).location, digest);
  const done = answer.done && recorded.digest === digest && recorded.verified === true;
  if (judgement.unmet.length > 0) context.warn(`${referenceOf(inputs.artifact)} ${answer.done ? "is promoted, and would not be now" : "is not promoted"}: ${judgement.unmet.join("; ")}`);
  const promotions = history.map(({ predicate: _, ...promoted }) => promoted);
  return {
    digest,
    reference,
    promotedAt,
    move: describeMove(slot, replaced, digest),
    tagged: { [inputs.tag]: digest },
    seen: seen ?? ABSENT,
    promotions,
    history: staysOf(history),
    ...(replaced === undefined ? {} : { previous: pinned(parseReference(`${inputs.to}@${replaced}`).location, replaced) }),
    ...(descriptor === undefined ? {} : { descriptor }),
    ...(record === undefined ? {} : { record: record.digest, summary: record.predicate }),
    // What was promoted stays promoted; its verdict is that of the day.
    verdict: done ? recorded.verdict : judgement.verdict,
    verified: done || judgement.verified || answer.done,
    unmet: done || answer.done ? [] : judgement.unmet,
    carries: answer.carries ?? recorded.carries ?? {},
    windows: {
      [digest]: { ...slot, from: promotedAt },
      ...(before === undefined ? {} : { [before.digest]: { ...slot, from: before.promotedAt, until: promotedAt } }),
    },
  };
}

/** Where a plan had to leave something open, because the artifact or its claims were not there yet, it can be completed now. */
async function settled(inputs: Properties, previous: Properties | undefined, context: ResourceContext): Promise<Planned> {
  if (inputs["record"] !== undefined) return readState(plannedSchema, inputs);
  const known = readState(schema, inputs);
  const again = await plannedPromotion({ ...known, ...(typeof inputs["promotedAt"] === "string" ? { asOf: inputs["promotedAt"] } : {}) }, previous, context);
  return readState(plannedSchema, { ...inputs, ...again, asOf: inputs["asOf"] });
}

/** Where the tag may be found when it is moved: as planned, if the plan saw it where this promotion had put it or a refresh had shown it. */
function expectedTag(plan: Planned, previous: Properties | undefined): Digest | undefined {
  const seen = plan.seen === ABSENT ? undefined : (plan.seen as Digest);
  const before = plannedSchema.partial().safeParse(previous ?? {});
  const known = before.success && isSameSlot(before.data, plan) ? before.data.tagged?.[plan.tag] : undefined;
  if (known === undefined || known === plan.seen || plan.seen === plan.digest || plan.seen === ABSENT) return seen;
  throw new ConsignError("TAG_MOVED", `tag ${plan.tag} is at ${plan.seen}, and this promotion had left it at ${known}: somebody else moved it; refresh to see it, and run again`, { path: "tag", reference: `${formatLocation(parseReference(plan.to).location)}:${plan.tag}`, side: "destination" });
}

async function recordOnArtifact(question: HistoryQuestion, recorded: Planned, context: ResourceContext): Promise<Promoted | undefined> {
  const onArtifact = await readHistory(question, recorded.digest, [], context);
  return onArtifact.find(({ record }) => record === recorded.record);
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

function statusOf(mine: Promoted | undefined, tag: string | undefined, { digest, tag: name }: Planned): string {
  if (mine === undefined) return "its record is missing, or not believed any more";
  return tag === digest ? "promoted" : `replaced: tag ${name} is at ${tag ?? ABSENT}`;
}
