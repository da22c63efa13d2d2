// SPDX-License-Identifier: Apache-2.0
import { copyAll, type CopyAllOptions, type CopyItem, type CopyReport } from "../../content/copy";
import { isOfOneItem, mayBeOfOneItem, reasonOf } from "../../content/item-faults";
import type { ReadStore, Store } from "../../content/storage";
import type { ConsignError } from "../../errors";
import type { Descriptor } from "../../oci/descriptor";
import type { Digest } from "../../oci/digest";
import { isIndexType } from "../../oci/media-types";
import { takenBelow } from "../choose/children";

/** Something that could not be brought to a destination. */
export interface RefusedItem {
  error: ConsignError;
  reason: string;
}

export interface IsolatedCopyOptions extends CopyAllOptions {
  referrers: (subject: Descriptor) => Promise<Descriptor[]>;
  /** Whether something may speak against what it refers to. */
  mayForbid: (referrer: Digest) => boolean;
  /** Whether a fault may be one item's; others end the copy. @default every one that can be */
  isolates?: ((error: ConsignError) => boolean) | undefined;
}

/**
 * Copies artifacts together, and where that fails one by one, so that a fault refuses what it is
 * about and nothing else: an artifact with its tags, or one of its referrers. A referrer that is
 * refused and may speak against the artifact holds back its tags.
 */
export class IsolatedCopy {
  /** Artifacts and referrers. */
  readonly refused = new Map<Digest, RefusedItem>();
  /** By artifact that was brought and whose tags were not set, why. */
  readonly held = new Map<Digest, string>();
  #worked = false;
  readonly #unsure: ConsignError[] = [];

  constructor(
    private readonly source: ReadStore,
    private readonly destination: Store,
    private readonly options: IsolatedCopyOptions,
    private readonly report: CopyReport,
  ) {}

  async run(items: readonly CopyItem[]): Promise<void> {
    try {
      await this.#copy(items, this.options);
      this.#worked = true;
    } catch (error) {
      if (!this.#isolates(error)) throw error;
      for (const item of items) await this.#runAlone(item);
    }
  }

  /** @throws ConsignError where nothing could be brought, so that it is the place's own fault */
  end(): void {
    const [first] = this.#unsure;
    if (!this.#worked && first !== undefined) throw first;
  }

  async #runAlone(item: CopyItem): Promise<void> {
    const error = await this.#attempt([item], this.options.referrers);
    if (error === undefined) return;
    const { root, tags } = item;
    const without = await this.#attempt([{ root }], async () => []);
    if (without !== undefined) return this.#refuse(root.digest, without);
    let hold: string | undefined;
    for (let level = [root, ...(await this.#below(root))]; level.length > 0;) {
      const next: Descriptor[] = [];
      for (const subject of level)
        for (const referrer of await this.options.referrers(subject)) {
          const failure = await this.#attempt([{ root: referrer }], async () => []);
          if (failure === undefined) next.push(referrer);
          else {
            this.#refuse(referrer.digest, failure);
            // Without its signature, what is said counts for nothing.
            if ([referrer, subject].some(({ digest }) => this.options.mayForbid(digest)))
              hold ??= `what refers to it may speak against it: ${referrer.digest}: ${reasonOf(failure, "destination")}`;
          }
        }
      level = next;
    }
    if (hold !== undefined) return void this.held.set(root.digest, hold);
    const untagged = await this.#attempt([{ root, tags }], async () => []);
    if (untagged !== undefined) this.#refuse(root.digest, untagged);
  }

  /** What of an index goes along, about which there may be something to say too. */
  async #below(root: Descriptor): Promise<Descriptor[]> {
    if (!isIndexType(root.mediaType)) return [];
    const index = await this.source.manifest(root);
    return takenBelow(this.source, index, this.options.takesChild ?? (() => true));
  }

  /** What an attempt before it has left is looked for. */
  async #attempt(
    items: readonly CopyItem[],
    referrers: IsolatedCopyOptions["referrers"],
  ): Promise<ConsignError | undefined> {
    try {
      await this.#copy(items, { ...this.options, referrers, resumes: true, held: this.#presumed });
      this.#worked = true;
      return undefined;
    } catch (error) {
      if (!this.#isolates(error)) throw error;
      return error;
    }
  }

  readonly #presumed = (target: Descriptor): boolean | undefined =>
    this.options.held?.(target) === true ? true : undefined;

  #isolates(error: unknown): error is ConsignError {
    return mayBeOfOneItem(error) && this.options.isolates?.(error) !== false;
  }

  #refuse(digest: Digest, error: ConsignError): void {
    if (!isOfOneItem(error, false)) this.#unsure.push(error);
    this.refused.set(digest, { error, reason: reasonOf(error, "destination") });
  }

  async #copy(items: readonly CopyItem[], options: CopyAllOptions): Promise<void> {
    const report = await copyAll(this.source, this.destination, items, options);
    for (const key of Object.keys(this.report) as (keyof CopyReport)[])
      this.report[key] += report[key];
  }
}
