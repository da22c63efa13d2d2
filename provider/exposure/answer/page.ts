// SPDX-License-Identifier: Apache-2.0
import { markup, Markup } from "../../report/html/markup";
import { STYLE } from "../../report/html/style";
import { digestOfRow, minute } from "../../report/html/words";
import type { Finding } from "../findings";
import type { ExposureAnswer } from "./answer";
import type { ExposureEntry } from "./entry";
import { findingText, stayText } from "./text";

/** The answer as one page that stands alone; the same answer gives the same bytes. */
export function exposurePage(
  { entries, counts, faults, askedAt }: ExposureAnswer,
  title: string,
): string {
  const page = markup`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="referrer" content="no-referrer"><meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"><title>${title} – Consign</title><style>${new Markup(STYLE)}</style></head><body><main>
<h1>${title}</h1><p>${counts.affected} affected, ${counts.unknown} unknown, ${counts.fixed} fixed, ${counts["not-affected"]} not affected${counts.elsewhere === 0 ? "" : `, ${counts.elsewhere} not there at that time`}</p>
${faults.length === 0 ? undefined : markup`<section><h2>Could not be read</h2><ul>${faults.map(({ where, reason }) => markup`<li>${where}: ${reason}</li>`)}</ul></section>`}
<section><h2>Artifacts</h2><table><thead><tr><th>Status</th><th>Artifact</th><th>In use</th><th>Where</th><th>Why</th></tr></thead><tbody>${entries.map(row)}</tbody></table></section>
<footer>Asked at ${minute(askedAt)} UTC; nothing was written.</footer></main></body></html>
`;
  return page.html;
}

function row({
  status,
  digest,
  names,
  environments,
  notes,
  where,
  findings,
  platforms = [],
}: ExposureEntry): Markup {
  return markup`<tr><td>${status}</td><td>${digestOfRow(digest)}${lines(names)}</td><td>${lines([...environments.map(stayText), ...notes])}</td><td>${lines(where.map(({ place, state }) => `${state} at ${place}`))}</td><td>${found(findings)}${platforms.map((image) => markup`<p>${image.platform ?? ""} ${digestOfRow(image.digest)}: ${image.status}</p>${found(image.findings)}`)}</td></tr>`;
}

function lines(texts: readonly string[]): Markup[] {
  return texts.map((text) => markup`<div>${text}</div>`);
}

function found(findings: readonly Finding[]): Markup[] {
  return lines(findings.map(findingText));
}
