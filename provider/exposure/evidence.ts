// SPDX-License-Identifier: Apache-2.0
import type { VexEntry } from "../claims/index";
import type { Digest } from "../oci/digest";
import type { Window } from "../retention/index";
import type { Inventory } from "./sbom/read-sbom";

/** A claim that an answer rests on, or that could not be used for one. */
export interface Basis {
  claim: Digest;
  /** Short name of its type, else the URI. */
  type: string;
  issuer?: string;
  status: string;
}

/** A claim that may say something and of which cannot be told what, or whether it counts. */
export interface Doubtful extends Basis {
  reason: string;
}

export interface Scan {
  by: Basis;
  ids: readonly string[];
  finishedAt: string;
}

/** An effective claim as a condition looks at it. */
export interface ConditionedClaim {
  by: Basis;
  type: string;
  predicate: unknown;
  issuedAt?: string | undefined;
}

/** What claims at one place, or at several, say about one digest. */
export interface Evidence {
  /** Its digest, and those of the indexes that it is in: what is said of one is said of all it holds. */
  digests: Digest[];
  inventories: (Inventory & { by: Basis })[];
  scans: Scan[];
  vex: VexEntry[];
  /** Of the type that is asked for. */
  claims: ConditionedClaim[];
  doubts: Doubtful[];
  /** SBOMs that do not count, with the reason: where there is no other they tell why. */
  refused: Doubtful[];
  stays: Window[];
  /** Why there may have been more stays. */
  unsureStays: string[];
  /** Faults of reading, one reason each: what else there is cannot be told. */
  faults: string[];
}

export function noEvidence(digest: Digest): Evidence {
  return {
    digests: [digest],
    inventories: [],
    scans: [],
    vex: [],
    claims: [],
    doubts: [],
    refused: [],
    stays: [],
    unsureStays: [],
    faults: [],
  };
}

/**
 * What is said at several places, or of an index and of one of its members, together. A claim that
 * cannot be judged at one place and is effective at another is no doubt.
 */
export function union(...all: readonly Evidence[]): Evidence {
  const effective = new Set(
    all.flatMap(({ inventories, scans, claims }) =>
      [...inventories, ...scans, ...claims].map(({ by }) => by.claim),
    ),
  );
  const vexClaims = new Set(all.flatMap(({ vex }) => vex.map(({ claim }) => claim)));
  return {
    digests: [...new Set(all.flatMap(({ digests }) => digests))],
    inventories: unique(
      all.flatMap((each) => each.inventories),
      ({ by }) => by.claim,
    ),
    scans: unique(
      all.flatMap((each) => each.scans),
      ({ by }) => by.claim,
    ),
    vex: unique(
      all.flatMap((each) => each.vex),
      (entry) => JSON.stringify(entry),
    ),
    claims: unique(
      all.flatMap((each) => each.claims),
      ({ by }) => by.claim,
    ),
    doubts: unique(
      all
        .flatMap((each) => each.doubts)
        .filter(({ claim }) => !effective.has(claim) && !vexClaims.has(claim)),
      ({ claim }) => claim,
    ),
    refused: unique(
      all.flatMap((each) => each.refused),
      ({ claim }) => claim,
    ),
    stays: unique(
      all.flatMap((each) => each.stays),
      (stay) => JSON.stringify(stay),
    ),
    unsureStays: [...new Set(all.flatMap((each) => each.unsureStays))],
    faults: [...new Set(all.flatMap((each) => each.faults))],
  };
}

function unique<T>(items: readonly T[], keyOf: (item: T) => string): T[] {
  return [...new Map(items.map((item) => [keyOf(item), item])).values()];
}
