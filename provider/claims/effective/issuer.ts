// SPDX-License-Identifier: Apache-2.0
import { canonicalSubject } from "./identity";
import { mayName, names, partsOf, type KnownIssuer, type Signer } from "./issuer-entry";

/** Who issued a claim, as the later steps compare it. */
export interface Issuer {
  /** Subject of the signer's certificate. */
  signer: string;
  /** Thumbprint of the trust anchor of his chain; absent where it is not known. */
  root?: string | undefined;
  /** Equal for two claims of the same issuer for sure. */
  issuer: string;
  /** Those who may be the same issuer have one of these in common. */
  maybe: readonly string[];
  /** Place in the precedence; Infinity if not listed. */
  rank: number;
  /** The same where all that a certificate says besides, and its root, makes no difference. */
  bestRank: number;
  /** The lowest place at which he may be listed; -Infinity if he is not. */
  lastRank: number;
  /** Whether the entry at `rank` names the roots under which it is meant. */
  rooted: boolean;
}

/**
 * What somebody may, or is: `sure` may take away what forbids; `unsure` is enough to forbid, as
 * where it cannot be told whether somebody is the issuer or his namesake.
 */
export type Certainty = "sure" | "unsure" | "no";

interface Identifying {
  precedence?: readonly KnownIssuer[] | undefined;
  identified?: Map<string, Issuer> | undefined;
}

/** Ten thousand claims have few signers, and names are slow to read. */
export function identify(signer: Signer, input: Identifying): Issuer {
  const key = JSON.stringify([signer.subject, signer.root]);
  const known = input.identified?.get(key) ?? issuerOf(signer, input);
  input.identified?.set(key, known);
  return known;
}

function issuerOf({ subject, root }: Signer, { precedence = [] }: Identifying): Issuer {
  const place = precedence.findIndex((entry) => names(entry, { subject, root }));
  const rank = place === -1 ? Infinity : place;
  const possible = [...precedence.keys()].filter(
    (at) => at <= rank && mayName(entryAt(precedence, at), { subject }) !== "no",
  );
  // Everybody is not one issuer: else a stranger could replace what another says.
  const isNamed = (at: number) => partsOf(entryAt(precedence, at)).identity !== "*";
  const own = canonicalSubject(subject);
  const rooted = place !== -1 && partsOf(entryAt(precedence, place)).thumbprints !== undefined;
  const known = place !== -1 && isNamed(place);
  return {
    signer: subject,
    root,
    issuer: JSON.stringify([known ? place : own, known && rooted ? "" : (root ?? UNKNOWN)]),
    maybe: [own, ...possible.filter(isNamed).map((at) => `#${at}`)],
    rank,
    bestRank: Math.min(rank, ...possible),
    lastRank: Math.max(...possible),
    rooted,
  };
}

/** What no thumbprint is. */
const UNKNOWN = "?";

function entryAt(precedence: readonly KnownIssuer[], at: number): KnownIssuer {
  return precedence[at] ?? "*";
}

/**
 * Whether two are the same issuer. Of a root that is not known nobody can say that it is the same.
 */
export function sameIssuer(a: Issuer, b: Issuer): Certainty {
  if (a.issuer === b.issuer) return a.rooted || a.root !== undefined ? "sure" : "unsure";
  return a.maybe.some((key) => b.maybe.includes(key)) ? "unsure" : "no";
}

/** Whether one goes before another: under the same root, or as his entry names his. */
export function ranksAbove(a: Issuer, b: Issuer): Certainty {
  if (a.rank < b.bestRank && mayLift(a, a.rooted, b)) return "sure";
  return a.bestRank < b.rank ? "unsure" : "no";
}

/** Whether one who is named by an entry may take away what another says that forbids. */
export function mayLift(a: Issuer, rooted: boolean, b: Issuer): boolean {
  return rooted || (a.root !== undefined && a.root === b.root);
}
