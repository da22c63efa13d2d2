// SPDX-License-Identifier: Apache-2.0
import { calm, day, isForeign, leftOver, nothingNew, over, type Case, type Outcome } from "./case";
import type { Entry } from "./entry";
import { blobsAfter, inArchive, namesOf } from "./in-archive";
import { describeRetention } from "./rules";
import { vanished } from "./vanished";
import { formatInstant } from "./windows";

/** Undefined: it is nobody's business here. */
export function decide(of: Case): Entry | undefined {
  const outcome =
    purgedBefore(of) ??
    inUse(of) ??
    ofOthers(of) ??
    onItsWay(of) ??
    (of.archived || leftOver(of) ? inArchive(of) : undefined);
  if (outcome === undefined) return undefined;
  return entry(of, outcome);
}

/**
 * Member by member: spread into one another, thousands of entries can take kilobytes more each,
 * for hidden classes that they do not share.
 */
function entry(of: Case, { state, decision, reason, marked, markedAt, blobs }: Outcome): Entry {
  const { mediaType, size, tags, at, evidence, running, inArchive, others } = of.facts;
  const { leftAt, archivedAt } = of.reading;
  const entry: Entry = { mediaType, size, tags, at, evidence, state, decision, reason };
  if (running !== undefined) entry.running = running;
  if (inArchive !== undefined) entry.inArchive = inArchive;
  if (others !== undefined) entry.others = others;
  if (marked !== undefined) entry.marked = marked;
  if (markedAt !== undefined) entry.markedAt = markedAt;
  if (blobs !== undefined) entry.blobs = blobs;
  if (leftAt !== undefined) entry.leftAt = formatInstant(leftAt);
  if (archivedAt !== undefined) entry.archivedAt = formatInstant(archivedAt);
  if (leftAt !== undefined && of.retainUntil !== undefined)
    entry.retainUntil = formatInstant(of.retainUntil);
  return entry;
}

/**
 * A copy that its source kept does not bring back what was purged from the archive; a new use of
 * it does.
 */
function purgedBefore(of: Case): Outcome | undefined {
  const gone = of.recorded?.state === "purged" || of.recorded?.decision === "purge";
  if (
    of.recorded === undefined ||
    !gone ||
    (of.facts.inArchive === true && !isForeign(of)) ||
    !nothingNew(of)
  )
    return undefined;
  return { state: "purged", reason: of.recorded.reason, ...blobsAfter(of.recorded, of.input) };
}

function inUse(of: Case): Outcome | undefined {
  const { doubts, running } = of.reading;
  const because = [...doubts, ...vanished(of)];
  if (because.length > 0)
    return {
      state: stateInDoubt(of),
      decision: "keep",
      reason: `inconclusive: ${because.join("; ")}`,
    };
  return running.length === 0
    ? undefined
    : { state: "in-production", decision: "keep", reason: `runs in ${running.join(", ")}` };
}

/** What this policy knew, and has not archived itself, or not from where it looks now. */
function ofOthers(of: Case): Outcome | undefined {
  if (of.facts.at.length > 0 || of.facts.inArchive !== true || !isForeign(of)) return undefined;
  return {
    state: calm(of),
    decision: "keep",
    reason: `it was archived from ${namesOf(of.facts.others)}, for another policy`,
  };
}

function stateInDoubt(of: Case): Entry["state"] {
  const { running, leftAt } = of.reading;
  if (running.length > 0) return "in-production";
  if (of.archived) return of.reading.contentPurgedAt === undefined ? "archived" : "content-purged";
  return leftAt !== undefined && of.input.asOf < leftAt + of.input.rules.archiveAfter.ms
    ? "grace"
    : leftAt === undefined
      ? "in-production"
      : "to-archive";
}

function onItsWay(of: Case): Outcome | undefined {
  const { leftAt } = of.reading;
  const { archiveAfter } = of.input.rules;
  if (leftAt === undefined)
    return of.archived
      ? {
          state: calm(of),
          decision: "keep",
          reason: "nothing that is trusted says that it left production",
        }
      : undefined;
  const graceUntil = leftAt + archiveAfter.ms;
  if (of.input.asOf < graceUntil)
    return {
      state: "grace",
      decision: "keep",
      reason: `archived ${archiveAfter.text} after its end in production, on ${day(graceUntil)}`,
    };
  if (of.archived || leftOver(of)) return undefined;
  if (over(of))
    return {
      state: "expired",
      decision: "keep",
      reason: `${describeRetention(of.input.rules)}: that was over before it was archived`,
    };
  return {
    state: "to-archive",
    decision: "archive",
    reason: `its grace period of ${archiveAfter.text} ended on ${day(graceUntil)}`,
  };
}
