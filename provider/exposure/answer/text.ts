// SPDX-License-Identifier: Apache-2.0
import { printable } from "../../printable";
import { dress, shortDigest, type Dress, type Mood } from "../../report/words";
import type { Window } from "../../retention/index";
import type { ExposureStatus, Finding } from "../findings";
import type { ExposureAnswer } from "./answer";
import type { ExposureEntry } from "./entry";

const MOODS: Readonly<Record<ExposureStatus, Mood>> = {
  affected: "bad",
  unknown: "unsure",
  fixed: "good",
  "not-affected": "good",
};

/** The answer for a terminal: what is affected or cannot be told in full, and how many are not. */
export function renderExposure(answer: ExposureAnswer, color: boolean): string {
  const style = dress(color);
  const { counts, entries, faults } = answer;
  const lines = entries
    .filter(({ status }) => status === "affected" || status === "unknown")
    .flatMap((entry) => linesOf(entry, style));
  for (const { where, reason } of faults)
    lines.push(`${style.mark("unsure")} cannot be read: ${printable(where)}: ${printable(reason)}`);
  const told = [
    `${counts.affected} affected`,
    `${counts.unknown} unknown`,
    `${counts.fixed} fixed`,
    `${counts["not-affected"]} not affected`,
    ...(counts.elsewhere === 0 ? [] : [`${counts.elsewhere} not there at that time`]),
    ...(faults.length === 0 ? [] : [`${faults.length} could not be read`]),
  ];
  return [...lines, told.join(", ")].join("\n");
}

function linesOf(entry: ExposureEntry, style: Dress): string[] {
  const {
    digest,
    status,
    names,
    environments,
    where,
    findings,
    more,
    platforms = [],
    notes,
  } = entry;
  const lines = [
    `${style.mark(MOODS[status])} ${status} ${shortDigest(digest)} ${names.map((name) => printable(name)).join(", ") || "(no tag)"}`,
    ...environments.map((stay) => `    in ${stayText(stay)}`),
    ...notes.map((note) => `    maybe elsewhere too: ${printable(note)}`),
    ...where.map(
      ({ place, state, archivedAt }) =>
        `    ${state} at ${printable(place)}${archivedAt === undefined ? "" : `, archived ${archivedAt.slice(0, 10)}`}`,
    ),
    ...findings.map((finding) => `    ${findingText(finding)}`),
    ...(more === undefined ? [] : [`    and ${more} more`]),
  ];
  for (const { platform = "", digest: image, status: its, findings: found } of platforms) {
    lines.push(`    ${its} ${printable(platform)} ${shortDigest(image)}`);
    lines.push(...found.map((finding) => `        ${findingText(finding)}`));
  }
  return lines;
}

export function stayText({ environment, from, until }: Window): string {
  return `${printable(environment)} from ${from.slice(0, 10)}${until === undefined ? ", still" : ` until ${until.slice(0, 10)}`}`;
}

/** One finding on one line: what, of what, why, and on whose word. */
export function findingText({ status, vulnerability, package: named, why, by }: Finding): string {
  const about = [vulnerability, named]
    .filter((part) => part !== undefined)
    .map((part) => printable(part));
  const word =
    by === undefined
      ? ""
      : ` (${by.type} ${shortDigest(by.claim)}${by.issuer === undefined ? "" : ` by ${printable(by.issuer)}`})`;
  return [status, ...about, printable(why)].join(": ") + word;
}
