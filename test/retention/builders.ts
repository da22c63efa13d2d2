// SPDX-License-Identifier: Apache-2.0
import { digestOf, type Digest } from "../../provider/oci/digest";
import {
  encodeEvidence,
  type Entries,
  type Evidence,
  type Facts,
  type Rules,
} from "../../provider/retention/index";

const DAY = 86_400_000;
export const YEAR = 365 * DAY;

export function days(count: number): { text: string; ms: number } {
  return { text: `${count}d`, ms: count * DAY };
}

export function rules(overrides: Partial<Rules> = {}): Rules {
  return {
    archiveAfter: days(30),
    retain: { text: "1y", ms: YEAR },
    since: "end-of-production",
    holds: [],
    onExpiry: "purge",
    release: "never",
    ...overrides,
  };
}

export function deployment(
  from: string,
  until?: string,
  environment = "production",
  resource?: string,
): Evidence {
  return {
    kind: "deployment",
    environment,
    ...(resource === undefined ? {} : { resource }),
    from: `${from}T00:00:00Z`,
    ...(until === undefined ? {} : { until: `${until}T00:00:00Z` }),
  };
}

export function archived(day: string): Evidence {
  return { kind: "archived", at: `${day}T00:00:00Z` };
}

/** Facts of an artifact at one source, and, if there is a record of it, in the archive. */
export function facts(evidence: readonly Evidence[], overrides: Partial<Facts> = {}): Facts {
  const claims = evidence.map((each): [Digest, string] => [
    digestOf(JSON.stringify(each)),
    encodeEvidence(each),
  ]);
  const inArchive = evidence.some(({ kind }) => kind === "archived");
  return {
    mediaType: "application/vnd.oci.image.manifest.v1+json",
    size: 1,
    tags: { source: ["v1"] },
    at: ["source"],
    evidence: Object.fromEntries(claims),
    ...(inArchive ? { inArchive } : {}),
    ...overrides,
  };
}

export const ARTIFACT = digestOf("the artifact");

export function entryOf(entries: Entries, digest: Digest = ARTIFACT): string {
  const entry = entries[digest];
  return entry === undefined ? "absent" : `${entry.state} ${entry.decision}`;
}
