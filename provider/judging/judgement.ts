// SPDX-License-Identifier: Apache-2.0
import { z } from "zod";
import {
  claimTypeOf,
  effectiveClaims,
  evaluateRequirements,
  gatherClaims,
  redirectDoubt,
  redirectRefused,
  redirectsIn,
  together,
  typeKey,
  type EffectiveClaims,
  type JudgedClaim,
  type ReadClaim,
  type ObservedClaim,
  type KnownIssuers,
  type RedirectClaim,
  type RequireEntry,
  type RequirementResult,
  type Requirements,
} from "../claims/index";
import type { ReadStore } from "../content/storage";
import { verifyArtifact, type ResolvedTrustPolicy, type SignatureVerdict } from "../notation/index";
import type { Descriptor } from "../oci/descriptor";
import { digestSchema, type Digest } from "../oci/digest";
import { oneLine } from "../printable";
import { at, type ResourceContext } from "../world/context";
import { againstIn, type Against } from "./against";

export { openTrust, trustSchema, type Trust } from "./trust";

/**
 * Why an artifact may be used, or not. Holds no time of its own, so that the same world gives the
 * same verdict tomorrow.
 */
export const verdictSchema = z.object({
  /** Of the artifact; absent if there is none. */
  digest: digestSchema.optional(),
  /** `verified: by …`, or why not. */
  signature: z.string(),
  /**
   * By the path of the requirement, `met` or `unmet: …`. Of the artifact's lifecycle, only what
   * forbids.
   */
  requirements: z.record(z.string(), z.string()),
});
export type Verdict = z.infer<typeof verdictSchema>;

/** A claim in one line, so that what happens to it is one difference. */
export interface JudgedClaimSummary {
  /** Short name, or predicate type URI. */
  type: string;
  /** `effective: by …`, or the status and why. */
  status: string;
}

export interface Judgement {
  verified: boolean;
  /** Whether the artifact's own signature verifies. */
  signed: boolean;
  verdict: Verdict;
  /**
   * By digest: the claims of the types that are asked for, and what is claimed of the artifact's
   * lifecycle.
   */
  claims: Record<string, JudgedClaimSummary>;
  /** The claims that a good verdict rests on, sorted. */
  evidence: Digest[];
  /** What is not met, one line each. */
  unmet: string[];
  /** What is met, but not for ever. */
  warnings: string[];
  /** What is to be remembered of what was said against it, see {@link againstSchema}. */
  against: Against;
  /** Where it should be looked for instead, by the word of those who may say so. */
  redirects: RedirectClaim[];
  /** Why it may be that it should be looked for elsewhere, and nobody can tell where. */
  redirectDoubt?: string;
}

export interface Question extends Requirements, KnownIssuers {}

/**
 * Verifies signature and claims of an artifact. Bad is an answer; what cannot be told, because a
 * store cannot be asked, is an error.
 * @throws ConsignError `TRUST_POLICY_NOT_APPLICABLE` under `trust`; `GRAPH_TOO_LARGE`; what the
 * store throws
 */
export async function judge(
  store: ReadStore,
  artifact: Descriptor,
  trust: ResolvedTrustPolicy,
  question: Question,
  context: ResourceContext,
): Promise<Judgement> {
  const asking = {
    now: context.now(),
    baseDir: context.baseDir,
    scope: store.name,
    revocation: context.revocation,
  };
  const signature = await at("trust", () => verifyArtifact(store, artifact, trust, asking));
  const interest = interestOf(question);
  const observed = await gatherClaims(store, artifact, trust, asking, interest);
  const effective = effectiveClaims({
    subject: artifact.digest,
    now: asking.now,
    claims: observed,
    precedence: question.precedence,
    lifecycleIssuers: question.lifecycleIssuers,
  });
  const results = evaluateRequirements(question, effective, asking.now);
  const doubt = redirectDoubt(effective, question.lifecycleIssuers);
  const { against, warning } = againstIn(store.name, observed, effective, results);
  const signed = signature.outcome === "verified";
  const requirements = requirementLines(results);
  const verdict = { digest: artifact.digest, signature: signatureLine(signature), requirements };
  return {
    verified: signed && Object.values(requirements).every((answer) => answer === MET),
    signed,
    verdict,
    claims: claimLines(effective, interest.about),
    evidence: [...new Set(results.flatMap(({ met, claims }) => (met ? claims : [])))].sort(),
    unmet: unmetLines(signed, verdict),
    warnings: [
      ...results.flatMap(({ warning }) => warning ?? []),
      ...unasked(observed, effective, interest.about),
      ...(warning === undefined ? [] : [warning]),
    ],
    against,
    redirects: redirectsIn(effective),
    ...(doubt === undefined ? {} : { redirectDoubt: doubt }),
  };
}

/** The verdict where there is nothing to judge. */
export function absent(reference: string): Judgement {
  const signature = `missing: ${reference} does not exist`;
  return {
    verified: false,
    signed: false,
    verdict: { signature, requirements: {} },
    claims: {},
    evidence: [],
    unmet: [signature],
    warnings: [],
    against: {},
    redirects: [],
  };
}

/** The verdict where a redirect was to be followed and cannot be. */
export function withRefusedRedirect(judgement: Judgement, refusal: string): Judgement {
  return withObjections(judgement, [redirectRefused(refusal)]);
}

/** Where in a verdict a revocation of the artifact shows. */
export const REVOCATION_PATH = "lifecycle.revocation";

/**
 * The verdict with what is to be held against the artifact besides, from elsewhere. Good news from
 * there changes nothing.
 */
export function withObjections(
  judgement: Judgement,
  results: readonly RequirementResult[],
): Judgement {
  const requirements = { ...judgement.verdict.requirements };
  for (const { path, requirement, met, reason: said } of results) {
    const before = requirements[path] ?? MET;
    const reason = oneLine(said);
    if (met || before.includes(reason)) continue;
    requirements[path] =
      before === MET ? `unmet: ${requirement}: ${reason}` : `${before}; ${reason}`;
  }
  const verdict = { ...judgement.verdict, requirements };
  const warnings = [
    ...new Set([...judgement.warnings, ...results.flatMap(({ warning }) => warning ?? [])]),
  ];
  return {
    ...judgement,
    verified: judgement.verified && Object.values(requirements).every((answer) => answer === MET),
    verdict,
    unmet: unmetLines(judgement.signed, verdict),
    warnings,
  };
}

const MET = "met";

function unmetLines(signed: boolean, { signature, requirements }: Verdict): string[] {
  const failed = Object.entries(requirements).filter(([, answer]) => answer !== MET);
  return [
    ...(signed ? [] : [`signature: ${signature}`]),
    ...failed.map(([path, answer]) => `${path}: ${answer}`),
  ];
}

/**
 * Several answers to one path, as two revocations of one artifact, are one line. Of the lifecycle
 * nothing is said while it forbids nothing.
 */
function requirementLines(results: readonly RequirementResult[]): Record<string, string> {
  const lines: Record<string, string> = {};
  for (const { path, requirement, met, reason: said } of results) {
    const reason = oneLine(said);
    if (met && path.startsWith("lifecycle.")) continue;
    const before = lines[path];
    const line = met ? MET : `unmet: ${requirement}: ${reason}`;
    lines[path] = before === undefined ? line : `${before}; ${reason}`;
  }
  return lines;
}

function signatureLine({ outcome, reason, code, signer, checks }: SignatureVerdict): string {
  if (outcome !== "verified")
    return `${outcome}: ${oneLine(reason ?? "no reason given")} [${code ?? "SIGNATURE_INVALID"}]`;
  if (signer === undefined) return `not checked: ${reason ?? "the trust policy skips it"}`;
  const logged = checks
    .filter(
      ({ action, result }) =>
        action === "log" && (result === "failed" || result === "inconclusive"),
    )
    .map(({ check }) => check);
  return `verified: by ${signer.subject}${logged.length === 0 ? "" : `, though the trust policy only logs that it fails ${logged.join(" and ")}`}`;
}

function claimLines(
  { claims }: EffectiveClaims,
  about: (type: string) => boolean,
): Record<string, JudgedClaimSummary> {
  return Object.fromEntries(
    claims.flatMap((claim) =>
      claim.type !== undefined && about(claim.type)
        ? [[claim.digest, { type: typeKey(claim.type), status: statusLine(claim) }] as const]
        : [],
    ),
  );
}

/** Of claims that only their content names, those that were read for nothing. */
function unasked(
  observed: readonly ObservedClaim[],
  { claims }: EffectiveClaims,
  about: (type: string) => boolean,
): string[] {
  const effective = new Map(
    claims.filter(({ status }) => status === "effective").map((claim) => [claim.digest, claim]),
  );
  return observed.flatMap(({ claim }) => {
    const judged = effective.get(claim.digest);
    if ("broken" in claim || judged === undefined || about(claim.type)) return [];
    if (claim.supersedes.length > 0 || isAnnounced(claim)) return [];
    return [
      `has a claim, ${claim.digest} of type ${typeKey(claim.type)} by ${judged.issuer ?? "a trusted signer"}, that is neither asked for nor forbids: it does not count`,
    ];
  });
}

function isAnnounced({ descriptor, artifactType, annotations }: ReadClaim): boolean {
  const listed = {
    ...descriptor,
    annotations,
    ...(artifactType === undefined ? {} : { artifactType }),
  };
  return claimTypeOf(listed) !== undefined;
}

function statusLine({ status, reason, issuer, issuers, by }: JudgedClaim): string {
  if (status === "effective")
    return `effective: by ${issuers === undefined ? (issuer ?? "a trusted signer") : together(issuers.map((each) => each.issuer))}`;
  return oneLine(`${status}${by === undefined ? "" : ` by ${by}`}: ${reason}`);
}

const LIFECYCLE = ["revocation", "redirect", "endOfLife", "content-purged"];

/** Types whose claims can change the answer, and those whose predicates a condition reads. */
function interestOf(question: Question): {
  about: (type: string) => boolean;
  predicates: (type: string) => boolean;
} {
  const entries = [...(question.require ?? []), ...(question.deny ?? [])].flatMap(alternatives);
  const conditions = entries.filter(({ condition }) => condition !== undefined);
  const readsVex = conditions.some(({ condition }) => /\bvex\b/.test(condition ?? ""));
  const asked = new Set([
    ...entries.map(({ type }) => typeKey(type)),
    ...LIFECYCLE,
    ...(readsVex ? ["vex"] : []),
  ]);
  const read = new Set([
    ...conditions.map(({ type }) => typeKey(type)),
    ...(readsVex ? ["vex"] : []),
  ]);
  return {
    about: (type) => asked.has(typeKey(type)),
    predicates: (type) => read.has(typeKey(type)),
  };
}

function alternatives(entry: RequireEntry): Exclude<RequireEntry, { anyOf: RequireEntry[] }>[] {
  return "anyOf" in entry ? entry.anyOf.flatMap(alternatives) : [entry];
}
