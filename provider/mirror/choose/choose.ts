// SPDX-License-Identifier: Apache-2.0
import { forEachBounded } from "../../content/bounded";
import { mayBeOfOneItem, reasonOf } from "../../content/item-faults";
import type { ConsignError } from "../../errors";
import type { Descriptor } from "../../oci/descriptor";
import type { Digest } from "../../oci/digest";
import type { Manifest } from "../../oci/manifest";
import { budgetOf } from "../plan/budget";
import { warnOfUnversioned } from "../plan/warnings";
import { takesCosignTags } from "./claims";
import { chooseCosignTags } from "./cosign";
import { mirroredBefore, earlierArtifactsToRevisit, withdrawnTags } from "./withdrawn";
import { creationOf, offeredTags, type Offered } from "./offered";
import { emptyPlan, type Budget, type FullPlan } from "../../upcoming/plan";
import { childFilter } from "./platforms";
import { Refusals } from "./refusals";
import { sortedByKey } from "../../upcoming/related";
import { SourceView, unprovenLists } from "./source-view";
import { namedDigests, namedTags, namesOnly, selectTags, unversioned } from "./tags";
import { ChosenArtifacts, type Choosing, type MirrorQuestion } from "./chosen-artifacts";

/**
 * Artifacts that are looked at together; each takes several requests, which the registry's own
 * bound holds back.
 */
const AT_ONCE = 32;

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

/** Decides what the destinations are to hold. */
export async function resolveMirror(question: MirrorQuestion): Promise<Resolved> {
  return new Resolution(question).run();
}

class Resolution {
  readonly #choosing: Choosing;
  readonly #artifacts: ChosenArtifacts;
  readonly #view: SourceView;
  readonly #plan = emptyPlan();
  readonly #withdrawn = new Set<string>();
  /** Asked for by digest, and not at the source. */
  readonly #absent = new Set<Digest>();
  #tagList: readonly string[] | undefined;

  constructor(private readonly question: MirrorQuestion) {
    const { source, selection, upcoming, base } = question;
    const { platforms, withdrawn } = selection;
    const roots = new Set<Digest>();
    const parts = childFilter(platforms, (digest) => roots.has(digest));
    this.#view = new SourceView(source, base, upcoming, platforms, parts, question.context.warn);
    this.#choosing = {
      ...question,
      view: this.#view,
      refusals: new Refusals(this.#plan, base, withdrawn),
      plan: this.#plan,
      roots,
      withdrawn: this.#withdrawn,
      keeps: withdrawn === "keep",
    };
    this.#artifacts = new ChosenArtifacts(this.#choosing);
  }

  async run(): Promise<Resolved> {
    const { tags } = this.question.selection;
    await this.#listTags();
    const { tags: offered, faults } = await offeredTags(
      this.#view,
      tags,
      this.#tagList ?? [],
      this.question.upcoming,
    );
    for (const tag of faults.keys()) {
      const before = mirroredBefore(this.question.base, this.question.base?.tags[tag]);
      if (before !== undefined) offered[tag] = before;
    }
    if (!this.#choosing.keeps) await this.#confirmGone(offered);
    warnOfUnversioned(
      unversioned([...Object.keys(offered), ...(this.#tagList ?? [])], tags),
      this.question.source.name,
      this.question.context,
    );
    const candidates = await this.#selectTags({ tags: offered, faults });
    const roots = new Map<Digest, Descriptor>();
    for (const root of Object.keys(this.#plan.tags).flatMap((tag) => candidates[tag] ?? []))
      roots.set(root.digest, root);
    for (const digest of namedDigests(tags)) await this.#addDigest(digest, roots);
    await forEachBounded(roots.values(), AT_ONCE, (root) => this.#artifacts.add(root));
    this.#artifacts.refuseFaulty();
    this.#artifacts.tagDerived();
    await forEachBounded(
      earlierArtifactsToRevisit(this.question.base, this.#plan, this.#choosing.keeps),
      AT_ONCE,
      ({ root, was }) => this.#artifacts.add(root, was),
    );
    this.#artifacts.refuseFaulty();
    this.#artifacts.tagDerived();
    if (takesCosignTags(this.question.selection.claims)) await this.#addCosignTags();
    this.#nameAbsent(offered);
    const plan = {
      ...this.#plan,
      withdrawn: [...this.#withdrawn],
      tags: sortedByKey(this.#plan.tags),
      artifacts: sortedByKey(this.#plan.artifacts),
      failing: this.#failing(),
      unproven: this.#view.isUnproven ? [unprovenLists(this.question.source.name)] : [],
    };
    return {
      plan,
      budget: budgetOf(plan, this.question.base, this.#view.read),
      descriptors: this.#view.descriptors,
      undecided: this.#artifacts.undecided,
    };
  }

  async #listTags(): Promise<void> {
    const { selection, source } = this.question;
    const isWanted = !namesOnly(selection.tags);
    if (!isWanted && !takesCosignTags(selection.claims)) return;
    const odd = (name: string, why: string): void => {
      if (isWanted) this.#choosing.refusals.faultOf(name, `source: ${why} [REFERENCE_INVALID]`);
    };
    this.#tagList = await source.tags({ odd });
  }

  /** @returns by tag that could be chosen, where it leads */
  async #selectTags({ tags: offered, faults }: Offered): Promise<Record<string, Descriptor>> {
    const { base, selection, upcoming, places, context } = this.question;
    const { tags, platforms } = selection;
    const candidates: Record<string, Descriptor> = {
      ...(this.#choosing.keeps ? withdrawnTags(base, tags, offered) : {}),
      ...offered,
    };
    const names = new Set([...Object.keys(candidates), ...faults.keys()]);
    for (const tag of await selectTags([...names], tags, (tag) =>
      creationOf(this.#view, candidates[tag], platforms, upcoming, places, context),
    )) {
      const descriptor = candidates[tag];
      const fault = faults.get(tag);
      if (fault !== undefined) this.#refuseTag(tag, fault, descriptor?.digest);
      if (descriptor !== undefined) this.#plan.tags[tag] = descriptor.digest;
      if (offered[tag] === undefined && fault === undefined) this.#withdrawn.add(tag);
    }
    return candidates;
  }

  /** A tag that cannot be read stays where it was mirrored before. */
  #refuseTag(tag: string, fault: ConsignError, before: Digest | undefined): void {
    const reason = `is not copied: ${reasonOf(fault, "source")}`;
    this.#choosing.refusals.faultOf(
      tag,
      before === undefined ? reason : `stays at ${before} as it was mirrored before: ${reason}`,
    );
  }

  #failing(): string[] {
    const { tags, onRefused } = this.question.selection;
    const named = new Set<string>([...namedTags(tags), ...namedDigests(tags)]);
    return [...this.#choosing.refusals.faulty].filter(
      (name) => onRefused === "fail" || named.has(name),
    );
  }

  /**
   * What is to be removed for being gone at the source is looked for once more. A source that shows
   * nothing at all of what was mirrored, as one does whose name or rights have changed, removes
   * nothing.
   */
  async #confirmGone(offered: Record<string, Descriptor>): Promise<void> {
    const { base, selection, source } = this.question;
    const gone = Object.keys(withdrawnTags(base, selection.tags, offered));
    await forEachBounded(gone, AT_ONCE, async (tag) => {
      const descriptor = await this.#view.offered(tag, true).catch((error: unknown) => {
        // What cannot be read is there, or nobody can tell.
        if (!mayBeOfOneItem(error)) throw error;
        return mirroredBefore(base, base?.tags[tag]);
      });
      if (descriptor !== undefined) offered[tag] = descriptor;
    });
    const before = Object.keys(base?.artifacts ?? {}) as Digest[];
    if (before.length === 0 || Object.keys(offered).length > 0) return;
    for (const digest of before) {
      const descriptor = mirroredBefore(base, digest);
      if (descriptor !== undefined && (await source.has(descriptor, { fresh: true }))) return;
    }
    this.#choosing.keeps = true;
    this.question.context.warn(
      `${source.name} shows nothing of what was mirrored from there: nothing is removed for that; to take all of it away, delete the mirror`,
    );
  }

  /** Of what was asked for by name, what was mirrored and is gone, and what never was there. */
  #nameAbsent(offered: Readonly<Record<string, Descriptor>>): void {
    const { base, selection } = this.question;
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
    const isKnown = this.question.base?.artifacts[digest] !== undefined;
    let manifest: Manifest | undefined;
    try {
      manifest = await this.#view.manifest(digest, isKnown);
    } catch (error) {
      if (!mayBeOfOneItem(error)) throw error;
      return this.#artifacts.fault(digest, error);
    }
    if (manifest !== undefined) return void roots.set(digest, this.#view.learn(manifest));
    const { mediaType, size } = this.question.upcoming?.artifacts[digest] ?? {};
    if (mediaType !== undefined && size !== undefined) {
      this.#view.descriptors.set(digest, { mediaType, size, digest });
      return void roots.set(digest, { mediaType, size, digest });
    }
    this.#absent.add(digest);
    const before = this.#choosing.keeps ? mirroredBefore(this.question.base, digest) : undefined;
    if (before !== undefined) roots.set(digest, before);
  }

  async #addCosignTags(): Promise<void> {
    const digestOf = async (tag: string, fresh: boolean): Promise<Digest | undefined> => {
      try {
        return (await this.#view.offered(tag, fresh))?.digest;
      } catch (error) {
        if (!mayBeOfOneItem(error)) throw error;
        const before = this.question.base?.cosignTags[tag];
        this.#refuseTag(tag, error, before);
        return before;
      }
    };
    // A source that shows nothing of what was mirrored takes nothing away, so removing by the
    // selection is not enough.
    const withdrawn = this.#choosing.keeps ? "keep" : "remove";
    const chosen = await chooseCosignTags({
      artifacts: this.#plan.artifacts,
      parts: this.#view.parts,
      listed: this.#tagList ?? [],
      base: this.question.base,
      withdrawn,
      digestOf,
    });
    Object.assign(this.#plan.cosignTags, chosen.tags);
    for (const tag of chosen.withdrawn) this.#withdrawn.add(tag);
  }
}
