// SPDX-License-Identifier: Apache-2.0
import type { CallOptions } from "../content/storage";
import { forEachBounded } from "../content/bounded";
import { ConsignError, isConsignError } from "../errors";
import type { Descriptor } from "../oci/descriptor";
import type { Digest } from "../oci/digest";
import { parseManifest, type Manifest } from "../oci/manifest";
import { isManifestType, MEDIA_TYPES } from "../oci/media-types";
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

type Read = NonNullable<Awaited<ReturnType<Manifests["get"]>>>;

interface Current {
  index: Index | undefined;
  etag: Located["etag"];
  entries: Map<Digest, Descriptor>;
}

/** How often an index is read, merged and written before it is given up. */
const MAX_ROUNDS = 8;

/** Entries that are remembered, to be put back where another client's write loses them. */
const MAX_REMEMBERED = 100_000;
const LOOKS_AT_ONCE = 8;

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
  /** By subject, what was seen in its list and not taken out of it here. */
  readonly #seen = new Map<Digest, Map<Digest, Descriptor>>();
  #remembered = 0;
  /** What was there when it was listed; asked for anew where the registry refuses a list. */
  readonly #standing = new Set<Digest>();

  /** @param unknown the error where it cannot be told what refers to a subject */
  constructor(
    readonly manifests: Manifests,
    private readonly unknown: (subject: Digest, why: string) => ConsignError,
  ) {}

  /**
   * What the index lists. None are answered only where there surely is no index.
   * @throws ConsignError `REFERRERS_UNKNOWN` where the tag leads to anything else
   */
  async list(subject: Digest, options: CallOptions = {}): Promise<Descriptor[]> {
    const read = await this.#readIfThere(subject, options);
    // GitLab takes the tag for the digest, so nobody can keep a list there.
    if (read === undefined || read.manifest.descriptor.digest === subject) return [];
    const { index, entries } = this.#asIndex(read, () =>
      this.unknown(
        subject,
        `its fallback tag leads to a ${read.manifest.descriptor.mediaType}, which is no list`,
      ),
    );
    if (index !== undefined) this.#remember(subject, entries);
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
    let writes = 0;
    let refused = false;
    let settleMs: number | undefined;
    for (let round = 0; round < MAX_ROUNDS; round += 1) {
      const started = performance.now();
      const current = await this.#read(subject, {});
      const seen = this.#remember(subject, current.entries);
      const wanted = await this.#merge(current.entries, seen, batch);
      if (sameKeys(wanted, current.entries)) {
        if (settleMs === undefined) return;
        await wait(settleMs);
        settleMs = undefined;
        continue;
      }
      if (writes > 0) counters.repairs += 1;
      try {
        await this.#write(subject, current, wanted);
      } catch (error) {
        if (refused || !saysThatEntriesDangle(error)) throw error;
        refused = true;
        this.#standing.clear();
        continue;
      }
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
   * What is there, with the batch, and with what was seen before and another client overwrote. What
   * is gone is left out: some registries refuse a list that names it, and every later one with it.
   */
  async #merge(
    current: ReadonlyMap<Digest, Descriptor>,
    seen: Map<Digest, Descriptor>,
    batch: readonly Change[],
  ): Promise<Map<Digest, Descriptor>> {
    const wanted = new Map([...current, ...seen]);
    for (const change of batch) {
      const { add, remove } = change;
      if (add !== undefined) {
        if (!wanted.has(add.digest)) wanted.set(add.digest, add);
        this.#standing.add(add.digest);
      }
      if (remove === undefined) continue;
      seen.delete(remove);
      if (wanted.delete(remove)) change.removed = true;
    }
    await forEachBounded([...wanted.values()], LOOKS_AT_ONCE, async ({ digest, mediaType }) => {
      if (!isManifestType(mediaType) || (current.has(digest) && this.#standing.has(digest))) return;
      if (await this.#isGone(digest)) wanted.delete(digest);
    });
    return wanted;
  }

  /** Not found twice. What cannot be told is kept. */
  async #isGone(digest: Digest): Promise<boolean> {
    try {
      for (let look = 0; look < 2; look += 1) {
        if ((await this.manifests.head(digest)) === undefined) continue;
        if (this.#standing.size >= MAX_REMEMBERED) this.#standing.clear();
        this.#standing.add(digest);
        return false;
      }
      return true;
    } catch {
      return false;
    }
  }

  #remember(subject: Digest, entries: ReadonlyMap<Digest, Descriptor>): Map<Digest, Descriptor> {
    if (this.#remembered > MAX_REMEMBERED) {
      this.#seen.clear();
      this.#remembered = 0;
    }
    const seen = this.#seen.get(subject) ?? new Map<Digest, Descriptor>();
    this.#seen.set(subject, seen);
    for (const [digest, entry] of entries) {
      if (seen.has(digest)) continue;
      seen.set(digest, entry);
      this.#remembered += 1;
    }
    return seen;
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

  /** @throws ConsignError `MANIFEST_INVALID` if the tag points to something that is no list */
  async #read(subject: Digest, options: CallOptions): Promise<Current> {
    const read = await this.#readIfThere(subject, options);
    if (read === undefined) return { index: undefined, etag: undefined, entries: new Map() };
    const reference = this.manifests.reference(fallbackTag(subject));
    const isNoList = (): ConsignError =>
      new ConsignError(
        "MANIFEST_INVALID",
        `${reference} should be an index of referrers and is something else; it is left alone`,
        { reference },
      );
    if (read.manifest.descriptor.digest === subject) throw isNoList();
    return this.#asIndex(read, isNoList);
  }

  #asIndex(read: Read, isNone: () => ConsignError): Current {
    const { manifest, etag } = read;
    if (manifest.kind !== "index") throw isNone();
    const entries = new Map(manifest.value.manifests.map((entry) => [entry.digest, entry]));
    return { index: manifest, etag, entries };
  }

  /** An answer to HEAD has no body that would say who gave it: in doubt it is read. */
  async #mayBeThere(tag: string, options: CallOptions): Promise<boolean> {
    try {
      return (await this.manifests.head(tag, options)) !== undefined;
    } catch (error) {
      if (isConsignError(error, "REGISTRY_RESPONSE_INVALID", "REGISTRY_UNSUPPORTED")) return true;
      throw error;
    }
  }

  /**
   * Most subjects have no list, and registries that count what is read do not count HEADs.
   * @returns undefined if it was not found twice
   */
  async #readIfThere(subject: Digest, options: CallOptions): Promise<Read | undefined> {
    const tag = fallbackTag(subject);
    for (let look = 0; look < 2; look += 1) {
      if (!(await this.#mayBeThere(tag, options))) continue;
      const read = await this.manifests.get(tag, options);
      if (read !== undefined) return read;
    }
    return undefined;
  }
}

/** @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#error-codes */
function saysThatEntriesDangle(error: unknown): boolean {
  return (
    isConsignError(error) &&
    error.serverCodes.some((code) =>
      ["MANIFEST_BLOB_UNKNOWN", "BLOB_UNKNOWN", "MANIFEST_UNKNOWN"].includes(code),
    )
  );
}

function sameKeys(a: ReadonlyMap<Digest, unknown>, b: ReadonlyMap<Digest, unknown>): boolean {
  return a.size === b.size && [...a.keys()].every((key) => b.has(key));
}
