// SPDX-License-Identifier: Apache-2.0
import type { Digest } from "../oci/digest";
import { targetOf, type Issuer, type Standing } from "./admission";
import type { EffectiveInput } from "./effective";
import { matchesIdentity } from "./identity";
import type { Revocation } from "./lifecycle";

export interface Removed {
  claim: Standing;
  status: "revoked" | "untrusted";
  reason: string;
  by?: Digest;
}

/** Step 2 of `effective.ts`: takes out revocations without the right to revoke, and what the others revoke. */
export function applyRevocations(standing: readonly Standing[], input: EffectiveInput): { revoked: Removed[]; left: Standing[] } {
  const all = new Map(standing.map((claim) => [claim.digest, claim]));
  const removed: Removed[] = [];
  const byTarget = new Map<Digest, Standing[]>();
  for (const claim of standing) {
    const target = targetOf(claim.claim);
    if (target === undefined) continue;
    const named = target === claim.digest ? undefined : all.get(target);
    const objection = named === undefined ? objectionToArtifact(claim, input) : objectionToClaim(claim, named, input);
    if (objection !== undefined) removed.push({ claim, status: "untrusted", reason: objection });
    else if (named !== undefined && hasBegun(claim, input.now)) byTarget.set(target, [...(byTarget.get(target) ?? []), claim].sort(byRank));
  }
  const without = new Set(removed.map(({ claim }) => claim.digest));
  const inForce = forceOf(byTarget);
  const left: Standing[] = [];
  for (const claim of standing) {
    if (without.has(claim.digest)) continue;
    const revocation = byTarget.get(claim.digest)?.find(({ digest }) => inForce(digest));
    if (revocation === undefined) left.push(claim);
    else removed.push({ claim, status: "revoked", by: revocation.digest, reason: `revoked by ${revocation.signer}: ${reasonOf(revocation)}` });
  }
  return { revoked: removed, left };
}

function byRank(a: Standing, b: Standing): number {
  return a.rank === b.rank ? (a.digest < b.digest ? -1 : 1) : a.rank - b.rank;
}

/** Why an issuer may not revoke the artifact. */
export function objectionToArtifact(claim: Issuer, { lifecycleIssuers }: EffectiveInput): string | undefined {
  const allowed = lifecycleIssuers?.revocation;
  if (allowed === undefined || allowed.some((identity) => matchesIdentity(identity, claim.signer))) return undefined;
  return `its signer, ${claim.signer}, is not among those who may issue a revocation here`;
}

/** Why an issuer may not revoke a claim of another. */
export function objectionToClaim(claim: Issuer, target: Issuer, { lifecycleIssuers }: EffectiveInput): string | undefined {
  if (claim.issuer === target.issuer || claim.rank < target.rank) return undefined;
  const listed = lifecycleIssuers?.revocation?.some((identity) => matchesIdentity(identity, claim.signer)) ?? false;
  if (listed && claim.rank <= target.rank) return undefined;
  return `its signer, ${claim.signer}, may not revoke a claim of ${target.signer}`;
}

/** Without `since` a revocation holds from its signature on, and that has been made. */
function hasBegun(claim: Standing, now: Date): boolean {
  const { since } = claim.claim.predicate as Revocation;
  return since === undefined || Date.parse(since) <= now.getTime();
}

function reasonOf(claim: Standing): string {
  return (claim.claim.predicate as Revocation).reason;
}

/** Settles which revocations are themselves revoked, from those that nobody revokes onwards; what only a circle could settle is in force. */
function forceOf(byTarget: ReadonlyMap<Digest, Standing[]>): (digest: Digest) => boolean {
  const settled = new Map<Digest, boolean>();
  let open = [...byTarget.values()].flat();
  for (let before = -1; before !== open.length; ) {
    before = open.length;
    open = open.filter(({ digest }) => {
      const against = byTarget.get(digest) ?? [];
      if (against.some((other) => settled.get(other.digest) === true)) settled.set(digest, false);
      else if (against.every((other) => settled.get(other.digest) === false)) settled.set(digest, true);
      else return true;
      return false;
    });
  }
  return (digest) => settled.get(digest) ?? true;
}
