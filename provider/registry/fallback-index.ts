// SPDX-License-Identifier: Apache-2.0
import type { CallOptions } from "../content/storage";
import { ConsignError } from "../errors";
import type { Descriptor } from "../oci/descriptor";
import type { Digest } from "../oci/digest";
import { parseManifest, type Manifest } from "../oci/manifest";
import { MEDIA_TYPES } from "../oci/media-types";
import { wait } from "./transport/gate";
import { Locks } from "./locks";
import type { Located, Manifests } from "./manifests";
import { backoff } from "./transport/retry";
import { fallbackTag } from "./tags";

type Index = Extract<Manifest, { kind: "index" }>;

interface Change {
  add?: Descriptor;
  remove?: Digest;
  removed?: boolean;
}

/** How often an index is read, merged and written before it is given up. */
const MAX_ROUNDS = 8;

/**
 * The index under a subject's fallback tag. Registries have no atomic update of it, so: one writer
 * at a time in this process, changes that wait meanwhile go into one write, `If-Match` where the
 * registry gives entity tags, and read back until nothing that was seen is missing, once more after
 * as long as another client needs between its read and its write. A slower client on a registry
 * that ignores conditions can still overwrite what it did not see.
 * @see
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-manifests-with-subject
 */
export class FallbackIndex {
  readonly #locks = new Locks();
  readonly #waiting = new Map<Digest, Change[]>();

  constructor(readonly manifests: Manifests) {}

  /** @throws ConsignError `MANIFEST_INVALID` if the tag points to something that is no index */
  async list(subject: Digest, options: CallOptions = {}): Promise<Descriptor[]> {
    const { entries } = await this.#read(subject, options);
    return [...entries.values()];
  }

  async add(subject: Digest, entry: Descriptor, options: CallOptions = {}): Promise<void> {
    await this.#change(subject, { add: entry }, options);
  }

  /** @returns whether the entry was there */
  async remove(subject: Digest, entry: Digest, options: CallOptions = {}): Promise<boolean> {
    return (await this.#change(subject, { remove: entry }, options)).removed === true;
  }

  async #change(subject: Digest, change: Change, options: CallOptions): Promise<Change> {
    options.signal?.throwIfAborted();
    const waiting = this.#waiting.get(subject) ?? [];
    waiting.push(change);
    this.#waiting.set(subject, waiting);
    await this.#locks.hold(subject, async () => {
      // The first of those that waited did the work of all.
      if (this.#waiting.get(subject)?.includes(change) !== true) return;
      const batch = this.#waiting.get(subject) ?? [];
      this.#waiting.delete(subject);
      const apply = this.#apply(subject, batch);
      for (const member of batch) this.#outcomes.set(member, apply);
      await apply.catch(() => {});
    });
    await this.#outcomes.get(change);
    return change;
  }

  readonly #outcomes = new WeakMap<Change, Promise<void>>();

  /** Not bound to one caller's signal: the batch belongs to several. */
  async #apply(subject: Digest, batch: readonly Change[]): Promise<void> {
    const { limits, counters } = this.manifests.connection;
    const seen = new Map<Digest, Descriptor>();
    let writes = 0;
    let settleMs: number | undefined;
    for (let round = 0; round < MAX_ROUNDS; round += 1) {
      const started = performance.now();
      const current = await this.#read(subject, {});
      for (const [digest, entry] of current.entries) if (!seen.has(digest)) seen.set(digest, entry);
      const wanted = await this.#merge(current.entries, seen, batch);
      if (sameKeys(wanted, current.entries)) {
        if (settleMs === undefined) return;
        await wait(settleMs);
        settleMs = undefined;
        continue;
      }
      if (writes > 0) counters.repairs += 1;
      await this.#write(subject, current, wanted);
      writes += 1;
      settleMs = (performance.now() - started) * (2 + Math.random());
      // The first read-back comes at once; what is missing then needs time.
      if (writes > 1)
        await wait(
          backoff(round, { backoffMs: limits.readBackMs, backoffCapMs: limits.backoffCapMs }),
        );
    }
    const reference = this.manifests.reference(fallbackTag(subject));
    throw new ConsignError(
      "READ_BACK_FAILED",
      `${reference}: the index of referrers was written ${writes} times and never stayed; another client writes it too, so run again`,
      { reference },
    );
  }

  /**
   * What is there, with the batch, and with what was seen before and another client overwrote,
   * unless its manifest is gone.
   */
  async #merge(
    current: ReadonlyMap<Digest, Descriptor>,
    seen: ReadonlyMap<Digest, Descriptor>,
    batch: readonly Change[],
  ): Promise<Map<Digest, Descriptor>> {
    const wanted = new Map(current);
    for (const [digest, entry] of seen) {
      if (!wanted.has(digest) && (await this.manifests.head(digest)) !== undefined)
        wanted.set(digest, entry);
    }
    for (const change of batch) {
      if (change.add !== undefined && !wanted.has(change.add.digest))
        wanted.set(change.add.digest, change.add);
      if (change.remove !== undefined && wanted.delete(change.remove)) change.removed = true;
    }
    return wanted;
  }

  async #write(
    subject: Digest,
    current: { index: Index | undefined; etag: Located["etag"] },
    wanted: ReadonlyMap<Digest, Descriptor>,
  ): Promise<void> {
    const value = {
      schemaVersion: 2,
      mediaType: MEDIA_TYPES.index,
      ...current.index?.value,
      manifests: [...wanted.values()],
    };
    const index = parseManifest(Buffer.from(JSON.stringify(value)), MEDIA_TYPES.index);
    const condition: Record<string, string> | undefined =
      current.index === undefined
        ? { "if-none-match": "*" }
        : current.etag === undefined
          ? undefined
          : { "if-match": current.etag };
    // A condition that no longer holds is noticed in the next round's read.
    await this.manifests.put(index, fallbackTag(subject), { condition });
  }

  async #read(
    subject: Digest,
    options: CallOptions,
  ): Promise<{
    index: Index | undefined;
    etag: Located["etag"];
    entries: Map<Digest, Descriptor>;
  }> {
    const tag = fallbackTag(subject);
    const read = await this.manifests.get(tag, options);
    if (read === undefined) return { index: undefined, etag: undefined, entries: new Map() };
    if (read.manifest.kind !== "index") {
      const reference = this.manifests.reference(tag);
      throw new ConsignError(
        "MANIFEST_INVALID",
        `${reference} should be an index of referrers and is something else; it is left alone`,
        { reference },
      );
    }
    return {
      index: read.manifest,
      etag: read.etag,
      entries: new Map(read.manifest.value.manifests.map((entry) => [entry.digest, entry])),
    };
  }
}

function sameKeys(a: ReadonlyMap<Digest, unknown>, b: ReadonlyMap<Digest, unknown>): boolean {
  return a.size === b.size && [...a.keys()].every((key) => b.has(key));
}
