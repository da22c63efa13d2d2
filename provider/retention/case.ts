// SPDX-License-Identifier: Apache-2.0
import type { Digest } from "../oci/digest";
import type { Entry } from "./entry";
import { evidenceIsWithin, readFacts, type Facts, type Reading } from "./facts";
import type { Rules } from "./rules";
import { formatInstant } from "./windows";

export interface RetentionInput {
  facts: Readonly<Record<Digest, Facts>>;
  /** The entries of the last run. */
  recorded: Readonly<Record<Digest, Entry>>;
  rules: Rules;
  /** Milliseconds since 1970. */
  asOf: number;
  /** The same by the real clock. @default asOf */
  now?: number | undefined;
  /** Whether what is found expired may be marked: true for a run, false for a mere look. */
  marking: boolean;
}

/** One artifact, and what its decision depends on. */
export interface Case {
  digest: Digest;
  facts: Facts;
  reading: Reading;
  /** What was decided before. */
  recorded: Entry | undefined;
  input: RetentionInput;
  amongLast: boolean;
  archived: boolean;
  retainUntil: number | undefined;
}

export type Outcome = Pick<Entry, "state" | "decision" | "reason"> &
  Partial<Pick<Entry, "marked" | "markedAt" | "blobs">>;

export function caseOf(
  digest: Digest,
  facts: Facts,
  input: RetentionInput,
  amongLast: boolean,
): Case {
  const reading = readFacts(facts, input.rules.environments, input.asOf);
  return {
    digest,
    facts,
    reading,
    recorded: input.recorded[digest],
    input,
    amongLast,
    archived: facts.inArchive === true && reading.archivedAt !== undefined,
    retainUntil: retainUntil(reading, input.rules),
  };
}

export function calm(of: Case): Entry["state"] {
  return of.reading.contentPurgedAt === undefined ? "archived" : "content-purged";
}

/** Whether the archive has it for others alone. */
export function isForeign(of: Case): boolean {
  return (of.facts.others ?? []).length > 0 && !of.archived;
}

/**
 * A copy from before its last use, of something whose time is over: it is not archived again, and
 * what is there goes.
 */
export function leftOver(of: Case): boolean {
  return of.facts.inArchive === true && of.reading.leftAt !== undefined && over(of);
}

export function over(of: Case): boolean {
  return of.retainUntil !== undefined && of.input.asOf >= of.retainUntil && !of.amongLast;
}

/**
 * A claim that was not there, or says something else than it did, voids what was decided before;
 * but not that others have archived it.
 */
export function nothingNew(of: Case): boolean {
  const { evidence } = of.facts;
  const before = of.recorded?.evidence ?? {};
  return evidenceIsWithin(isForeign(of) ? withoutRecords(evidence) : evidence, before);
}

function withoutRecords(evidence: Facts["evidence"]): Facts["evidence"] {
  return Object.fromEntries(
    Object.entries(evidence).filter(
      ([, text]) => !/^(?:archived|claimed|content-purged) /.test(text),
    ),
  );
}

function retainUntil(
  { leftAt, endOfLife, archivedAt }: Reading,
  { retain, since }: Rules,
): number | undefined {
  const start =
    since === "end-of-production" ? leftAt : since === "end-of-support" ? endOfLife : archivedAt;
  return retain === undefined || start === undefined ? undefined : start + retain.ms;
}

export function day(time: number): string {
  return formatInstant(time).slice(0, 10);
}

/** Whether something was marked so long ago that its blobs may go. */
export function graceIsOver(
  { marked, markedAt }: Pick<Entry, "marked" | "markedAt">,
  { asOf, now = asOf, rules }: Pick<RetentionInput, "asOf" | "now" | "rules">,
): boolean {
  const ms = rules.purgeGrace?.ms ?? 0;
  const isOver = (mark: string | undefined, at: number): boolean =>
    mark !== undefined && at - Date.parse(mark) >= ms;
  return ms === 0 || (isOver(marked, asOf) && (rules.isShared !== true || isOver(markedAt, now)));
}
