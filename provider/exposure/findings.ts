// SPDX-License-Identifier: Apache-2.0
import type { Basis, Doubtful, Evidence } from "./evidence";

export const STATUSES = ["affected", "unknown", "fixed", "not-affected"] as const;
/** The worst first. */
export type ExposureStatus = (typeof STATUSES)[number];

/** One thing that was found out of a digest. */
export interface Finding {
  status: ExposureStatus;
  vulnerability?: string;
  /** As the SBOM has it. */
  package?: string;
  why: string;
  /** On whose word. */
  by?: Basis;
  severity?: { method: string; score: string }[];
}

/** The worst of them; what nothing was found of is not affected. */
export function statusOf(findings: readonly { status: ExposureStatus }[]): ExposureStatus {
  return (
    STATUSES.find((status) => findings.some((each) => each.status === status)) ?? "not-affected"
  );
}

/** Why what was not found may be there all the same. */
export function gapsOf(
  { inventories, doubts, refused }: Evidence,
  types: readonly string[],
): Finding[] {
  const gaps = inventories.flatMap(({ gap, by }): Finding[] =>
    gap === undefined ? [] : [{ status: "unknown", why: gap, by }],
  );
  const none: Finding[] =
    inventories.length > 0
      ? []
      : refused.length === 0
        ? [{ status: "unknown", why: "there is no SBOM" }]
        : refused.map((each) => ({
            status: "unknown",
            why: `its SBOM does not count: it is ${each.status}: ${each.reason}`,
            by: basisOf(each),
          }));
  return [...gaps, ...none, ...doubtsOf(doubts, types)];
}

export function doubtsOf(doubts: readonly Doubtful[], types: readonly string[]): Finding[] {
  return doubts
    .filter(({ type }) => types.includes(type) || type === "unknown" || type === "revocation")
    .map((each) => ({
      status: "unknown",
      why: `a claim of type ${each.type} cannot be judged: it is ${each.status}: ${each.reason}`,
      by: basisOf(each),
    }));
}

function basisOf({ claim, type, issuer, status }: Doubtful): Basis {
  return { claim, type, status, ...(issuer === undefined ? {} : { issuer }) };
}

export function labelOf({
  label,
  version,
}: {
  label: string;
  version: string | undefined;
}): string {
  return label.startsWith("pkg:") || version === undefined ? label : `${label} ${version}`;
}
