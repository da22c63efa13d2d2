// SPDX-License-Identifier: Apache-2.0
import type { Digest } from "../../oci/digest";
import { matchesIdentity } from "./identity";
import type { Revocation } from "../lifecycle";
import type { ReadClaim } from "../read-claim";
import type { EffectiveInput } from "./terms";
import {
  targetOf,
  signersByClaim,
  type Issuer,
  type AdmittedClaim,
  type ClaimBySigner,
} from "./claim-by-signer";

export interface Removed {
  claim: AdmittedClaim;
  status: "revoked" | "untrusted";
  reason: string;
  by?: Digest;
}

export interface Revoked {
  by: Digest;
  reason: string;
}

export interface Revocations {
  removed: Removed[];
  left: AdmittedClaim[];
  /** What has been revoked, and by which revocation. */
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
  const byTarget = new Map<ClaimBySigner, AdmittedClaim[]>();
  for (const claim of admittedClaims) {
    if (targetOf(claim.claim) === undefined) continue;
    const objection = objectionTo(claim, claim.claim);
    if (objection !== undefined) removed.push({ claim, status: "untrusted", reason: objection });
    else if (hasBegun(claim, input.now)) {
      for (const target of named(claim.claim).filter(
        (each) => objectionToClaim(claim, each, input) === undefined,
      )) {
        byTarget.set(target, [...(byTarget.get(target) ?? []), claim].sort(byRank));
      }
    }
  }
  const without = new Set<ClaimBySigner>(removed.map(({ claim }) => claim));
  const inForce = forceOf(byTarget);
  const revocationOf = (claimBySigner: ClaimBySigner): Revoked | undefined => {
    const revocation = byTarget.get(claimBySigner)?.find(inForce);
    return revocation === undefined
      ? undefined
      : {
          by: revocation.digest,
          reason: `revoked by ${revocation.signer}: ${reasonOf(revocation)}`,
        };
  };
  const left: AdmittedClaim[] = [];
  for (const claim of admittedClaims) {
    if (without.has(claim)) continue;
    const revoked = revocationOf(claim);
    if (revoked === undefined) left.push(claim);
    else removed.push({ claim, status: "revoked", ...revoked });
  }
  return { removed, left, revocationOf, objectionTo };
}

function byRank(a: AdmittedClaim, b: AdmittedClaim): number {
  if (a.rank !== b.rank) return a.rank - b.rank;
  return a.digest === b.digest ? 0 : a.digest < b.digest ? -1 : 1;
}

/** Why an issuer may not revoke the artifact. */
export function objectionToArtifact(
  claim: Issuer,
  { lifecycleIssuers }: EffectiveInput,
): string | undefined {
  const allowed = lifecycleIssuers?.revocation;
  if (allowed === undefined || allowed.some((identity) => matchesIdentity(identity, claim.signer)))
    return undefined;
  return `its signer, ${claim.signer}, is not among those who may issue a revocation here`;
}

/** Why an issuer may not revoke a claim of another. */
export function objectionToClaim(
  claim: Issuer,
  target: Issuer,
  { lifecycleIssuers }: EffectiveInput,
): string | undefined {
  if (claim.issuer === target.issuer || claim.rank < target.rank) return undefined;
  const listed =
    lifecycleIssuers?.revocation?.some((identity) => matchesIdentity(identity, claim.signer)) ??
    false;
  if (listed && claim.rank <= target.rank) return undefined;
  return `its signer, ${claim.signer}, may not revoke a claim of ${target.signer}`;
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
 * only a circle could settle is in force.
 */
function forceOf(
  byTarget: ReadonlyMap<ClaimBySigner, AdmittedClaim[]>,
): (revocation: AdmittedClaim) => boolean {
  const settled = new Map<ClaimBySigner, boolean>();
  let open = [...byTarget.values()].flat();
  for (let before = -1; before !== open.length;) {
    before = open.length;
    open = open.filter((revocation) => {
      const against = byTarget.get(revocation) ?? [];
      if (against.some((other) => settled.get(other) === true)) settled.set(revocation, false);
      else if (against.every((other) => settled.get(other) === false))
        settled.set(revocation, true);
      else return true;
      return false;
    });
  }
  return (revocation) => settled.get(revocation) ?? true;
}
