// SPDX-License-Identifier: Apache-2.0
import { hexOf, type Digest } from "../../oci/digest";
import { legend, markOf, toneOf, wordOf, type Status } from "./marks";
import { markup, type Markup } from "./markup";
import { flat, type Finding, type Row } from "./rows";
import { anchorOf, count, digestOfRow, signerOf, when } from "./words";

/** From so many claims of one type on, they get a line that counts them. */
const CROWD = 6;

interface Rail {
  through: boolean;
}

/** The graph: every artifact with what refers to it, one row each, with a column for each place. */
export function graphTable(rows: readonly Row[], places: readonly string[]): Markup {
  const known = new Set(flat(rows).map(({ digest }) => digest));
  const columns =
    places.length > 1
      ? places.map(
          (place, index) =>
            markup`<th class="place" scope="col" title="${place}"><span class="key">${index + 1}</span></th>`,
        )
      : [];
  const head = markup`<thead><tr><th scope="col">Artifact and what refers to it</th><th scope="col">Status</th><th scope="col">Signed by</th><th scope="col">Signed, UTC</th><th scope="col">Until</th><th scope="col">Digest</th>${columns}</tr></thead>`;
  const seen = new Set<Digest>();
  const body = rows.map((row) => tree(row, [], places, known, seen));
  const statuses = new Set(
    flat(rows).flatMap(({ at }) =>
      at.flatMap((finding) => (finding === undefined ? [] : [finding.status])),
    ),
  );
  return markup`<div class="scroll"><table class="graph">${head}<tbody>${body}</tbody></table></div>${legend(statuses)}`;
}

function tree(
  row: Row,
  rails: readonly Rail[],
  places: readonly string[],
  known: ReadonlySet<Digest>,
  seen: Set<Digest>,
  before?: Row,
): Markup {
  const own = line(row, rails, places, known, seen, before);
  const below = row.below.map((child, index) => {
    const last = index === row.below.length - 1;
    const crowd = crowdHead(row.below, index);
    const inner = tree(
      child,
      [...rails, { through: !last }],
      places,
      known,
      seen,
      row.below[index - 1],
    );
    return crowd === undefined ? inner : markup`${groupLine(crowd, rails, places)}${inner}`;
  });
  return markup`${own}${below}`;
}

/** The claims that begin here and are many of one type. */
function crowdHead(rows: readonly Row[], index: number): Row[] | undefined {
  const row = rows[index];
  if (row?.kind !== "claim" || rows[index - 1]?.name === row.name) return undefined;
  const crowd = rows.filter(({ kind, name }) => kind === "claim" && name === row.name);
  return crowd.length < CROWD ? undefined : crowd;
}

function groupLine(
  crowd: readonly Row[],
  rails: readonly Rail[],
  places: readonly string[],
): Markup {
  const counts = new Map<string, number>();
  for (const row of crowd)
    counts.set(wordOf(overall(row)), (counts.get(wordOf(overall(row))) ?? 0) + 1);
  const told = [...counts].map(([word, number]) => `${number} ${word}`).join(", ");
  const columns = 6 + (places.length > 1 ? places.length : 0);
  const through = [
    ...rails.map((rail, index) => (rail.through ? railOf(index, "") : undefined)),
    railOf(rails.length, ""),
  ];
  return markup`<tr class="group"><td class="thing" colspan="${columns}" style="--depth:${rails.length + 1}">${through}${crowd[0]?.name ?? ""}: ${told}</td></tr>`;
}

function line(
  row: Row,
  rails: readonly Rail[],
  places: readonly string[],
  known: ReadonlySet<Digest>,
  seen: Set<Digest>,
  before: Row | undefined,
): Markup {
  const status = overall(row);
  const varies =
    new Set(row.at.flatMap((finding) => (finding === undefined ? [] : [finding.status]))).size > 1;
  const passed =
    status === "superseded" || status === "expired" || status === "revoked" ? " passed" : "";
  const id = seen.has(row.digest) ? undefined : markup` id="${anchorOf(row.digest)}"`;
  seen.add(row.digest);
  const columns =
    places.length > 1
      ? row.at.map(
          (finding, index) =>
            markup`<td class="place">${presence(finding, places[index] ?? "")}</td>`,
        )
      : [];
  const word = varies
    ? markup`<span class="unsure">differs by place</span>`
    : markup`<span class="${toneOf(status)}">${wordOf(status)}</span>`;
  const name = row.kind === "artifact" ? row.name : row.name.replace(/^https?:\/\//, "");
  return markup`<tr class="${row.kind}${passed}"${id}><td class="thing" style="--depth:${rails.length}">${drawn(rails)}${row.below.length > 0 ? railOf(rails.length, " stem") : undefined}${markOf(status)}<b>${name}</b>${audience(row)}${detail(row, before)}${reasons(row, places)}</td><td class="nowrap">${word}${instead(row, known)}</td><td class="nowrap">${signerOf(row.issuer)}</td><td class="nowrap">${when(row.issuedAt)}</td><td class="nowrap">${when(row.expiresAt, "day")}</td><td>${digestOfRow(row.digest)}</td>${columns}</tr>`;
}

/** What to say of a row where places differ: the worst, so that nothing bad hides. */
const WORST: readonly Status[] = [
  "tampered",
  "invalid",
  "malformed",
  "subject-mismatch",
  "broken",
  "revoked",
  "untrusted",
  "unsigned",
  "expired",
  "inconclusive",
];

function overall({ at }: Row): Status {
  const found = at.flatMap((finding) => (finding === undefined ? [] : [finding.status]));
  return WORST.find((status) => found.includes(status)) ?? found[0] ?? "related";
}

function presence(finding: Finding | undefined, place: string): Markup {
  if (finding === undefined)
    return markup`<span class="none" role="img" aria-label="not at ${place}" title="not at ${place}">·</span>`;
  return markOf(finding.status, `${wordOf(finding.status)} at ${place}`);
}

function drawn(rails: readonly Rail[]): (Markup | undefined)[] {
  return rails.map(({ through }, index) => {
    if (index === rails.length - 1) return railOf(index, through ? " branch" : " last branch");
    return through ? railOf(index, "") : undefined;
  });
}

function railOf(index: number, more: string): Markup {
  return markup`<span class="rail${more}" style="--i:${index}"></span>`;
}

function audience({ audience: whose }: Row): Markup | undefined {
  return whose === undefined ? undefined : markup`<span class="audience ${whose}">${whose}</span>`;
}

/** Said once where several of one kind follow each other. */
function detail({ detail: text, name }: Row, before: Row | undefined): Markup | undefined {
  if (text === undefined || (before?.name === name && before.detail === text)) return undefined;
  return markup`<small class="more">${text.length > 96 ? `${text.slice(0, 95)}…` : text}</small>`;
}

/** What counts in its place. */
function instead({ at }: Row, known: ReadonlySet<Digest>): Markup[] {
  const others = new Set(at.flatMap((finding) => finding?.by ?? []));
  return [...others].map((digest) => {
    const short = markup`<code>${hexOf(digest).slice(0, 12)}</code>`;
    return markup`<span class="instead"><small>by</small> ${known.has(digest) ? markup`<a href="#${anchorOf(digest)}" title="${digest}">${short}</a>` : markup`<span title="${digest}">${short}</span>`}</span>`;
  });
}

/**
 * Why something does not count, each reason once, with the places where it differs between them.
 */
function reasons({ at }: Row, places: readonly string[]): Markup[] {
  const told = new Map<string, { finding: Finding; where: number[] }>();
  at.forEach((finding, index) => {
    // That something newer took its place is what the word says, and its digest stands beside it.
    if (finding?.reason === undefined || finding.reason === "" || finding.status === "superseded")
      return;
    const found = told.get(finding.reason) ?? { finding, where: [] };
    found.where.push(index + 1);
    told.set(finding.reason, found);
  });
  const present = at.filter((finding) => finding !== undefined).length;
  return [...told].map(([reason, { finding, where }]) => {
    const here =
      where.length === present || places.length < 2 ? undefined : ` (${where.join(", ")})`;
    return markup`<span class="more reason ${toneOf(finding.status)}">${reason}${here}</span>`;
  });
}

/** For the summary: `12 claims, 3 superseded`. */
export function tally(rows: readonly Row[]): string {
  const claims = flat(rows).filter(({ kind }) => kind === "claim");
  const of = (status: Status) => claims.filter((row) => overall(row) === status).length;
  const parts = (["effective", "superseded", "revoked", "expired"] as const)
    .map((status) => [of(status), wordOf(status)] as const)
    .filter(([number]) => number > 0);
  return `${count(claims.length, "claim")}${parts.length === 0 ? "" : `: ${parts.map(([number, word]) => `${number} ${word}`).join(", ")}`}`;
}
