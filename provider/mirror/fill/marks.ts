// SPDX-License-Identifier: Apache-2.0
import { z } from "zod";
import type { CopyProgress } from "../../content/copy";
import type { Digest } from "../../oci/digest";
import type { FullArtifact, FullPlan } from "../../upcoming/plan";

/** State holds no more than these: beyond, all of a place counts as found there. */
const MAX_FOUND = 2_000;
const ALL = "*";

/** By destination, what tells what a mirror has put there from what it has found. */
export const marksSchema = z.object({
  /** Digests, and `tag v1`, that were there; or `*`: nothing there is the mirror's own. */
  found: z.array(z.string()),
  /** By signature that it made on what it says of a derived index, that claim. */
  origins: z.record(z.string(), z.string()).optional(),
  /** What a run that was not finished has put there. */
  begun: z.array(z.string()).optional(),
});
export type RecordedMarks = z.infer<typeof marksSchema>;

/**
 * What a mirror has put at one destination. Plans say what is to be there; what was there already,
 * and states of old do not tell, is not the mirror's to take away.
 */
export class Marks {
  readonly #found: Set<string>;
  readonly #begun: Set<string>;
  readonly #copied = new Set<string>();
  readonly #origins: Map<string, string>;

  private constructor(
    { found, begun = [], origins = {} }: RecordedMarks,
    /** What earlier runs are known to have put there, or found. */
    private readonly before: ReadonlySet<string>,
    readonly isMarked: boolean,
  ) {
    this.#found = new Set(found);
    this.#begun = new Set(begun);
    this.#origins = new Map(Object.entries(origins));
  }

  /** @param before what earlier runs may have left there, if there were any */
  static of(recorded: RecordedMarks | undefined, before: FullPlan | undefined): Marks {
    const names = before === undefined ? [] : namesIn(before);
    if (recorded !== undefined) return new Marks(recorded, new Set(names), true);
    const found = names.length > MAX_FOUND ? [ALL] : names;
    return new Marks({ found }, new Set(names), before === undefined);
  }

  /** Whether this mirror has put it there: a digest, or `tag v1`. */
  isMade(name: string): boolean {
    return !this.#found.has(ALL) && !this.#found.has(name);
  }

  readonly seen = (event: CopyProgress): void => {
    if (event.kind !== "manifest") return;
    const { digest } = event.descriptor;
    if (event.action === "copied") this.#copied.add(digest);
    else if (event.found === true && !this.#isKnown(digest, event.within)) this.#found.add(digest);
  };

  sawTag(tag: string): void {
    if (!this.before.has(`tag ${tag}`)) this.#found.add(`tag ${tag}`);
  }

  setTag(tag: string): void {
    this.#found.delete(`tag ${tag}`);
  }

  madeOrigin(signature: Digest, claim: Digest): void {
    this.#origins.set(signature, claim);
  }

  originsOf(claim: Digest): Digest[] {
    return [...this.#origins].flatMap(([signature, about]) =>
      about === claim ? [signature as Digest] : [],
    );
  }

  record(isFinished: boolean): RecordedMarks {
    const found = this.#found.size > MAX_FOUND ? [ALL] : [...this.#found].sort();
    const begun = isFinished ? [] : [...new Set([...this.#begun, ...this.#copied])].sort();
    return {
      found,
      ...(this.#origins.size === 0 ? {} : { origins: Object.fromEntries(this.#origins) }),
      ...(begun.length === 0 || begun.length > MAX_FOUND ? {} : { begun }),
    };
  }

  /** A part of an index that is the mirror's own came with it. */
  #isKnown(digest: Digest, within: Digest | undefined): boolean {
    const isOf = (name: Digest): boolean =>
      this.before.has(name) || this.#begun.has(name) || this.#copied.has(name);
    return isOf(digest) || (within !== undefined && isOf(within) && this.before.has(within));
  }
}

function namesIn(plan: FullPlan): string[] {
  const artifacts = Object.entries(plan.artifacts) as [Digest, FullArtifact][];
  return [
    ...artifacts.flatMap(([digest, { related }]) => [digest, ...Object.keys(related)]),
    ...Object.values(plan.cosignTags),
    ...Object.keys({ ...plan.tags, ...plan.cosignTags }).map((tag) => `tag ${tag}`),
  ];
}
