// SPDX-License-Identifier: Apache-2.0
import { forEachBounded } from "../content/bounded";
import { presenceOf } from "../content/presence";
import type { ReadStore } from "../content/storage";
import { asConsignError, type ConsignError } from "../errors";
import type { Digest } from "../oci/digest";
import { successorsOf, type Manifest } from "../oci/manifest";
import { isIndexType } from "../oci/media-types";
import type { Kept, Leaving } from "./leaving";
import {
  AT_ONCE,
  contentOf,
  reachOf,
  tagsNow,
  type Root,
  type TagView,
  type Unread,
} from "./reach";

/** What a look around has found, of everything that is to go. */
export interface Needs {
  /** Nobody needs these; with what was read back. */
  free: Map<Digest, Manifest>;
  gone: Digest[];
  kept: Map<Digest, Kept>;
}

/**
 * Who still needs what is to leave a place, asked now, of the place itself. Nothing but what was
 * read back counts, in either direction: a list says where to look, one "not there" says nothing,
 * and what cannot be told keeps.
 */
export async function whoNeeds(leaving: Leaving): Promise<Needs> {
  const look = new Look(leaving);
  await look.readBack();
  if (look.free.size > 0) {
    await look.askRun();
    await look.askTagsAndIndexes();
    await look.askReferrers();
    await look.keepWhatGoesTogether();
  }
  return { free: look.free, gone: look.gone, kept: look.kept };
}

class Look {
  readonly free = new Map<Digest, Manifest>();
  readonly gone: Digest[] = [];
  readonly kept = new Map<Digest, Kept>();
  /** Content of everything that is there, kept or not. */
  readonly #content = new Map<Digest, Manifest>();

  constructor(private readonly leaving: Leaving) {}

  async readBack(): Promise<void> {
    const { store, manifests } = this.leaving;
    await forEachBounded(manifests, AT_ONCE, async ([digest, { subject, isPart }]) => {
      const read = await readBack(store, digest);
      if (read === "gone") return void this.gone.push(digest);
      if (!("manifest" in read)) return this.#keep(digest, "it cannot be read back", read.cause);
      const { manifest } = read;
      this.#content.set(digest, manifest);
      const about = manifest.value.subject?.digest;
      const isRecorded = isPart === true || about === subject;
      if (about !== undefined && !isRecorded && !manifests.has(about))
        return this.#keep(digest, `it refers to ${about}, which is not to go with it`);
      this.free.set(digest, manifest);
    });
  }

  async askRun(): Promise<void> {
    const { store, holds, leases } = this.leaving;
    for (const digest of holds === undefined ? [] : [...this.free.keys()]) {
      const reason = await holds?.(digest);
      if (reason !== undefined) this.#keep(digest, reason);
    }
    if (leases === undefined) return;
    try {
      for (const [digest, lease] of await leases(store))
        this.#keep(digest, `the lease ${lease} names it`);
    } catch (error) {
      this.#keepAll("it cannot be told what leases name", asConsignError(error));
    }
  }

  async askTagsAndIndexes(): Promise<void> {
    const { store, isOwnTag, staying = [] } = this.leaving;
    let view: TagView;
    try {
      view = await tagsNow(store);
    } catch (error) {
      return this.#keepAll("the tags cannot be listed", asConsignError(error));
    }
    const { tags, unread } = view;
    const roots: Root[] = [];
    const { countsBelow, alsoHeldBy } = this.leaving;
    for (const [tag, { digest, mediaType }] of tags) {
      if (this.#isLeaving(digest) && isOwnTag(tag, digest)) continue;
      const by = `the tag ${tag}`;
      const counts = countsBelow?.({ tag, digest });
      roots.push({ digest, by, isLeaf: !isIndexType(mediaType), counts });
      const also = alsoHeldBy?.(tag);
      if (also !== undefined) roots.push({ digest: also, by });
    }
    for (const each of staying) {
      const { digest, isLeaf } = typeof each === "string" ? { digest: each, isLeaf: false } : each;
      roots.push({
        digest,
        isLeaf,
        by: `${digest}, which stays`,
        counts: countsBelow?.({ digest }),
      });
    }
    await this.#reach(roots, unread);
  }

  /** Each referrer that is not to go has to be one, and to be there, to keep anything. */
  async askReferrers(): Promise<void> {
    await forEachBounded([...this.free.keys()], AT_ONCE, async (digest) => {
      try {
        for (const referrer of await this.#listed(digest)) {
          if (this.#isLeaving(referrer)) continue;
          const read = await readBack(this.leaving.store, referrer);
          if (read === "gone") continue;
          if (!("manifest" in read))
            return this.#keep(digest, `${referrer} may refer to it`, read.cause);
          if (read.manifest.value.subject?.digest === digest)
            return this.#keep(digest, `${referrer}, which stays, refers to it`);
        }
      } catch (error) {
        this.#keep(digest, "it cannot be told what refers to it", asConsignError(error));
      }
    });
  }

  /** What stays needs what it refers to and contains, and keeps what goes only with it. */
  async keepWhatGoesTogether(): Promise<void> {
    const done = new Set<Digest>();
    await this.#askOfAbsent();
    for (let next = this.#newlyKept(done); next.length > 0; next = this.#newlyKept(done)) {
      for (const digest of next) {
        done.add(digest);
        const { subject } = this.#content.get(digest)?.value ?? {};
        const about = subject?.digest ?? this.leaving.manifests.get(digest)?.subject;
        const cause = this.kept.get(digest)?.cause;
        if (about !== undefined) this.#keep(about, `${digest}, which stays, refers to it`, cause);
        for (const [other, { with: host }] of this.leaving.manifests)
          if (host === digest) this.#keep(other, `it belongs to ${digest}, which stays`, cause);
        if (cause !== undefined) this.#keepToFind(digest, cause);
      }
      await this.#reach(
        next.map((digest) => ({ digest, by: `${digest}, which stays` })),
        [],
      );
    }
  }

  /** Of what stays only because it cannot be told, what leads to it: the next run looks again. */
  #keepToFind(digest: Digest, cause: ConsignError): void {
    if (this.leaving.order !== "parts first") return;
    for (const [index, manifest] of this.free)
      if (
        manifest.kind === "index" &&
        successorsOf(manifest).some((part) => part.digest === digest)
      )
        this.#keep(index, `it leads to ${digest}, which may be needed`, cause);
  }

  /** What belongs to something that is not to go stays with it, unless that is gone. */
  async #askOfAbsent(): Promise<void> {
    for (const [digest, { with: host }] of this.leaving.manifests) {
      if (host === undefined || this.leaving.manifests.has(host) || !this.free.has(digest))
        continue;
      const presence = await presenceOf(this.leaving.store, host);
      if (presence.is !== "gone")
        this.#keep(
          digest,
          `it belongs to ${host}, which stays`,
          presence.is === "unknown" ? presence.why : undefined,
        );
    }
  }

  #newlyKept(done: ReadonlySet<Digest>): Digest[] {
    return [...this.kept.keys()].filter((digest) => !done.has(digest));
  }

  async #reach(roots: readonly Root[], unread: readonly Unread[]): Promise<void> {
    // An index that goes holds nothing; one that turns out to stay is a root in the next round.
    const whole = roots.filter(({ counts }) => counts === undefined);
    const partial = roots.filter(({ counts }) => counts !== undefined);
    for (const { by, cause } of unread) this.#keepAll(`${by} cannot be read`, cause);
    // What some hold in part others may hold whole.
    for (const some of [whole, partial]) {
      const reach = await reachOf(this.leaving.store, some, (digest) => this.free.has(digest));
      for (const [digest, by] of reach.manifests)
        if (this.free.has(digest)) this.#keep(digest, `${by} still has it`);
      for (const { by, cause } of reach.unread)
        this.#keepAll(`${by} cannot be read, and may contain it`, cause);
    }
  }

  /** Listed twice, as one that is left out of one answer may be all that keeps something. */
  async #listed(digest: Digest): Promise<ReadonlySet<Digest>> {
    const found = new Set<Digest>();
    for (let look = 0; look < 2; look += 1)
      for (const entry of await this.leaving.store.referrers(digest, {
        settled: () => true,
        fresh: true,
      }))
        found.add(entry.digest);
    return found;
  }

  #isLeaving(digest: Digest): boolean {
    return this.leaving.manifests.has(digest);
  }

  #keep(digest: Digest, reason: string, cause?: ConsignError): void {
    if (!this.#isLeaving(digest) || this.kept.has(digest)) return;
    this.free.delete(digest);
    this.kept.set(digest, { digest, reason, ...(cause === undefined ? {} : { cause }) });
  }

  #keepAll(reason: string, cause: ConsignError): void {
    for (const digest of [...this.free.keys()]) this.#keep(digest, reason, cause);
  }
}

type ReadBack = "gone" | { manifest: Manifest } | { cause: ConsignError };

/** Whether it is there is asked fresh; what is in it never changes. */
async function readBack(store: ReadStore, digest: Digest): Promise<ReadBack> {
  const presence = await presenceOf(store, digest);
  if (presence.is === "gone") return "gone";
  if (presence.is === "unknown") return { cause: presence.why };
  try {
    const manifest = await contentOf(store, digest);
    return manifest === undefined ? "gone" : { manifest };
  } catch (error) {
    return { cause: asConsignError(error) };
  }
}
