// SPDX-License-Identifier: Apache-2.0
import { ConsignError } from "../../errors";
import type { Digest } from "../../oci/digest";
import { formatInstant } from "../../retention/index";
import type { Finding } from "../findings";
import type { ExposureAnswer } from "./answer";
import type { ExposureEntry } from "./entry";

const SCANNER = "https://consign.dev/exposure/v1";

/** The predicate of a claim of type `vulnerabilities`. */
export interface VulnerabilitiesPredicate {
  [member: string]: unknown;
  scanner: {
    uri: string;
    db: { version?: string; lastUpdate: string };
    result: { id: string; severity: { method: string; score: string }[] }[];
    /** Why there may be more. */
    incomplete?: string[];
  };
  metadata: { scanStartedOn: string; scanFinishedOn: string };
}

/**
 * What an answer found of one digest, as the predicate of a claim of type `vulnerabilities`: of an
 * index what was found in any of its images. The same answer gives the same predicate.
 * @throws ConsignError `INPUT_INVALID` if the digest is not in the answer, or the question was not
 * about vulnerabilities
 * @see https://github.com/in-toto/attestation/blob/v1.1.1/spec/predicates/vulns_02.md
 */
export function vulnerabilitiesFrom(
  answer: ExposureAnswer,
  digest: Digest,
): VulnerabilitiesPredicate {
  const { entries, askedAt, advisories, about } = answer;
  if (about !== "vulnerability")
    throw new ConsignError(
      "INPUT_INVALID",
      "only an answer about vulnerabilities can become such a claim",
    );
  const findings = findingsOf(entries, digest);
  if (findings === undefined)
    throw new ConsignError("INPUT_INVALID", `the answer says nothing of ${digest}`, {
      path: "digest",
    });
  const at = formatInstant(Date.parse(askedAt));
  const result = new Map<string, Finding["severity"]>();
  for (const { status, vulnerability, severity } of findings)
    if (status === "affected" && vulnerability !== undefined)
      result.set(vulnerability, result.get(vulnerability) ?? severity);
  const incomplete = [
    ...new Set(findings.filter(({ status }) => status === "unknown").map(({ why }) => why)),
  ].sort();
  return {
    scanner: {
      uri: SCANNER,
      db: {
        ...(advisories === undefined ? {} : { version: advisories.digest }),
        lastUpdate: advisories?.lastUpdate ?? at,
      },
      result: [...result]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([id, severity = []]) => ({ id, severity })),
      ...(incomplete.length === 0 ? {} : { incomplete }),
    },
    metadata: { scanStartedOn: at, scanFinishedOn: at },
  };
}

function findingsOf(entries: readonly ExposureEntry[], digest: Digest): Finding[] | undefined {
  const entry = entries.find((each) => each.digest === digest);
  if (entry !== undefined)
    return [...entry.findings, ...(entry.platforms ?? []).flatMap(({ findings }) => findings)];
  return entries.flatMap(({ platforms = [] }) => platforms).find((image) => image.digest === digest)
    ?.findings;
}
