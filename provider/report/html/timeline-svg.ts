// SPDX-License-Identifier: Apache-2.0
import { toneOf } from "./marks";
import { markup, type Markup } from "./markup";
import { day, minute } from "./words";
import type { Lane, Moment, Span, Timeline } from "../timeline";

const WIDTH = 1116;
const LEFT = 190;
const RIGHT = 44;
const TOP = 26;
const LANE = 30;
/** From so many on, moments are strokes: their marks would hide each other. */
const CROWD = 30;

/** A timeline as a picture: a lane each for environments, kinds of claims, and the archive. */
export function timelineSvg(timeline: Timeline): Markup {
  const { lanes, from, to, now } = timeline;
  const scale = (time: number): number =>
    LEFT + ((Math.min(Math.max(time, from), to) - from) / (to - from)) * (WIDTH - LEFT - RIGHT);
  const bottom = TOP + lanes.length * LANE;
  const ticks = ticksOf(from, to).map(
    ({ at, label }) =>
      markup`<line class="grid" x1="${px(scale(at))}" x2="${px(scale(at))}" y1="${TOP - 4}" y2="${bottom}"/><text class="soft" x="${px(scale(at))}" y="${TOP - 10}" text-anchor="middle">${label}</text>`,
  );
  const rows = lanes.map((lane, index) => laneOf(lane, TOP + index * LANE, scale, timeline));
  const today = markup`<line class="now" x1="${px(scale(now))}" x2="${px(scale(now))}" y1="${TOP - 4}" y2="${bottom + 4}"/><text class="soft" x="${px(scale(now))}" y="${bottom + 17}" text-anchor="middle">now, ${minute(now)}</text>`;
  return markup`<div class="scroll"><svg class="timeline" viewBox="0 0 ${WIDTH} ${bottom + 24}" role="img" aria-label="timeline">${ticks}${today}${rows}<line class="grid" x1="0" x2="${WIDTH}" y1="${bottom}" y2="${bottom}"/></svg></div>`;
}

const px = (value: number): string => String(Math.round(value * 10) / 10);

const HEADS: Readonly<Record<Lane["kind"], string>> = {
  production: "in ",
  claims: "",
  lifecycle: "",
  retention: "",
};

function laneOf(
  lane: Lane,
  top: number,
  scale: (time: number) => number,
  timeline: Timeline,
): Markup {
  const middle = top + LANE / 2;
  const name = `${HEADS[lane.kind]}${lane.name.replace(/^https?:\/\//, "")}`;
  const label = name.length > 27 ? `${name.slice(0, 26)}…` : name;
  const total =
    lane.kind === "claims" && lane.moments.length > 1
      ? markup`<text class="soft" x="${WIDTH}" y="${middle + 4}" text-anchor="end">${lane.moments.length}</text>`
      : undefined;
  const spans = lane.spans.map((span) =>
    lane.kind === "claims"
      ? validity(span, middle, scale)
      : bar(span, lane.kind, middle, scale, timeline),
  );
  const moments = lane.moments.map((moment) =>
    lane.moments.length < CROWD ? mark(moment, middle, scale) : stroke(moment, middle, scale),
  );
  return markup`<line class="grid" x1="0" x2="${WIDTH}" y1="${top}" y2="${top}"/><text x="0" y="${middle + 4}"><title>${name}</title>${label}</text>${total}${lane.moments.length < CROWD ? spans : lane.kind === "claims" ? undefined : spans}${moments}`;
}

function bar(
  { from, until, title }: Span,
  kind: Lane["kind"],
  middle: number,
  scale: (time: number) => number,
  { to }: Timeline,
): Markup {
  const [left, right] = [scale(from), Math.max(scale(until ?? to), scale(from) + 3)];
  const open = until === undefined || until > to;
  const tone = kind === "retention" ? "plain" : "good";
  const words =
    kind === "retention"
      ? until === undefined
        ? "archived"
        : `kept until ${day(until)}, then may be purged`
      : until === undefined
        ? `since ${minute(from)}`
        : `${day(from)} – ${day(until)}`;
  const fits = right - left > words.length * 6.2 + 16;
  const tip = open ? 7 : 0;
  const shape = `M${px(left)} ${middle - 9}H${px(right - tip)}${open ? `L${px(right)} ${middle}L${px(right - tip)} ${middle + 9}` : `V${middle + 9}`}H${px(left)}Z`;
  const dashes = kind === "retention" ? markup` stroke-dasharray="4 3"` : undefined;
  const beside = right + words.length * 6.2 + 8 < WIDTH;
  const text = fits
    ? markup`<text class="soft" x="${px(left + 8)}" y="${middle + 4}">${words}</text>`
    : beside
      ? markup`<text class="soft" x="${px(right + 7)}" y="${middle + 4}">${words}</text>`
      : markup`<text class="soft" x="${px(left - 7)}" y="${middle + 4}" text-anchor="end">${words}</text>`;
  return markup`<g class="${tone}"><title>${title}</title><path d="${shape}" fill="var(--${tone}-soft)" stroke="currentColor"${dashes}/>${text}</g>`;
}

function validity(
  { from, until, status, title }: Span,
  middle: number,
  scale: (time: number) => number,
): Markup {
  return markup`<line class="${toneOf(status)}" x1="${px(scale(from))}" x2="${px(scale(until ?? from))}" y1="${middle}" y2="${middle}" stroke="currentColor" stroke-opacity=".45"><title>${title}</title></line>`;
}

function mark(
  { at, status, title }: Moment,
  middle: number,
  scale: (time: number) => number,
): Markup {
  return markup`<g class="${toneOf(status)}"><title>${title}</title><circle cx="${px(scale(at))}" cy="${middle}" r="8.5" fill="var(--paper)"/><use href="#m-${status}" x="${px(scale(at) - 7)}" y="${middle - 7}" width="14" height="14"/></g>`;
}

function stroke(
  { at, status, title }: Moment,
  middle: number,
  scale: (time: number) => number,
): Markup {
  const height = toneOf(status) === "quiet" ? 6 : 10;
  return markup`<line class="tick ${toneOf(status)}" x1="${px(scale(at))}" x2="${px(scale(at))}" y1="${middle - height}" y2="${middle + height}"><title>${title}</title></line>`;
}

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** Steps between ticks: of fixed length up to a week, then months. */
const STEPS = [HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 7 * DAY];
const MONTHS = [1, 2, 3, 6, 12, 24, 60, 120, 240, 600];
const MOST = 9;

function ticksOf(from: number, to: number): { at: number; label: string }[] {
  const step = STEPS.find((length) => (to - from) / length <= MOST);
  if (step !== undefined) return fixedTicks(from, to, step);
  const months = MONTHS.find((length) => (to - from) / (length * 30.44 * DAY) <= MOST) ?? 1_200;
  return monthTicks(from, to, months);
}

function fixedTicks(from: number, to: number, step: number): { at: number; label: string }[] {
  const ticks = [];
  for (let at = Math.ceil(from / step) * step; at <= to; at += step)
    ticks.push({ at, label: step < DAY ? minute(at).slice(5) : day(at) });
  return ticks;
}

function monthTicks(from: number, to: number, months: number): { at: number; label: string }[] {
  const start = new Date(from);
  const first =
    Math.ceil((start.getUTCFullYear() * 12 + start.getUTCMonth() + 1) / months) * months;
  const ticks = [];
  for (let month = first; ; month += months) {
    const at = Date.UTC(Math.floor(month / 12), month % 12, 1);
    if (at > to || ticks.length > MOST + 1) return ticks;
    ticks.push({ at, label: minute(at).slice(0, months % 12 === 0 ? 4 : 7) });
  }
}
