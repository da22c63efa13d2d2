// SPDX-License-Identifier: Apache-2.0
import type { ClaimReport } from "../observation";
import type { Markup } from "./markup";
import { markup } from "./markup";
import type { SignatureReport } from "../signature-report";

/** Everything that a mark can say of an artifact, a claim or a signature. */
export type Status =
  ClaimReport["status"] | SignatureReport["status"] | "broken" | "foreign" | "related" | "member";

type Tone = "good" | "bad" | "unsure" | "plain" | "quiet";

interface Mark {
  tone: Tone;
  /** Drawn in a square of 16 units; each status can be told by its shape alone. */
  shape: Markup;
  word: string;
}

const disc = (inner: Markup): Markup =>
  markup`<circle cx="8" cy="8" r="7" fill="currentColor"/>${inner}`;
const ring = (inner: Markup): Markup =>
  markup`<circle cx="8" cy="8" r="6.2" fill="none" stroke="currentColor" stroke-width="1.6"/>${inner}`;
const octagon = (inner: Markup): Markup =>
  markup`<path d="M5.2 1h5.6L15 5.2v5.6L10.8 15H5.2L1 10.8V5.2z" fill="currentColor"/>${inner}`;
const triangle = (inner: Markup): Markup =>
  markup`<path d="M8 1.2 15.4 14.4H.6z" fill="currentColor"/>${inner}`;
const diamond = (inner: Markup): Markup =>
  markup`<path d="M8 .8 15.2 8 8 15.2.8 8z" fill="currentColor"/>${inner}`;
const line = (path: string, colour = "var(--paper)"): Markup =>
  markup`<path d="${path}" fill="none" stroke="${colour}" stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round"/>`;

const CHECK = "M4.8 8.3 7.1 10.6 11.3 5.8";
const CROSS = "M5.4 5.4 10.6 10.6M10.6 5.4 5.4 10.6";

const MARKS: Readonly<Record<Status, Mark>> = {
  effective: { tone: "good", word: "effective", shape: disc(line(CHECK)) },
  verified: { tone: "good", word: "verified", shape: disc(line(CHECK)) },
  unchecked: {
    tone: "plain",
    word: "not checked",
    shape: ring(markup`<circle cx="8" cy="8" r="2" fill="currentColor"/>`),
  },
  valid: {
    tone: "plain",
    word: "whole, signer not checked",
    shape: ring(markup`<circle cx="8" cy="8" r="2" fill="currentColor"/>`),
  },
  superseded: {
    tone: "quiet",
    word: "superseded",
    shape: ring(line("M5 8h5.6M8.6 5.8 10.8 8 8.6 10.2", "currentColor")),
  },
  expired: { tone: "bad", word: "expired", shape: ring(line("M8 4.6V8l2.4 1.6", "currentColor")) },
  revoked: { tone: "bad", word: "revoked", shape: octagon(line(CROSS)) },
  untrusted: { tone: "bad", word: "untrusted", shape: triangle(line("M8 6v4M8 12.3v.1")) },
  unsigned: {
    tone: "bad",
    word: "unsigned",
    shape: markup`<circle cx="8" cy="8" r="6.2" fill="none" stroke="currentColor" stroke-width="1.6" stroke-dasharray="2.6 2.2"/>`,
  },
  inconclusive: {
    tone: "unsure",
    word: "could not tell",
    shape: diamond(line("M6.4 6.4a1.7 1.7 0 1 1 2.5 1.5c-.6.3-.9.6-.9 1.2M8 11.2v.1")),
  },
  malformed: {
    tone: "bad",
    word: "malformed",
    shape: markup`<rect x="1.5" y="1.5" width="13" height="13" rx="1.5" fill="currentColor"/>${line(CROSS)}`,
  },
  "subject-mismatch": {
    tone: "bad",
    word: "about something else",
    shape: markup`<rect x="1.5" y="1.5" width="13" height="13" rx="1.5" fill="currentColor"/>${line("M4.8 6.4h6.4M4.8 9.6h6.4M9.8 4.4 6.2 11.6")}`,
  },
  tampered: {
    tone: "bad",
    word: "tampered",
    shape: markup`<rect x="1.5" y="1.5" width="13" height="13" rx="1.5" fill="currentColor"/>${line(CROSS)}`,
  },
  invalid: {
    tone: "bad",
    word: "invalid",
    shape: markup`<rect x="1.5" y="1.5" width="13" height="13" rx="1.5" fill="currentColor"/>${line(CROSS)}`,
  },
  broken: {
    tone: "bad",
    word: "cannot be read",
    shape: markup`<rect x="1.5" y="1.5" width="13" height="13" rx="1.5" fill="currentColor"/>${line(CROSS)}`,
  },
  foreign: {
    tone: "quiet",
    word: "left by another tool",
    shape: markup`<rect x="2.4" y="2.4" width="11.2" height="11.2" rx="2" fill="none" stroke="currentColor" stroke-width="1.6"/>`,
  },
  related: {
    tone: "quiet",
    word: "refers to it",
    shape: markup`<circle cx="8" cy="8" r="3" fill="currentColor"/>`,
  },
  member: {
    tone: "quiet",
    word: "manifest",
    shape: markup`<rect x="3.4" y="3.4" width="9.2" height="9.2" fill="none" stroke="currentColor" stroke-width="1.6"/>`,
  },
};

export function wordOf(status: Status): string {
  return MARKS[status].word;
}

export function toneOf(status: Status): Tone {
  return MARKS[status].tone;
}

/** A mark by itself; `title` is for pointers and for screen readers. */
export function markOf(status: Status, title = MARKS[status].word): Markup {
  return markup`<svg class="mark ${MARKS[status].tone}" role="img" aria-label="${title}"><title>${title}</title><use href="#m-${status}"/></svg>`;
}

/** The shapes, once for the page; marks point at them. */
export function markSymbols(): Markup {
  const symbols = Object.entries(MARKS).map(
    ([status, { shape }]) => markup`<symbol id="m-${status}" viewBox="0 0 16 16">${shape}</symbol>`,
  );
  return markup`<svg class="symbols" aria-hidden="true">${symbols}</svg>`;
}

/** What the marks mean, for the statuses that occur. */
export function legend(statuses: ReadonlySet<Status>): Markup {
  const entries = (Object.keys(MARKS) as Status[]).filter(
    (status) => statuses.has(status) && status !== "member",
  );
  const byShape = new Map<string, Status[]>();
  for (const status of entries)
    byShape.set(MARKS[status].shape.html, [
      ...(byShape.get(MARKS[status].shape.html) ?? []),
      status,
    ]);
  const shown = [...byShape.values()].flatMap(([first, ...same]) =>
    first === undefined ? [] : [{ first, words: [first, ...same].map(wordOf).join(", ") }],
  );
  return markup`<p class="legend">${shown.map(({ first, words }) => markup`<span>${markOf(first)} ${words}</span>`)}</p>`;
}
