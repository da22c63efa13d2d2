// SPDX-License-Identifier: Apache-2.0
// What should become of artifacts over the years, written without a look at the planner: days are
// numbers, and there is one variable per fact.

export interface ModelRules {
  grace: number;
  keep: number;
  since: "end-of-production" | "end-of-support" | "archived";
  last: number;
  onExpiry: "report" | "purge-content" | "purge";
  release: boolean;
}

export interface ModelStay {
  from: number;
  /** Undefined: it never ends. */
  until: number | undefined;
  /** Whether somebody who is trusted says that it ended. */
  believed: boolean;
}

export interface ModelLife {
  stays: ModelStay[];
  heldByDigest: boolean;
  /** Day on which a hold is claimed. */
  heldFrom: number | undefined;
  endOfLife: { told: number; date: number } | undefined;
}

export class ModelArtifact {
  atSource = true;
  inArchive = false;
  archivedAt: number | undefined;
  contentPurged = false;
  #contentPurgedAt = -1;
  purged = false;
  /** Days on which things happened, for the properties that hold at any time. */
  history: { day: number; what: "archived" | "released" | "content" | "purged" }[] = [];
  /** Records that the archive has of it. */
  #records = 0;
  /** What a run before has seen: how many claims, and whether it was archived. */
  #seenClaims = -1;
  #seenArchived = false;
  #marked = false;

  constructor(
    readonly digest: string,
    readonly life: ModelLife,
  ) {}

  /** Stays that anybody could know of by that day. */
  #visible(day: number): ModelStay[] {
    return this.life.stays.filter(({ from }) => from <= day);
  }

  #claims(day: number): number {
    const closings = this.#visible(day).filter(
      ({ until, believed }) => believed && until !== undefined && until <= day,
    ).length;
    const held = this.life.heldFrom !== undefined && this.life.heldFrom <= day ? 1 : 0;
    const ends = this.life.endOfLife !== undefined && this.life.endOfLife.told <= day ? 1 : 0;
    return this.#visible(day).length + closings + held + ends + this.#records;
  }

  running(day: number): boolean {
    return this.#visible(day).some(
      ({ until, believed }) => until === undefined || until > day || !believed,
    );
  }

  leftAt(day: number): number | undefined {
    const stays = this.#visible(day);
    return stays.length === 0 || this.running(day)
      ? undefined
      : Math.max(...stays.map(({ until }) => until ?? Infinity));
  }

  held(day: number): boolean {
    return (
      this.life.heldByDigest || (this.life.heldFrom !== undefined && this.life.heldFrom <= day)
    );
  }

  retainUntil(day: number, rules: ModelRules): number | undefined {
    const told =
      this.life.endOfLife !== undefined && this.life.endOfLife.told <= day
        ? this.life.endOfLife.date
        : undefined;
    const archived = this.archivedSinceUse(day) ? this.archivedAt : undefined;
    const start =
      rules.since === "end-of-production"
        ? this.leftAt(day)
        : rules.since === "end-of-support"
          ? told
          : archived;
    return start === undefined ? undefined : start + rules.keep;
  }

  /** A copy from before its last use does not count, as long as there is a source to copy from. */
  archivedSinceUse(day: number): boolean {
    const left = this.leftAt(day);
    return (
      this.inArchive &&
      this.archivedAt !== undefined &&
      (left === undefined || !this.atSource || this.archivedAt >= left)
    );
  }

  counts(day: number): boolean {
    return (
      !this.purged &&
      !(this.contentPurged && this.archivedSinceUse(day)) &&
      this.leftAt(day) !== undefined
    );
  }

  /** One run. Returns the state that it is in after. */
  run(day: number, rules: ModelRules, amongLast: boolean): string {
    const claims = this.#claims(day);
    const same = claims === this.#seenClaims;
    const seenArchived = this.#seenArchived;
    const marked = this.#marked;
    this.#seenClaims = claims;
    this.#seenArchived = this.archivedSinceUse(day);
    this.#marked = false;
    const left = this.leftAt(day);
    if (this.purged && !this.running(day) && same) return "purged";
    if (this.purged && !this.atSource) return "purged";
    this.purged = false;
    if (this.running(day)) return "in-production";
    if (left === undefined) return "absent";
    if (day < left + rules.grace) return "grace";
    const until = this.retainUntil(day, rules);
    const over = until !== undefined && day >= until && !amongLast;
    if (!this.archivedSinceUse(day) && !(this.inArchive && over)) {
      if (over) return "expired";
      this.#do(day, "archived");
      this.inArchive = true;
      this.archivedAt = day;
      this.contentPurged = false;
      this.#records++;
      return this.#calm(day);
    }
    if (this.held(day)) return "held";
    if (!over) {
      if (rules.release && this.atSource && seenArchived && same) {
        this.#do(day, "released");
        this.atSource = false;
      }
      return this.#calm(day);
    }
    const contentIsPurged = this.contentPurged && (!this.atSource || this.#contentPurgedAt >= left);
    if (rules.onExpiry === "report") return contentIsPurged ? "content-purged" : "expired";
    if (rules.onExpiry === "purge-content" && contentIsPurged) return "content-purged";
    if (!marked || !same) {
      this.#marked = true;
      return "expired";
    }
    this.#do(day, rules.onExpiry === "purge" ? "purged" : "content");
    if (rules.onExpiry === "purge-content") {
      this.contentPurged = true;
      this.#contentPurgedAt = day;
      this.#records++;
      return "content-purged";
    }
    this.#records = 0;
    this.inArchive = false;
    this.archivedAt = undefined;
    this.purged = true;
    this.#seenClaims = this.#claims(day);
    return "purged";
  }

  #calm(day: number): string {
    return this.held(day) && this.inArchive
      ? "held"
      : this.contentPurged
        ? "content-purged"
        : "archived";
  }

  #do(day: number, what: ModelArtifact["history"][number]["what"]): void {
    this.history.push({ day, what });
  }
}

/** The digests that are kept for being among the last N to leave. */
export function lastOf(
  artifacts: readonly ModelArtifact[],
  day: number,
  { last }: ModelRules,
): Set<string> {
  const left = artifacts.filter((artifact) => artifact.counts(day));
  left.sort(
    (a, b) => (b.leftAt(day) ?? 0) - (a.leftAt(day) ?? 0) || (a.digest < b.digest ? -1 : 1),
  );
  return new Set(left.slice(0, last).map(({ digest }) => digest));
}
