// SPDX-License-Identifier: Apache-2.0
import { isOfOneItem, mayBeOfOneItem, reasonOf } from "../../content/item-faults";
import type { ConsignError } from "../../errors";
import type { ReadStore } from "../../content/storage";
import { referrerMayForbid } from "../../claims/index";
import { leavesOut } from "./claims";
import type { Survey } from "../../graph/index";
import type { ResolvedTrustPolicy } from "../../notation/index";
import { plainDescriptor, type Descriptor } from "../../oci/descriptor";
import type { Digest } from "../../oci/digest";
import { isIndexType } from "../../oci/media-types";
import type { ResourceContext } from "../../world/context";
import { replacedBy } from "../plan/base";
import { chooseRelated, type ClaimContract } from "./related-choice";
import { derive, DERIVED_FROM, needsDeriving } from "./derived";
import type { Refusal } from "./withdrawn";
import { aboutParts, relatedBefore } from "./parts";
import { samePartsIn, type FullArtifact, type FullPlan, type Upcoming } from "../../upcoming/plan";
import { partsLeftOut } from "./left-out";
import { choose, type Choice, type Platforms } from "./platforms";
import type { Refusals } from "./refusals";
import { refusalOf } from "./refusals";
import {
  decodeRelated,
  SIGNATURE,
  sortedByKey,
  type Related,
  type RelatedByDigest,
} from "../../upcoming/related";
import type { SourceView } from "./source-view";
import type { TagSelection } from "./tags";

export interface MirrorSelection extends ClaimContract {
  tags: TagSelection;
  platforms: Platforms | undefined;
  trust: ResolvedTrustPolicy | undefined;
  attestations: "include" | "exclude";
  absent: "fail" | "skip";
  /** Whether what a fault refuses fails `up`; what is named outright does in any case. */
  onRefused: "warn" | "fail";
}

/**
 * What the destinations are to hold is told from three sides: what the source has, what this program
 * is about to put there, and what was mirrored before, which is not read again.
 */
export interface MirrorQuestion {
  readonly source: ReadStore;
  readonly selection: MirrorSelection;
  /** What this program is about to put at the source. */
  readonly upcoming: Upcoming | undefined;
  /** What was mirrored before. */
  readonly base: FullPlan | undefined;
  /** Where what was mirrored before may still be read. */
  readonly places: readonly string[];
  readonly context: ResourceContext;
}

/** What choosing for one mirror starts from, and what it has chosen so far. */
export interface Choosing extends MirrorQuestion {
  readonly view: SourceView;
  readonly refusals: Refusals;
  readonly plan: FullPlan;
  /** The artifacts that go along themselves. */
  readonly roots: Set<Digest>;
  /** What stays although it is gone at the source. */
  readonly withdrawn: Set<string>;
  /** Whether what is gone at the source stays. */
  keeps: boolean;
}

/** What goes along of each chosen artifact: parts of an index, and what refers to any of that. */
export class ChosenArtifacts {
  /** By what they were made of, indexes of our own making, which take its tags. */
  readonly #derived = new Map<Digest, Digest>();
  readonly #faults: { digest: Digest; error: ConsignError }[] = [];
  /** By artifact, why its tags wait: something that may forbid cannot be brought. */
  readonly #held = new Map<Digest, string>();
  #worked = false;
  /** Whether something depends on an index that is yet to be pushed. */
  undecided = false;

  constructor(private readonly choosing: Choosing) {}

  /**
   * What has a manifest that cannot be read is refused by its name, and keeps nothing else back;
   * where it was mirrored before, it stays.
   * @param was tags that have led there and no longer do
   */
  async add(root: Descriptor, was?: readonly string[]): Promise<void> {
    try {
      await this.#addReadable(root, was);
      this.#worked = true;
    } catch (error) {
      if (!mayBeOfOneItem(error)) throw error;
      this.fault(root.digest, error);
    }
  }

  /** Something is wrong with an artifact, or with the source as a whole, which the others tell. */
  fault(digest: Digest, error: ConsignError): void {
    this.#faults.push({ digest, error });
  }

  /**
   * Once all were looked at, and before tags are led to what is made of them: each fault refuses
   * what it is about, unless it is the source's as a whole.
   */
  refuseFaulty(): void {
    for (const { digest, error } of this.#faults.splice(0)) {
      // What is wrong with each of them is an argument.
      const isArguments = error.path !== undefined && !this.#worked;
      if (isArguments || !isOfOneItem(error, this.#worked)) throw error;
      this.choosing.refusals.fault(digest, reasonOf(error, "source"));
    }
    for (const [digest, reason] of this.#held) this.choosing.refusals.holdBack(digest, reason);
    this.#held.clear();
  }

  async #addReadable(root: Descriptor, was?: readonly string[]): Promise<void> {
    const mirrored = this.choosing.base?.artifacts[root.digest];
    // An index of our own making is nowhere but at the destinations.
    if (mirrored?.derivedFrom !== undefined)
      return void (this.choosing.plan.artifacts[root.digest] = {
        ...mirrored,
        related: await this.#relatedToDerived(root.digest, mirrored, mirrored.derivedFrom),
        ...(was === undefined ? {} : { was }),
      });
    const present =
      this.choosing.view.descriptors.has(root.digest) || (await this.choosing.source.has(root));
    if (!present) this.choosing.withdrawn.add(root.digest);
    const refusal = present ? await this.#refusalOf(root) : undefined;
    if (refusal !== undefined && !this.choosing.refusals.staysAt(root.digest, refusal))
      return this.choosing.refusals.refuse(root.digest, refusal);
    const choice = present
      ? await this.#choiceFor(root)
      : { platforms: mirrored?.platforms, refusal: undefined };
    if (choice?.refusal !== undefined)
      return this.choosing.refusals.refuse(
        root.digest,
        { reason: choice.refusal, certain: true },
        (before) => this.choosing.base?.artifacts[before]?.derivedFrom !== root.digest,
      );
    this.choosing.roots.add(root.digest);
    if (
      present &&
      needsDeriving(root, this.choosing.selection.platforms) &&
      (await this.#addDerived(root, this.choosing.selection.platforms, was))
    )
      return;
    const without = present ? await this.#leftOut(root) : mirrored?.without;
    const settled =
      mirrored !== undefined &&
      samePartsIn(mirrored, { ...mirrored, platforms: choice?.platforms, without });
    const related = await this.#relatedTo(
      root,
      { present, settled, refused: refusal !== undefined },
      (all) => all,
    );
    this.choosing.plan.artifacts[root.digest] = {
      mediaType: root.mediaType,
      size: root.size,
      related,
      ...(choice?.platforms === undefined ? {} : { platforms: choice.platforms }),
      ...(without === undefined ? {} : { without }),
      ...(was === undefined ? {} : { was }),
    };
  }

  tagDerived(): void {
    const { tags } = this.choosing.plan;
    for (const [tag, target] of Object.entries(tags))
      tags[tag] = this.#derived.get(target) ?? target;
  }

  /**
   * What of an index is for the platforms; undefined where there is nothing to choose from, or not
   * yet.
   */
  async #choiceFor(root: Descriptor): Promise<Choice | undefined> {
    const { platforms } = this.choosing.selection;
    if (platforms === undefined || !isIndexType(root.mediaType)) return undefined;
    const index = await this.choosing.view.manifest(root.digest);
    if (index === undefined) this.undecided ||= platforms.index === "derived";
    return index === undefined
      ? undefined
      : choose(index, platforms.only, async (child) =>
          platforms.index === "sparse" ? this.choosing.view.manifest(child.digest) : undefined,
        );
  }

  /** Parts of an index that stay behind, each said where it is new. */
  async #leftOut(root: Descriptor): Promise<Digest[] | undefined> {
    const { view, selection, base, source, context } = this.choosing;
    const left = await partsLeftOut(view, root, selection);
    for (const [digest, why] of left)
      if (base?.artifacts[root.digest]?.without?.includes(digest) !== true)
        context.warn(
          `mirror of ${source.name}: ${root.digest} goes along without ${digest}: ${why}`,
        );
    return left.size === 0 ? undefined : [...left.keys()].sort();
  }

  /** What is listed and cannot be read stays behind, and with it the tag where it may forbid. */
  #refuseUnreadable(root: Digest, found: Survey | undefined): void {
    const { claims } = this.choosing.selection;
    for (const [digest, { why, listed, of }] of found?.unreadable ?? []) {
      if (leavesOut(claims, listed)) continue;
      const reason = `${digest} is not copied: ${why}`;
      this.choosing.refusals.faultOf(digest, reason);
      const about = found?.referrers.get(of)?.descriptor;
      // Without its signature, what is said counts for nothing.
      if (referrerMayForbid(listed) || (about !== undefined && referrerMayForbid(about)))
        this.#held.set(root, `what refers to it may speak against it: ${reason}`);
    }
  }

  /**
   * What is to refer to an artifact: what the source has, what is about to be put there, and what
   * is kept although it is withdrawn.
   * @param state whether it is at the source, and whether the same parts of it went along before
   * @param apt what of all that can be said of what is mirrored
   */
  async #relatedTo(
    root: Descriptor,
    {
      present,
      settled,
      refused = false,
    }: { present: boolean; settled: boolean; refused?: boolean },
    apt: (related: RelatedByDigest) => RelatedByDigest,
  ): Promise<RelatedByDigest> {
    const { related: observed, found } = await this.choosing.view.survey(
      root,
      settled || !present,
      !this.choosing.keeps,
    );
    this.#refuseUnreadable(root.digest, found);
    // What an index that is gone had in it is not known any more.
    if (!present) this.choosing.view.parts.delete(root.digest);
    const announced =
      decodeRelated(this.choosing.upcoming?.artifacts[root.digest]?.related ?? {}) ?? {};
    const mirrored = relatedBefore(
      this.choosing.base,
      root.digest,
      present ? this.choosing.view.parts.get(root.digest) : undefined,
    );
    const before = this.choosing.keeps ? mirrored : {};
    // What does not verify any more stays as it was mirrored: with the signatures that were good.
    const replaced = refused ? () => false : replacedBy(before, announced, observed);
    const kept = Object.fromEntries(Object.entries(before).filter(([, entry]) => !replaced(entry)));
    const offered = {
      ...announced,
      ...observed,
      ...(this.choosing.keeps ? {} : await this.choosing.view.unlisted(mirrored, observed)),
    };
    const all = { ...kept, ...offered };
    const fitting = apt(all);
    const related = await this.#choose(fitting, found, mirrored);
    this.#nameUnfitting(root.digest, all, fitting);
    for (const digest of Object.keys(related) as Digest[])
      if (offered[digest] === undefined) this.choosing.withdrawn.add(digest);
    return related;
  }

  /** What is said of an index as a whole does not go along with what is left of it. */
  #nameUnfitting(
    root: Digest,
    all: Readonly<RelatedByDigest>,
    fitting: Readonly<RelatedByDigest>,
  ): void {
    for (const [digest, { type }] of Object.entries(all) as [Digest, Related][])
      if (fitting[digest] === undefined && type !== SIGNATURE)
        this.choosing.plan.refused[`claim ${digest}`] =
          `${type} is not copied: it is about ${root} as a whole, of which only some platforms go along`;
  }

  /**
   * Of an index of our own making that stays: what says where it comes from, whatever the contract
   * takes, and what is said of its parts, as far as the source still tells which these are.
   */
  async #relatedToDerived(
    digest: Digest,
    { related }: FullArtifact,
    derivedFrom: Digest,
  ): Promise<RelatedByDigest> {
    const { platforms } = this.choosing.selection;
    const origins = Object.fromEntries(
      (Object.entries(related) as [Digest, Related][]).filter(
        ([, { type, of }]) => type === DERIVED_FROM && of === undefined,
      ),
    );
    const original = await this.choosing.view.manifest(derivedFrom);
    const same =
      original !== undefined &&
      platforms !== undefined &&
      derive(original, platforms.only, this.choosing.source.name)?.index.descriptor.digest ===
        digest;
    if (same) this.choosing.roots.add(derivedFrom);
    const chosen = same
      ? await this.#relatedTo(
          this.choosing.view.learn(original),
          { present: true, settled: true },
          aboutParts,
        )
      : await this.#choose(aboutParts(related), undefined, related);
    return sortedByKey({ ...origins, ...chosen });
  }

  /**
   * Takes what is left of an index in its stead. @returns false where nothing has to be left out
   */
  async #addDerived(
    root: Descriptor,
    platforms: Platforms,
    was: readonly string[] | undefined,
  ): Promise<boolean> {
    const original = await this.choosing.view.manifest(root.digest);
    const derived =
      original === undefined
        ? undefined
        : derive(original, platforms.only, this.choosing.source.name);
    if (derived === undefined) return false;
    const { descriptor } = derived.index;
    const claim = derived.claim.manifest.descriptor;
    const related = await this.#relatedTo(
      root,
      { present: true, settled: this.choosing.base?.artifacts[descriptor.digest] !== undefined },
      aboutParts,
    );
    this.#derived.set(root.digest, descriptor.digest);
    const made: RelatedByDigest = Object.fromEntries([
      [claim.digest, { type: DERIVED_FROM, audience: "public" as const }],
    ]);
    this.choosing.view.descriptors
      .set(descriptor.digest, plainDescriptor(descriptor))
      .set(claim.digest, plainDescriptor(claim));
    this.choosing.plan.artifacts[descriptor.digest] = {
      mediaType: descriptor.mediaType,
      size: descriptor.size,
      related: sortedByKey({ ...made, ...related }),
      derivedFrom: root.digest,
      ...(was === undefined ? {} : { was }),
    };
    return true;
  }

  #choose(
    related: RelatedByDigest,
    found: Survey | undefined,
    mirrored: Readonly<RelatedByDigest>,
  ): Promise<RelatedByDigest> {
    return chooseRelated(
      this.choosing.view,
      this.choosing.selection,
      this.choosing.context,
      related,
      found,
      mirrored,
      (claim, reason) => void (this.choosing.plan.refused[`claim ${claim}`] = reason),
    );
  }

  /** What is not pushed yet is judged when it is. */
  async #refusalOf(root: Descriptor): Promise<Refusal | undefined> {
    const { trust } = this.choosing.selection;
    return trust === undefined || this.choosing.upcoming?.artifacts[root.digest] !== undefined
      ? undefined
      : refusalOf(this.choosing.source, root, trust, this.choosing.context);
  }
}
