// SPDX-License-Identifier: Apache-2.0
import type { Digest } from "../../oci/digest";
import { signersByClaim, type AdmittedClaim } from "./claim-by-signer";

/** Place of a claim among those of its issuer: time, named steps above that time, digest. */
type Age = readonly [time: number, steps: number, digest: Digest];

export interface Superseded {
  by: Digest;
  reason: string;
}

export interface Supersession {
  /** Undefined for a claim that nothing supersedes. */
  superseder(claim: AdmittedClaim): Superseded | undefined;
  /** Why it cannot be told whether the issuer has made a later claim. */
  undated(claim: AdmittedClaim): string | undefined;
}

/**
 * Step 3 of `effective.ts`. A claim that several have signed is in the list once for each, and does
 * not supersede itself. Of one that is dated ahead nobody knows when it was made, so it has no
 * place in its issuer's order.
 * @param claims what step 2 has left
 * @param admitted what step 1 has: who names a claim has come after it, also where it has been
 * revoked, or may not revoke
 */
export function orderClaims(
  claims: readonly AdmittedClaim[],
  admitted: readonly AdmittedClaim[],
): Supersession {
  const allNames = namedBy(admitted);
  const ages = agesOf(allNames);
  const left = new Set(claims);
  const names = new Map(
    claims.map((claim) => [claim, (allNames.get(claim) ?? []).filter((named) => left.has(named))]),
  );
  const first = (a: AdmittedClaim, b: AdmittedClaim) =>
    (a.rank === b.rank ? 0 : a.rank - b.rank) || compareAges(ages(b), ages(a));
  const namedSuperseders = invert(names, first);
  const ofIssuer = ({ type, scope, issuer }: AdmittedClaim) =>
    JSON.stringify([type, scope, issuer]);
  const bestListed = bestOf(
    claims.filter((claim) => claim.rank !== Infinity),
    ({ type, scope }) => JSON.stringify([type, scope]),
    first,
  );
  const bestOfIssuer = bestOf(
    claims.filter(({ datedAhead }) => !datedAhead),
    ofIssuer,
    first,
  );
  const ahead = new Set(
    claims
      .filter(isOrdered)
      .filter(({ datedAhead }) => datedAhead)
      .map(ofIssuer),
  );
  const byIssuer = new Map<string, AdmittedClaim[]>();
  for (const claim of claims)
    if (ahead.has(ofIssuer(claim)))
      byIssuer.set(ofIssuer(claim), [...(byIssuer.get(ofIssuer(claim)) ?? []), claim]);

  return {
    superseder(claim) {
      const candidates: [claim: AdmittedClaim, reason: string][] = [];
      const [named] = namedSuperseders.get(claim) ?? [];
      if (named !== undefined) candidates.push([named, `${named.signer} replaced it by name`]);
      if (claim.type !== "vex") {
        const listed = claim.rank === Infinity ? undefined : bestListed(claim);
        if (listed !== undefined && listed.rank < claim.rank && listed.digest !== claim.digest)
          candidates.push([listed, `${listed.signer} takes precedence`]);
        const latest = claim.datedAhead ? undefined : bestOfIssuer(claim);
        if (latest !== undefined && latest.digest !== claim.digest)
          candidates.push([latest, "the same issuer has made a later claim"]);
      }
      const [best] = candidates.sort(([a], [b]) => first(a, b));
      return best === undefined ? undefined : { by: best[0].digest, reason: best[1] };
    },
    undated(claim) {
      if (!claim.datedAhead || !isOrdered(claim)) return undefined;
      const replaced = new Set(
        (names.get(claim) ?? []).map(({ digest }) => digest).concat(claim.digest),
      );
      const rival = byIssuer.get(ofIssuer(claim))?.find(({ digest }) => !replaced.has(digest));
      return rival === undefined
        ? undefined
        : `${claim.signer} dates it ahead, ${String(claim.verdict.signedAt)}, so whether ${rival.digest} came later cannot be told: it has to be signed again, or revoked, or replaced by name`;
    },
  };
}

/**
 * Documents of OpenVEX add up, and of two revocations of one thing it is of no consequence which
 * came later.
 */
function isOrdered({ type }: AdmittedClaim): boolean {
  return type !== "vex" && type !== "revocation";
}

/**
 * Rule (a): the claims that each claim names and may supersede, those that are named before those
 * that name them.
 */
function namedBy(claims: readonly AdmittedClaim[]): Map<AdmittedClaim, AdmittedClaim[]> {
  const all = signersByClaim(claims);
  const names = new Map<AdmittedClaim, AdmittedClaim[]>();
  const namers = new Map<AdmittedClaim, AdmittedClaim[]>();
  for (const claim of claims) {
    const named = claim.claim.supersedes.flatMap((digest) => all.get(digest) ?? []);
    const may = named.filter(
      (other) =>
        other.digest !== claim.digest && (other.issuer === claim.issuer || claim.rank < other.rank),
    );
    names.set(claim, may);
    for (const other of may) addTo(namers, other, claim);
  }
  const ordered = new Map<AdmittedClaim, AdmittedClaim[]>();
  const unsettled = new Map([...names].map(([claim, may]) => [claim, may.length]));
  for (const open = claims.filter((claim) => unsettled.get(claim) === 0); open.length > 0;) {
    const claim = open.pop();
    if (claim === undefined) break;
    ordered.set(claim, names.get(claim) ?? []);
    for (const namer of namers.get(claim) ?? []) {
      const left = (unsettled.get(namer) ?? 0) - 1;
      unsettled.set(namer, left);
      if (left === 0) open.push(namer);
    }
  }
  const settled = new Set(ordered.keys());
  for (const claim of claims)
    if (!settled.has(claim))
      ordered.set(
        claim,
        (names.get(claim) ?? []).filter((other) => settled.has(other)),
      );
  return ordered;
}

/** Rule (c): a claim is as late as the latest of its issuer's that it names, and one step more. */
function agesOf(names: ReadonlyMap<AdmittedClaim, AdmittedClaim[]>): (claim: AdmittedClaim) => Age {
  const ages = new Map<AdmittedClaim, Age>();
  const ageOf = (claim: AdmittedClaim): Age => ages.get(claim) ?? [claim.signedAt, 0, claim.digest];
  for (const [claim, named] of names) {
    const below = named.filter((other) => other.issuer === claim.issuer).map(ageOf);
    ages.set(
      claim,
      below
        .map(([time, steps]): Age => [time, steps + 1, claim.digest])
        .reduce(later, ageOf(claim)),
    );
  }
  return ageOf;
}

function later(a: Age, b: Age): Age {
  return compareAges(a, b) >= 0 ? a : b;
}

function compareAges(a: Age, b: Age): number {
  if (a[0] !== b[0]) return a[0] < b[0] ? -1 : 1;
  if (a[1] !== b[1]) return a[1] - b[1];
  return a[2] === b[2] ? 0 : a[2] < b[2] ? -1 : 1;
}

/** Who names each claim, the first first. */
function invert(
  names: ReadonlyMap<AdmittedClaim, AdmittedClaim[]>,
  first: (a: AdmittedClaim, b: AdmittedClaim) => number,
): Map<AdmittedClaim, AdmittedClaim[]> {
  const superseders = new Map<AdmittedClaim, AdmittedClaim[]>();
  for (const [claim, named] of names) for (const other of named) addTo(superseders, other, claim);
  for (const list of superseders.values()) list.sort(first);
  return superseders;
}

function addTo(
  lists: Map<AdmittedClaim, AdmittedClaim[]>,
  key: AdmittedClaim,
  claim: AdmittedClaim,
): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [claim]);
  else list.push(claim);
}

function bestOf(
  claims: readonly AdmittedClaim[],
  key: (claim: AdmittedClaim) => string,
  first: (a: AdmittedClaim, b: AdmittedClaim) => number,
): (claim: AdmittedClaim) => AdmittedClaim | undefined {
  const best = new Map<string, AdmittedClaim>();
  for (const claim of claims) {
    const current = best.get(key(claim));
    if (current === undefined || first(claim, current) < 0) best.set(key(claim), claim);
  }
  return (claim) => best.get(key(claim));
}
