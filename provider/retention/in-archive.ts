// SPDX-License-Identifier: Apache-2.0
import {
  calm,
  day,
  graceIsOver,
  nothingNew,
  type Case,
  type Outcome,
  type RetentionInput,
} from "./case";
import type { Entry } from "./entry";
import { describeRetention } from "./rules";
import { formatInstant } from "./windows";

export function inArchive(of: Case): Outcome {
  const { rules } = of.input;
  const { holds } = of.reading;
  if (rules.holds.includes(of.digest))
    return { state: "held", decision: "keep", reason: "legal hold on this digest" };
  if (holds.length > 0)
    return {
      state: "held",
      decision: "keep",
      reason: `legal hold by ${holds.map((hold) => (hold.startsWith("digest ") ? `a part of it, ${hold.slice("digest ".length)}` : `a claim of type ${hold}`)).join(", ")}`,
    };
  const kept = keptBy(of);
  if (kept === undefined) return expired(of);
  return release(of, kept) ?? { state: calm(of), decision: "keep", reason: kept };
}

/** The rule that keeps it in the archive; undefined if its time is over. */
function keptBy(of: Case): string | undefined {
  const { rules, asOf } = of.input;
  const how = describeRetention(rules);
  if (rules.retain === undefined) return how;
  if (of.retainUntil === undefined) return `${how}, which nobody has announced`;
  if (asOf < of.retainUntil) return `${how}, until ${day(of.retainUntil)}`;
  return of.amongLast ? `among the last ${rules.last} that left production` : undefined;
}

function release(of: Case, kept: string): Outcome | undefined {
  if (of.input.rules.release !== "after-archive" || of.facts.at.length === 0) return undefined;
  const seen =
    of.recorded !== undefined &&
    of.recorded.archivedAt !== undefined &&
    of.recorded.inArchive === true &&
    nothingNew(of);
  const { leaving, staying } = heldByTags(of);
  const stays = staying.map(
    ({ location, tags }) => `; it stays at ${location}, where it is tagged ${namesOf(tags)}`,
  );
  if (leaving.length === 0)
    return { state: calm(of), decision: "keep", reason: `${kept}${stays.join("")}` };
  const where = leaving.join(", ");
  if (seen)
    return {
      state: calm(of),
      decision: "release",
      reason: `the archive has it: it leaves ${where}; ${kept}${stays.join("")}`,
    };
  return {
    state: calm(of),
    decision: "keep",
    reason: `${kept}; it leaves ${where} at the next run${stays.join("")}`,
  };
}

/** A tag says that somebody wants it there, unless the policy says that it does not. */
function heldByTags({ facts, input }: Case): {
  leaving: string[];
  staying: { location: string; tags: string[] }[];
} {
  const { releaseTags = () => false } = input.rules;
  const places = facts.at.map((location) => ({
    location,
    tags: (facts.tags[location] ?? []).filter((tag) => !releaseTags(tag)),
  }));
  return {
    leaving: places.filter(({ tags }) => tags.length === 0).map(({ location }) => location),
    staying: places.filter(({ tags }) => tags.length > 0),
  };
}

function expired(of: Case): Outcome {
  const { rules, asOf, marking } = of.input;
  const past = `${describeRetention(rules)}, until ${of.retainUntil === undefined ? "now" : day(of.retainUntil)}`;
  const { others = [] } = of.facts;
  if (others.length > 0)
    return {
      state: calm(of),
      decision: "keep",
      reason: `${past}: that is over, but it was archived from ${namesOf(others)} too, for another policy`,
    };
  if (rules.onExpiry === "report")
    return {
      state: of.reading.contentPurgedAt === undefined ? "expired" : "content-purged",
      decision: "report",
      reason: `${past}: that is over`,
    };
  if (rules.onExpiry === "purge-content" && of.reading.contentPurgedAt !== undefined) {
    return {
      state: "content-purged",
      decision: "keep",
      reason: `${past}: its content is purged, its claims stay`,
    };
  }
  const marked = of.recorded?.marked;
  if (marked !== undefined && nothingNew(of)) return due(of, past, marked);
  return {
    state: "expired",
    decision: "mark",
    reason: `${past}: ${WORDS[rules.onExpiry]} at the next run`,
    ...(marking ? { marked: formatInstant(asOf), ...markedNow(of) } : {}),
  };
}

/**
 * Manifests go with the first run that was told to take them. Blobs cannot be told from those of
 * somebody who is just writing, so they go only when their mark is old enough.
 */
function due(of: Case, past: string, marked: string): Outcome {
  const { rules, marking } = of.input;
  const markedAt = of.recorded?.markedAt;
  const mark = { marked, ...(markedAt === undefined && marking ? markedNow(of) : { markedAt }) };
  const since = `${past}: marked on ${marked.slice(0, 10)}`;
  const later = `once it was marked for ${rules.purgeGrace?.text ?? "0s"}`;
  const over = graceIsOver(mark, of.input);
  if (rules.onExpiry === "purge-content")
    return over
      ? {
          state: "expired",
          decision: "purge-content",
          reason: `${since}, ${WORDS["purge-content"]} now`,
          ...mark,
        }
      : {
          state: "expired",
          decision: "mark",
          reason: `${since}, ${WORDS["purge-content"]} ${later}`,
          ...mark,
        };
  const waits = rules.frees !== undefined && !over;
  const blobs =
    rules.frees === undefined
      ? "; its blobs are left to the registry's own collector"
      : waits
        ? `; its blobs go ${later}`
        : "";
  return {
    state: "expired",
    decision: "purge",
    reason: `${since}, ${WORDS.purge} now${blobs}`,
    ...mark,
    ...(waits ? { blobs: "later" } : {}),
  };
}

/** Only where a removal of blobs will ask for it. */
function markedNow({ input: { rules, asOf, now = asOf } }: Case): Pick<Entry, "markedAt"> {
  const { isShared = false, frees, onExpiry, purgeGrace } = rules;
  const waits = (purgeGrace?.ms ?? 0) > 0 && (frees !== undefined || onExpiry === "purge-content");
  return isShared && waits ? { markedAt: formatInstant(now) } : {};
}

/** What becomes of blobs that a purge has left for later. */
export function blobsAfter(
  recorded: Entry,
  input: RetentionInput,
): Pick<Outcome, "decision" | "marked" | "markedAt" | "blobs"> {
  const { blobs, marked, markedAt, decision, state } = recorded;
  const isFreed = state === "purged" && decision === "purge";
  if (blobs === undefined || isFreed || input.rules.frees === undefined)
    return { decision: "keep" };
  return {
    decision: graceIsOver(recorded, input) ? "purge" : "keep",
    marked,
    markedAt,
    blobs,
  };
}

/** The first few; all are in the entry. */
export function namesOf(places: readonly string[] = []): string {
  return places.length <= 3
    ? places.join(", ")
    : `${places.slice(0, 3).join(", ")} and ${places.length - 3} more`;
}

const WORDS = { "purge-content": "its content is purged", purge: "it is purged" } as const;
