// SPDX-License-Identifier: Apache-2.0
import type { Digest } from "../../oci/digest";
import { canonicalJson } from "../canonical-json";
import { vexSchema, type VexDocument, type VexStatement } from "../predicates";
import type { AdmittedClaim } from "./claim-by-signer";
import { ranksAbove, sameIssuer, type Issuer } from "./issuer";

/**
 * What is said about one vulnerability in one product, after later statements have overridden
 * earlier ones.
 */
export interface VexEntry {
  vulnerability: string;
  /**
   * The product's `@id`, or its identifiers as JSON, or the artifact's digest where the statement
   * names none.
   */
  product: string;
  /** Parts of the product that the statement is limited to; empty for all of it. */
  subcomponents: string[];
  status: VexStatement["status"];
  justification?: string;
  impactStatement?: string;
  actionStatement?: string;
  /** RFC 3339: the statement's own time, or its document's. */
  timestamp: string;
  issuer: string;
  /** The claim that says so. */
  claim: Digest;
  /** Claims with statements that this one overrides. */
  overrides: Digest[];
  /** It cannot be told whether another entry about the same overrides it. */
  unsure?: true;
}

interface Said {
  entry: VexEntry;
  key: string;
  rank: number;
  issuer: Issuer;
  order: readonly (number | string)[];
}

/**
 * The effective OpenVEX view. Statements about the same vulnerability, product and subcomponents
 * are a sequence: the later overrides, a statement's time being its own or else its document's;
 * then the greater document version, the greater claim digest, the later place in the document.
 * Whose word counts is policy and not VEX: among listed issuers rank comes before time, and issuers
 * that are not comparable each keep an entry, also where it cannot be told whether one goes before
 * the other. Aliases of vulnerabilities are not joined.
 * @see
 * https://github.com/openvex/spec/blob/v0.2.0/OPENVEX-SPEC.md#updating-statements-with-inherited-data
 */
export function vexView(claims: readonly AdmittedClaim[], artifact: Digest): VexEntry[] {
  const said = claims
    .filter((claim) => claim.type === "vex")
    .flatMap((claim) => statementsOf(claim, artifact));
  said.sort((a, b) =>
    a.key !== b.key
      ? a.key < b.key
        ? -1
        : 1
      : a.rank !== b.rank
        ? a.rank - b.rank
        : compare(b.order, a.order),
  );
  const entries = new Map<string, Said[]>();
  for (const each of said) {
    const { key, entry } = each;
    const before = entries.get(key) ?? [];
    entries.set(key, before);
    const winner = before.find(({ issuer }) => goesBefore(issuer, each.issuer))?.entry;
    if (winner === undefined) {
      if (before.some(({ issuer }) => mayGoBefore(issuer, each.issuer))) entry.unsure = true;
      before.push(each);
    } else if (entry.claim !== winner.claim && !winner.overrides.includes(entry.claim))
      winner.overrides.push(entry.claim);
  }
  const kept = [...entries.values()].flat().map(({ entry }) => entry);
  return kept.map((entry) => ({ ...entry, overrides: entry.overrides.sort() }));
}

/** Of two statements in order, whether the first overrides the second. */
function goesBefore(first: Issuer, second: Issuer): boolean {
  return sameIssuer(first, second) === "sure" || ranksAbove(first, second) === "sure";
}

function mayGoBefore(first: Issuer, second: Issuer): boolean {
  return sameIssuer(first, second) !== "no" || ranksAbove(first, second) !== "no";
}

function statementsOf(claim: AdmittedClaim, artifact: Digest): Said[] {
  const parsed = vexSchema.safeParse(claim.claim.predicate);
  if (!parsed.success) return [];
  const listed = claim.bestRank === Infinity ? claim.maybe[0] : "listed";
  return parsed.data.statements.flatMap((statement, index) =>
    productsOf(statement, artifact).map(({ product, subcomponents }): Said => {
      const entry = entryOf(claim, parsed.data, statement, product, subcomponents);
      return {
        entry,
        key: JSON.stringify([entry.vulnerability, product, subcomponents, listed]),
        rank: claim.rank,
        issuer: claim,
        order: [Date.parse(entry.timestamp), parsed.data.version, claim.digest, index],
      };
    }),
  );
}

function productsOf(
  statement: VexStatement,
  artifact: Digest,
): { product: string; subcomponents: string[] }[] {
  if (statement.products === undefined || statement.products.length === 0)
    return [{ product: artifact, subcomponents: [] }];
  return statement.products.map((product) => ({
    product: idOf(product) ?? artifact,
    subcomponents: (product.subcomponents ?? [])
      .map(idOf)
      .filter((id) => id !== undefined)
      .sort(),
  }));
}

function idOf(component: {
  "@id"?: string | undefined;
  identifiers?: Record<string, string> | undefined;
}): string | undefined {
  return (
    component["@id"] ??
    (component.identifiers === undefined ? undefined : canonicalJson(component.identifiers))
  );
}

function entryOf(
  claim: AdmittedClaim,
  document: VexDocument,
  statement: VexStatement,
  product: string,
  subcomponents: string[],
): VexEntry {
  return {
    vulnerability:
      typeof statement.vulnerability === "string"
        ? statement.vulnerability
        : statement.vulnerability.name,
    product,
    subcomponents,
    status: statement.status,
    ...(statement.justification === undefined ? {} : { justification: statement.justification }),
    ...(statement.impact_statement === undefined
      ? {}
      : { impactStatement: statement.impact_statement }),
    ...(statement.action_statement === undefined
      ? {}
      : { actionStatement: statement.action_statement }),
    timestamp: statement.timestamp ?? document.timestamp,
    issuer: claim.signer,
    claim: claim.digest,
    overrides: [],
  };
}

function compare(a: readonly (number | string)[], b: readonly (number | string)[]): number {
  for (const [index, value] of a.entries()) {
    const other = b[index];
    if (other !== undefined && value !== other) return value < other ? -1 : 1;
  }
  return 0;
}
