// SPDX-License-Identifier: Apache-2.0
import type { Store } from "../../content/storage";
import type { Digest } from "../../oci/digest";
import type { FullPlan } from "../../upcoming/plan";
import { cosignSubjectOf, isUserTag } from "../choose/tags";
import { TagGraph } from "../../keeping/tag-graph";

interface Held {
  /** By some tag, or by the plan. */
  all: ReadonlyMap<Digest, string>;
  /** By a tag that this mirror does not plan. */
  byOthers: ReadonlyMap<Digest, string>;
}

/**
 * What the tags at a place, and the plan, still need: what they lead to, what others have signed
 * with cosign, and everything below these. Found out once, and only if something is to be removed.
 */
export class Holders {
  #held: Promise<Held> | undefined;

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
    const graph = new TagGraph(this.store);
    const there = (await graph.tags()).filter((tag) => !this.ignored.has(tag));
    const others = there.filter(
      (tag) => tags[tag] === undefined && cosignTags[tag] === undefined && isUserTag(tag),
    );
    const byOthers = await graph.below(others);
    const signed = there
      .filter((tag) => cosignTags[tag] === undefined)
      .flatMap((tag) => cosignSubjectOf(tag) ?? []);
    const all = await graph.below([...there, ...Object.keys(artifacts), ...signed]);
    return { all, byOthers };
  }
}
