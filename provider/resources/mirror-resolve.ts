// SPDX-License-Identifier: Apache-2.0
import { isDeepStrictEqual } from "node:util";
import { forEachBounded } from "../content/bounded";
import type { ReadStore } from "../content/storage";
import { isConsignError } from "../errors";
import { survey, type KnownPlace, type Survey, type SurveyedReferrer } from "../graph";
import { verifyArtifact, type ResolvedTrustPolicy } from "../notation";
import { plainDescriptor, type Annotations, type Descriptor } from "../oci/descriptor";
import type { Digest } from "../oci/digest";
import type { Manifest } from "../oci/manifest";
import { MEDIA_TYPES, isIndexType } from "../oci/media-types";
import type { ResourceContext } from "./context";
import { placesIn, replacedBy } from "./mirror-base";
import { budgetOf } from "./mirror-budget";
import { lacksPart } from "./mirror-children";
import { claimFilter, takesCosignTags, untrustedClaims, type ClaimSelection } from "./mirror-claims";
import { chooseCosignTags } from "./mirror-cosign";
import { createdAt, createdAtPlaces } from "./mirror-created";
import { derive, DERIVED_FROM, needsDeriving } from "./mirror-derived";
import { mirroredBefore, stays, supersededBy, withdrawnTags, type Refusal } from "./mirror-kept";
import { aboutParts, relatedBefore } from "./mirror-parts";
import { emptyPlan, type Budget, type FullArtifact, type FullPlan, type Upcoming } from "./mirror-plan";
import { childFilter, choose, type Choice, type Platforms, type TakesChild } from "./mirror-platforms";
import { decodeRelated, describeReferrer, selectRelated, SIGNATURE, sortedByKey, type Related, type RelatedByDigest } from "./mirror-related";
import { matchingTags, namedDigests, namedTags, namesOnly, selectTags, type TagSelection } from "./mirror-tags";

/** Artifacts that are looked at together; each takes several requests, which the registry's own bound holds back. */
const AT_ONCE = 32;

export interface MirrorSelection {
  tags: TagSelection;
  claims: ClaimSelection;
  /** The policy in `claims.trust`, read. */
  claimTrust: ResolvedTrustPolicy | undefined;
  platforms: Platforms | undefined;
  withdrawn: "keep" | "remove";
  trust: ResolvedTrustPolicy | undefined;
}

/** A plan, and what was found out on the way to it that whoever carries it out can use. */
export interface Resolved {
  plan: FullPlan;
  budget: Budget;
  /** Of everything that the plan names and the source has. */
  descriptors: Map<Digest, Descriptor>;
  /** What it comes to depends on an index that is yet to be pushed: what is derived from that is not known. */
  undecided: boolean;
}

/**
 * Decides what the destinations are to hold, from three sides: what the source has, what this program is about to put there
 * (`upcoming`), and what was mirrored before (`base`), which is not read again.
 */
export async function resolveMirror(source: ReadStore, selection: MirrorSelection, upcoming: Upcoming | undefined, base: FullPlan | undefined, context: ResourceContext, places: readonly string[] = []): Promise<Resolved> {
  return new Resolution(source, selection, upcoming, base, context, places).run();
}

class Resolution {
  readonly #plan = emptyPlan();
  readonly #descriptors = new Map<Digest, Descriptor>();
  readonly #read = new Map<Digest, Manifest>();
  readonly #known: ReadonlyMap<Digest, KnownPlace>;
  /** What was mirrored, as it was described then: lists need not say it again. */
  readonly #before: ReadonlyMap<Digest, Related>;
  readonly #takesChild: TakesChild;
  readonly #roots = new Set<Digest>();
  #undecided = false;
  /** Everything below selected indexes, about which cosign may have something to say too. */
  readonly #parts = new Map<Digest, Digest[]>();
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
    this.#known = placesIn(base);
    this.#before = new Map(Object.values(base?.artifacts ?? {}).flatMap(({ related }) => Object.entries(related) as [Digest, Related][]));
    this.#takesChild = childFilter(selection.platforms, (digest) => this.#roots.has(digest));
  }

  async run(): Promise<Resolved> {
    const { tags } = this.selection;
    if (!namesOnly(tags) || takesCosignTags(this.selection.claims)) this.#tagList = await this.source.tags();
    const offered = await this.#offered();
    if (!this.#keeps) await this.#confirmGone(offered);
    const candidates = { ...(this.#keeps ? withdrawnTags(this.base, tags, offered) : {}), ...offered };
    for (const tag of await selectTags(Object.keys(candidates), tags, (tag) => this.#createdAt(candidates[tag]))) {
      const descriptor = candidates[tag];
      if (descriptor !== undefined) this.#plan.tags[tag] = descriptor.digest;
      if (offered[tag] === undefined) this.#withdrawn.add(tag);
    }
    const roots = new Map<Digest, Descriptor>();
    for (const root of Object.keys(this.#plan.tags).flatMap((tag) => candidates[tag] ?? [])) roots.set(root.digest, root);
    for (const digest of namedDigests(tags)) await this.#addDigest(digest, roots);
    await forEachBounded(roots.values(), AT_ONCE, (root) => this.#addArtifact(root));
    await forEachBounded(this.#standing(), AT_ONCE, ({ root, was }) => this.#addArtifact(root, was));
    if (takesCosignTags(this.selection.claims)) await this.#addCosignTags();
    this.#nameAbsent(offered);
    const plan = { ...this.#plan, withdrawn: [...this.#withdrawn], tags: sortedByKey(this.#plan.tags), artifacts: sortedByKey(this.#plan.artifacts) };
    return { plan, budget: budgetOf(plan, this.base, this.#read), descriptors: this.#descriptors, undecided: this.#undecided };
  }

  /**
   * What is to be removed for being gone at the source is looked for once more. A source that shows nothing at all of what was mirrored, as
   * one does whose name or rights have changed, removes nothing.
   */
  async #confirmGone(offered: Record<string, Descriptor>): Promise<void> {
    const { base, selection, source } = this;
    const gone = Object.keys(withdrawnTags(base, selection.tags, offered));
    await forEachBounded(gone, AT_ONCE, async (tag) => {
      const manifest = await this.#manifestIfPresent(tag, true);
      if (manifest !== undefined) offered[tag] = this.#learn(manifest);
    });
    const before = Object.keys(base?.artifacts ?? {}) as Digest[];
    if (before.length === 0 || Object.keys(offered).length > 0) return;
    for (const digest of before) {
      const descriptor = mirroredBefore(base, digest);
      if (descriptor !== undefined && (await source.has(descriptor, { fresh: true }))) return;
    }
    this.#keeps = true;
    this.context.warn(`${source.name} shows nothing of what was mirrored from there: nothing is removed for that; to take all of it away, delete the mirror`);
  }

  /** What was mirrored before, and is looked at again although nothing that the source offers led there: tags went back to it, or have left it. */
  #standing(): { root: Descriptor; was?: readonly string[] }[] {
    const { tags, artifacts } = this.#plan;
    const back = [...new Set(Object.values(tags))].filter((digest) => artifacts[digest] === undefined).map((digest) => ({ digest, was: undefined }));
    const left = this.#keeps ? [...supersededBy(this.base, tags, artifacts)].filter(([digest]) => artifacts[digest] === undefined).map(([digest, was]) => ({ digest, was })) : [];
    return [...back, ...left].flatMap(({ digest, was }) => {
      const root = mirroredBefore(this.base, digest);
      return root === undefined ? [] : [{ root, ...(was === undefined ? {} : { was }) }];
    });
  }

  /** Of what was asked for by name, what was mirrored and is gone, and what never was there. */
  #nameAbsent(offered: Readonly<Record<string, Descriptor>>): void {
    const { base, selection } = this;
    const absent = [...namedTags(selection.tags).filter((tag) => offered[tag] === undefined), ...namedDigests(selection.tags).filter((digest) => this.#absent.has(digest))];
    for (const name of absent) {
      const mirrored = base?.tags[name] ?? base?.artifacts[name as Digest] ?? (base?.withdrawn.includes(name) === true ? name : undefined);
      if (mirrored !== undefined) this.#withdrawn.add(name);
      else if (this.#plan.refused[name] === undefined) this.#plan.missing.push(name);
    }
  }

  /** What is about to be made is newer than anything that is there; what is gone at the source is as old as where it is kept says. */
  async #createdAt(target: Descriptor | undefined): Promise<number | undefined> {
    const takes = childFilter(this.selection.platforms, () => true);
    try {
      return await createdAt(this.source, target, takes);
    } catch (error) {
      if (!isConsignError(error, "MANIFEST_UNKNOWN") || target === undefined) throw error;
      const isUpcoming = this.upcoming?.artifacts[target.digest] !== undefined;
      return isUpcoming ? Number.POSITIVE_INFINITY : createdAtPlaces(this.places.map((place) => () => this.context.stores.open(place)), target, takes);
    }
  }

  /** By tag, what the source has or is about to have, as far as it can be selected. */
  async #offered(): Promise<Record<string, Descriptor>> {
    const { tags } = this.selection;
    const candidates = namesOnly(tags) ? namedTags(tags) : matchingTags(this.#tagList ?? [], tags);
    const offered: Record<string, Descriptor> = {};
    await forEachBounded(candidates, AT_ONCE, async (tag) => {
      const manifest = await this.#manifestIfPresent(tag);
      if (manifest !== undefined) offered[tag] = this.#learn(manifest);
    });
    for (const [tag, digest] of Object.entries(this.upcoming?.tags ?? {})) {
      const artifact = this.upcoming?.artifacts[digest];
      if (artifact?.mediaType === undefined || artifact.size === undefined) continue;
      offered[tag] = { mediaType: artifact.mediaType, size: artifact.size, digest };
      this.#descriptors.set(digest, offered[tag]);
    }
    return offered;
  }

  async #addDigest(digest: Digest, roots: Map<Digest, Descriptor>): Promise<void> {
    const manifest = await this.#manifestIfPresent(digest, this.base?.artifacts[digest] !== undefined);
    if (manifest !== undefined) return void roots.set(digest, this.#learn(manifest));
    const { mediaType, size } = this.upcoming?.artifacts[digest] ?? {};
    if (mediaType !== undefined && size !== undefined) {
      this.#descriptors.set(digest, { mediaType, size, digest });
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
    if (mirrored?.derivedFrom !== undefined) return void (this.#plan.artifacts[root.digest] = { ...mirrored, related: await this.#relatedToDerived(root.digest, mirrored, mirrored.derivedFrom), ...(was === undefined ? {} : { was }) });
    const present = this.#descriptors.has(root.digest) || (await this.source.has(root));
    if (!present) this.#withdrawn.add(root.digest);
    const refusal = present ? await this.#refusalOf(root) : undefined;
    if (refusal !== undefined) {
      if (mirrored === undefined || !stays(refusal, this.selection.withdrawn)) return this.#refuse(root.digest, refusal);
      for (const name of this.#namesOf(root.digest)) this.#plan.refused[name] = `stays at ${root.digest} as it was mirrored before: ${refusal.reason}`;
    }
    const choice = present ? await this.#choiceFor(root) : { platforms: mirrored?.platforms, refusal: undefined };
    if (choice?.refusal !== undefined) return this.#refuse(root.digest, { reason: choice.refusal, certain: true }, (before) => this.base?.artifacts[before]?.derivedFrom !== root.digest);
    this.#roots.add(root.digest);
    if (present && needsDeriving(root, this.selection.platforms) && (await this.#addDerived(root, this.selection.platforms, was))) return;
    const settled = mirrored !== undefined && isDeepStrictEqual(mirrored.platforms, choice?.platforms);
    const related = await this.#relatedTo(root, { present, settled, refused: refusal !== undefined }, (all) => all);
    this.#plan.artifacts[root.digest] = { mediaType: root.mediaType, size: root.size, related, ...(choice?.platforms === undefined ? {} : { platforms: choice.platforms }), ...(was === undefined ? {} : { was }) };
  }

  /** What of an index is for the platforms; undefined where there is nothing to choose from, or not yet. */
  async #choiceFor(root: Descriptor): Promise<Choice | undefined> {
    const { platforms } = this.selection;
    if (platforms === undefined || !isIndexType(root.mediaType)) return undefined;
    const index = await this.#manifestIfPresent(root.digest);
    if (index === undefined) this.#undecided ||= platforms.index === "derived";
    return index === undefined ? undefined : choose(index, platforms.only, async (child) => (platforms.index === "sparse" ? this.#manifestIfPresent(child.digest) : undefined));
  }

  /**
   * What is to refer to an artifact: what the source has, what is about to be put there, and what is kept although it is withdrawn.
   * @param state whether it is at the source, and whether the same parts of it went along before
   * @param apt what of all that can be said of what is mirrored
   */
  async #relatedTo(root: Descriptor, { present, settled, refused = false }: { present: boolean; settled: boolean; refused?: boolean }, apt: (related: RelatedByDigest) => RelatedByDigest): Promise<RelatedByDigest> {
    const { related: observed, found } = await this.#survey(root, settled || !present);
    // What an index that is gone had in it is not known any more.
    if (!present) this.#parts.delete(root.digest);
    const announced = decodeRelated(this.upcoming?.artifacts[root.digest]?.related ?? {}) ?? {};
    const mirrored = relatedBefore(this.base, root.digest, present ? this.#parts.get(root.digest) : undefined);
    const before = this.#keeps ? mirrored : {};
    // What does not verify any more stays as it was mirrored: with the signatures that were good.
    const replaced = refused ? () => false : replacedBy(before, announced, observed);
    const kept = Object.fromEntries(Object.entries(before).filter(([, entry]) => !replaced(entry))) as RelatedByDigest;
    const offered = { ...announced, ...observed, ...(this.#keeps ? {} : await this.#unlisted(mirrored, observed)) };
    const related = await this.#choose(apt({ ...kept, ...offered }), found, mirrored);
    for (const digest of Object.keys(related) as Digest[]) if (offered[digest] === undefined) this.#withdrawn.add(digest);
    return related;
  }

  /** Of an index of our own making that stays: what says where it comes from, whatever the contract takes, and what is said of its parts, as far as the source still tells which these are. */
  async #relatedToDerived(digest: Digest, { related }: FullArtifact, derivedFrom: Digest): Promise<RelatedByDigest> {
    const { platforms } = this.selection;
    const origins = Object.fromEntries((Object.entries(related) as [Digest, Related][]).filter(([, { type, of }]) => type === DERIVED_FROM && of === undefined)) as RelatedByDigest;
    const original = await this.#manifestIfPresent(derivedFrom);
    const same = original !== undefined && platforms !== undefined && derive(original, platforms.only, this.source.name)?.index.descriptor.digest === digest;
    if (same) this.#roots.add(derivedFrom);
    const chosen = same ? await this.#relatedTo(this.#learn(original), { present: true, settled: true }, aboutParts) : await this.#choose(aboutParts(related), undefined, related);
    return sortedByKey({ ...origins, ...chosen });
  }

  /** What was mirrored, is not listed any more, and is there: a list may lack what nobody has withdrawn. */
  async #unlisted(mirrored: Readonly<RelatedByDigest>, observed: Readonly<RelatedByDigest>): Promise<RelatedByDigest> {
    const there: RelatedByDigest = {};
    const missing = (Object.entries(mirrored) as [Digest, Related][]).filter(([digest]) => observed[digest] === undefined);
    await forEachBounded(missing, AT_ONCE, async ([digest, entry]) => {
      if (await this.source.has({ mediaType: MEDIA_TYPES.manifest, digest, size: 0 }, { fresh: true })) there[digest] = entry;
    });
    return there;
  }

  /** Takes what is left of an index in its stead. @returns false where nothing has to be left out */
  async #addDerived(root: Descriptor, platforms: Platforms, was: readonly string[] | undefined): Promise<boolean> {
    const original = await this.#manifestIfPresent(root.digest);
    const derived = original === undefined ? undefined : derive(original, platforms.only, this.source.name);
    if (derived === undefined) return false;
    const { descriptor } = derived.index;
    const claim = derived.claim.manifest.descriptor;
    const related = await this.#relatedTo(root, { present: true, settled: this.base?.artifacts[descriptor.digest] !== undefined }, aboutParts);
    for (const [tag, target] of Object.entries(this.#plan.tags)) if (target === root.digest) this.#plan.tags[tag] = descriptor.digest;
    const made: RelatedByDigest = Object.fromEntries([[claim.digest, { type: DERIVED_FROM, audience: "public" as const }]]);
    this.#descriptors.set(descriptor.digest, plainDescriptor(descriptor)).set(claim.digest, plainDescriptor(claim));
    this.#plan.artifacts[descriptor.digest] = { mediaType: descriptor.mediaType, size: descriptor.size, related: sortedByKey({ ...made, ...related }), derivedFrom: root.digest, ...(was === undefined ? {} : { was }) };
    return true;
  }

  /** What refers to an artifact at the source, complete, before anything is selected. */
  async #survey(root: Descriptor, settled: boolean): Promise<{ related: RelatedByDigest; found: Survey | undefined }> {
    try {
      // With other platforms than before, there are parts in a known index that have never been read.
      const known = (digest: Digest): KnownPlace | undefined => (digest === root.digest && !settled ? undefined : this.#known.get(digest));
      const found = await survey(this.source, root, { known, takesChild: this.#takesChild, leafTypes: [MEDIA_TYPES.notarySignature], present: !this.#keeps });
      for (const [digest, manifest] of found.read) this.#read.set(digest, manifest);
      for (const [digest, { descriptor }] of found.referrers) this.#descriptors.set(digest, plainDescriptor(descriptor));
      this.#parts.set(root.digest, found.children.map(({ digest }) => digest));
      const related = [...found.referrers].map(([digest, referrer]): [Digest, Related] => [digest, this.#describe(digest, referrer, root.digest)]);
      return { related: Object.fromEntries(related) as RelatedByDigest, found };
    } catch (error) {
      if (this.upcoming?.artifacts[root.digest] !== undefined && isConsignError(error, "MANIFEST_UNKNOWN")) return { related: {}, found: undefined };
      throw isConsignError(error, "MANIFEST_UNKNOWN") ? ((await lacksPart(this.source, root, this.#takesChild, this.selection.platforms)) ?? error) : error;
    }
  }

  /** As it was described before; one thing may belong to several artifacts, and what it refers to is told from each. */
  #describe(digest: Digest, referrer: SurveyedReferrer, root: Digest): Related {
    const before = this.#before.get(digest);
    if (before === undefined) return describeReferrer(referrer, root);
    const { of: _, ...described } = before;
    return referrer.of === root ? described : { ...described, of: referrer.of };
  }

  /** @param mirrored what was mirrored before of what refers to the same artifact */
  async #choose(related: RelatedByDigest, found: Survey | undefined, mirrored: Readonly<RelatedByDigest> = {}): Promise<RelatedByDigest> {
    const { claims, claimTrust, withdrawn } = this.selection;
    const manifests = new Map<Digest, Manifest>();
    const annotationsOf = (digest: Digest): Annotations | undefined => {
      const listed = found?.referrers.get(digest);
      return listed === undefined ? undefined : (manifests.get(digest)?.value.annotations ?? listed.descriptor.annotations ?? {});
    };
    // Lists may leave annotations out: before one is refused for what it does not have, its manifest is asked.
    if (claims.annotations !== undefined) {
      const takes = claimFilter({ annotations: claims.annotations }, related, annotationsOf);
      const doubtful = (Object.entries(related) as [Digest, Related][]).filter(([digest, entry]) => entry.type !== SIGNATURE && this.#known.has(digest) && !takes(entry, digest));
      await forEachBounded(doubtful, AT_ONCE, async ([digest]) => {
        const manifest = await this.#manifestIfPresent(digest);
        if (manifest !== undefined) manifests.set(digest, manifest);
      });
    }
    const chosen = selectRelated(related, claimFilter(claims, related, annotationsOf));
    if (claimTrust === undefined) return chosen;
    const descriptorOf = async (digest: Digest): Promise<Descriptor> => this.#descriptors.get(digest) ?? this.source.resolve(digest);
    const refused = await untrustedClaims(this.source, chosen, descriptorOf, claimTrust, claims.issuers, this.context);
    const left = new Set<Digest>();
    const standing = new Set<Digest>();
    for (const [digest, refusal] of refused) {
      const isKept = mirrored[digest] !== undefined && stays(refusal, withdrawn);
      (isKept ? standing : left).add(digest);
      this.#plan.refused[`claim ${digest}`] = `${chosen[digest]?.type} ${isKept ? "stays as it was mirrored before" : "is not copied"}: ${refusal.reason}`;
    }
    const signatures = (Object.entries(mirrored) as [Digest, Related][]).filter(([, { type, of }]) => withdrawn === "keep" && type === SIGNATURE && of !== undefined && standing.has(of));
    return selectRelated({ ...(Object.fromEntries(signatures) as RelatedByDigest), ...chosen }, (_related, digest) => !left.has(digest));
  }

  /** Why an artifact must not be copied; `undefined` if it may. What is not pushed yet is judged when it is. */
  async #refusalOf(root: Descriptor): Promise<Refusal | undefined> {
    const { trust } = this.selection;
    if (trust === undefined || this.upcoming?.artifacts[root.digest] !== undefined) return undefined;
    const { now, baseDir, revocation, fetch } = this.context;
    const verdict = await verifyArtifact(this.source, root, trust, { now: now(), baseDir, scope: this.source.name, revocation, fetch });
    if (verdict.outcome === "verified") return undefined;
    return { reason: `${verdict.outcome}: ${verdict.reason ?? "no reason given"} [${verdict.code ?? "SIGNATURE_INVALID"}]`, certain: verdict.outcome !== "inconclusive" };
  }

  #namesOf(digest: Digest): string[] {
    const tags = Object.keys(this.#plan.tags).filter((tag) => this.#plan.tags[tag] === digest);
    return tags.length === 0 ? [digest] : tags;
  }

  /** What does not verify, or has nothing for the platforms, is not copied; a tag that leads there stays where it was mirrored before, if it may. */
  #refuse(digest: Digest, refusal: Refusal, mayGoBack: (before: Digest) => boolean = () => true): void {
    const reason = `${digest} is not copied: ${refusal.reason}`;
    for (const name of this.#namesOf(digest)) {
      const before = this.base?.tags[name];
      const goesBack = before !== undefined && before !== digest && mirroredBefore(this.base, before) !== undefined && mayGoBack(before) && stays(refusal, this.selection.withdrawn);
      this.#plan.refused[name] = goesBack ? `stays at ${before} as it was mirrored before: ${reason}` : reason;
      if (goesBack) this.#plan.tags[name] = before;
      else delete this.#plan.tags[name];
    }
  }

  async #addCosignTags(): Promise<void> {
    const digestOf = async (tag: string, fresh: boolean): Promise<Digest | undefined> => {
      const manifest = await this.#manifestIfPresent(tag, fresh);
      return manifest === undefined ? undefined : this.#learn(manifest).digest;
    };
    // A source that shows nothing of what was mirrored takes nothing away, so removing by the selection is not enough.
    const withdrawn = this.#keeps ? "keep" : "remove";
    const chosen = await chooseCosignTags({ artifacts: this.#plan.artifacts, parts: this.#parts, listed: this.#tagList ?? [], base: this.base, withdrawn, digestOf });
    Object.assign(this.#plan.cosignTags, chosen.tags);
    for (const tag of chosen.withdrawn) this.#withdrawn.add(tag);
  }

  #learn(manifest: Manifest): Descriptor {
    const descriptor = plainDescriptor(manifest.descriptor);
    this.#descriptors.set(descriptor.digest, descriptor);
    if (!this.#known.has(descriptor.digest)) this.#read.set(descriptor.digest, manifest);
    return descriptor;
  }

  async #manifestIfPresent(reference: string, fresh = false): Promise<Manifest | undefined> {
    try {
      return await this.source.manifest(reference, { fresh });
    } catch (error) {
      if (isConsignError(error, "MANIFEST_UNKNOWN")) return undefined;
      throw error;
    }
  }
}
