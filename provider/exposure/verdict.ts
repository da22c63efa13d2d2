// SPDX-License-Identifier: Apache-2.0
import type { Digest } from "../oci/digest";
import { typeKey } from "../claims/index";
import type { Evidence } from "./evidence";
import { doubtsOf, gapsOf, labelOf, type Finding } from "./findings";
import { isInRange, type PackageRange } from "./packages/range";
import type { Subject } from "./subject";
import { vulnerabilityFindings } from "./vulnerability";

/** What a question comes to for one digest. It is pure: evidence in, findings out. */
export function findingsOn(
  digest: Digest,
  evidence: Evidence,
  subject: Subject,
  now: Date,
): Finding[] {
  const findings =
    subject.is === "vulnerability"
      ? vulnerabilityFindings(evidence, subject)
      : subject.is === "package"
        ? packageFindings(evidence, subject.range)
        : claimFindings(digest, evidence, subject, now);
  return [...findings, ...evidence.faults.map((why): Finding => ({ status: "unknown", why }))];
}

function packageFindings(evidence: Evidence, range: PackageRange): Finding[] {
  const findings: Finding[] = [];
  for (const { packages, by } of evidence.inventories) {
    const { sure, namesakes } = packages.find(range.key);
    for (const found of sure) {
      const inside = isInRange(range, found);
      const said = { package: labelOf(found), by };
      if (inside === undefined)
        findings.push({
          ...said,
          status: "unknown",
          why: `whether it is ${range.text} cannot be told: ${found.version === undefined ? "the SBOM gives no version" : "its version cannot be compared"}`,
        });
      else if (inside) findings.push({ ...said, status: "affected", why: `it is ${range.text}` });
      else
        findings.push({
          ...said,
          status: "not-affected",
          why: `its version is not in ${range.text}`,
        });
    }
    for (const found of namesakes)
      findings.push({
        package: labelOf(found),
        by,
        status: "unknown",
        why: `the SBOM names it without a package URL; it may be ${range.key}`,
      });
  }
  return [...findings, ...gapsOf(evidence, ["sbom/spdx", "sbom/cyclonedx"])];
}

function claimFindings(
  digest: Digest,
  { claims, doubts }: Evidence,
  { type, condition }: Extract<Subject, { is: "claim" }>,
  now: Date,
): Finding[] {
  const findings = claims.map(({ by, predicate, issuedAt, type: exact }): Finding => {
    if (condition === undefined) return { status: "affected", why: "it has such a claim", by };
    const answer = condition.evaluate({
      predicate,
      type: exact,
      issuer: by.issuer ?? "",
      subject: digest,
      now,
      ...(issuedAt === undefined ? {} : { issuedAt: new Date(issuedAt) }),
    });
    if ("error" in answer)
      return { status: "unknown", why: `the condition gives no answer: ${answer.error}`, by };
    return answer.result
      ? { status: "affected", why: "the condition holds", by }
      : { status: "not-affected", why: "the condition does not hold", by };
  });
  return [...findings, ...doubtsOf(doubts, [typeKey(type)])];
}
