// SPDX-License-Identifier: Apache-2.0
import type { Digest } from "../../oci/digest";
import { parseReference } from "../../oci/reference";
import { graphTable, tally } from "./graph";
import { markOf, markSymbols, toneOf, wordOf, type Status } from "./marks";
import { markup, Markup } from "./markup";
import { rowsOf, type Row } from "./rows";
import { STYLE } from "./style";
import { count, day, digestOfRow, minute, signerOf, when } from "./words";
import type { ObservedArtifact } from "../observation";
import { timelineOf, type Lane, type Retention, type Timeline } from "../timeline";
import { timelineSvg } from "./timeline-svg";
import { formatSize } from "../words";

export interface HtmlOptions {
  now: Date;
  /** @default the first artifact's repository */
  title?: string | undefined;
  /** What the places are called, in the order of the artifacts. @default their locations */
  labels?: readonly (string | undefined)[] | undefined;
  /** By artifact, what an archive policy decided. */
  retention?: ReadonlyMap<Digest, Retention> | undefined;
  /** What comes first. @default "graph" */
  first?: "graph" | "timeline" | undefined;
}

interface Place {
  label: string;
  location: string;
  observed: ObservedArtifact;
}

/**
 * One page about an artifact, as it lies at one or several places: who signed what, what counts,
 * when it was in production, when it may be purged. It stands alone (no scripts, nothing is
 * loaded), follows the reader's light or dark, and prints. Text that others wrote is text in it,
 * whatever it looks like. The same observations give the same bytes.
 */
export function renderHtml(observed: readonly ObservedArtifact[], options: HtmlOptions): string {
  const places = observed.map((artifact, index): Place => {
    const location = artifact.reference.slice(0, artifact.reference.lastIndexOf("@"));
    return { label: options.labels?.[index] ?? location, location, observed: artifact };
  });
  const { now, retention = new Map<Digest, Retention>(), first = "graph" } = options;
  const title = options.title ?? nameOf(places[0]?.observed.reference ?? "");
  const rows = rowsOf(observed);
  const timeline = timelineOf(observed, retention, now);
  const graph = markup`<section><h2>Graph</h2>${graphTable(
    rows,
    places.map(({ label }) => label),
  )}</section>`;
  const history =
    timeline.lanes.length === 0
      ? undefined
      : markup`<section><h2>Timeline</h2>${timelineSvg(timeline)}</section>`;
  const where =
    places.length < 2
      ? undefined
      : markup`<section><h2>Places</h2>${placesTable(places, retention)}</section>`;
  const page = markup`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="referrer" content="no-referrer"><meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"><title>${title} – Consign</title><style>${new Markup(STYLE)}</style></head><body>${markSymbols()}<main>
${header(title, places, rows, timeline, retention, now)}${first === "graph" ? [where, graph, history] : [where, history, graph]}
<footer>Observed at ${minute(now.getTime())} UTC by reading ${count(places.length, "place")}; nothing was written. ${places.some(({ observed: { policy } }) => policy === undefined) ? "Without a trust policy nobody is called trusted, and what claims say is not believed: production times are then not shown." : ""}</footer></main></body></html>
`;
  return page.html;
}

function nameOf(reference: string): string {
  const { location } = parseReference(reference);
  return location.kind === "layout" ? location.path : location.repository;
}

function header(
  title: string,
  places: readonly Place[],
  rows: readonly Row[],
  timeline: Timeline,
  retention: ReadonlyMap<Digest, Retention>,
  now: Date,
): Markup {
  const [first] = places;
  if (first === undefined)
    return markup`<header><h1>${title}</h1><p class="identity">Nothing was looked at.</p></header>`;
  const { observed } = first;
  const digests = [...new Set(places.map((place) => place.observed.digest))];
  const identity =
    digests.length === 1
      ? markup`<code>${observed.digest}</code>`
      : markup`${count(digests.length, "different digest")} at ${count(places.length, "place")}`;
  return markup`<header><p class="eyebrow">Consign · ${minute(now.getTime())} UTC</p><h1>${title}</h1><p class="identity">${identity}</p>${verdict(places)}<dl class="facts">${facts(observed, rows, timeline, digests, retention)}</dl></header>`;
}

/** The worst that is said at any place. */
function verdict(places: readonly Place[]): Markup {
  const outcomes = places.map(({ observed }) => statusOf(observed));
  const order: Status[] = [
    "broken",
    "invalid",
    "untrusted",
    "unsigned",
    "inconclusive",
    "valid",
    "verified",
  ];
  const worst = order.find((status) => outcomes.includes(status)) ?? "inconclusive";
  const at = places.find((_place, index) => outcomes[index] === worst);
  const policies = [
    ...new Set(
      places.flatMap(({ observed: { policy } }) => (policy === undefined ? [] : [policy])),
    ),
  ];
  const word =
    worst === "verified"
      ? "Verified"
      : worst === "valid"
        ? "Not judged"
        : `Not verified: ${wordOf(worst)}`;
  const why =
    worst === "verified"
      ? undefined
      : worst === "valid"
        ? "signatures are whole; no trust policy was given"
        : (at?.observed.verdict?.reason ?? at?.observed.signatures[0]?.reason);
  const under =
    policies.length === 0
      ? undefined
      : `under ${policies.map((policy) => `“${policy}”`).join(", ")}`;
  const where =
    places.length > 1 && worst !== "verified" && worst !== "valid"
      ? ` at ${at?.label ?? ""}`
      : undefined;
  return markup`<p class="verdict ${toneOf(worst)}">${markOf(worst)}<span>${word}${where} <small>${[under, why].filter((part) => part !== undefined).join(": ")}</small></span></p>`;
}

function statusOf({ problem, verdict: said, signatures }: ObservedArtifact): Status {
  if (problem !== undefined) return "broken";
  if (said !== undefined) return said.outcome === "missing" ? "unsigned" : said.outcome;
  return signatures[0]?.status ?? "unsigned";
}

function facts(
  observed: ObservedArtifact,
  rows: readonly Row[],
  timeline: Timeline,
  digests: readonly Digest[],
  retention: ReadonlyMap<Digest, Retention>,
): Markup[] {
  const { artifactType, mediaType, contentSize, manifests, signatures } = observed;
  const signature = signatures[0];
  const size =
    contentSize === undefined ? count(manifests.length, "manifest") : formatSize(contentSize);
  const kept = digests.flatMap((digest) => retention.get(digest) ?? []);
  return [
    fact("Kind", markup`${artifactType ?? mediaType} <small>${size}</small>`),
    fact(
      "Signed",
      signature === undefined
        ? markup`not signed`
        : markup`${signerOf(signature.signer?.subject)} <small>${when(signature.signedAt)} UTC</small>`,
    ),
    fact("Claims", markup`${tally(rows)}`),
    ...production(timeline),
    ...kept.map(({ state, retainUntil, reason }) =>
      fact(
        "Retention",
        markup`${retainUntil === undefined ? state : `may be purged from ${day(retainUntil)}`} <small>${[retainUntil === undefined ? undefined : state, reason].filter((part) => part !== undefined).join(": ")}</small>`,
      ),
    ),
  ];
}

function production({ lanes }: Timeline): Markup[] {
  const environments = lanes.filter(({ kind }) => kind === "production");
  return environments.map(({ name, spans }) => {
    const open = spans.find(({ until }) => until === undefined);
    const last = spans.reduce<number | undefined>(
      (latest, { until = 0 }) => Math.max(latest ?? 0, until),
      undefined,
    );
    return fact(
      `In ${name}`,
      markup`${open === undefined ? `until ${day(last ?? 0)}` : `since ${day(open.from)}`}${spans.length > 1 ? markup` <small>${count(spans.length, "period")}</small>` : undefined}`,
    );
  });
}

function fact(name: string, value: Markup): Markup {
  return markup`<div><dt>${name}</dt><dd>${value}</dd></div>`;
}

function placesTable(places: readonly Place[], retention: ReadonlyMap<Digest, Retention>): Markup {
  const kept = places.some(({ observed }) => retention.has(observed.digest));
  const head = markup`<thead><tr><th scope="col"></th><th scope="col">Place</th><th scope="col">Artifact</th><th scope="col">Digest</th><th scope="col" class="number">Signatures</th><th scope="col" class="number">Claims</th><th scope="col">Deployed</th>${kept ? markup`<th scope="col">Retention</th>` : undefined}</tr></thead>`;
  const body = places.map(({ label, location, observed }, index) => {
    const status = statusOf(observed);
    const running = timelineOf([observed], new Map(), new Date(0)).lanes.filter(
      ({ kind }) => kind === "production",
    );
    const keeping = retention.get(observed.digest);
    const name =
      label === location ? markup`${location}` : markup`${label} <small>${location}</small>`;
    return markup`<tr><td><span class="key">${index + 1}</span></td><td>${name}</td><td class="nowrap">${markOf(status)} <span class="${toneOf(status)}">${wordOf(status)}</span></td><td>${digestOfRow(observed.digest)}</td><td class="number">${observed.signatures.length}</td><td class="number">${observed.claims.length}</td><td>${running.length === 0 ? markup`<span class="none">–</span>` : environmentsOf(running)}</td>${kept ? markup`<td>${keeping === undefined ? markup`<span class="none">–</span>` : keeping.retainUntil === undefined ? keeping.state : markup`<span class="nowrap">until ${day(keeping.retainUntil)}</span>`}</td>` : undefined}</tr>`;
  });
  return markup`<div class="scroll"><table>${head}<tbody>${body}</tbody></table></div>`;
}

function environmentsOf(lanes: readonly Lane[]): Markup[] {
  return lanes.map(({ name, spans }) => {
    const open = spans.some(({ until }) => until === undefined);
    return markup`<div class="nowrap">${name} <small>${open ? "now" : `until ${day(spans.reduce((latest, { until = 0 }) => Math.max(latest, until), 0))}`}</small></div>`;
  });
}
