// SPDX-License-Identifier: Apache-2.0
import { ConsignError } from "../../errors";
import type { Revocations } from "./revocation";
import type { Issuer } from "./issuer";
import type { Signer } from "./issuer-entry";
import { together, type Doubt, type Signing } from "./signers";
import type { Supersession } from "./supersession";
import type { ClaimIssuer, JudgedClaim } from "./terms";
import { signersByClaim, type AdmittedClaim } from "./claim-by-signer";

/** What became of a claim as the word of one of its signers. */
type SignerOutcome = Pick<JudgedClaim, "status" | "reason" | "by"> & { claim: AdmittedClaim };

/** Of what a claim is as the word of one and of another, what it is as a whole. */
const ORDER: readonly JudgedClaim["status"][] = [
  "effective",
  "inconclusive",
  "superseded",
  "revoked",
  "untrusted",
];

/**
 * What each claim is, from what it is as the word of each of its signers: effective if it is that
 * as the word of one, and then as that of those alone. What is not, and of which cannot be told who
 * else has signed it, is `inconclusive`: it may be effective as theirs.
 */
export function judgeWhole(
  admittedClaims: readonly AdmittedClaim[],
  { removed, unsure }: Pick<Revocations, "removed" | "unsure">,
  { superseder, undecided }: Supersession,
  doubtsOn: (claim: AdmittedClaim) => readonly Doubt[],
): JudgedClaim[] {
  const out = new Map(removed.map(({ claim, ...outcome }) => [claim, outcome]));
  const outcomeOf = (claim: AdmittedClaim): SignerOutcome => {
    const gone = out.get(claim);
    if (gone !== undefined) return { claim, ...gone };
    const superseded = superseder(claim);
    if (superseded !== undefined) return { claim, status: "superseded", ...superseded };
    const reason = unsure.get(claim) ?? undecided(claim);
    return reason === undefined
      ? { claim, status: "effective", reason: "" }
      : { claim, status: "inconclusive", reason };
  };
  return [...signersByClaim(admittedClaims).values()].map((claimsBySigner) =>
    whole(claimsBySigner.map(outcomeOf), doubtsOn),
  );
}

function whole(
  outcomes: readonly SignerOutcome[],
  doubtsOn: (claim: AdmittedClaim) => readonly Doubt[],
): JudgedClaim {
  const status = ORDER.find((each) => outcomes.some((outcome) => outcome.status === each));
  const same = outcomes.filter((outcome) => outcome.status === status);
  const [first] = same;
  if (first === undefined)
    throw new ConsignError("INTERNAL", "a claim that nobody has signed does not stand");
  const { claim, ...outcome } = first;
  const {
    digest,
    scope,
    claim: { type, predicate },
  } = claim;
  const doubts = doubtsOn(claim);
  const about = { digest, type, scope, ...issuersOf(same.map((each) => each.claim)) };
  if (status === "effective") {
    const reason = `verified, signed by ${together(same.map((each) => each.claim.signer))}`;
    return {
      ...about,
      status,
      reason,
      ...(same.some((each) => each.claim.datedAhead) ? { datedAhead: true } : {}),
      ...(doubts.length === 0 ? {} : { doubts: [...doubts] }),
      ...(predicate === undefined ? {} : { predicate }),
    };
  }
  const [doubt] = doubts;
  return doubt === undefined
    ? { ...about, ...outcome }
    : {
        ...about,
        status: "inconclusive",
        reason: `${doubt.reason}; otherwise it is ${outcome.status}: ${outcome.reason}`,
      };
}

/** Who issued a claim; the first one alone as it has always been told. */
export function issuersOf(
  signings: readonly Signing[],
): Pick<JudgedClaim, "issuer" | "issuedAt" | "expiresAt" | "issuers"> {
  const issuers = signings.map(({ signer, verdict: { signedAt, expiresAt } }): ClaimIssuer => ({
    issuer: signer,
    ...(signedAt === undefined ? {} : { issuedAt: signedAt }),
    ...(expiresAt === undefined ? {} : { expiresAt }),
  }));
  return { ...issuers[0], ...(issuers.length > 1 ? { issuers } : {}) };
}

/**
 * Who else may have issued a claim that stands: of a revocation, those who may revoke what it
 * names.
 */
export function doubtsAbout(
  doubts: readonly Doubt[],
  { claim, type }: AdmittedClaim,
  { objectionTo }: Revocations,
  issuerOf: (signer: Signer) => Issuer,
): Doubt[] {
  if (type !== "revocation") return [...doubts];
  return doubts.filter(
    ({ signer: subject, root }) =>
      subject === undefined || objectionTo(issuerOf({ subject, root }), claim) === undefined,
  );
}
