// SPDX-License-Identifier: Apache-2.0
import type { Digest } from "../../oci/digest";
import { cannotBeCompared } from "./admission";
import { mayLift, ranksAbove, sameIssuer, type Certainty, type Issuer } from "./issuer";
import { anyMayName, mayName, names, partsOf } from "./issuer-entry";
import type { Revocation } from "../lifecycle";
import type { ReadClaim } from "../read-claim";
import type { EffectiveInput } from "./terms";
import {
  targetOf,
  signersByClaim,
  type AdmittedClaim,
  type ClaimBySigner,
} from "./claim-by-signer";

export interface Removed {
  claim: AdmittedClaim;
  status: "revoked" | "untrusted" | "inconclusive";
  reason: string;
  by?: Digest;
}

export interface Revoked {
  by: Digest;
  reason: string;
}

export interface Revocations {
  removed: Removed[];
  /** What is not revoked for sure. */
  left: AdmittedClaim[];
  /** Of these, what may be revoked, and why that cannot be told. */
  unsure: ReadonlyMap<ClaimBySigner, string>;
  /** What has been revoked for sure, and by which revocation. */
  revocationOf(claimBySigner: ClaimBySigner): Revoked | undefined;
  /** Why an issuer may not revoke what a revocation names. */
  objectionTo(issuer: Issuer, revocation: ReadClaim): string | undefined;
}

/**
 * Step 2 of `effective.ts`: takes out revocations without the right to revoke, and what the others
 * revoke. Of a claim that several have signed each one's word is judged for itself, on both sides:
 * who may revoke takes back only what he may, and who may not gains nothing by whom he signs with.
 * @param unreadable claims that cannot be read; they are revoked like others, and revoke nothing
 * here
 */
export function applyRevocations(
  admittedClaims: readonly AdmittedClaim[],
  unreadable: readonly ClaimBySigner[],
  input: EffectiveInput,
): Revocations {
  const claimsBySigner = signersByClaim<ClaimBySigner>([...admittedClaims, ...unreadable]);
  const named = (revocation: ReadClaim): readonly ClaimBySigner[] => {
    const target = targetOf(revocation);
    return target === undefined || target === revocation.digest
      ? []
      : (claimsBySigner.get(target) ?? []);
  };
  const objectionTo = (issuer: Issuer, revocation: ReadClaim): string | undefined => {
    const targets = named(revocation);
    if (targets.length === 0) return objectionToArtifact(issuer, input);
    const objections = targets.map((target) => objectionToClaim(issuer, target, input));
    return objections.includes(undefined) ? undefined : objections[0];
  };
  const removed: Removed[] = [];
  const against = new Map<ClaimBySigner, Against[]>();
  for (const claim of admittedClaims) {
    if (targetOf(claim.claim) === undefined) continue;
    const targets = named(claim.claim);
    const objection = objectionTo(claim, claim.claim);
    const doubt = targets.length === 0 ? doubtAboutArtifact(claim, input) : undefined;
    if (objection !== undefined) removed.push({ claim, status: "untrusted", reason: objection });
    else if (doubt !== undefined) removed.push({ claim, status: "inconclusive", reason: doubt });
    else if (hasBegun(claim, input.now)) {
      for (const target of targets) {
        const right = rightTo(claim, target, input);
        if (right === "no") continue;
        const others = against.get(target) ?? [];
        against.set(target, [...others, { revocation: claim, right }].sort(byRank));
      }
    }
  }
  const without = new Set<ClaimBySigner>(removed.map(({ claim }) => claim));
  const force = forceOf(against);
  const revocationOf = (claimBySigner: ClaimBySigner): Revoked | undefined => {
    const found = against
      .get(claimBySigner)
      ?.find(({ revocation, right }) => right === "sure" && force(revocation) === "sure");
    return found === undefined
      ? undefined
      : {
          by: found.revocation.digest,
          reason: `revoked by ${found.revocation.signer}: ${reasonOf(found.revocation)}`,
        };
  };
  const left: AdmittedClaim[] = [];
  const unsure = new Map<ClaimBySigner, string>();
  for (const claim of admittedClaims) {
    if (without.has(claim)) continue;
    const revoked = revocationOf(claim);
    if (revoked !== undefined) {
      removed.push({ claim, status: "revoked", ...revoked });
      continue;
    }
    left.push(claim);
    const doubtful = against.get(claim)?.find(({ revocation }) => force(revocation) !== "no");
    if (doubtful !== undefined) unsure.set(claim, unsureReason(claim, doubtful));
  }
  return { removed, left, unsure, revocationOf, objectionTo };
}

/** A revocation that names a claim, by one who may revoke it, or maybe. */
interface Against {
  revocation: AdmittedClaim;
  right: Certainty;
}

function unsureReason(claim: AdmittedClaim, { revocation, right }: Against): string {
  const why =
    right === "sure"
      ? "whether that one is revoked in turn cannot be told"
      : `whether he is its issuer, ${claim.signer}, or above him, cannot be told: name them in precedence or lifecycleIssuers with their roots`;
  return `${revocation.signer} revokes it by ${revocation.digest}, and ${why}`;
}

function byRank({ revocation: a }: Against, { revocation: b }: Against): number {
  if (a.rank !== b.rank) return a.rank - b.rank;
  return a.digest === b.digest ? 0 : a.digest < b.digest ? -1 : 1;
}

/** Why an issuer may not revoke the artifact. */
export function objectionToArtifact(
  { signer }: Issuer,
  { lifecycleIssuers }: EffectiveInput,
): string | undefined {
  return anyMayName(lifecycleIssuers?.revocation, { subject: signer }) === "no"
    ? `its signer, ${signer}, is not among those who may issue a revocation here`
    : undefined;
}

function doubtAboutArtifact(
  { signer }: Issuer,
  { lifecycleIssuers }: EffectiveInput,
): string | undefined {
  return anyMayName(lifecycleIssuers?.revocation, { subject: signer }) === "unknown"
    ? cannotBeCompared(signer, "revocation")
    : undefined;
}

/** Why an issuer may not revoke a claim of another. */
export function objectionToClaim(
  claim: Issuer,
  target: Issuer,
  input: EffectiveInput,
): string | undefined {
  return rightTo(claim, target, input) === "no"
    ? `its signer, ${claim.signer}, may not revoke a claim of ${target.signer}`
    : undefined;
}

/**
 * Whether an issuer may revoke a claim of another. What is revoked may be what allows, or what
 * forbids: `unsure` takes away neither, and lets neither count.
 */
function rightTo(claim: Issuer, target: Issuer, { lifecycleIssuers }: EffectiveInput): Certainty {
  const answers = [sameIssuer(claim, target), ranksAbove(claim, target)];
  const signer = { subject: claim.signer, root: claim.root };
  for (const entry of lifecycleIssuers?.revocation ?? []) {
    const isSure =
      names(entry, signer) &&
      claim.rank <= target.bestRank &&
      mayLift(claim, partsOf(entry).thumbprints !== undefined, target);
    if (isSure) answers.push("sure");
    else if (mayName(entry, signer) !== "no" && claim.bestRank <= target.rank)
      answers.push("unsure");
  }
  return answers.find((answer) => answer === "sure") ?? answers.find((a) => a !== "no") ?? "no";
}

/** Without `since` a revocation holds from its signature on, and that has been made. */
function hasBegun(claim: AdmittedClaim, now: Date): boolean {
  const { since } = claim.claim.predicate as Revocation;
  return since === undefined || Date.parse(since) <= now.getTime();
}

function reasonOf(claim: AdmittedClaim): string {
  return (claim.claim.predicate as Revocation).reason;
}

/**
 * Settles which revocations are themselves revoked, from those that nobody revokes onwards; what
 * only a circle could settle is in force. `unsure`: it may be in force.
 */
function forceOf(
  against: ReadonlyMap<ClaimBySigner, Against[]>,
): (revocation: AdmittedClaim) => Certainty {
  const settled = new Map<ClaimBySigner, Certainty>();
  let open = [...against.values()].flat().map(({ revocation }) => revocation);
  for (let before = -1; before !== open.length;) {
    before = open.length;
    open = open.filter((revocation) => {
      const force = settle(against.get(revocation) ?? [], settled);
      if (force !== undefined) settled.set(revocation, force);
      return force === undefined;
    });
  }
  return (revocation) => settled.get(revocation) ?? "sure";
}

function settle(
  against: readonly Against[],
  settled: ReadonlyMap<ClaimBySigner, Certainty>,
): Certainty | undefined {
  const forces = against.map(({ revocation, right }) => ({
    right,
    force: settled.get(revocation),
  }));
  if (forces.some(({ right, force }) => right === "sure" && force === "sure")) return "no";
  if (forces.some(({ force }) => force === undefined)) return undefined;
  return forces.some(({ force }) => force !== "no") ? "unsure" : "sure";
}
