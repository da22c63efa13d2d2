// SPDX-License-Identifier: Apache-2.0
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { ConsignError, asError } from "../errors";
import { parseStrictJson } from "../oci/strict-json";
import {
  emptyLayoutIndex,
  layoutIndexText,
  readLayoutIndex,
  type LayoutIndex,
} from "./layout-entries";
import {
  fingerprint,
  listIfPresent,
  makeDirectory,
  readIfPresent,
  sameFingerprint,
  sweepTemporaries,
  syncDirectory,
  writeAtomically,
  type Fingerprint,
} from "./layout-files";
import { withLayoutLock } from "./layout-lock";
import type { CallOptions } from "./storage";

const MAX_INDEX_SIZE = 256 * 1024 * 1024;
const MAX_ATTEMPTS = 20;
const headerSchema = z.looseObject({
  imageLayoutVersion: z.string().regex(/^1\./, "only version 1 of the image layout is known"),
});

/**
 * One change of the index. Answers with the same object if nothing is to be changed; may be asked
 * again if the index changed meanwhile.
 */
export type IndexEdit = (index: LayoutIndex) => LayoutIndex | Promise<LayoutIndex>;

interface Snapshot {
  index: LayoutIndex;
  /** Undefined for a layout that is not there yet. */
  fingerprint: Fingerprint | undefined;
}

interface Pending {
  edit: IndexEdit;
  after: () => Promise<void>;
  settle: (outcome: Outcome) => void;
}

type Outcome = { error: unknown } | undefined;

/**
 * A layout directory's `oci-layout` and `index.json`, shared with other processes. Reads are cached
 * until the file changes; changes that arrive while one is being written go together into the next
 * write, so that a thousand pushes do not mean a thousand rewrites.
 */
export class LayoutIndexFile {
  readonly #path: string;
  readonly #pending: Pending[] = [];
  #cached: Snapshot | undefined;
  #writing = false;
  #created: Promise<void> | undefined;

  constructor(
    private readonly root: string,
    private readonly create: boolean,
    private readonly lockWaitMs: number,
  ) {
    this.#path = join(root, "index.json");
  }

  /**
   * The index as it is now; empty if the layout is not there. @throws ConsignError
   * `LAYOUT_INVALID`, `FILE_UNREADABLE`
   */
  async read(): Promise<LayoutIndex> {
    return (await this.#snapshot()).index;
  }

  /**
   * Makes sure that the layout is there. @throws ConsignError `LAYOUT_INVALID`, `LAYOUT_LOCKED`,
   * `LAYOUT_UNWRITABLE`
   */
  async ensure(options: CallOptions = {}): Promise<void> {
    this.#created ??= this.#ensure(options);
    await this.#created.catch((error: unknown) => {
      this.#created = undefined;
      throw error;
    });
  }

  /**
   * Applies a change, and returns once it is on disk.
   * @param after what is to happen once it is, still under the lock
   * @throws ConsignError what `edit` and `after` throw, `LAYOUT_LOCKED`, `LAYOUT_UNWRITABLE`
   */
  async change(
    edit: IndexEdit,
    options: CallOptions = {},
    after = async (): Promise<void> => undefined,
  ): Promise<void> {
    await this.ensure(options);
    const { index } = await this.#snapshot();
    if ((await edit(index)) === index) return after();
    await new Promise<void>((resolve, reject) => {
      this.#pending.push({
        edit,
        after,
        settle: (outcome) => (outcome === undefined ? resolve() : reject(asError(outcome.error))),
      });
      if (!this.#writing) void this.#drain();
    });
  }

  async #drain(): Promise<void> {
    this.#writing = true;
    while (this.#pending.length > 0) {
      const group = this.#pending.splice(0);
      const failed = (error: unknown): Outcome[] => group.map(() => ({ error }));
      const outcomes = await withLayoutLock(this.root, this.lockWaitMs, {}, () =>
        this.#commit(group),
      ).catch(failed);
      group.forEach((pending, at) => pending.settle(outcomes[at]));
    }
    this.#writing = false;
  }

  async #commit(group: readonly Pending[]): Promise<Outcome[]> {
    const outcomes = await this.#write(group);
    for (const [at, { after }] of group.entries()) {
      if (outcomes[at] === undefined) outcomes[at] = await outcomeOf(after);
    }
    return outcomes;
  }

  /**
   * Tools that do not know the lock write index.json too, so it is compared once more just before
   * it is replaced.
   */
  async #write(group: readonly Pending[]): Promise<Outcome[]> {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const before = await this.#snapshot();
      let index = before.index;
      const outcomes: Outcome[] = [];
      for (const { edit } of group)
        outcomes.push(await outcomeOf(async () => void (index = await edit(index))));
      if (index === before.index) return outcomes;
      for (const algorithm of ["sha256", "sha512"])
        await syncDirectory(join(this.root, "blobs", algorithm));
      const confirm = async () =>
        sameFingerprint(before.fingerprint, await fingerprint(this.#path));
      const written = await writeAtomically(this.#path, encode(index), { confirm });
      if (written === undefined) continue;
      this.#cached = { index, fingerprint: written };
      await syncDirectory(this.root);
      return outcomes;
    }
    throw new ConsignError(
      "LAYOUT_LOCKED",
      `index.json of OCI image layout ${this.root} changed ${MAX_ATTEMPTS} times while it was to be written; another tool writes to it`,
    );
  }

  async #snapshot(): Promise<Snapshot> {
    const now = await fingerprint(this.#path);
    if (now === undefined) return this.#missing();
    if (this.#cached !== undefined && sameFingerprint(this.#cached.fingerprint, now))
      return this.#cached;
    if (!(await this.#hasHeader()))
      throw this.#invalid("it has an index.json, but no oci-layout file");
    for (let attempt = 0; ; attempt++) {
      const seen = await fingerprint(this.#path);
      const bytes = await readIfPresent(this.#path, MAX_INDEX_SIZE);
      if (bytes === undefined) return this.#missing();
      const index = readLayoutIndex(parseJson(bytes));
      if (!("invalid" in index)) return (this.#cached = { index, fingerprint: seen });
      // Other tools write the file in place, so it may be half there for a moment.
      if (attempt === 4) throw this.#invalid(`index.json: ${String(index.invalid)}`);
      await sleep(20 * 2 ** attempt);
    }
  }

  /** No index.json: either there is no layout (yet), or something else is in its place. */
  async #missing(): Promise<Snapshot> {
    const empty = { index: emptyLayoutIndex(), fingerprint: undefined };
    const names = (await listIfPresent(this.root)) ?? [];
    if (!(await this.#hasHeader())) {
      const other = names.find((name) => !name.startsWith("."));
      if (other !== undefined)
        throw this.#invalid(`it holds other files (${other}), and no oci-layout`);
      return empty;
    }
    const blobs = (await listIfPresent(join(this.root, "blobs"))) ?? [];
    if (blobs.length > 0 && (await fingerprint(this.#path)) === undefined)
      throw this.#invalid("it has blobs, but no index.json");
    return empty;
  }

  async #hasHeader(): Promise<boolean> {
    const bytes = await readIfPresent(join(this.root, "oci-layout"), 64 * 1024);
    if (bytes === undefined) return false;
    const parsed = headerSchema.safeParse(parseJson(bytes));
    if (!parsed.success) throw this.#invalid(`oci-layout: ${parsed.error.issues[0]?.message}`);
    return true;
  }

  async #ensure(options: CallOptions): Promise<void> {
    const found = await this.#snapshot();
    if (found.fingerprint === undefined) {
      if (!this.create) throw this.#invalid("it does not exist, and is not to be created here");
      await makeDirectory(this.root);
      await withLayoutLock(this.root, this.lockWaitMs, options, () => this.#initialise());
    }
    for (const directory of ["", "blobs/sha256", "blobs/sha512"])
      await sweepTemporaries(join(this.root, directory));
  }

  async #initialise(): Promise<void> {
    if (!(await this.#hasHeader())) {
      await writeAtomically(
        join(this.root, "oci-layout"),
        Buffer.from(JSON.stringify({ imageLayoutVersion: "1.0.0" })),
      );
    }
    if ((await fingerprint(this.#path)) === undefined)
      await writeAtomically(this.#path, encode(emptyLayoutIndex()));
  }

  #invalid(why: string): ConsignError {
    return new ConsignError("LAYOUT_INVALID", `${this.root} is not an OCI image layout: ${why}`, {
      reference: `oci:${this.root}`,
    });
  }
}

async function outcomeOf(step: () => Promise<void>): Promise<Outcome> {
  try {
    await step();
    return undefined;
  } catch (error) {
    return { error };
  }
}

function encode(index: LayoutIndex): Uint8Array {
  return Buffer.from(layoutIndexText(index));
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return parseStrictJson(bytes);
  } catch {
    return undefined;
  }
}
