// SPDX-License-Identifier: Apache-2.0
import { forEachBounded } from "../../content/bounded";
import type { ReadStore } from "../../content/storage";
import { mayBeOfOneItem } from "../../content/item-faults";
import { isConsignError } from "../../errors";
import { survey, type KnownPlace, type Survey, type SurveyedReferrer } from "../../graph/index";
import { plainDescriptor, sameContent, type Descriptor } from "../../oci/descriptor";
import type { Digest } from "../../oci/digest";
import type { Manifest } from "../../oci/manifest";
import { MEDIA_TYPES } from "../../oci/media-types";
import { placesIn } from "../plan/base";
import { lacksPart, leavingOut } from "./children";
import { mirroredBefore } from "./withdrawn";
import type { FullPlan, Upcoming } from "../../upcoming/plan";
import type { Platforms, TakesChild } from "./platforms";
import { describeReferrer, type Related, type RelatedByDigest } from "../../upcoming/related";

const AT_ONCE = 32;

/**
 * What refers to an artifact, and how that was found out; the latter is undefined for what is yet
 * to be pushed.
 */
export interface Surveyed {
  related: RelatedByDigest;
  found: Survey | undefined;
}

/**
 * A mirror's source as its planning sees it: what was mirrored before is not read again, and all
 * that is read is remembered.
 */
export class SourceView {
  /** Of everything that was found there, or is about to be. */
  readonly descriptors = new Map<Digest, Descriptor>();
  /** What was not known before. */
  readonly read = new Map<Digest, Manifest>();
  /**
   * By index, everything below it that goes along, about which cosign may have something to say
   * too.
   */
  readonly parts = new Map<Digest, Digest[]>();
  /** Parts of indexes that stay behind. */
  readonly leftOut = new Set<Digest>();
  /** Which parts of an index go along. */
  readonly takesChild: TakesChild;
  /** Whether lists were read of which nobody can tell that they are complete. */
  isUnproven = false;
  readonly #known: ReadonlyMap<Digest, KnownPlace>;
  /** What was mirrored, as it was described then: lists need not say it again. */
  readonly #before: ReadonlyMap<Digest, Related>;

  constructor(
    readonly source: ReadStore,
    private readonly base: FullPlan | undefined,
    private readonly upcoming: Upcoming | undefined,
    private readonly platforms: Platforms | undefined,
    takesChild: TakesChild,
    private readonly tell: (warning: string) => void,
  ) {
    this.takesChild = leavingOut(this.leftOut, takesChild);
    this.#known = placesIn(base);
    this.#before = new Map(
      Object.values(base?.artifacts ?? {}).flatMap(
        ({ related }) => Object.entries(related) as [Digest, Related][],
      ),
    );
  }

  /** Whether it was mirrored before, so that its manifest need not have been read. */
  knows(digest: Digest): boolean {
    return this.#known.has(digest);
  }

  /** @returns undefined where it is not there */
  async manifest(reference: string, fresh = false): Promise<Manifest | undefined> {
    try {
      return await this.source.manifest(reference, { fresh });
    } catch (error) {
      if (isConsignError(error, "MANIFEST_UNKNOWN")) return undefined;
      throw error;
    }
  }

  /** Where a tag leads, also where what is there cannot be read. */
  async offered(tag: string, fresh = false): Promise<Descriptor | undefined> {
    try {
      const known = fresh ? undefined : await this.#unmoved(tag);
      if (known !== undefined) return known;
      const manifest = await this.manifest(tag, fresh);
      return manifest === undefined ? undefined : this.learn(manifest);
    } catch (error) {
      if (!mayBeOfOneItem(error)) throw error;
      const resolved = await this.source.resolve(tag).catch(() => {
        throw error;
      });
      const descriptor = plainDescriptor(resolved);
      this.descriptors.set(descriptor.digest, descriptor);
      return descriptor;
    }
  }

  /**
   * A tag that leads where it was mirrored from is not read again: registries count that, and not
   * that it is asked where the tag leads.
   */
  async #unmoved(tag: string): Promise<Descriptor | undefined> {
    const before = mirroredBefore(this.base, this.base?.tags[tag]);
    if (before === undefined) return undefined;
    const there = await this.source.resolve(tag).catch((error: unknown) => {
      if (!isConsignError(error, "MANIFEST_UNKNOWN")) throw error;
      return undefined;
    });
    if (there === undefined || !sameContent(there, before)) return undefined;
    const now = plainDescriptor(there);
    this.descriptors.set(now.digest, now);
    return now;
  }

  /** Said once, whichever artifact it was that showed it. */
  #doubt(why: string): void {
    if (!this.isUnproven) this.tell(`${unprovenLists(this.source.name)} (${why})`);
    this.isUnproven = true;
  }

  learn(manifest: Manifest): Descriptor {
    const descriptor = plainDescriptor(manifest.descriptor);
    this.descriptors.set(descriptor.digest, descriptor);
    if (!this.#known.has(descriptor.digest)) this.read.set(descriptor.digest, manifest);
    return descriptor;
  }

  async descriptorOf(digest: Digest): Promise<Descriptor> {
    return this.descriptors.get(digest) ?? this.source.resolve(digest);
  }

  /**
   * What refers to an artifact, complete, before anything is selected.
   * @param settled the same parts of it went along before: with others there are parts in a known
   * index that have never been read
   * @param present whether what is listed and gone is left out
   */
  async survey(root: Descriptor, settled: boolean, present: boolean): Promise<Surveyed> {
    try {
      const known = (digest: Digest): KnownPlace | undefined =>
        digest === root.digest && !settled ? undefined : this.#known.get(digest);
      const found = await survey(this.source, root, {
        known,
        takesChild: this.takesChild,
        leafTypes: [MEDIA_TYPES.notarySignature],
        present,
        unproven: (why) => this.#doubt(why),
      });
      for (const [digest, manifest] of found.read) this.read.set(digest, manifest);
      for (const [digest, { descriptor }] of found.referrers)
        this.descriptors.set(digest, plainDescriptor(descriptor));
      this.parts.set(
        root.digest,
        found.children.map(({ digest }) => digest),
      );
      const related = [...found.referrers].map(([digest, referrer]): [Digest, Related] => [
        digest,
        this.#describe(digest, referrer, root.digest),
      ]);
      return { related: Object.fromEntries(related), found };
    } catch (error) {
      if (
        this.upcoming?.artifacts[root.digest] !== undefined &&
        isConsignError(error, "MANIFEST_UNKNOWN")
      )
        return { related: {}, found: undefined };
      throw isConsignError(error, "MANIFEST_UNKNOWN")
        ? ((await lacksPart(this.source, root, this.takesChild, this.platforms)) ?? error)
        : error;
    }
  }

  /**
   * What was mirrored, is not listed any more, and is there: a list may lack what nobody has
   * withdrawn.
   */
  async unlisted(
    mirrored: Readonly<RelatedByDigest>,
    observed: Readonly<RelatedByDigest>,
  ): Promise<RelatedByDigest> {
    const there: RelatedByDigest = {};
    const missing = (Object.entries(mirrored) as [Digest, Related][]).filter(
      ([digest]) => observed[digest] === undefined,
    );
    await forEachBounded(missing, AT_ONCE, async ([digest, entry]) => {
      if (
        await this.source.has({ mediaType: MEDIA_TYPES.manifest, digest, size: 0 }, { fresh: true })
      )
        there[digest] = entry;
    });
    return there;
  }

  /**
   * As it was described before; one thing may belong to several artifacts, and what it refers to is
   * told from each.
   */
  #describe(digest: Digest, referrer: SurveyedReferrer, root: Digest): Related {
    const before = this.#before.get(digest);
    if (before === undefined) return describeReferrer(referrer, root);
    const { of: _, ...described } = before;
    return referrer.of === root ? described : { ...described, of: referrer.of };
  }
}

/** The same from run to run, whatever the registry answers: it stands in the plan. */
export function unprovenLists(name: string): string {
  return `lists of what refers to artifacts in ${name} may lack some of it, which is not copied then`;
}
