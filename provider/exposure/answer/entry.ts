// SPDX-License-Identifier: Apache-2.0
import type { Digest } from "../../oci/digest";
import { openFirst, overlaps } from "../../deployments/stays";
import { isRunning, type Window } from "../../retention/index";
import type { Basis, Evidence } from "../evidence";
import { statusOf, type ExposureStatus, type Finding } from "../findings";
import type { Looked, Member, Whereabouts } from "../places/look";
import type { Scope, Subject } from "../subject";
import { findingsOn } from "../verdict";

/** One image of an index. */
export interface PlatformExposure {
  digest: Digest;
  platform?: string;
  status: ExposureStatus;
  findings: Finding[];
}

/** What was found out of one digest. */
export interface ExposureEntry {
  digest: Digest;
  status: ExposureStatus;
  artifactType?: string;
  /** `place:tag` */
  names: string[];
  /** From when until when it was in which environment: those that last first. */
  environments: Window[];
  /** Whether it is in an environment now. */
  running: boolean;
  where: Whereabouts[];
  findings: Finding[];
  /** Those that are left out of `findings`, as there are too many. */
  more?: number;
  /** Of an index, its images. */
  platforms?: PlatformExposure[];
  /** The claims that the answer rests on. */
  claims: Basis[];
  /** Why it may have been in environments at other times as well. */
  notes: string[];
}

/** Findings of one digest that are told. */
const MAX_FINDINGS = 200;

/**
 * Whether a digest was where and when it is asked about. One of which that cannot be told was.
 */
export function isInScope({ stays, unsureStays, faults }: Evidence, scope: Scope): boolean {
  const { environments, from, until } = scope;
  if (environments === undefined && from === undefined && until === undefined) return true;
  if (unsureStays.length > 0 || faults.length > 0) return true;
  return stays.some(
    (stay) =>
      (environments === undefined || environments.includes(stay.environment)) &&
      overlaps(stay, scope),
  );
}

/** Pure: what was found at the places, put together. */
export function entryOf(
  looked: Looked,
  members: readonly Member[],
  subject: Subject,
  now: Date,
): ExposureEntry {
  const { digest, evidence, where, artifactType } = looked;
  const platforms = members.map((member): PlatformExposure & { evidence: Evidence } => {
    const findings = findingsOn(member.digest, member.evidence, subject, now);
    return {
      digest: member.digest,
      ...(member.platform === undefined ? {} : { platform: member.platform }),
      status: statusOf(findings),
      findings: told(findings),
      evidence: member.evidence,
    };
  });
  // What is said of an index is said of each of its images, and is told with them.
  const own =
    platforms.length > 0
      ? evidence.faults.map((why): Finding => ({ status: "unknown", why }))
      : findingsOn(digest, evidence, subject, now);
  const environments = openFirst(evidence.stays);
  const status = statusOf([...own, ...platforms]);
  const findings = told(own);
  return {
    digest,
    status,
    ...(artifactType === undefined ? {} : { artifactType }),
    names: where.flatMap(({ place, tags }) => tags.map((tag) => `${place}:${tag}`)).sort(),
    environments,
    running: environments.some((stay) => isRunning(stay, now.getTime())),
    where: [...where].sort((a, b) => (a.place < b.place ? -1 : 1)),
    findings,
    ...(findings.length < own.length ? { more: own.length - findings.length } : {}),
    ...(platforms.length === 0
      ? {}
      : { platforms: platforms.map(({ evidence: _evidence, ...platform }) => platform) }),
    claims: basisOf([evidence, ...platforms.map((platform) => platform.evidence)]),
    notes: [...evidence.unsureStays],
  };
}

const RANK: Readonly<Record<ExposureStatus, number>> = {
  affected: 0,
  unknown: 1,
  fixed: 2,
  "not-affected": 3,
};

/** The worst first; the same thing once. */
function told(findings: readonly Finding[]): Finding[] {
  const unique = [...new Map(findings.map((each) => [JSON.stringify(each), each])).values()];
  return unique
    .sort((a, b) => RANK[a.status] - RANK[b.status] || (keyOf(a) < keyOf(b) ? -1 : 1))
    .slice(0, MAX_FINDINGS);
}

function keyOf({ vulnerability = "", package: named = "", why, by }: Finding): string {
  return [vulnerability, named, why, by?.claim ?? ""].join("\n");
}

function basisOf(all: readonly Evidence[]): Basis[] {
  const used = all.flatMap(({ inventories, scans, claims, vex }) => [
    ...[...inventories, ...scans, ...claims].map(({ by }) => by),
    ...vex.map(({ claim, issuer }): Basis => ({ claim, issuer, type: "vex", status: "effective" })),
  ]);
  return [...new Map(used.map((by) => [by.claim, by])).values()].sort((a, b) =>
    a.claim < b.claim ? -1 : 1,
  );
}
