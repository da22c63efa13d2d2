// SPDX-License-Identifier: Apache-2.0
import { z } from "zod";
import { descriptorSchema } from "../oci/descriptor";
import { digestSchema, isDigest, type Digest } from "../oci/digest";
import {
  acts,
  countDecisions,
  entrySchema,
  planLines,
  timeSchema,
  type Entries,
  type Entry,
  type Facts,
  type Rules,
} from "../retention/index";
import { carryOut, type Outcome } from "./apply";
import {
  RULE_ARGUMENTS,
  archiveSchema,
  checkPlaces,
  rulesOf,
  type ArchiveInputs,
} from "./arguments";
import { decide } from "./decisions";
import { Leasing } from "./leasing";
import { recordedFacts, surveyFacts } from "./survey";
import type { BlobsLeft } from "./task";
import { readState } from "../world/arguments";
import { resolveAsOf } from "../world/as-of";
import { at, type ResourceContext } from "../world/context";
import { openTrust } from "../judging/judgement";
import { PartialFailure, type Properties, type Reconciler } from "../world/reconciler";
import { signedBySchema } from "../signing/signer";
import { signerOfDue } from "../signing/planned-signer";
import { requireTrustedSigner } from "../signing/signer-trust";
import { plannedSigning } from "../signing/signing";

/**
 * Says so of the value itself, entry by entry, rather than making another one of it: there may be
 * many thousand.
 */
const entriesSchema = z.custom<Entries>(areEntries, {
  message: "are no entries that this version knows",
});
const decisionSchema = entrySchema.pick({ decision: true });
const noticesSchema = z.record(digestSchema, z.array(z.string()));
const leftSchema = z.record(digestSchema, z.array(descriptorSchema));
const sightingsSchema = z.record(z.string(), z.string());

const plannedSchema = archiveSchema.extend({
  asOf: timeSchema,
  entries: entriesSchema,
  signedBy: signedBySchema,
  notices: noticesSchema.optional(),
  left: leftSchema.optional(),
  leases: sightingsSchema.optional(),
});

const ARGUMENTS = Object.keys(archiveSchema.shape).filter(
  (name) => name !== "upcoming" && name !== "self",
);

/**
 * Brings what left production to an archive, keeps it there for as long as the rules say, and takes
 * it away after.
 */
export const archivePolicy: Reconciler<typeof archiveSchema.shape> = {
  kind: "ArchivePolicy",
  schema: archiveSchema,
  replaceOn: ["archive"],
  // What the rules come to shows in the entries; time alone changes nothing.
  ignore: [
    "signer",
    "trust",
    "asOf",
    "timestamp",
    "signatureForm",
    "upcoming",
    "self",
    "deployments",
    "archiveAfter",
    "retain",
    "observe",
  ],
  ensured: ["notices", "left", "leases"],

  async plan(known, unknown, previous, context) {
    await checkPlaces(known, context);
    const rulesKnown = !RULE_ARGUMENTS.some((name) => unknown.has(name));
    const {
      archive,
      releaseTags,
      purgeGrace,
      freeBlobs,
      archiveAfter = "30d",
      retain = archiveSchema.shape.retain.parse(undefined),
      deployments = {},
      onExpiry = "report",
      release = "never",
      observe = "live",
    } = known;
    const rules =
      rulesKnown && archive !== undefined
        ? rulesOf({
            archive,
            archiveAfter,
            retain,
            deployments,
            onExpiry,
            release,
            releaseTags,
            purgeGrace,
            freeBlobs,
          })
        : undefined;
    const defaults = { archiveAfter, retain, deployments, onExpiry, release, observe };
    // A resource that gets another name is still the policy that it was.
    const policy =
      known.policy ?? archiveSchema.shape.policy.safeParse(previous?.["policy"]).data ?? known.self;
    const planned: Properties = {
      upcoming: undefined,
      self: undefined,
      ...(policy === undefined || unknown.has("policy") ? {} : { policy }),
      ...Object.fromEntries(Object.entries(defaults).filter(([name]) => !unknown.has(name))),
    };
    const { signedBy } = await plannedSigning(known, previous, context);
    if (signedBy !== undefined) planned["signedBy"] = signedBy;
    if (
      ARGUMENTS.some((name) => unknown.has(name)) ||
      unknown.has("upcoming") ||
      rules === undefined
    )
      return { planned };
    const inputs: ArchiveInputs = { ...(known as ArchiveInputs), ...defaults, policy };
    const trust = await openTrust(inputs.trust, inputs.archive, context);
    await requireTrustedSigner({ signer: inputs.signer, previous }, trust, "trust", context);
    const recorded = recordedPlan(previous);
    const asOf = resolveAsOf(inputs.asOf, recorded?.asOf, context);
    const facts = await at("sources", () => factsFor(inputs, recorded?.entries, context));
    const entries = await decide(
      inputs,
      {
        facts,
        recorded: recorded?.entries ?? {},
        rules,
        asOf: Date.parse(asOf),
        now: context.now().getTime(),
        marking: true,
      },
      context,
    );
    tell(inputs, entries, context);
    if (signedBy !== undefined && Object.values(entries).some(leavesRecord))
      planned["signedBy"] = await signerOfDue(inputs.signer, signedBy, context);
    return { planned: { ...planned, asOf, entries, plan: planLines(entries) } };
  },

  id: (inputs) => String(inputs["archive"]),

  unsettled: (inputs) => {
    const entries: unknown = inputs["entries"];
    return (
      typeof entries === "object" &&
      entries !== null &&
      Object.values(entries).some((entry) => {
        const { data } = decisionSchema.safeParse(entry);
        return data !== undefined && acts(data);
      })
    );
  },

  async ensure(inputs, previous, context) {
    const planned = readState(plannedSchema, inputs);
    const rules = rulesOf(planned);
    const archive = await context.stores.open(planned.archive);
    const entries = planned.entries;
    const { left = {}, leases = {} } = remembered(previous);
    const leasing = new Leasing(archive, holderOf(planned), leases, context);
    const outcome = await carryOut(
      {
        inputs: planned,
        left,
        leasing,
        rules,
        asOf: planned.asOf,
        entries,
        archive,
        signing: { store: archive, args: planned, signedBy: planned.signedBy, written: new Map() },
      },
      context,
    );
    const settled = await settle(planned, entries, rules, outcome.touched, context);
    const notices = { ...remainingNotices(previous, settled), ...outcome.notices };
    const properties = {
      entries: settled,
      plan: planLines(settled),
      notices,
      ...memories(outcome, leasing),
    };
    const [first] = outcome.failures;
    if (first !== undefined) throw new PartialFailure(first.error, { ...inputs, ...properties });
    return properties;
  },

  /**
   * Looks at everything again and verifies it anew, for the time that was planned for; nothing is
   * marked by merely looking.
   */
  async observe(state, context) {
    const recorded = readState(plannedSchema, state);
    const before = recorded.entries;
    const facts = await surveyFacts(recorded, before, context, { again: true });
    const entries = await decide(
      recorded,
      {
        facts,
        recorded: before,
        rules: rulesOf(recorded),
        asOf: Date.parse(recorded.asOf),
        now: context.now().getTime(),
        marking: false,
      },
      context,
    );
    return { ...state, entries, plan: planLines(entries) };
  },

  async remove() {
    // An archive outlives the policy that filled it.
  },
};

/** What is archived, or has its content purged, is so by a signed record. */
function leavesRecord({ decision }: Entry): boolean {
  return decision === "archive" || decision === "purge-content";
}

function areEntries(value: unknown): value is Entries {
  return (
    typeof value === "object" &&
    value !== null &&
    Object.entries(value).every(
      ([digest, entry]) => isDigest(digest) && entrySchema.safeParse(entry).success,
    )
  );
}

function recordedPlan(
  previous: Properties | undefined,
): { asOf: string; entries: Entries } | undefined {
  const asOf = timeSchema.safeParse(previous?.["asOf"]);
  const entries = entriesSchema.safeParse(previous?.["entries"]);
  return asOf.success && entries.success ? { asOf: asOf.data, entries: entries.data } : undefined;
}

async function factsFor(
  inputs: ArchiveInputs,
  recorded: Entries | undefined,
  context: ResourceContext,
): Promise<Record<Digest, Facts>> {
  if (inputs.observe === "live" || recorded === undefined)
    return surveyFacts(inputs, recorded ?? {}, context);
  const facts = recordedFacts(recorded, inputs.upcoming);
  // What the last run acted upon is not as it was recorded.
  const moved = (Object.entries(recorded) as [Digest, Entry][])
    .filter(([, entry]) => acts(entry))
    .map(([digest]) => digest);
  if (moved.length === 0) return facts;
  for (const digest of moved) delete facts[digest];
  return { ...facts, ...(await surveyFacts(inputs, recorded, context, { only: moved })) };
}

/** The entries as the next plan will find them, if nothing else happens. */
async function settle(
  inputs: ArchiveInputs & { asOf: string },
  entries: Entries,
  rules: Rules,
  touched: readonly Digest[],
  context: ResourceContext,
): Promise<Entries> {
  if (touched.length === 0) return entries;
  const facts = recordedFacts(entries, []);
  for (const digest of touched) delete facts[digest];
  Object.assign(facts, await surveyFacts(inputs, entries, context, { only: touched }));
  const again = await decide(
    inputs,
    {
      facts,
      recorded: entries,
      rules,
      asOf: Date.parse(inputs.asOf),
      now: context.now().getTime(),
      marking: true,
    },
    context,
  );
  const settled: Entries = { ...entries };
  for (const digest of touched) {
    const entry = again[digest];
    if (entry !== undefined) settled[digest] = entry;
  }
  return settled;
}

/** Two without a name that bring things from the same places are one policy in all else, too. */
function holderOf({ policy, sources }: Pick<ArchiveInputs, "policy" | "sources">): string {
  return policy ?? [...sources].sort().join(" ");
}

/** What earlier runs have left to be done, and have seen of others' leases. */
function remembered(previous: Properties | undefined): {
  left?: BlobsLeft | undefined;
  leases?: Record<string, string> | undefined;
} {
  return {
    left: leftSchema.safeParse(previous?.["left"]).data,
    leases: sightingsSchema.safeParse(previous?.["leases"]).data,
  };
}

function memories({ left }: Outcome, { sightings }: Leasing): Properties {
  return {
    ...(Object.keys(left).length === 0 ? {} : { left }),
    ...(Object.keys(sightings).length === 0 ? {} : { leases: sightings }),
  };
}

/** What was told of an artifact stays told for as long as it is there. */
function remainingNotices(
  previous: Properties | undefined,
  entries: Entries,
): Record<Digest, string[]> {
  const parsed = noticesSchema.safeParse(previous?.["notices"] ?? {});
  if (!parsed.success) return {};
  return Object.fromEntries(
    Object.entries(parsed.data).filter(
      ([digest]) =>
        entries[digest as Digest] !== undefined && entries[digest as Digest]?.state !== "purged",
    ),
  );
}

function tell({ archive }: ArchiveInputs, entries: Entries, context: ResourceContext): void {
  const counts = countDecisions(entries);
  const removed = (["purge", "purge-content", "release"] as const).flatMap((decision) =>
    counts[decision] === undefined ? [] : [`${decision} ${counts[decision]}`],
  );
  if (removed.length > 0)
    context.warn(`archive ${archive}: this run removes: ${removed.join(", ")}; see plan`);
  for (const [digest, { reason, marked }] of Object.entries(entries)) {
    if (reason.startsWith("inconclusive"))
      context.warn(
        `archive ${archive}: ${digest} is kept${marked === undefined ? "" : ", although it was marked"}: ${reason}`,
      );
  }
}
