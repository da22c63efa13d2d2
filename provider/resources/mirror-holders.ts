// SPDX-License-Identifier: Apache-2.0
import { forEachBounded } from "../content/bounded";
import type { Store } from "../content/storage";
import { isConsignError } from "../errors";
import type { Digest } from "../oci/digest";
import type { Manifest } from "../oci/manifest";
import { isTag } from "../oci/reference";
import type { FullPlan } from "./mirror-plan";
import { isUserTag } from "./mirror-tags";

interface Held {
  /** By some tag, or by the plan. */
  all: ReadonlySet<Digest>;
  /** By a tag that this mirror does not plan. */
  byOthers: ReadonlySet<Digest>;
}

/** What the tags at a place, and the plan, still need: what they lead to, and everything below it. Found out once, and only if something is to be removed. */
export class Holders {
  #held: Promise<Held> | undefined;
  readonly #manifests = new Map<string, Promise<Manifest | undefined>>();

  constructor(
    private readonly store: Store,
    private readonly plan: FullPlan,
    /** Tags that hold nothing, as they go with what they point at. */
    private readonly ignored: ReadonlyMap<string, Digest>,
  ) {}

  async hold(digest: Digest): Promise<boolean> {
    return (await this.#find()).all.has(digest);
  }

  async holdForOthers(digest: Digest): Promise<boolean> {
    return (await this.#find()).byOthers.has(digest);
  }

  #find(): Promise<Held> {
    return (this.#held ??= this.#look());
  }

  async #look(): Promise<Held> {
    const { tags, cosignTags, artifacts } = this.plan;
    const there = (await this.#tags()).filter((tag) => !this.ignored.has(tag));
    const others = there.filter((tag) => tags[tag] === undefined && cosignTags[tag] === undefined && isUserTag(tag));
    const byOthers = await this.#below(others);
    const all = await this.#below([...there, ...Object.keys(artifacts)]);
    return { all, byOthers };
  }

  async #below(references: readonly string[]): Promise<ReadonlySet<Digest>> {
    const held = new Set<Digest>();
    const visit = async (reference: string): Promise<void> => {
      const manifest = await this.#manifest(reference);
      if (manifest === undefined || held.has(manifest.descriptor.digest)) return;
      held.add(manifest.descriptor.digest);
      if (manifest.kind === "index") for (const child of manifest.value.manifests) await visit(child.digest);
    };
    await forEachBounded(references, 8, visit);
    return held;
  }

  #manifest(reference: string): Promise<Manifest | undefined> {
    const reading = this.#manifests.get(reference) ?? this.#read(reference);
    this.#manifests.set(reference, reading);
    return reading;
  }

  /** A place without any tag is looked at twice, as everything there would be nobody's. */
  async #tags(): Promise<string[]> {
    const there = await this.store.tags({ fresh: true });
    return there.length > 0 ? there : this.store.tags({ fresh: true });
  }

  /** A tag that was listed and is not there is looked for once more: it may be all that holds something. */
  async #read(reference: string): Promise<Manifest | undefined> {
    return (await this.#present(reference, false)) ?? (isTag(reference) ? this.#present(reference, true) : undefined);
  }

  async #present(reference: string, fresh: boolean): Promise<Manifest | undefined> {
    try {
      return await this.store.manifest(reference, { fresh });
    } catch (error) {
      if (isConsignError(error, "MANIFEST_UNKNOWN", "BLOB_UNKNOWN")) return undefined;
      throw error;
    }
  }
}
