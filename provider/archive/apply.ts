// SPDX-License-Identifier: Apache-2.0
import type { Digest } from "../oci/digest";
import type { Entry } from "../retention/index";
import { attachRecord } from "../signing/record-signing";
import type { ResourceContext } from "../world/context";
import { archiveOne } from "./archiving";
import type { Belongings } from "./belongings";
import { confirm } from "./confirm";
import { descriptorOf } from "./places";
import { freeBlobs, isOver, purgeArtifacts, type Purged } from "./purge";
import { emptyArtifacts, type Emptied } from "./purge-content";
import { CONTENT_PURGED, packContentPurged } from "./record";
import { leave, readyToLeave } from "./release";
import { decidedAs, type ArchiveTask, type BlobsLeft, type Decided } from "./task";
import { removeUnsigned } from "./unsigned-records";

/** Artifacts that one lease tells of. */
const BATCH = 32;

export interface Outcome {
  /** By digest, what was done or seen that a person should know. */
  notices: Record<Digest, string[]>;
  failures: { digest: Digest; error: Error }[];
  /** What was acted upon. */
  touched: Digest[];
  /** Blobs that are to go later. */
  left: BlobsLeft;
}

/**
 * Carries out a plan: copies first, removals last. One artifact that fails does not keep the
 * others.
 */
export async function carryOut(task: ArchiveTask, context: ResourceContext): Promise<Outcome> {
  const run = new ArchiveRun(task, context);
  await run.archive();
  const removals = (["release", "purge-content", "purge"] as const).flatMap((decision) =>
    decidedAs(task.entries, decision),
  );
  if (removals.length > 0) {
    const confirmed = await run.confirm(removals);
    const of = (decision: Entry["decision"]): Decided[] =>
      confirmed.filter(([, entry]) => entry.decision === decision);
    await run.release(of("release"));
    await run.emptyContent(of("purge-content"));
    await run.purge(of("purge"));
  }
  await run.freeLeft();
  return run.outcome;
}

class ArchiveRun {
  readonly outcome: Outcome;

  constructor(
    private readonly task: ArchiveTask,
    private readonly context: ResourceContext,
  ) {
    this.outcome = { notices: {}, failures: [], touched: [], left: { ...task.left } };
  }

  async archive(): Promise<void> {
    const { task, context } = this;
    await this.#underLease(decidedAs(task.entries, "archive"), (decided) =>
      this.#each(decided, (each) => archiveOne(task, each, context)),
    );
  }

  async confirm(removals: readonly Decided[]): Promise<Decided[]> {
    const { confirmed, kept } = await confirm(this.task, removals, this.context);
    for (const [digest, why] of kept) {
      this.#touch(digest);
      this.#tell(digest, [`nothing was removed: ${why}`]);
    }
    return confirmed;
  }

  /** All are proven before the first one goes, and those of one source go together. */
  async release(decided: readonly Decided[]): Promise<void> {
    const { task, context } = this;
    const bySource = new Map<string, Map<Digest, Belongings>>();
    await this.#underLease(decided, (batch) =>
      this.#each(batch, async (each) => {
        const { notices, leaving } = await readyToLeave(task, each, context);
        for (const [location, belongings] of leaving)
          bySource.set(
            location,
            (bySource.get(location) ?? new Map<Digest, Belongings>()).set(each[0], belongings),
          );
        return notices;
      }),
    );
    for (const [location, leaving] of bySource)
      await this.#together([...leaving], async (some) => {
        const told = await leave(task, location, new Map(some), context);
        for (const [digest, notices] of told) this.#tell(digest, notices);
      });
  }

  async emptyContent(decided: readonly Decided[]): Promise<void> {
    const { task, context } = this;
    const done = new Map<Digest, Emptied>();
    await this.#together(decided, async (some) => {
      for (const [digest, each] of await emptyArtifacts(task, some, context))
        done.set(digest, each);
    });
    await this.#each(
      decided.filter(([digest]) => done.has(digest)),
      async ([digest, entry]) => {
        const { isEmpty = false, notices = [] } = done.get(digest) ?? {};
        if (!isEmpty) return notices;
        const root = descriptorOf(digest, entry);
        await removeUnsigned(task, digest, CONTENT_PURGED, context);
        await attachRecord(task.signing, packContentPurged(root, entry, task.asOf), context);
        context.progress(
          `the content of ${task.inputs.archive}@${digest} is purged; its claims stay`,
        );
        return notices;
      },
    );
  }

  async purge(decided: readonly Decided[]): Promise<void> {
    const { task, context } = this;
    await this.#together(decided, async (some) => {
      this.#settle(await purgeArtifacts(task, some, context));
    });
  }

  /** Blobs of what is purged, whose mark is old enough by now. */
  async freeLeft(): Promise<void> {
    const { task, context } = this;
    for (const [digest] of decidedAs(task.entries, "purge", true)) this.#touch(digest);
    const due = (Object.entries(task.left) as [Digest, BlobsLeft[Digest]][]).filter(([digest]) => {
      const entry = task.entries[digest];
      return entry === undefined || isOver(task, entry, context);
    });
    if (task.rules.frees === undefined) {
      // They are the registry's to collect now.
      this.outcome.left = {};
      return;
    }
    await this.#together(due, async (some) => {
      const blobs: BlobsLeft = {};
      for (const [digest, each] of some) blobs[digest] = each;
      this.#settle(await freeBlobs(task, blobs, context));
    });
  }

  #settle(purged: ReadonlyMap<Digest, Purged>): void {
    for (const [digest, { notices, left }] of purged) {
      this.#tell(digest, notices);
      if (left.length > 0) this.outcome.left[digest] = left;
      else delete this.outcome.left[digest];
    }
  }

  async #underLease(
    decided: readonly Decided[],
    work: (batch: readonly Decided[]) => Promise<void>,
  ): Promise<void> {
    for (let start = 0; start < decided.length; start += BATCH) {
      const batch = decided.slice(start, start + BATCH);
      try {
        await this.task.leasing.while(batch, () => work(batch));
      } catch (error) {
        for (const [digest] of batch) this.#fail(digest, error);
      }
    }
  }

  async #each(
    decided: readonly Decided[],
    act: (each: Decided) => Promise<string[]>,
  ): Promise<void> {
    for (const each of decided) {
      try {
        this.#touch(each[0]);
        this.#tell(each[0], await act(each));
      } catch (error) {
        this.#fail(each[0], error);
      }
    }
  }

  /** At once, as each look around costs much; if that fails, one by one, as one may be at fault. */
  async #together<Each extends readonly [Digest, unknown]>(
    all: readonly Each[],
    act: (some: readonly Each[]) => Promise<void>,
  ): Promise<void> {
    if (all.length === 0) return;
    for (const [digest] of all) this.#touch(digest);
    try {
      await act(all);
    } catch (error) {
      if (all.length === 1) return all.forEach(([digest]) => this.#fail(digest, error));
      for (const each of all) await this.#together([each], act);
    }
  }

  #touch(digest: Digest): void {
    if (!this.outcome.touched.includes(digest)) this.outcome.touched.push(digest);
  }

  #fail(digest: Digest, error: unknown): void {
    this.#touch(digest);
    this.outcome.failures.push({ digest, error: error as Error });
  }

  #tell(digest: Digest, notices: readonly string[]): void {
    if (notices.length === 0) return;
    this.outcome.notices[digest] = [...(this.outcome.notices[digest] ?? []), ...notices];
    for (const notice of notices)
      this.context.warn(`${this.task.inputs.archive}@${digest}: ${notice}`);
  }
}
