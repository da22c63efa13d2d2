// SPDX-License-Identifier: Apache-2.0
import { isDeepStrictEqual } from "node:util";
import { forEachBounded } from "../../content/bounded";
import type { ReadStore } from "../../content/storage";
import type { Survey } from "../../graph/index";
import type { ResolvedTrustPolicy } from "../../notation/index";
import { plainDescriptor, type Descriptor } from "../../oci/descriptor";
import type { Digest } from "../../oci/digest";
import { isIndexType } from "../../oci/media-types";
import type { ResourceContext } from "../../world/context";
import { replacedBy } from "../plan/base";
import { budgetOf } from "../plan/budget";
import { chooseRelated, type ClaimContract } from "./related-choice";
import { takesCosignTags } from "./claims";
import { chooseCosignTags } from "./cosign";
import { derive, DERIVED_FROM, needsDeriving } from "./derived";
import {
  mirroredBefore,
  earlierArtifactsToRevisit,
  withdrawnTags,
  type Refusal,
} from "./withdrawn";
import { creationOf, offeredTags } from "./offered";
import { aboutParts, relatedBefore } from "./parts";
import {
  emptyPlan,
  type Budget,
  type FullArtifact,
  type FullPlan,
  type Upcoming,
} from "../../upcoming/plan";
import { childFilter, choose, type Choice, type Platforms } from "./platforms";
import { refusalOf, Refusals } from "./refusals";
import {
  decodeRelated,
  sortedByKey,
  type Related,
  type RelatedByDigest,
} from "../../upcoming/related";
import { SourceView } from "./source-view";
import { namedDigests, namedTags, namesOnly, selectTags, type TagSelection } from "./tags";

/**
 * Artifacts that are looked at together; each takes several requests, which the registry's own
 * bound holds back.
 */
const AT_ONCE = 32;

export interface MirrorSelection extends ClaimContract {
  tags: TagSelection;
  platforms: Platforms | undefined;
  trust: ResolvedTrustPolicy | undefined;
}

/** A plan, and what was found out on the way to it that whoever carries it out can use. */
export interface Resolved {
  plan: FullPlan;
  budget: Budget;
  /** Of everything that the plan names and the source has. */
  descriptors: Map<Digest, Descriptor>;
  /**
   * What it comes to depends on an index that is yet to be pushed: what is derived from that is not
   * known.
   */
  undecided: boolean;
}

/**
 * Decides what the destinations are to hold, from three sides: what the source has, what this
 * program is about to put there (`upcoming`), and what was mirrored before (`base`), which is not
 * read again.
 */
export async function resolveMirror(
  source: ReadStore,
  selection: MirrorSelection,
  upcoming: Upcoming | undefined,
  base: FullPlan | undefined,
  context: ResourceContext,
  places: readonly string[] = [],
): Promise<Resolved> {
  return new Resolution(source, selection, upcoming, base, context, places).run();
}

class Resolution {
  readonly #plan = emptyPlan();
  readonly #view: SourceView;
  readonly #refusals: Refusals;
  readonly #roots = new Set<Digest>();
  /** By what they were made of, indexes of our own making, which take its tags. */
  readonly #derived = new Map<Digest, Digest>();
  #undecided = false;
  readonly #withdrawn = new Set<string>();
  /** What is gone at the source stays. */
  #keeps: boolean;
  /** Asked for by digest, and not at the source. */
  readonly #absent = new Set<Digest>();
  #tagList: readonly string[] | undefined;

  constructor(
    private readonly source: ReadStore,
    private readonly selection: MirrorSelection,
    private readonly upcoming: Upcoming | undefined,
    private readonly base: FullPlan | undefined,
    private readonly context: ResourceContext,
    /** Where what was mirrored before may still be read. */
    private readonly places: readonly string[],
  ) {
    this.#keeps = selection.withdrawn === "keep";
    this.#view = new SourceView(
      source,
      base,
      upcoming,
      selection.platforms,
      childFilter(selection.platforms, (digest) => this.#roots.has(digest)),
    );
    this.#refusals = new Refusals(this.#plan, base, selection.withdrawn);
  }

  async run(): Promise<Resolved> {
    const { tags, platforms } = this.selection;
    if (!namesOnly(tags) || takesCosignTags(this.selection.claims))
      this.#tagList = await this.source.tags();
    const offered = await offeredTags(this.#view, tags, this.#tagList ?? [], this.upcoming);
    if (!this.#keeps) await this.#confirmGone(offered);
    const candidates = {
      ...(this.#keeps ? withdrawnTags(this.base, tags, offered) : {}),
      ...offered,
    };
    for (const tag of await selectTags(Object.keys(candidates), tags, (tag) =>
      creationOf(this.#view, candidates[tag], platforms, this.upcoming, this.places, this.context),
    )) {
      const descriptor = candidates[tag];
      if (descriptor !== undefined) this.#plan.tags[tag] = descriptor.digest;
      if (offered[tag] === undefined) this.#withdrawn.add(tag);
    }
    const roots = new Map<Digest, Descriptor>();
    for (const root of Object.keys(this.#plan.tags).flatMap((tag) => candidates[tag] ?? []))
      roots.set(root.digest, root);
    for (const digest of namedDigests(tags)) await this.#addDigest(digest, roots);
    await forEachBounded(roots.values(), AT_ONCE, (root) => this.#addArtifact(root));
    this.#tagDerived();
    await forEachBounded(
      earlierArtifactsToRevisit(this.base, this.#plan, this.#keeps),
      AT_ONCE,
      ({ root, was }) => this.#addArtifact(root, was),
    );
    this.#tagDerived();
    if (takesCosignTags(this.selection.claims)) await this.#addCosignTags();
    this.#nameAbsent(offered);
    const plan = {
      ...this.#plan,
      withdrawn: [...this.#withdrawn],
      tags: sortedByKey(this.#plan.tags),
      artifacts: sortedByKey(this.#plan.artifacts),
    };
    return {
      plan,
      budget: budgetOf(plan, this.base, this.#view.read),
      descriptors: this.#view.descriptors,
      undecided: this.#undecided,
    };
  }

  /**
   * What is to be removed for being gone at the source is looked for once more. A source that shows
   * nothing at all of what was mirrored, as one does whose name or rights have changed, removes
   * nothing.
   */
  async #confirmGone(offered: Record<string, Descriptor>): Promise<void> {
    const { base, selection, source } = this;
    const gone = Object.keys(withdrawnTags(base, selection.tags, offered));
    await forEachBounded(gone, AT_ONCE, async (tag) => {
      const manifest = await this.#view.manifest(tag, true);
      if (manifest !== undefined) offered[tag] = this.#view.learn(manifest);
    });
    const before = Object.keys(base?.artifacts ?? {}) as Digest[];
    if (before.length === 0 || Object.keys(offered).length > 0) return;
    for (const digest of before) {
      const descriptor = mirroredBefore(base, digest);
      if (descriptor !== undefined && (await source.has(descriptor, { fresh: true }))) return;
    }
    this.#keeps = true;
    this.context.warn(
      `${source.name} shows nothing of what was mirrored from there: nothing is removed for that; to take all of it away, delete the mirror`,
    );
  }

  /** Of what was asked for by name, what was mirrored and is gone, and what never was there. */
  #nameAbsent(offered: Readonly<Record<string, Descriptor>>): void {
    const { base, selection } = this;
    const absent = [
      ...namedTags(selection.tags).filter((tag) => offered[tag] === undefined),
      ...namedDigests(selection.tags).filter((digest) => this.#absent.has(digest)),
    ];
    for (const name of absent) {
      const mirrored =
        base?.tags[name] ??
        base?.artifacts[name as Digest] ??
        (base?.withdrawn.includes(name) === true ? name : undefined);
      if (mirrored !== undefined) this.#withdrawn.add(name);
      else if (this.#plan.refused[name] === undefined) this.#plan.missing.push(name);
    }
  }

  async #addDigest(digest: Digest, roots: Map<Digest, Descriptor>): Promise<void> {
    const manifest = await this.#view.manifest(digest, this.base?.artifacts[digest] !== undefined);
    if (manifest !== undefined) return void roots.set(digest, this.#view.learn(manifest));
    const { mediaType, size } = this.upcoming?.artifacts[digest] ?? {};
    if (mediaType !== undefined && size !== undefined) {
      this.#view.descriptors.set(digest, { mediaType, size, digest });
      return void roots.set(digest, { mediaType, size, digest });
    }
    this.#absent.add(digest);
    const before = this.#keeps ? mirroredBefore(this.base, digest) : undefined;
    if (before !== undefined) roots.set(digest, before);
  }

  /** @param was tags that have led there and no longer do */
  async #addArtifact(root: Descriptor, was?: readonly string[]): Promise<void> {
    const mirrored = this.base?.artifacts[root.digest];
    // An index of our own making is nowhere but at the destinations.
    if (mirrored?.derivedFrom !== undefined)
      return void (this.#plan.artifacts[root.digest] = {
        ...mirrored,
        related: await this.#relatedToDerived(root.digest, mirrored, mirrored.derivedFrom),
        ...(was === undefined ? {} : { was }),
      });
    const present = this.#view.descriptors.has(root.digest) || (await this.source.has(root));
    if (!present) this.#withdrawn.add(root.digest);
    const refusal = present ? await this.#refusalOf(root) : undefined;
    if (refusal !== undefined && !this.#refusals.staysAt(root.digest, refusal))
      return this.#refusals.refuse(root.digest, refusal);
    const choice = present
      ? await this.#choiceFor(root)
      : { platforms: mirrored?.platforms, refusal: undefined };
    if (choice?.refusal !== undefined)
      return this.#refusals.refuse(
        root.digest,
        { reason: choice.refusal, certain: true },
        (before) => this.base?.artifacts[before]?.derivedFrom !== root.digest,
      );
    this.#roots.add(root.digest);
    if (
      present &&
      needsDeriving(root, this.selection.platforms) &&
      (await this.#addDerived(root, this.selection.platforms, was))
    )
      return;
    const settled =
      mirrored !== undefined && isDeepStrictEqual(mirrored.platforms, choice?.platforms);
    const related = await this.#relatedTo(
      root,
      { present, settled, refused: refusal !== undefined },
      (all) => all,
    );
    this.#plan.artifacts[root.digest] = {
      mediaType: root.mediaType,
      size: root.size,
      related,
      ...(choice?.platforms === undefined ? {} : { platforms: choice.platforms }),
      ...(was === undefined ? {} : { was }),
    };
  }

  /**
   * What of an index is for the platforms; undefined where there is nothing to choose from, or not
   * yet.
   */
  async #choiceFor(root: Descriptor): Promise<Choice | undefined> {
    const { platforms } = this.selection;
    if (platforms === undefined || !isIndexType(root.mediaType)) return undefined;
    const index = await this.#view.manifest(root.digest);
    if (index === undefined) this.#undecided ||= platforms.index === "derived";
    return index === undefined
      ? undefined
      : choose(index, platforms.only, async (child) =>
          platforms.index === "sparse" ? this.#view.manifest(child.digest) : undefined,
        );
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
    const { related: observed, found } = await this.#view.survey(
      root,
      settled || !present,
      !this.#keeps,
    );
    // What an index that is gone had in it is not known any more.
    if (!present) this.#view.parts.delete(root.digest);
    const announced = decodeRelated(this.upcoming?.artifacts[root.digest]?.related ?? {}) ?? {};
    const mirrored = relatedBefore(
      this.base,
      root.digest,
      present ? this.#view.parts.get(root.digest) : undefined,
    );
    const before = this.#keeps ? mirrored : {};
    // What does not verify any more stays as it was mirrored: with the signatures that were good.
    const replaced = refused ? () => false : replacedBy(before, announced, observed);
    const kept = Object.fromEntries(Object.entries(before).filter(([, entry]) => !replaced(entry)));
    const offered = {
      ...announced,
      ...observed,
      ...(this.#keeps ? {} : await this.#view.unlisted(mirrored, observed)),
    };
    const related = await this.#choose(apt({ ...kept, ...offered }), found, mirrored);
    for (const digest of Object.keys(related) as Digest[])
      if (offered[digest] === undefined) this.#withdrawn.add(digest);
    return related;
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
    const { platforms } = this.selection;
    const origins = Object.fromEntries(
      (Object.entries(related) as [Digest, Related][]).filter(
        ([, { type, of }]) => type === DERIVED_FROM && of === undefined,
      ),
    );
    const original = await this.#view.manifest(derivedFrom);
    const same =
      original !== undefined &&
      platforms !== undefined &&
      derive(original, platforms.only, this.source.name)?.index.descriptor.digest === digest;
    if (same) this.#roots.add(derivedFrom);
    const chosen = same
      ? await this.#relatedTo(
          this.#view.learn(original),
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
    const original = await this.#view.manifest(root.digest);
    const derived =
      original === undefined ? undefined : derive(original, platforms.only, this.source.name);
    if (derived === undefined) return false;
    const { descriptor } = derived.index;
    const claim = derived.claim.manifest.descriptor;
    const related = await this.#relatedTo(
      root,
      { present: true, settled: this.base?.artifacts[descriptor.digest] !== undefined },
      aboutParts,
    );
    this.#derived.set(root.digest, descriptor.digest);
    const made: RelatedByDigest = Object.fromEntries([
      [claim.digest, { type: DERIVED_FROM, audience: "public" as const }],
    ]);
    this.#view.descriptors
      .set(descriptor.digest, plainDescriptor(descriptor))
      .set(claim.digest, plainDescriptor(claim));
    this.#plan.artifacts[descriptor.digest] = {
      mediaType: descriptor.mediaType,
      size: descriptor.size,
      related: sortedByKey({ ...made, ...related }),
      derivedFrom: root.digest,
      ...(was === undefined ? {} : { was }),
    };
    return true;
  }

  #tagDerived(): void {
    const { tags } = this.#plan;
    for (const [tag, target] of Object.entries(tags))
      tags[tag] = this.#derived.get(target) ?? target;
  }

  #choose(
    related: RelatedByDigest,
    found: Survey | undefined,
    mirrored: Readonly<RelatedByDigest>,
  ): Promise<RelatedByDigest> {
    return chooseRelated(
      this.#view,
      this.selection,
      this.context,
      related,
      found,
      mirrored,
      (claim, reason) => void (this.#plan.refused[`claim ${claim}`] = reason),
    );
  }

  /** What is not pushed yet is judged when it is. */
  async #refusalOf(root: Descriptor): Promise<Refusal | undefined> {
    const { trust } = this.selection;
    return trust === undefined || this.upcoming?.artifacts[root.digest] !== undefined
      ? undefined
      : refusalOf(this.source, root, trust, this.context);
  }

  async #addCosignTags(): Promise<void> {
    const digestOf = async (tag: string, fresh: boolean): Promise<Digest | undefined> => {
      const manifest = await this.#view.manifest(tag, fresh);
      return manifest === undefined ? undefined : this.#view.learn(manifest).digest;
    };
    // A source that shows nothing of what was mirrored takes nothing away, so removing by the
    // selection is not enough.
    const withdrawn = this.#keeps ? "keep" : "remove";
    const chosen = await chooseCosignTags({
      artifacts: this.#plan.artifacts,
      parts: this.#view.parts,
      listed: this.#tagList ?? [],
      base: this.base,
      withdrawn,
      digestOf,
    });
    Object.assign(this.#plan.cosignTags, chosen.tags);
    for (const tag of chosen.withdrawn) this.#withdrawn.add(tag);
  }
}
