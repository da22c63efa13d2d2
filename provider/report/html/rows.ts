// SPDX-License-Identifier: Apache-2.0
import type { Digest } from "../../oci/digest";
import type { Status } from "./marks";
import type { ClaimReport, ObservedArtifact } from "../observation";
import type { SignatureReport } from "../signature-report";

export interface Finding {
  status: Status;
  reason?: string | undefined;
  by?: Digest | undefined;
}

/** One thing, wherever it lies: an artifact, or something that refers to one. */
export interface Row {
  kind: "artifact" | "claim" | "other";
  digest: Digest;
  /** What it is, in a word or two. */
  name: string;
  detail?: string | undefined;
  audience?: string | undefined;
  issuer?: string | undefined;
  issuedAt?: string | undefined;
  expiresAt?: string | undefined;
  /** By place, what was found there; undefined where it is not. */
  at: (Finding | undefined)[];
  below: Row[];
}

/**
 * The same artifacts as seen at several places become one tree; whoever is missing somewhere shows.
 */
export function rowsOf(observed: readonly ObservedArtifact[]): Row[] {
  return merge(observed.map((artifact) => [artifactRow(artifact)]));
}

type LocalRow = Omit<Row, "at" | "below"> & { finding: Finding; below: LocalRow[] };

function merge(places: readonly (readonly LocalRow[])[]): Row[] {
  const rows = new Map<Digest, { row: Row; below: LocalRow[][] }>();
  places.forEach((list, place) => {
    for (const { finding, below, ...local } of list) {
      const found = rows.get(local.digest) ?? {
        row: { ...local, at: places.map(() => undefined), below: [] },
        below: places.map(() => []),
      };
      // What is only known where claims are verified is taken from there.
      for (const key of ["issuer", "issuedAt", "expiresAt"] as const) found.row[key] ??= local[key];
      found.row.at[place] = finding;
      found.below[place] = below;
      rows.set(local.digest, found);
    }
  });
  return [...rows.values()]
    .map(({ row, below }) => ({ ...row, below: merge(below) }))
    .sort(inOrder);
}

const KINDS = ["artifact", "claim", "other"];

/** Claims by type, the newest first. */
function inOrder(a: Row, b: Row): number {
  if (a.kind !== b.kind)
    return a.kind === "artifact"
      ? 1
      : b.kind === "artifact"
        ? -1
        : KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind);
  if (a.kind === "artifact") return 0;
  if (a.name !== b.name) return a.name < b.name ? -1 : 1;
  const key = ({ issuedAt = "", digest }: Row) => `${issuedAt}\n${digest}`;
  return key(a) > key(b) ? -1 : 1;
}

function artifactRow(observed: ObservedArtifact): LocalRow {
  const {
    digest,
    platform,
    artifactType,
    mediaType,
    problem,
    signatures,
    claims,
    foreign,
    related,
    manifests,
  } = observed;
  return {
    kind: "artifact",
    digest,
    name: platform ?? "artifact",
    detail: artifactType ?? mediaType,
    ...signing(signatures),
    finding:
      problem === undefined
        ? artifactFinding(observed)
        : { status: "broken", reason: `${problem.reason} [${problem.code}]` },
    below: [
      ...claims.map(claimRow),
      ...foreign.map((claim): LocalRow => ({
        kind: "other",
        digest: claim.digest,
        name: claim.type ?? "unknown",
        detail: `${claim.origin}: ${claim.reason}`,
        finding: { status: claim.status === "broken" ? "broken" : "foreign" },
        below: [],
      })),
      ...related.map(relatedRow),
      ...manifests.map(artifactRow),
    ],
  };
}

function artifactFinding({ verdict, signatures, platform }: ObservedArtifact): Finding {
  const [best] = signatures;
  if (verdict?.outcome === "verified")
    return { status: "verified", reason: verdict.warnings.join("; ") || verdict.reason };
  // An index's signature speaks for its members too.
  if (best === undefined) return { status: platform === undefined ? "unsigned" : "member" };
  return { status: best.status, reason: best.status === "valid" ? undefined : best.reason };
}

function claimRow(claim: ClaimReport): LocalRow {
  const { digest, name, audience, scope, status, reason, by, signatures, claims, related } = claim;
  const { issuer, issuedAt, expiresAt } = claim.issuer === undefined ? signing(signatures) : claim;
  return {
    kind: "claim",
    digest,
    name,
    detail: scope === "" ? undefined : scope.replaceAll("\n", " "),
    audience,
    issuer,
    issuedAt,
    expiresAt,
    finding: {
      status,
      reason:
        status === "effective" || status === "unchecked" || status === "unsigned"
          ? undefined
          : reason,
      by,
    },
    below: [...claims.map(claimRow), ...related.map(relatedRow)],
  };
}

function signing(
  signatures: readonly SignatureReport[],
): Pick<LocalRow, "issuer" | "issuedAt" | "expiresAt"> {
  const [best] = signatures;
  return { issuer: best?.signer?.subject, issuedAt: best?.signedAt, expiresAt: best?.expiresAt };
}

function relatedRow({ digest, artifactType }: { digest: Digest; artifactType?: string }): LocalRow {
  return {
    kind: "other",
    digest,
    name: artifactType ?? "unknown",
    finding: { status: "related" },
    below: [],
  };
}

/** Every row, depth first. */
export function flat(rows: readonly Row[]): Row[] {
  return rows.flatMap((row) => [row, ...flat(row.below)]);
}
