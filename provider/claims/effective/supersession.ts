// SPDX-License-Identifier: Apache-2.0
import type { Digest } from "../../oci/digest";
import { signersByClaim, type AdmittedClaim } from "./claim-by-signer";
import { ranksAbove, sameIssuer, type Certainty } from "./issuer";
import type { Revocations } from "./revocation";

/** Place of a claim among those of its issuer: time, named steps above that time, digest. */
type Age = readonly [time: number, steps: number, digest: Digest];

export interface Superseded {
  by: Digest;
  reason: string;
}

export interface Supersession {
  /** Undefined for a claim that nothing supersedes for sure. */
  superseder(claim: AdmittedClaim): Superseded | undefined;
  /** Why it cannot be told whether something supersedes it. */
  undecided(claim: AdmittedClaim): string | undefined;
}

/**
 * Step 3 of `effective.ts`. A claim that several have signed is in the list once for each, and does
 * not supersede itself. Of one that is dated ahead nobody knows when it was made, so it has no
 * place in its issuer's order.
 * @param revocations what step 2 has left; what may be revoked supersedes nothing for sure
 * @param admitted what step 1 has: who names a claim has come after it, also where it has been
 * revoked, or may not revoke
 */
export function orderClaims(
  { left, unsure }: Pick<Revocations, "left" | "unsure">,
  admitted: readonly AdmittedClaim[],
): Supersession {
  const allNames = namedBy(admitted);
  const ages = agesOf(allNames);
  const remaining = new Set(left);
  const names = new Map(
    left.map((claim) => [
      claim,
      (allNames.get(claim) ?? []).filter((named) => remaining.has(named)),
    ]),
  );
  const first = (a: AdmittedClaim, b: AdmittedClaim) =>
    (a.rank === b.rank ? 0 : a.rank - b.rank) || compareAges(ages(b), ages(a));
  const namers = invert(names, first);
  const sure = left.filter((claim) => !unsure.has(claim));
  const listed = bestsOf(
    sure.filter(({ rank }) => rank !== Infinity),
    (claim) => [subjectOf(claim)],
    first,
  );
  const latest = bestsOf(
    sure.filter(({ datedAhead }) => !datedAhead),
    ofIssuer,
    first,
  );
  const rivals = rivalsOf(left, first);
  const undated = datesAhead(left, names);
  const isLater = (a: AdmittedClaim, b: AdmittedClaim) =>
    a.datedAhead || b.datedAhead || compareAges(ages(a), ages(b)) > 0;
  const isSure = (a: AdmittedClaim, b: AdmittedClaim) =>
    !unsure.has(a) && mayReplace(a, b) === "sure";

  return {
    superseder(claim) {
      const candidates: [claim: AdmittedClaim, reason: string][] = [];
      const named = namers.get(claim)?.find((namer) => isSure(namer, claim));
      if (named !== undefined) candidates.push([named, `${named.signer} replaced it by name`]);
      if (claim.type !== "vex") {
        const above = listed(subjectOf(claim)).find(
          (other) => ranksAbove(other, claim) === "sure" && other.digest !== claim.digest,
        );
        if (above !== undefined && claim.rank !== Infinity)
          candidates.push([above, `${above.signer} takes precedence`]);
        const last = claim.datedAhead ? undefined : latest(ofIssuer(claim)[0] ?? "")[0];
        if (
          last !== undefined &&
          last.digest !== claim.digest &&
          isSame(last, claim) &&
          compareAges(ages(last), ages(claim)) > 0
        )
          candidates.push([last, "the same issuer has made a later claim"]);
      }
      const [best] = candidates.sort(([a], [b]) => first(a, b));
      return best === undefined ? undefined : { by: best[0].digest, reason: best[1] };
    },
    undecided(claim) {
      // Of two revocations both hold as long as it is not sure that one replaces the other.
      if (claim.type === "revocation") return undefined;
      const named = namers.get(claim)?.[0];
      const rival =
        named ??
        (claim.type === "vex"
          ? undefined
          : rivals(claim).find(
              (other) =>
                other.digest !== claim.digest &&
                (overtakes(other, claim) ||
                  (maybeSame(other, claim, unsure) && isLater(other, claim))),
            ));
      return rival === undefined ? undated(claim) : undecidedReason(rival, claim);
    },
  };
}

function undecidedReason({ signer, digest }: AdmittedClaim, claim: AdmittedClaim): string {
  return `whether ${digest} by ${signer} replaces it cannot be told: its issuer, ${claim.signer}, may be another one or of another rank, or that one may be revoked: name them in precedence with their roots`;
}

function isSame(a: AdmittedClaim, b: AdmittedClaim): boolean {
  return sameIssuer(a, b) === "sure";
}

/** Rule (b), as far as it is not ruled out that both are listed, and the other above. */
function overtakes(other: AdmittedClaim, claim: AdmittedClaim): boolean {
  return other.bestRank < claim.lastRank && !isSame(other, claim);
}

/** Rule (c), where it is not sure that there is another claim, or that it is the same issuer's. */
function maybeSame(
  other: AdmittedClaim,
  claim: AdmittedClaim,
  unsure: Revocations["unsure"],
): boolean {
  const same = sameIssuer(other, claim);
  return same === "unsure" || (same === "sure" && unsure.has(other));
}

/** Rule (a): whether who names a claim replaces it. */
function mayReplace(namer: AdmittedClaim, named: AdmittedClaim): Certainty {
  const answers = [sameIssuer(namer, named), ranksAbove(namer, named)];
  return answers.find((answer) => answer === "sure") ?? answers.find((a) => a !== "no") ?? "no";
}

function subjectOf({ type, scope }: AdmittedClaim): string {
  return JSON.stringify([type, scope]);
}

function ofIssuer({ type, scope, issuer }: AdmittedClaim): string[] {
  return [JSON.stringify([type, scope, issuer])];
}

/** What may overtake each claim: of each issuer the first, by rank and by who he may be. */
function rivalsOf(
  claims: readonly AdmittedClaim[],
  first: (a: AdmittedClaim, b: AdmittedClaim) => number,
): (claim: AdmittedClaim) => readonly AdmittedClaim[] {
  const same = ({ type, scope, maybe }: AdmittedClaim) =>
    maybe.map((key) => JSON.stringify([type, scope, key]));
  const [ahead, dated] = [true, false].map((isAhead) =>
    bestsOf(
      claims.filter(({ datedAhead }) => datedAhead === isAhead),
      same,
      first,
    ),
  );
  const above = bestsOf(
    claims.filter(({ bestRank }) => bestRank !== Infinity),
    (claim) => [subjectOf(claim)],
    (a, b) => (a.bestRank === b.bestRank ? first(a, b) : a.bestRank - b.bestRank),
  );
  return (claim) => [
    ...above(subjectOf(claim)),
    ...same(claim).flatMap((key) => [...(ahead?.(key) ?? []), ...(dated?.(key) ?? [])]),
  ];
}

/** Why a claim that is dated ahead cannot be ordered among those of its issuer. */
function datesAhead(
  claims: readonly AdmittedClaim[],
  names: ReadonlyMap<AdmittedClaim, readonly AdmittedClaim[]>,
): (claim: AdmittedClaim) => string | undefined {
  const keyOf = (claim: AdmittedClaim) => ofIssuer(claim)[0] ?? "";
  const ahead = new Set(
    claims
      .filter(isOrdered)
      .filter(({ datedAhead }) => datedAhead)
      .map(keyOf),
  );
  const byIssuer = new Map<string, AdmittedClaim[]>();
  for (const claim of claims) if (ahead.has(keyOf(claim))) addTo(byIssuer, keyOf(claim), claim);
  return (claim) => {
    if (!claim.datedAhead || !isOrdered(claim)) return undefined;
    const replaced = new Set(
      (names.get(claim) ?? [])
        .filter((named) => mayReplace(claim, named) === "sure")
        .map(({ digest }) => digest)
        .concat(claim.digest),
    );
    const rival = byIssuer.get(keyOf(claim))?.find(({ digest }) => !replaced.has(digest));
    return rival === undefined
      ? undefined
      : `${claim.signer} dates it ahead, ${String(claim.verdict.signedAt)}, so whether ${rival.digest} came later cannot be told: it has to be signed again, or revoked, or replaced by name`;
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
      (other) => other.digest !== claim.digest && mayReplace(claim, other) !== "no",
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
    const below = named.filter((other) => isSame(other, claim)).map(ageOf);
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

function addTo<K>(lists: Map<K, AdmittedClaim[]>, key: K, claim: AdmittedClaim): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [claim]);
  else list.push(claim);
}

/** By key, the best claim of each issuer, the best of all first. */
function bestsOf(
  claims: readonly AdmittedClaim[],
  keys: (claim: AdmittedClaim) => readonly string[],
  first: (a: AdmittedClaim, b: AdmittedClaim) => number,
): (key: string) => readonly AdmittedClaim[] {
  const bests = new Map<string, Map<string, AdmittedClaim>>();
  for (const claim of claims) {
    for (const key of keys(claim)) {
      const best = bests.get(key) ?? new Map<string, AdmittedClaim>();
      bests.set(key, best);
      const current = best.get(claim.issuer);
      if (current === undefined || first(claim, current) < 0) best.set(claim.issuer, claim);
    }
  }
  const sorted = new Map([...bests].map(([key, best]) => [key, [...best.values()].sort(first)]));
  return (key) => sorted.get(key) ?? [];
}
