// SPDX-License-Identifier: Apache-2.0
import { z } from "zod";
import { isConsignError } from "../../errors";
import { durationSchema, parseDuration } from "../duration";
import { CLOCK_SKEW } from "../effective/dated-ahead";
import type { EffectiveClaims } from "../effective/effective";
import { identitySchema, matchesIdentity, type Match } from "../effective/identity";
import { anyMayName } from "../effective/issuer-entry";
import type { ClaimIssuer, JudgedClaim } from "../effective/terms";
import { together } from "../effective/signers";
import { kindOf, resolveType, sameType, typeKey } from "../types";
import { compileCondition, conditionSchema } from "./condition";
import { lifecycleResults } from "./lifecycle-results";
import type { RequirementResult } from "./result";

const typeSchema = z.string().check((context) => {
  try {
    resolveType(context.value);
  } catch (error) {
    if (!isConsignError(error)) throw error;
    context.issues.push({ code: "custom", input: context.value, message: error.message });
  }
});

const matchSchema = z.strictObject({
  /** Short name or predicate type URI. */
  type: typeSchema,
  /**
   * Who must have issued it: one identity, or any of several. @default any issuer that the trust
   * policy verifies
   */
  issuer: z.union([identitySchema, z.array(identitySchema).min(1).max(100)]).optional(),
  /**
   * How old it may be, as `"7d"`. Counts from the signature or, where the predicate tells an
   * earlier time, from that.
   */
  maxAge: durationSchema.optional(),
  /** CEL over the claim, see {@link compileCondition}. */
  condition: conditionSchema.optional(),
});

/** One effective claim must fit; or, with `anyOf`, one of several entries must be met. */
export type RequireEntry = z.infer<typeof matchSchema> | { anyOf: RequireEntry[] };
/** No effective claim may fit. */
export type DenyEntry = Omit<z.infer<typeof matchSchema>, "maxAge">;

export const denyEntrySchema: z.ZodType<DenyEntry> = matchSchema.omit({ maxAge: true });
export const requireEntrySchema: z.ZodType<RequireEntry> = nested(3);

/**
 * `anyOf` may nest, three deep. Which form an entry has is decided first, so that what is wrong is
 * reported where it stands.
 */
function nested(depth: number): z.ZodType<RequireEntry> {
  if (depth === 0) return matchSchema;
  const alternatives = z.strictObject({
    anyOf: z
      .array(nested(depth - 1))
      .min(1)
      .max(50),
  });
  return z.custom<RequireEntry>().check((context) => {
    const { value } = context;
    const schema: z.ZodType<RequireEntry> =
      typeof value === "object" && value !== null && "anyOf" in value ? alternatives : matchSchema;
    const parsed = schema.safeParse(value);
    if (!parsed.success)
      for (const issue of parsed.error.issues)
        context.issues.push({ ...issue, input: value } as z.core.$ZodRawIssue);
  });
}

export interface Requirements {
  require?: readonly RequireEntry[] | undefined;
  deny?: readonly DenyEntry[] | undefined;
}

/**
 * Holds the effective claims against what is required and denied, and against the artifact's
 * lifecycle. All results must be met.
 * - `require`: one effective claim of the type must satisfy issuer, age and condition together, as
 * the word of one of those who have signed it.
 * - `deny`: none may, as anyone's word; one that may be signed by a denied issuer as well counts as
 * if it were. A condition that cannot be evaluated on a claim, a claim whose signature cannot be
 * judged now, and one that is signed
 *   and whose content a store has lost or is malformed, count as denied.
 * - A revocation that has begun, an end of life that has passed, or one of them that cannot be
 * judged now, is unmet without being asked
 *   for; one that lies ahead, and a redirect, is a warning. These appear only where there is such a claim.
 * @throws ConsignError `CONDITION_INVALID`, `INPUT_INVALID` for entries that the schemas have not
 * seen
 */
export function evaluateRequirements(
  requirements: Requirements,
  claims: EffectiveClaims,
  now: Date,
): RequirementResult[] {
  return [
    ...(requirements.require ?? []).map((entry, index) =>
      required(entry, `require[${index}]`, claims, now),
    ),
    ...(requirements.deny ?? []).map((entry, index) =>
      denied(entry, `deny[${index}]`, claims, now),
    ),
    ...lifecycleResults(claims, now),
  ];
}

function required(
  entry: RequireEntry,
  path: string,
  claims: EffectiveClaims,
  now: Date,
): RequirementResult {
  if ("anyOf" in entry) {
    const results = entry.anyOf.map((one, index) =>
      required(one, `${path}.anyOf[${index}]`, claims, now),
    );
    const met = results.find((result) => result.met);
    const requirement = `any of: ${results.map((result) => result.requirement).join("; ")}`;
    if (met !== undefined)
      return { path, requirement, met: true, reason: met.reason, claims: met.claims };
    return {
      path,
      requirement,
      met: false,
      reason: results.map((result) => result.reason).join("; "),
      claims: [],
    };
  }
  const requirement = `a claim ${summary(entry)}`;
  const candidates = claims.claims.filter(
    (claim) => claim.type !== undefined && sameType(claim.type, resolveType(entry.type)),
  );
  const effective = candidates.filter((claim) => claim.status === "effective");
  const tried = effective.map((claim) => ({ claim, fit: fits(entry, claim, claims, now) }));
  const good = tried.filter(({ fit }) => fit.fits).map(({ claim }) => claim.digest);
  if (good.length > 0) {
    return {
      path,
      requirement,
      met: true,
      reason: `${good.length === 1 ? "met by" : "met, among others, by"} ${good[0]}`,
      claims: good,
    };
  }
  const why =
    effective.length > 0
      ? tried.map(({ claim, fit }) => `${claim.digest}: ${fit.reason}`)
      : candidates.map((claim) => `${claim.digest} is ${claim.status}: ${claim.reason}`);
  const reason = why.length === 0 ? `there is no claim of type ${entry.type}` : listed(why);
  return { path, requirement, met: false, reason, claims: [] };
}

/**
 * Silence must not be had by keeping us from asking whether the signer is revoked, so what cannot
 * be judged counts against the artifact.
 */
const STANDS_AGAINST: ReadonlySet<JudgedClaim["status"]> = new Set(["effective", "inconclusive"]);

function unsure({ reason }: JudgedClaim): Fit {
  return { fits: false, unknown: true, reason };
}

/** By one whom the trust policy verifies, or maybe so, and its content is lost or malformed. */
function isSignedAndLost({ status, issuer, doubts = [] }: JudgedClaim): boolean {
  return (status === "tampered" || status === "malformed") && (issuer ?? doubts[0]) !== undefined;
}

/**
 * Signed by one whose claims are denied, or maybe so, and its content is lost, altered or
 * malformed.
 */
function isLost(claim: JudgedClaim, entry: DenyEntry): boolean {
  if (!isSignedAndLost(claim)) return false;
  return (
    (claim.issuer !== undefined &&
      issuersOf(claim).some(({ issuer }) => mayBeWanted(entry, issuer) !== "no")) ||
    (claim.doubts ?? []).some(
      ({ signer }) => signer === undefined || mayBeWanted(entry, signer) !== "no",
    )
  );
}

function issuersOf({ issuers, issuer, issuedAt }: JudgedClaim): ClaimIssuer[] {
  return issuers ?? [{ issuer: issuer ?? "", ...(issuedAt === undefined ? {} : { issuedAt }) }];
}

function isWanted({ issuer }: DenyEntry, signer: string): boolean {
  return (
    issuer === undefined || [issuer].flat().some((identity) => matchesIdentity(identity, signer))
  );
}

/** The same for what is denied: a signer who is not named goes free. */
function mayBeWanted({ issuer }: DenyEntry, signer: string): Match {
  return anyMayName(issuer === undefined ? undefined : [issuer].flat(), { subject: signer });
}

function denied(
  entry: DenyEntry,
  path: string,
  claims: EffectiveClaims,
  now: Date,
): RequirementResult {
  const requirement = `no claim ${summary(entry)}`;
  const hits = claims.claims
    .filter(
      (claim) =>
        (STANDS_AGAINST.has(claim.status) || isLost(claim, entry)) &&
        // What nobody can tell the type of may be what is denied.
        (claim.type === undefined || sameType(claim.type, resolveType(entry.type))),
    )
    .map((claim) => ({
      claim,
      fit: claim.status === "effective" ? mayFit(entry, claim, claims, now) : unsure(claim),
    }))
    .filter(({ fit }) => fit.fits || fit.unknown);
  if (hits.length === 0)
    return { path, requirement, met: true, reason: "there is none", claims: [] };
  const why = hits.map(
    ({ claim, fit }) =>
      `${claim.digest}${fit.unknown ? `: cannot be told, ${fit.reason}` : ` by ${fit.issuer}`}`,
  );
  const reason = listed(why);
  return { path, requirement, met: false, reason, claims: hits.map(({ claim }) => claim.digest) };
}

interface Fit {
  fits: boolean;
  /** No answer was possible. */
  unknown: boolean;
  reason: string;
  /** As whose word the claim fits. */
  issuer?: string;
}

const no = (reason: string): Fit => ({ fits: false, unknown: false, reason });

/** A claim fits if it does as the word of one of those who have signed it. */
function fits(
  entry: z.infer<typeof matchSchema>,
  claim: JudgedClaim,
  claims: EffectiveClaims,
  now: Date,
): Fit {
  const issuers = issuersOf(claim);
  const wanted = issuers.filter(({ issuer }) => isWanted(entry, issuer));
  return bestFit(
    issuers,
    wanted.map((each) => fitsAs(each, entry, claim, claims, now)),
  );
}

function bestFit(issuers: readonly ClaimIssuer[], tried: readonly Fit[]): Fit {
  if (tried.length === 0)
    return no(`its issuer is ${together(issuers.map((each) => each.issuer))}`);
  return (
    tried.find((fit) => fit.fits) ??
    tried.find((fit) => fit.unknown) ??
    no([...new Set(tried.map(({ reason }) => reason))].join(" and "))
  );
}

/** The same for what is denied, where a signer who cannot be compared may be meant. */
function fitsDenied(entry: DenyEntry, claim: JudgedClaim, claims: EffectiveClaims, now: Date): Fit {
  const issuers = issuersOf(claim);
  const tried = issuers.flatMap((each): Fit[] => {
    const match = mayBeWanted(entry, each.issuer);
    if (match === "no") return [];
    const fit = fitsAs(each, entry, claim, claims, now);
    const reason = `whether ${each.issuer} is denied cannot be told: his subject cannot be compared`;
    return [match === "unknown" && fit.fits ? { fits: false, unknown: true, reason } : fit];
  });
  return bestFit(issuers, tried);
}

function fitsAs(
  { issuer, issuedAt: signedAt }: ClaimIssuer,
  entry: z.infer<typeof matchSchema>,
  claim: JudgedClaim,
  claims: EffectiveClaims,
  now: Date,
): Fit {
  const age = entry.maxAge === undefined ? undefined : tooOld(claim, signedAt, entry.maxAge, now);
  if (age !== undefined) return no(age);
  if (entry.condition === undefined) return { fits: true, unknown: false, reason: "", issuer };
  const unread = unreadBy(entry.condition, claim, claims);
  if (unread !== undefined)
    return { fits: false, unknown: true, reason: `its condition gives no answer: ${unread}` };
  const outcome = compileCondition(entry.condition).evaluate({
    predicate: claim.predicate,
    type: claim.type ?? "",
    issuer,
    issuedAt: signedAt === undefined ? undefined : new Date(signedAt),
    subject: claims.subject,
    now,
    vex: claims.vex,
  });
  if ("error" in outcome)
    return {
      fits: false,
      unknown: true,
      reason: `its condition gives no answer: ${outcome.error}`,
    };
  return outcome.result
    ? { fits: true, unknown: false, reason: "", issuer }
    : no("its condition is false");
}

/** Why what a condition speaks about is not all there. */
function unreadBy(
  condition: string,
  { predicate }: JudgedClaim,
  { claims, vex }: EffectiveClaims,
): string | undefined {
  if (predicate === undefined && /\bpredicate\b/.test(condition))
    return "the claim's content was not read, as it is no JSON, or too large";
  if (!/\bvex\b/.test(condition)) return undefined;
  const missing = claims.find(
    (claim) =>
      claim.type !== undefined &&
      typeKey(claim.type) === "vex" &&
      (claim.status === "inconclusive" || isSignedAndLost(claim)),
  );
  if (missing !== undefined)
    return `what ${missing.digest} of type vex says cannot be told: ${missing.reason}`;
  const unsure = vex.find((entry) => entry.unsure === true);
  return unsure === undefined
    ? undefined
    : `whether what ${unsure.issuer} says of ${unsure.vulnerability} by ${unsure.claim} is overridden cannot be told: name the issuers in precedence with their roots`;
}

/**
 * Whether a claim fits what is denied, or would if it were that of one who may have signed it as
 * well.
 */
function mayFit(entry: DenyEntry, claim: JudgedClaim, claims: EffectiveClaims, now: Date): Fit {
  const fit = fitsDenied(entry, claim, claims, now);
  if (fit.fits || fit.unknown) return fit;
  const doubt = claim.doubts?.find(({ signer }) => {
    if (signer !== undefined && mayBeWanted(entry, signer) === "no") return false;
    // Who it is, and when he signed, is known to no condition.
    if (/\bissue(?:r|dAt)\b/.test(entry.condition ?? "")) return true;
    const asTheirs = fitsAs({ issuer: signer ?? "" }, entry, claim, claims, now);
    return asTheirs.fits || asTheirs.unknown;
  });
  return doubt === undefined ? fit : { fits: false, unknown: true, reason: doubt.reason };
}

function tooOld(
  claim: JudgedClaim,
  signedAt: string | undefined,
  maxAge: string,
  now: Date,
): string | undefined {
  if (signedAt === undefined) return "it does not say when it was signed";
  const observedAt =
    claim.type === undefined || claim.predicate === undefined
      ? undefined
      : kindOf(claim.type)?.observedAt(claim.predicate);
  const since = Math.min(
    Date.parse(signedAt),
    observedAt === undefined ? Infinity : Date.parse(observedAt),
  );
  const age = now.getTime() - since;
  if (Number.isNaN(age)) return "it does not say when it was signed";
  if (age < -CLOCK_SKEW) return `it is dated ahead, ${new Date(since).toISOString()}`;
  return age > parseDuration(maxAge)
    ? `it is older than ${maxAge}: it counts from ${new Date(since).toISOString()}`
    : undefined;
}

function summary(entry: z.infer<typeof matchSchema>): string {
  const issuer = entry.issuer === undefined ? "" : ` by ${[entry.issuer].flat().join(" or ")}`;
  const age = entry.maxAge === undefined ? "" : `, at most ${entry.maxAge} old`;
  const condition = entry.condition === undefined ? "" : `, where ${entry.condition}`;
  return `of type ${entry.type}${issuer}${age}${condition}`;
}

function listed(reasons: string[]): string {
  return (
    reasons.slice(0, 5).join("; ") + (reasons.length > 5 ? `; and ${reasons.length - 5} more` : "")
  );
}
