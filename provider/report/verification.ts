// SPDX-License-Identifier: Apache-2.0
import {
  CONTENT_THERE,
  evaluateRequirements,
  sameType,
  typeKey,
  type EffectiveClaims,
  type RequireEntry,
  type RequirementResult,
  type Requirements,
} from "../claims";
import type { ErrorCode } from "../errors";
import type { Outcome } from "../notation";
import type { Digest } from "../oci/digest";
import type { ClaimReport, ObservedArtifact } from "./observation";
import type { SignatureReport } from "./signature-report";

/** Whether an artifact may be used, and why. Plain data: it can be written as JSON as it is. */
export interface VerificationReport {
  /** `repository@digest` of what was judged: where redirects were followed, the last artifact. */
  reference: string;
  digest: Digest;
  /**
   * Where redirects were followed: pinned references, from what was asked for to what was judged.
   */
  followed?: string[];
  /**
   * `unknown`: it could not be told, as something could not be asked or not all could be looked at.
   * To be treated as no.
   */
  verified: "yes" | "no" | "unknown";
  /** Name of the trust policy. */
  policy: string;
  /** What the artifact's signatures come to. */
  signature: { outcome: Outcome; code?: ErrorCode; reason?: string } & Partial<
    Pick<
      SignatureReport,
      | "digest"
      | "signer"
      | "signedAt"
      | "expiresAt"
      | "certificateExpiresAt"
      | "userMetadata"
      | "checks"
    >
  >;
  requirements: RequirementResult[];
  /** Worth knowing, although it does not change the answer. */
  warnings: string[];
}

/**
 * Answers `undefined` where the artifact was observed without a trust policy, and so nothing can be
 * called verified.
 */
export function verificationOf(
  observed: ObservedArtifact,
  requirements: Requirements,
  now: Date,
): VerificationReport | undefined {
  const { verdict, policy } = observed;
  if (verdict === undefined || policy === undefined) return undefined;
  const results = [
    ...evaluateRequirements(requirements, effectiveAmong(observed), now),
    ...contentResults(observed),
  ];
  const { warnings, ...said } = verdict;
  return {
    reference: observed.reference,
    digest: observed.digest,
    verified: answer(observed, verdict.outcome, results, requirements),
    policy,
    signature: { ...said, ...evidence(observed, verdict.outcome) },
    requirements: results,
    warnings: [
      ...warnings,
      ...results.flatMap(({ warning }) => (warning === undefined ? [] : [warning])),
      ...unheard(observed.claims),
      ...(observed.listedByTags === true ? [LISTED_BY_TAGS] : []),
    ],
  };
}

const LISTED_BY_TAGS =
  "this registry keeps no lists of what refers to an artifact, so they are tags: whoever may push here can leave out what forbids, and nobody can see that";

/** Where there is nothing to use, no verdict is good. */
function contentResults({ problem, absent }: ObservedArtifact): RequirementResult[] {
  const common = { path: "content", requirement: CONTENT_THERE, claims: [] };
  if (problem !== undefined) return [{ ...common, met: false, reason: problem.reason }];
  if (absent === undefined) return [];
  const { digests, all } = absent;
  const which = `${digests.slice(0, 3).join(", ")}${digests.length > 3 ? ` and ${digests.length - 3} more` : ""}`;
  if (all)
    return [{ ...common, met: false, reason: `none of its manifests is there any more: ${which}` }];
  const reason = `not all of it is there: ${which}`;
  return [{ ...common, met: true, reason, warning: `is not here as a whole: ${which}` }];
}

/** The signature that the verdict rests on. */
function evidence({ signatures }: ObservedArtifact, outcome: Outcome): Partial<SignatureReport> {
  const found = signatures.find(({ status }) => status === outcome);
  if (found === undefined) return {};
  const { status: _status, code: _code, reason: _reason, ...rest } = found;
  return rest;
}

function answer(
  observed: ObservedArtifact,
  outcome: Outcome,
  results: readonly RequirementResult[],
  { require = [] }: Requirements,
): VerificationReport["verified"] {
  if (outcome === "inconclusive") return "unknown";
  if (outcome !== "verified") return "no";
  // The results of `require` come first, one for each entry.
  const unmet = results
    .map(({ met }, index) => ({ met, entry: require[index] }))
    .filter(({ met }) => !met);
  const mayBeMet = unmet.every(
    ({ entry }) =>
      entry !== undefined &&
      typesOf(entry).some((type) => observed.claims.some((claim) => isUncertain(claim, type))),
  );
  return unmet.length === 0 ? "yes" : mayBeMet ? "unknown" : "no";
}

function isUncertain({ status, type }: ClaimReport, wanted: string): boolean {
  return status === "inconclusive" && type !== undefined && sameType(type, wanted);
}

function typesOf(entry: RequireEntry): string[] {
  return "anyOf" in entry ? entry.anyOf.flatMap(typesOf) : [entry.type];
}

const FORBIDDING = ["revocation", "endOfLife"];

/**
 * Claims that would forbid the artifact's use, and of which it could not be told whether they
 * count.
 */
function unheard(claims: readonly ClaimReport[]): string[] {
  return claims
    .filter(
      ({ status, type }) =>
        status === "inconclusive" && type !== undefined && FORBIDDING.includes(typeKey(type)),
    )
    .map(
      ({ name, digest, reason }) => `the ${name} claim ${digest} could not be checked: ${reason}`,
    );
}

/** The claims about an artifact, as they were judged. */
export function effectiveAmong({ digest, claims, vex }: ObservedArtifact): EffectiveClaims {
  return {
    subject: digest,
    vex,
    claims: [...claims, ...doubtfulRevocations(claims)].map(({ status, type, ...claim }) => ({
      ...claim,
      type,
      status: status === "unchecked" ? "untrusted" : status,
    })),
  };
}

/** Of claims that count, or may: they may be revoked, and nobody can tell. */
function doubtfulRevocations(claims: readonly ClaimReport[]): ClaimReport[] {
  return claims
    .filter(({ status }) => status === "effective" || status === "inconclusive")
    .flatMap(({ claims: about }) => [
      ...about.filter(
        ({ status, type }) =>
          status === "inconclusive" && (type === undefined || typeKey(type) === "revocation"),
      ),
      ...doubtfulRevocations(about),
    ]);
}

/**
 * What is broken in itself, whoever is trusted: one line for each thing. Empty: everything that is
 * there is whole.
 */
export function faultsOf(observed: ObservedArtifact): string[] {
  const { signatures, claims, manifests, problem } = observed;
  return [
    ...(problem === undefined ? [] : [`${observed.digest}: ${problem.reason} [${problem.code}]`]),
    ...signatureFaults(signatures),
    ...claimFaults(claims),
    ...manifests.flatMap(faultsOf),
  ];
}

function signatureFaults(signatures: readonly SignatureReport[]): string[] {
  return signatures
    .filter(
      ({ status, checks }) => status === "invalid" || (status === "inconclusive" && isLost(checks)),
    )
    .map(({ digest, reason, code }) => `signature ${digest}: ${reason} [${code}]`);
}

/** Not there, or with other bytes, so that no check could be made. */
function isLost(checks: SignatureReport["checks"]): boolean {
  return checks.every(({ check, result }) => check !== "integrity" || result === "inconclusive");
}

const BROKEN: readonly ClaimReport["status"][] = ["tampered", "malformed", "subject-mismatch"];

function claimFaults(claims: readonly ClaimReport[]): string[] {
  return claims.flatMap((claim) => [
    ...(BROKEN.includes(claim.status)
      ? [`${claim.name} ${claim.digest}: ${claim.status}: ${claim.reason}`]
      : signatureFaults(claim.signatures)),
    ...claimFaults(claim.claims),
  ]);
}
