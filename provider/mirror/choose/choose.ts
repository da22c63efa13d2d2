// SPDX-License-Identifier: Apache-2.0
import { forEachBounded } from "../../content/bounded";
import type { Descriptor } from "../../oci/descriptor";
import type { Digest } from "../../oci/digest";
import { budgetOf } from "../plan/budget";
import { warnOfUnversioned } from "../plan/warnings";
import { takesCosignTags } from "./claims";
import { chooseCosignTags } from "./cosign";
import { mirroredBefore, earlierArtifactsToRevisit, withdrawnTags } from "./withdrawn";
import { creationOf, offeredTags } from "./offered";
import { emptyPlan, type Budget, type FullPlan } from "../../upcoming/plan";
import { childFilter } from "./platforms";
import { Refusals } from "./refusals";
import { sortedByKey } from "../../upcoming/related";
import { SourceView } from "./source-view";
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
    this.#view = new SourceView(source, base, upcoming, platforms, parts);
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
    const { tags, platforms } = this.question.selection;
    if (!namesOnly(tags) || takesCosignTags(this.question.selection.claims))
      this.#tagList = await this.question.source.tags();
    const offered = await offeredTags(
      this.#view,
      tags,
      this.#tagList ?? [],
      this.question.upcoming,
    );
    if (!this.#choosing.keeps) await this.#confirmGone(offered);
    const candidates = {
      ...(this.#choosing.keeps ? withdrawnTags(this.question.base, tags, offered) : {}),
      ...offered,
    };
    const { source, context } = this.question;
    warnOfUnversioned(
      unversioned([...Object.keys(candidates), ...(this.#tagList ?? [])], tags),
      source.name,
      context,
    );
    for (const tag of await selectTags(Object.keys(candidates), tags, (tag) =>
      creationOf(
        this.#view,
        candidates[tag],
        platforms,
        this.question.upcoming,
        this.question.places,
        this.question.context,
      ),
    )) {
      const descriptor = candidates[tag];
      if (descriptor !== undefined) this.#plan.tags[tag] = descriptor.digest;
      if (offered[tag] === undefined) this.#withdrawn.add(tag);
    }
    const roots = new Map<Digest, Descriptor>();
    for (const root of Object.keys(this.#plan.tags).flatMap((tag) => candidates[tag] ?? []))
      roots.set(root.digest, root);
    for (const digest of namedDigests(tags)) await this.#addDigest(digest, roots);
    await forEachBounded(roots.values(), AT_ONCE, (root) => this.#artifacts.add(root));
    this.#artifacts.tagDerived();
    await forEachBounded(
      earlierArtifactsToRevisit(this.question.base, this.#plan, this.#choosing.keeps),
      AT_ONCE,
      ({ root, was }) => this.#artifacts.add(root, was),
    );
    this.#artifacts.tagDerived();
    if (takesCosignTags(this.question.selection.claims)) await this.#addCosignTags();
    this.#nameAbsent(offered);
    const plan = {
      ...this.#plan,
      withdrawn: [...this.#withdrawn],
      tags: sortedByKey(this.#plan.tags),
      artifacts: sortedByKey(this.#plan.artifacts),
    };
    return {
      plan,
      budget: budgetOf(plan, this.question.base, this.#view.read),
      descriptors: this.#view.descriptors,
      undecided: this.#artifacts.undecided,
    };
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
      const manifest = await this.#view.manifest(tag, true);
      if (manifest !== undefined) offered[tag] = this.#view.learn(manifest);
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
    const manifest = await this.#view.manifest(
      digest,
      this.question.base?.artifacts[digest] !== undefined,
    );
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
      const manifest = await this.#view.manifest(tag, fresh);
      return manifest === undefined ? undefined : this.#view.learn(manifest).digest;
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
