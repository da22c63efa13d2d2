// SPDX-License-Identifier: Apache-2.0
import { readFacts, short } from "./facts";
import type { Entries, Entry } from "./entry";

/** The cells of one artifact's row: what a change board reads. */
export interface Row {
  artifact: string;
  inUse: string;
  state: string;
  archived: string;
  until: string;
  decision: string;
  reason: string;
}

/** What was never archived cannot have expired there. */
function stateOf({ state, decision, archivedAt }: Entry): string {
  return state === "expired" && decision === "keep" && archivedAt === undefined
    ? "never archived"
    : state;
}

export function rowOf(digest: string, entry: Entry): Row {
  const tags = [...new Set(Object.values(entry.tags).flat())];
  const { windows } = readFacts(entry, undefined, 0);
  return {
    artifact: [...(tags.length === 0 ? [] : [tags.join(", ")]), short(digest)].join(" "),
    inUse:
      windows
        .map(
          ({ environment, from, until }) =>
            `${environment} ${day(from)} to ${until === undefined ? "now" : day(until)}`,
        )
        .join(", ") || "never in use",
    state: stateOf(entry),
    archived: entry.archivedAt === undefined ? "-" : day(entry.archivedAt),
    until: entry.retainUntil === undefined ? "-" : day(entry.retainUntil),
    decision: entry.decision,
    reason: entry.reason,
  };
}

/** One line per digest. */
export function planLines(entries: Entries): Record<string, string> {
  const lines: Record<string, string> = {};
  for (const [digest, entry] of Object.entries(entries))
    lines[digest] = lineOf(rowOf(digest, entry));
  return lines;
}

/** Joined, it is one piece of text; a template would keep each of its parts, thousands of times. */
function lineOf({ artifact, inUse, state, archived, decision, reason }: Row): string {
  const kept = archived === "-" ? [] : [`archived ${archived}`];
  return [decision.toUpperCase(), artifact, [state, inUse, ...kept].join("; "), `(${reason})`].join(
    "  ",
  );
}

const HEAD: Row = {
  artifact: "ARTIFACT",
  inUse: "IN USE",
  state: "STATE",
  archived: "ARCHIVED",
  until: "KEPT UNTIL",
  decision: "DECISION",
  reason: "REASON",
};
const COLUMNS = ["decision", "artifact", "state", "inUse", "archived", "until", "reason"] as const;

/** A table with a head, its columns aligned; the last one is not padded. */
export function planTable(entries: Entries): string[] {
  const rows = [HEAD, ...Object.entries(entries).map(([digest, entry]) => rowOf(digest, entry))];
  const widths = COLUMNS.map((column) => Math.max(...rows.map((row) => row[column].length)));
  return rows.map((row) =>
    COLUMNS.map((column, index) =>
      index === COLUMNS.length - 1 ? row[column] : row[column].padEnd(widths[index] ?? 0),
    )
      .join("  ")
      .trimEnd(),
  );
}

/** How many artifacts each decision is about, as `{ keep: 12, purge: 1 }`. */
export function countDecisions(entries: Entries): Partial<Record<Entry["decision"], number>> {
  const counts: Partial<Record<Entry["decision"], number>> = {};
  for (const { decision } of Object.values(entries)) counts[decision] = (counts[decision] ?? 0) + 1;
  return counts;
}

function day(time: string): string {
  return time.slice(0, 10);
}
