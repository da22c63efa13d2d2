// SPDX-License-Identifier: Apache-2.0
import type { EffectiveClaims } from "../effective/effective";
import { forbids } from "../effective/lapsed";
import {
  dayOf,
  type ContentPurged,
  type EndOfLife,
  type Redirect,
  type Revocation,
} from "../lifecycle";
import { typeKey } from "../types";
import type { JudgedClaim } from "../effective/terms";
import type { RequirementResult } from "./result";

/**
 * What the effective lifecycle claims mean for the artifact today; empty where there are none.
 * Their issuers have been judged already.
 */
export function lifecycleResults(claims: EffectiveClaims, now: Date): RequirementResult[] {
  const effective = (name: string) =>
    claims.claims.filter(
      ({ status, type }) => status === "effective" && type !== undefined && typeKey(type) === name,
    );
  return [
    ...effective("revocation")
      .filter((claim) => (claim.predicate as Revocation).target === claims.subject)
      .map((claim) => revocation(claim, now)),
    ...claims.claims.flatMap(unjudged),
    ...effective("content-purged").map(contentPurged),
    ...effective("endOfLife").map((claim) => endOfLife(claim, now)),
    ...effective("redirect").map(redirect),
    ...claims.claims.flatMap(expired),
    ...claims.claims.flatMap(datedAhead),
  ];
}

/** Whoever keeps us from asking about the signer of a revocation must not undo it by that. */
function unjudged({ digest, type, status, reason }: JudgedClaim): RequirementResult[] {
  // Of what nobody can tell the type of, the worst is supposed.
  const name = type === undefined ? "revocation" : typeKey(type);
  const requirement = {
    revocation: "not revoked",
    endOfLife: "not past its end of life",
    "content-purged": CONTENT_THERE,
  }[name];
  if (status !== "inconclusive" || requirement === undefined) return [];
  return [
    {
      path: `lifecycle.${name}`,
      requirement,
      met: false,
      reason: `cannot be told, ${digest} is inconclusive: ${reason}`,
      claims: [digest],
    },
  ];
}

/** What its signer has given an end is over by that, and who goes by it is to know. */
function expired({ digest, type, status, reason }: JudgedClaim): RequirementResult[] {
  if (status !== "expired" || !forbids(type)) return [];
  const name = typeKey(type ?? "");
  const warning = `has a claim, ${digest} of type ${name}, that does not count any more: ${reason}`;
  return [
    {
      path: `lifecycle.${name}`,
      requirement: "not expired",
      met: true,
      warning,
      reason: warning,
      claims: [],
    },
  ];
}

/** Good news for now, and worth looking into: nobody can tell when it was made. */
function datedAhead({
  digest,
  type,
  datedAhead: ahead,
  issuer,
  issuedAt,
}: JudgedClaim): RequirementResult[] {
  if (ahead !== true) return [];
  const warning = `has a claim, ${digest} of type ${typeKey(type ?? "")}, that ${issuer} dates ahead, ${issuedAt}: as soon as there is another one, which is the later cannot be told`;
  return [
    {
      path: "lifecycle.signingTime",
      requirement: "signed at a time that has come",
      met: true,
      warning,
      reason: warning,
      claims: [],
    },
  ];
}

function revocation(claim: JudgedClaim, now: Date): RequirementResult {
  const { reason, since } = claim.predicate as Revocation;
  const begun = since === undefined || Date.parse(since) <= now.getTime();
  return {
    path: "lifecycle.revocation",
    requirement: "not revoked",
    met: !begun,
    reason: begun ? `revoked by ${claim.issuer}: ${reason}` : "not revoked yet",
    ...(begun ? {} : { warning: `will be revoked on ${since}: ${reason}` }),
    claims: [claim.digest],
  };
}

/** The requirement of every artifact that somebody is to use. */
export const CONTENT_THERE = "its content is there";

function contentPurged({ digest, issuer, predicate }: JudgedClaim): RequirementResult {
  const { purgedAt, reason } = predicate as ContentPurged;
  return {
    path: "lifecycle.content-purged",
    requirement: CONTENT_THERE,
    met: false,
    reason: `${issuer} took it away on ${dayOf(purgedAt)}${reason === undefined ? "" : `: ${reason}`}; its manifest and claims are left as history`,
    claims: [digest],
  };
}

function endOfLife(claim: JudgedClaim, now: Date): RequirementResult {
  const { date, reason, successor } = claim.predicate as EndOfLife;
  const passed = Date.parse(date) <= now.getTime();
  const details = `${reason === undefined ? "" : `: ${reason}`}${successor === undefined ? "" : `; its successor is ${successor}`}`;
  return {
    path: "lifecycle.endOfLife",
    requirement: "not past its end of life",
    met: !passed,
    reason: passed
      ? `reached its end of life on ${dayOf(date)}${details}`
      : `its end of life, ${dayOf(date)}, lies ahead`,
    ...(passed ? {} : { warning: `reaches its end of life on ${dayOf(date)}${details}` }),
    claims: [claim.digest],
  };
}

function redirect(claim: JudgedClaim): RequirementResult {
  const { to, reason } = claim.predicate as Redirect;
  const warning = `${claim.issuer} points to ${to} instead${reason === undefined ? "" : `: ${reason}`}`;
  return {
    path: "lifecycle.redirect",
    requirement: "not redirected",
    met: true,
    warning,
    reason: warning,
    claims: [claim.digest],
  };
}
