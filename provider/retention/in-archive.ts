// SPDX-License-Identifier: Apache-2.0
import { calm, day, nothingNew, type Case, type Outcome } from "./case";
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
  if (seen)
    return {
      state: calm(of),
      decision: "release",
      reason: `the archive has it: it leaves ${of.facts.at.join(", ")}; ${kept}`,
    };
  return {
    state: calm(of),
    decision: "keep",
    reason: `${kept}; it leaves ${of.facts.at.join(", ")} at the next run`,
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
  if (marked !== undefined && nothingNew(of))
    return {
      state: "expired",
      decision: rules.onExpiry,
      reason: `${past}: marked on ${marked.slice(0, 10)}, ${WORDS[rules.onExpiry]} now`,
      marked,
    };
  return {
    state: "expired",
    decision: "mark",
    reason: `${past}: ${WORDS[rules.onExpiry]} at the next run`,
    ...(marking ? { marked: formatInstant(asOf) } : {}),
  };
}

/** The first few; all are in the entry. */
export function namesOf(places: readonly string[] = []): string {
  return places.length <= 3
    ? places.join(", ")
    : `${places.slice(0, 3).join(", ")} and ${places.length - 3} more`;
}

const WORDS = { "purge-content": "its content is purged", purge: "it is purged" } as const;
