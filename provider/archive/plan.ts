// SPDX-License-Identifier: Apache-2.0
import { openTrust } from "../judging/judgement";
import type { Digest } from "../oci/digest";
import {
  acts,
  countDecisions,
  planLines,
  type Entries,
  type Entry,
  type Facts,
} from "../retention/index";
import { signerOfDue } from "../signing/planned-signer";
import { requireTrustedSigner } from "../signing/signer-trust";
import { plannedSigning } from "../signing/signing";
import { resolveAsOf } from "../world/as-of";
import { at, type ResourceContext } from "../world/context";
import type { Plan } from "../world/reconciler";
import type { Properties } from "../world/reconciler";
import {
  RULE_ARGUMENTS,
  archiveSchema,
  checkPlaces,
  rulesOf,
  type ArchiveInputs,
} from "./arguments";
import { decide } from "./decisions";
import { recordedPlan } from "./recorded";
import { recordedFacts, surveyFacts } from "./survey";

const ARGUMENTS = Object.keys(archiveSchema.shape).filter(
  (name) => name !== "upcoming" && name !== "self",
);

export async function planArchive(
  known: Partial<ArchiveInputs>,
  unknown: ReadonlySet<string>,
  previous: Properties | undefined,
  context: ResourceContext,
): Promise<Plan> {
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
  if (ARGUMENTS.some((name) => unknown.has(name)) || unknown.has("upcoming") || rules === undefined)
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
}

/** What is archived, or has its content purged, is so by a signed record. */
function leavesRecord({ decision }: Entry): boolean {
  return decision === "archive" || decision === "purge-content";
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
