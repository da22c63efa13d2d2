// SPDX-License-Identifier: Apache-2.0
/**
 * # What becomes of each artifact
 *
 * A pure function: facts, rules, a time, and what was decided before, to one decision per digest,
 * with the rule that made it. Rules in this order, the first that applies decides:
 *
 * 1. A doubt (a claim that cannot be judged now) keeps.
 * 2. Whatever runs anywhere, by an open window or by an environment's tag, is kept.
 * 3. What never left production, as far as trusted claims say, is nobody's business here.
 * 4. Within the grace period it is left where it is; after that it is archived, again if it was in
 * use since it was archived last.
 * 5. In the archive: a legal hold keeps, then the last N, then the retention period, then that it
 * was archived from elsewhere too.
 * 6. After that `onExpiry` says what happens.
 *
 * **Nothing is removed that was not marked by an earlier run.** The run that finds an artifact
 * expired only marks it; the next one, whose preview shows the mark, removes it, if it is still
 * expired and nothing new is known of it. So a run removes at most what was recorded before its
 * preview began, whatever happens between preview and update. What leaves a source after archiving
 * is bound in the same way to a run that had seen it in the archive.
 */
import { z } from "zod";
import type { Digest } from "../oci/digest";
import { factsSchema, readFacts, type Facts, type Reading } from "./facts";
import { describeRetention, type Rules } from "./rules";
import { formatInstant, timeSchema } from "./windows";

export const entrySchema = factsSchema.extend({
  state: z.enum([
    "in-production",
    "grace",
    "to-archive",
    "archived",
    "held",
    "expired",
    "content-purged",
    "purged",
  ]),
  /** What the run that carries out this plan does. */
  decision: z.enum(["keep", "archive", "release", "report", "mark", "purge-content", "purge"]),
  /** Why. */
  reason: z.string(),
  leftAt: timeSchema.optional(),
  archivedAt: timeSchema.optional(),
  /** Absent: for ever, or not known yet. */
  retainUntil: timeSchema.optional(),
  /** When it was found expired; only what has this is ever removed. */
  marked: timeSchema.optional(),
});
export type Entry = z.infer<typeof entrySchema>;
export type Entries = Record<Digest, Entry>;

/** What an entry knows, without what was decided. */
export function factsIn({
  mediaType,
  size,
  tags,
  at,
  evidence,
  running,
  inArchive,
  others,
}: Facts): Facts {
  const facts: Facts = { mediaType, size, tags, at, evidence };
  if (running !== undefined) facts.running = running;
  if (inArchive !== undefined) facts.inArchive = inArchive;
  if (others !== undefined) facts.others = others;
  return facts;
}

/** Decisions that change something. */
export function acts({ decision }: Pick<Entry, "decision">): boolean {
  return decision !== "keep" && decision !== "report" && decision !== "mark";
}

export interface RetentionInput {
  facts: Readonly<Record<Digest, Facts>>;
  /** The entries of the last run. */
  recorded: Readonly<Record<Digest, Entry>>;
  rules: Rules;
  /** Milliseconds since 1970. */
  asOf: number;
  /** Whether what is found expired may be marked: true for a run, false for a mere look. */
  marking: boolean;
}

/** The algorithm at the head of this file. Sorted by digest; what was purged stays, as a memory. */
export function planRetention(given: RetentionInput): Entries {
  const input = { ...given, facts: withWhatAPurgeTook(given) };
  const last = lastOfEachSource(input);
  const entries: Entries = {};
  for (const digest of (
    [...new Set([...Object.keys(input.facts), ...Object.keys(input.recorded)])] as Digest[]
  ).sort()) {
    const entry = decided(digest, input, last.has(digest));
    if (entry !== undefined) entries[digest] = entry;
  }
  return entries;
}

function decided(digest: Digest, input: RetentionInput, amongLast: boolean): Entry | undefined {
  const facts = input.facts[digest];
  const recorded = input.recorded[digest];
  if (facts === undefined) return recorded === undefined ? undefined : settledMemory(recorded);
  return new Decision(
    digest,
    facts,
    readFacts(facts, input.rules.environments, input.asOf),
    recorded,
    input,
    amongLast,
  ).make();
}

/**
 * Of what is marked, a purge that was cut short may have taken some claims away already: it is
 * judged by what was recorded of it.
 */
function withWhatAPurgeTook({ facts, recorded }: RetentionInput): Record<Digest, Facts> {
  const judged: Record<Digest, Facts> = { ...facts };
  for (const [digest, found] of Object.entries(facts) as [Digest, Facts][]) {
    const before = recorded[digest];
    if (before?.marked !== undefined && isWithin(found.evidence, before.evidence))
      judged[digest] = { ...found, evidence: before.evidence };
  }
  return judged;
}

function isWithin(evidence: Facts["evidence"], before: Facts["evidence"]): boolean {
  return (
    evidence === before ||
    (Object.keys(evidence) as Digest[]).every((claim) => before[claim] === evidence[claim])
  );
}

/** What is neither at a source nor in the archive any more. */
function settledMemory(recorded: Entry): Entry {
  if (recorded.state === "purged") return recorded;
  const byUs = recorded.decision === "purge";
  return {
    ...recorded,
    at: [],
    inArchive: false,
    state: "purged",
    decision: "keep",
    reason: byUs ? recorded.reason : "it is gone, not by this policy",
  };
}

function lastOfEachSource({ facts, recorded, rules, asOf }: RetentionInput): Set<Digest> {
  const kept = new Set<Digest>();
  if (rules.last === undefined) return kept;
  const bySource = new Map<string, { digest: Digest; leftAt: number }[]>();
  for (const [digest, found] of Object.entries(facts) as [Digest, Facts][]) {
    const { leftAt, contentPurgedAt, running } = readFacts(found, rules.environments, asOf);
    const isMemory = recorded[digest]?.state === "purged" && found.inArchive !== true;
    if (leftAt === undefined || running.length > 0 || contentPurgedAt !== undefined || isMemory)
      continue;
    for (const source of Object.keys(found.tags)) {
      const group = bySource.get(source);
      if (group === undefined) bySource.set(source, [{ digest, leftAt }]);
      else group.push({ digest, leftAt });
    }
  }
  for (const group of bySource.values()) {
    group.sort((a, b) => b.leftAt - a.leftAt || (a.digest < b.digest ? -1 : 1));
    for (const { digest } of group.slice(0, rules.last)) kept.add(digest);
  }
  return kept;
}

type Outcome = Pick<Entry, "state" | "decision" | "reason"> & Partial<Pick<Entry, "marked">>;

class Decision {
  readonly #archived: boolean;
  readonly #retainUntil: number | undefined;

  constructor(
    private readonly digest: Digest,
    private readonly facts: Facts,
    private readonly reading: Reading,
    private readonly recorded: Entry | undefined,
    private readonly input: RetentionInput,
    private readonly amongLast: boolean,
  ) {
    this.#archived = facts.inArchive === true && reading.archivedAt !== undefined;
    this.#retainUntil = retainUntil(reading, input.rules);
  }

  make(): Entry | undefined {
    const outcome =
      this.#purgedBefore() ??
      this.#inUse() ??
      this.#ofOthers() ??
      this.#onItsWay() ??
      (this.#archived || this.#leftOver() ? this.#inArchive() : undefined);
    if (outcome === undefined) return undefined;
    return this.#entry(outcome);
  }

  /**
   * Member by member: spread into one another, thousands of entries can take kilobytes more each,
   * for hidden classes that they do not share.
   */
  #entry({ state, decision, reason, marked }: Outcome): Entry {
    const { mediaType, size, tags, at, evidence, running, inArchive, others } = this.facts;
    const { leftAt, archivedAt } = this.reading;
    const entry: Entry = { mediaType, size, tags, at, evidence, state, decision, reason };
    if (running !== undefined) entry.running = running;
    if (inArchive !== undefined) entry.inArchive = inArchive;
    if (others !== undefined) entry.others = others;
    if (marked !== undefined) entry.marked = marked;
    if (leftAt !== undefined) entry.leftAt = formatInstant(leftAt);
    if (archivedAt !== undefined) entry.archivedAt = formatInstant(archivedAt);
    if (leftAt !== undefined && this.#retainUntil !== undefined)
      entry.retainUntil = formatInstant(this.#retainUntil);
    return entry;
  }

  /**
   * A copy that its source kept does not bring back what was purged from the archive; a new use of
   * it does.
   */
  #purgedBefore(): Outcome | undefined {
    const gone = this.recorded?.state === "purged" || this.recorded?.decision === "purge";
    if (
      this.recorded === undefined ||
      !gone ||
      (this.facts.inArchive === true && !this.#isForeign()) ||
      !this.#nothingNew()
    )
      return undefined;
    return { state: "purged", decision: "keep", reason: this.recorded.reason };
  }

  #inUse(): Outcome | undefined {
    const { doubts, running } = this.reading;
    const because = [...doubts, ...this.#vanished()];
    if (because.length > 0)
      return {
        state: this.#stateInDoubt(),
        decision: "keep",
        reason: `inconclusive: ${because.join("; ")}`,
      };
    return running.length === 0
      ? undefined
      : { state: "in-production", decision: "keep", reason: `runs in ${running.join(", ")}` };
  }

  /** What this policy knew, and has not archived itself, or not from where it looks now. */
  #ofOthers(): Outcome | undefined {
    if (this.facts.at.length > 0 || this.facts.inArchive !== true || !this.#isForeign())
      return undefined;
    return {
      state: this.#calm(),
      decision: "keep",
      reason: `it was archived from ${namesOf(this.facts.others)}, for another policy`,
    };
  }

  /** Whether the archive has it for others alone. */
  #isForeign(): boolean {
    return (this.facts.others ?? []).length > 0 && !this.#archived;
  }

  #stateInDoubt(): Entry["state"] {
    const { running, leftAt } = this.reading;
    if (running.length > 0) return "in-production";
    if (this.#archived)
      return this.reading.contentPurgedAt === undefined ? "archived" : "content-purged";
    return leftAt !== undefined && this.input.asOf < leftAt + this.input.rules.archiveAfter.ms
      ? "grace"
      : leftAt === undefined
        ? "in-production"
        : "to-archive";
  }

  /**
   * Claims that were there at the last run and are not now, so that the artifact seems to have been
   * in use for less long than it was. One run keeps for that reason and says so; after it, what is
   * there counts.
   */
  #vanished(): string[] {
    if (
      this.recorded === undefined ||
      this.recorded.marked !== undefined ||
      this.recorded.state === "purged"
    )
      return [];
    if (isWithin(this.recorded.evidence, this.facts.evidence)) return [];
    const before = readFacts(this.recorded, this.input.rules.environments, this.input.asOf);
    const lost = before.windows.filter(
      (window) =>
        !this.reading.windows.some(
          ({ environment, resource, from }) =>
            environment === window.environment &&
            resource === window.resource &&
            from === window.from,
        ),
    );
    const later = lost.filter(
      ({ until }) =>
        this.reading.leftAt === undefined ||
        until === undefined ||
        Date.parse(until) > this.reading.leftAt,
    );
    if (!this.#archived && this.reading.windows.length === 0) return [];
    return later.map(
      ({ environment, from }) =>
        `the claims about ${environment} since ${from.slice(0, 10)} are gone`,
    );
  }

  #onItsWay(): Outcome | undefined {
    const { leftAt } = this.reading;
    const { archiveAfter } = this.input.rules;
    if (leftAt === undefined)
      return this.#archived
        ? {
            state: this.#calm(),
            decision: "keep",
            reason: "nothing that is trusted says that it left production",
          }
        : undefined;
    const graceUntil = leftAt + archiveAfter.ms;
    if (this.input.asOf < graceUntil)
      return {
        state: "grace",
        decision: "keep",
        reason: `archived ${archiveAfter.text} after its end in production, on ${day(graceUntil)}`,
      };
    if (this.#archived || this.#leftOver()) return undefined;
    if (this.#over())
      return {
        state: "expired",
        decision: "keep",
        reason: `${describeRetention(this.input.rules)}: that was over before it was archived`,
      };
    return {
      state: "to-archive",
      decision: "archive",
      reason: `its grace period of ${archiveAfter.text} ended on ${day(graceUntil)}`,
    };
  }

  #inArchive(): Outcome {
    const { rules } = this.input;
    const { holds } = this.reading;
    if (rules.holds.includes(this.digest))
      return { state: "held", decision: "keep", reason: "legal hold on this digest" };
    if (holds.length > 0)
      return {
        state: "held",
        decision: "keep",
        reason: `legal hold by ${holds.map((hold) => (hold.startsWith("digest ") ? `a part of it, ${hold.slice("digest ".length)}` : `a claim of type ${hold}`)).join(", ")}`,
      };
    const kept = this.#keptBy();
    if (kept === undefined) return this.#expired();
    return this.#release(kept) ?? { state: this.#calm(), decision: "keep", reason: kept };
  }

  /** The rule that keeps it in the archive; undefined if its time is over. */
  #keptBy(): string | undefined {
    const { rules, asOf } = this.input;
    const how = describeRetention(rules);
    if (rules.retain === undefined) return how;
    if (this.#retainUntil === undefined) return `${how}, which nobody has announced`;
    if (asOf < this.#retainUntil) return `${how}, until ${day(this.#retainUntil)}`;
    return this.amongLast ? `among the last ${rules.last} that left production` : undefined;
  }

  #release(kept: string): Outcome | undefined {
    if (this.input.rules.release !== "after-archive" || this.facts.at.length === 0)
      return undefined;
    const seen =
      this.recorded !== undefined &&
      this.recorded.archivedAt !== undefined &&
      this.recorded.inArchive === true &&
      this.#nothingNew();
    if (seen)
      return {
        state: this.#calm(),
        decision: "release",
        reason: `the archive has it: it leaves ${this.facts.at.join(", ")}; ${kept}`,
      };
    return {
      state: this.#calm(),
      decision: "keep",
      reason: `${kept}; it leaves ${this.facts.at.join(", ")} at the next run`,
    };
  }

  #expired(): Outcome {
    const { rules, asOf, marking } = this.input;
    const over = `${describeRetention(rules)}, until ${this.#retainUntil === undefined ? "now" : day(this.#retainUntil)}`;
    const { others = [] } = this.facts;
    if (others.length > 0)
      return {
        state: this.#calm(),
        decision: "keep",
        reason: `${over}: that is over, but it was archived from ${namesOf(others)} too, for another policy`,
      };
    if (rules.onExpiry === "report")
      return {
        state: this.reading.contentPurgedAt === undefined ? "expired" : "content-purged",
        decision: "report",
        reason: `${over}: that is over`,
      };
    if (rules.onExpiry === "purge-content" && this.reading.contentPurgedAt !== undefined) {
      return {
        state: "content-purged",
        decision: "keep",
        reason: `${over}: its content is purged, its claims stay`,
      };
    }
    const marked = this.recorded?.marked;
    if (marked !== undefined && this.#nothingNew())
      return {
        state: "expired",
        decision: rules.onExpiry,
        reason: `${over}: marked on ${marked.slice(0, 10)}, ${WORDS[rules.onExpiry]} now`,
        marked,
      };
    return {
      state: "expired",
      decision: "mark",
      reason: `${over}: ${WORDS[rules.onExpiry]} at the next run`,
      ...(marking ? { marked: formatInstant(asOf) } : {}),
    };
  }

  #calm(): Entry["state"] {
    return this.reading.contentPurgedAt === undefined ? "archived" : "content-purged";
  }

  /**
   * A copy from before its last use, of something whose time is over: it is not archived again, and
   * what is there goes.
   */
  #leftOver(): boolean {
    return this.facts.inArchive === true && this.reading.leftAt !== undefined && this.#over();
  }

  #over(): boolean {
    return (
      this.#retainUntil !== undefined && this.input.asOf >= this.#retainUntil && !this.amongLast
    );
  }

  /**
   * A claim that was not there, or says something else than it did, voids what was decided before;
   * but not that others have archived it.
   */
  #nothingNew(): boolean {
    const { evidence } = this.facts;
    const before = this.recorded?.evidence ?? {};
    return isWithin(this.#isForeign() ? withoutRecords(evidence) : evidence, before);
  }
}

function withoutRecords(evidence: Facts["evidence"]): Facts["evidence"] {
  return Object.fromEntries(
    Object.entries(evidence).filter(
      ([, text]) => !/^(?:archived|claimed|content-purged) /.test(text),
    ),
  );
}

/** The first few; all are in the entry. */
function namesOf(places: readonly string[] = []): string {
  return places.length <= 3
    ? places.join(", ")
    : `${places.slice(0, 3).join(", ")} and ${places.length - 3} more`;
}

const WORDS = { "purge-content": "its content is purged", purge: "it is purged" } as const;

function retainUntil(
  { leftAt, endOfLife, archivedAt }: Reading,
  { retain, since }: Rules,
): number | undefined {
  const start =
    since === "end-of-production" ? leftAt : since === "end-of-support" ? endOfLife : archivedAt;
  return retain === undefined || start === undefined ? undefined : start + retain.ms;
}

function day(time: number): string {
  return formatInstant(time).slice(0, 10);
}
