// SPDX-License-Identifier: Apache-2.0
import type { Digest } from "../../oci/digest";
import { stayText } from "../answer/text";
import type { ExposureAnswer } from "../answer/answer";
import type { ExposureEntry } from "../answer/entry";
import type { Finding } from "../findings";

/** By digest, then by what it is about: one line a finding, so that a new one is one new line. */
export type FindingLines = Record<Digest, Record<string, string>>;

/**
 * What is affected or cannot be told. There is no time of asking in it: the same world gives the
 * same lines tomorrow.
 */
export function findingLines({
  entries,
  faults,
}: ExposureAnswer): FindingLines & Record<string, Record<string, string>> {
  const lines: Record<string, Record<string, string>> = {};
  for (const entry of entries) {
    if (entry.status !== "affected" && entry.status !== "unknown") continue;
    const own = { ...linesOf(entry.findings), ...memberLines(entry) };
    lines[entry.digest] = { artifact: nameOf(entry), ...own };
  }
  for (const { where, reason } of faults) lines[where] = { "cannot be read": reason };
  return lines;
}

function nameOf({ names, environments, where }: ExposureEntry): string {
  const name = names[0] ?? where[0]?.place ?? "";
  const stays = environments.map(stayText);
  return [name, ...stays].join("; ");
}

function linesOf(findings: readonly Finding[], image = ""): Record<string, string> {
  const lines: Record<string, string> = {};
  for (const { status, vulnerability, package: named, why, by } of findings) {
    if (status !== "affected" && status !== "unknown") continue;
    const about = [image, vulnerability, named].filter((part) => part !== undefined && part !== "");
    const key = about.length === 0 ? (by?.claim ?? "artifact as a whole") : about.join(" ");
    const text = `${status}: ${why}${by?.issuer === undefined ? "" : ` (${by.type} by ${by.issuer})`}`;
    lines[key] = lines[key] === undefined ? text : `${lines[key]}; ${text}`;
  }
  return lines;
}

function memberLines({ platforms = [] }: ExposureEntry): Record<string, string> {
  return Object.assign(
    {},
    ...platforms.map(({ platform, digest, findings }) => linesOf(findings, platform ?? digest)),
  ) as Record<string, string>;
}
