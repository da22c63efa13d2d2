// SPDX-License-Identifier: Apache-2.0
import { forEachBounded, groupedBy } from "../content/bounded";
import type { ReadStore } from "../content/storage";
import { isConsignError } from "../errors";
import { survey, type KnownPlace, type Survey } from "../graph";
import { verifyArtifact, type ResolvedTrustPolicy } from "../notation";
import { plainDescriptor, type Annotations, type Descriptor } from "../oci/descriptor";
import type { Digest } from "../oci/digest";
import type { Manifest } from "../oci/manifest";
import { isIndexType, MEDIA_TYPES } from "../oci/media-types";
import type { ResourceContext } from "./context";
import { budgetOf } from "./mirror-budget";
import { claimFilter, takesCosignTags, untrustedClaims, type ClaimSelection } from "./mirror-claims";
import { createdAt } from "./mirror-created";
import { emptyPlan, type Budget, type FullArtifact, type FullPlan, type Upcoming } from "./mirror-plan";
import { childFilter, derive, needsDeriving, type Platforms } from "./mirror-platforms";
import { decodeRelated, describeReferrer, selectRelated, SIGNATURE, sortedByKey, type Related, type RelatedByDigest } from "./mirror-related";
import { cosignSubjectOf, cosignTagsOf, matchingTags, namedDigests, namedTags, namesOnly, selectTags, type TagSelection } from "./mirror-tags";

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
}

/**
 * Decides what the destinations are to hold, from three sides: what the source has, what this program is about to put there
 * (`upcoming`), and what was mirrored before (`base`), which is not read again.
 */
export async function resolveMirror(source: ReadStore, selection: MirrorSelection, upcoming: Upcoming | undefined, base: FullPlan | undefined, context: ResourceContext): Promise<Resolved> {
  return new Resolution(source, selection, upcoming, base, context).run();
}

class Resolution {
  readonly #plan = emptyPlan();
  readonly #descriptors = new Map<Digest, Descriptor>();
  readonly #read = new Map<Digest, Manifest>();
  readonly #known: ReadonlyMap<Digest, KnownPlace>;
  /** What was mirrored, as it was described then: lists need not say it again. */
  readonly #before: ReadonlyMap<Digest, Related>;
  readonly #takesChild: ReturnType<typeof childFilter>;
  /** Everything below selected indexes, about which cosign may have something to say too. */
  readonly #parts = new Map<Digest, Digest[]>();
  #tagList: readonly string[] | undefined;

  constructor(
    private readonly source: ReadStore,
    private readonly selection: MirrorSelection,
    private readonly upcoming: Upcoming | undefined,
    private readonly base: FullPlan | undefined,
    private readonly context: ResourceContext,
  ) {
    this.#known = placesIn(base);
    this.#before = new Map(Object.values(base?.artifacts ?? {}).flatMap(({ related }) => Object.entries(related) as [Digest, Related][]));
    this.#takesChild = childFilter(selection.platforms);
  }

  async run(): Promise<Resolved> {
    const { tags } = this.selection;
    if (!namesOnly(tags) || takesCosignTags(this.selection.claims)) this.#tagList = await this.source.tags();
    const offered = await this.#offered();
    for (const tag of await selectTags(Object.keys(offered), tags, (tag) => createdAt(this.source, offered[tag]))) {
      const descriptor = offered[tag];
      if (descriptor !== undefined) this.#plan.tags[tag] = descriptor.digest;
    }
    const roots = new Map<Digest, Descriptor>();
    for (const digest of Object.values(this.#plan.tags)) roots.set(digest, this.#descriptors.get(digest) as Descriptor);
    for (const digest of namedDigests(tags)) await this.#addDigest(digest, roots);
    await forEachBounded(roots.values(), AT_ONCE, (root) => this.#addArtifact(root));
    this.#keepWithdrawnTags(offered);
    if (takesCosignTags(this.selection.claims)) await this.#addCosignTags();
    this.#plan.missing.push(...namedTags(tags).filter((tag) => this.#plan.tags[tag] === undefined && this.#plan.refused[tag] === undefined));
    const plan = { ...this.#plan, tags: sortedByKey(this.#plan.tags), artifacts: sortedByKey(this.#plan.artifacts) };
    return { plan, budget: budgetOf(plan, this.base, this.#read), descriptors: this.#descriptors };
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
    const manifest = await this.#manifestIfPresent(digest);
    if (manifest !== undefined) roots.set(digest, this.#learn(manifest));
    else if (this.upcoming?.artifacts[digest]?.mediaType === undefined) this.#plan.missing.push(digest);
  }

  async #addArtifact(root: Descriptor): Promise<void> {
    const refusal = await this.#refusalOf(root);
    if (refusal !== undefined) return this.#refuse(root.digest, refusal);
    if (needsDeriving(root, this.selection.platforms) && (await this.#addDerived(root, this.selection.platforms))) return;
    const announced = decodeRelated(this.upcoming?.artifacts[root.digest]?.related ?? {}) ?? {};
    const { related: observed, found } = await this.#survey(root);
    const before = this.selection.withdrawn === "keep" ? (this.base?.artifacts[root.digest]?.related ?? {}) : {};
    const replaced = replacedBy(before, announced, observed);
    const kept = Object.fromEntries(Object.entries(before).filter(([, entry]) => !replaced(entry))) as RelatedByDigest;
    const offered = { ...announced, ...observed };
    const related = await this.#choose({ ...kept, ...offered }, found);
    for (const digest of Object.keys(related) as Digest[]) if (offered[digest] === undefined) this.#plan.withdrawn.push(digest);
    this.#plan.artifacts[root.digest] = { mediaType: root.mediaType, size: root.size, related };
  }

  /** Takes what is left of an index in its stead. @returns false where nothing has to be left out */
  async #addDerived(root: Descriptor, platforms: Platforms): Promise<boolean> {
    const original = await this.#manifestIfPresent(root.digest);
    const derived = original === undefined ? undefined : derive(original, platforms.only, this.source.name);
    if (derived === undefined) return false;
    const { descriptor } = derived.index;
    const claim = derived.claim.manifest.descriptor;
    const { related, found } = await this.#survey(root);
    for (const [tag, target] of Object.entries(this.#plan.tags)) if (target === root.digest) this.#plan.tags[tag] = descriptor.digest;
    // What was said about the whole index is not true of what is left of it; what was said about the images in it is.
    const aboutParts = selectRelated(related, (entry) => entry.of !== undefined);
    const ofParts = Object.fromEntries(Object.entries(aboutParts).filter(([, { of }]) => of !== undefined)) as RelatedByDigest;
    const made: RelatedByDigest = Object.fromEntries([[claim.digest, { type: "derived-from", audience: "public" as const }]]);
    this.#descriptors.set(descriptor.digest, plainDescriptor(descriptor)).set(claim.digest, plainDescriptor(claim));
    this.#plan.artifacts[descriptor.digest] = { mediaType: descriptor.mediaType, size: descriptor.size, related: sortedByKey({ ...made, ...(await this.#choose(ofParts, found)) }), derivedFrom: root.digest };
    return true;
  }

  /** What refers to an artifact at the source, complete, before anything is selected. */
  async #survey(root: Descriptor): Promise<{ related: RelatedByDigest; found: Survey | undefined }> {
    try {
      const found = await survey(this.source, root, { known: (digest) => this.#known.get(digest), takesChild: this.#takesChild, leafTypes: [MEDIA_TYPES.notarySignature] });
      for (const [digest, manifest] of found.read) this.#read.set(digest, manifest);
      for (const [digest, { descriptor }] of found.referrers) this.#descriptors.set(digest, plainDescriptor(descriptor));
      this.#parts.set(root.digest, found.children.map(({ digest }) => digest));
      const related = [...found.referrers].map(([digest, referrer]): [Digest, Related] => [digest, this.#before.get(digest) ?? describeReferrer(referrer, root.digest)]);
      return { related: Object.fromEntries(related) as RelatedByDigest, found };
    } catch (error) {
      if (this.upcoming?.artifacts[root.digest] !== undefined && isConsignError(error, "MANIFEST_UNKNOWN")) return { related: {}, found: undefined };
      throw error;
    }
  }

  async #choose(related: RelatedByDigest, found: Survey | undefined): Promise<RelatedByDigest> {
    const { claims, claimTrust } = this.selection;
    const annotationsOf = (digest: Digest): Annotations | undefined => {
      const listed = found?.referrers.get(digest);
      return listed === undefined ? undefined : (listed.descriptor.annotations ?? {});
    };
    const chosen = selectRelated(related, claimFilter(claims, related, annotationsOf));
    if (claimTrust === undefined) return chosen;
    const descriptorOf = async (digest: Digest): Promise<Descriptor> => this.#descriptors.get(digest) ?? this.source.resolve(digest);
    const refused = await untrustedClaims(this.source, chosen, descriptorOf, claimTrust, claims.issuers, this.context);
    for (const [digest, reason] of refused) this.#plan.refused[`claim ${digest}`] = `${chosen[digest]?.type} is not copied: ${reason}`;
    return selectRelated(chosen, (_related, digest) => !refused.has(digest));
  }

  /** Why an artifact must not be copied; `undefined` if it may. What is not pushed yet is judged when it is. */
  async #refusalOf(root: Descriptor): Promise<string | undefined> {
    const { trust } = this.selection;
    if (trust === undefined || this.upcoming?.artifacts[root.digest] !== undefined) return undefined;
    const { now, baseDir, revocation, fetch } = this.context;
    const verdict = await verifyArtifact(this.source, root, trust, { now: now(), baseDir, scope: this.source.name, revocation, fetch });
    return verdict.outcome === "verified" ? undefined : `${root.digest} is not copied: ${verdict.outcome}: ${verdict.reason ?? "no reason given"} [${verdict.code ?? "SIGNATURE_INVALID"}]`;
  }

  #refuse(digest: Digest, reason: string): void {
    const tags = Object.keys(this.#plan.tags).filter((tag) => this.#plan.tags[tag] === digest);
    for (const name of tags.length === 0 ? [digest] : tags) this.#plan.refused[name] = reason;
    for (const tag of tags) delete this.#plan.tags[tag];
  }

  /**
   * A tag that was mirrored and is gone at the source was withdrawn; one that is there and no longer selected is simply not wanted any
   * more. Only the former can be kept.
   */
  #keepWithdrawnTags(offered: Readonly<Record<string, Descriptor>>): void {
    const { base, selection } = this;
    if (base === undefined || selection.withdrawn === "remove") return;
    const stillWanted = new Set(matchingTags(Object.keys(base.tags), selection.tags));
    for (const [tag, digest] of Object.entries(base.tags)) {
      const artifact = base.artifacts[digest];
      if (!stillWanted.has(tag) || offered[tag] !== undefined || artifact === undefined) continue;
      this.#plan.tags[tag] = digest;
      this.#plan.artifacts[digest] ??= artifact;
      this.#plan.withdrawn.push(tag);
    }
  }

  async #addCosignTags(): Promise<void> {
    const present = new Set(this.#tagList ?? []);
    const subjects = Object.entries(this.#plan.artifacts).flatMap(([digest, { derivedFrom }]) => [...(derivedFrom === undefined ? [digest as Digest] : []), ...(this.#parts.get(derivedFrom ?? (digest as Digest)) ?? [])]);
    const wanted = new Set(subjects);
    const tags = [...wanted].flatMap(cosignTagsOf).filter((tag) => present.has(tag));
    await forEachBounded(tags, AT_ONCE, async (tag) => {
      const manifest = await this.#manifestIfPresent(tag);
      if (manifest !== undefined) this.#plan.cosignTags[tag] = this.#learn(manifest).digest;
    });
    this.#keepWithdrawnCosignTags(wanted);
  }

  /** Of an index that is gone at the source, the parts are not known any more: what cannot be told to be about something else stays with it. */
  #keepWithdrawnCosignTags(subjects: ReadonlySet<Digest>): void {
    const { base, selection } = this;
    if (base === undefined || selection.withdrawn === "remove") return;
    const planned = Object.entries(this.#plan.artifacts) as [Digest, FullArtifact][];
    const partsUnknown = planned.some(([root, { mediaType, derivedFrom }]) => isIndexType(mediaType) && !this.#parts.has(derivedFrom ?? root));
    for (const [tag, digest] of Object.entries(base.cosignTags)) {
      const subject = cosignSubjectOf(tag);
      if (subject === undefined || this.#plan.cosignTags[tag] !== undefined) continue;
      if (!subjects.has(subject) && !(partsUnknown && base.artifacts[subject] === undefined)) continue;
      this.#plan.cosignTags[tag] = digest;
      this.#plan.withdrawn.push(tag);
    }
  }

  #learn(manifest: Manifest): Descriptor {
    const descriptor = plainDescriptor(manifest.descriptor);
    this.#descriptors.set(descriptor.digest, descriptor);
    this.#takesChild.learn(manifest);
    if (!this.#known.has(descriptor.digest)) this.#read.set(descriptor.digest, manifest);
    return descriptor;
  }

  async #manifestIfPresent(reference: string): Promise<Manifest | undefined> {
    try {
      return await this.source.manifest(reference);
    } catch (error) {
      if (isConsignError(error, "MANIFEST_UNKNOWN")) return undefined;
      throw error;
    }
  }
}

/** Where in the graph everything has its place that was mirrored before. */
function placesIn(base: FullPlan | undefined): ReadonlyMap<Digest, KnownPlace> {
  const places = new Map<Digest, KnownPlace>();
  for (const [root, { related, derivedFrom }] of Object.entries(base?.artifacts ?? {}) as [Digest, FullArtifact][]) {
    places.set(derivedFrom ?? root, {});
    for (const [digest, { of, type }] of Object.entries(related) as [Digest, Related][]) places.set(digest, { subject: of ?? root, leaf: type === SIGNATURE });
  }
  for (const digest of Object.values(base?.cosignTags ?? {})) places.set(digest, {});
  return places;
}

/**
 * A signature is not withdrawn but replaced where what it signed has no fewer signatures than before, or is about to be put there, and
 * signed, anew.
 */
function replacedBy(before: RelatedByDigest, announced: RelatedByDigest, observed: RelatedByDigest): (entry: Related) => boolean {
  const [then, now] = [signaturesBySubject(before), signaturesBySubject(observed)];
  return ({ type, of }) => {
    if (type !== SIGNATURE) return false;
    const [had, has] = [then.get(of)?.length ?? 0, now.get(of)?.length ?? 0];
    return has >= had || (of !== undefined && announced[of] !== undefined && observed[of] === undefined);
  };
}

function signaturesBySubject(related: RelatedByDigest): Map<Digest | undefined, Related[]> {
  return groupedBy(
    Object.values(related).filter(({ type }) => type === SIGNATURE),
    ({ of }) => of,
  );
}
