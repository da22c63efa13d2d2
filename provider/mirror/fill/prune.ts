// SPDX-License-Identifier: Apache-2.0
import { isDeepStrictEqual } from "node:util";
import { forEachBounded } from "../../content/bounded";
import type { Store } from "../../content/storage";
import { isConsignError } from "../../errors";
import type { Descriptor } from "../../oci/descriptor";
import type { Digest } from "../../oci/digest";
import { successorsOf, type Manifest } from "../../oci/manifest";
import { isManifestType } from "../../oci/media-types";
import type { ResourceContext } from "../../world/context";
import { DERIVED_FROM } from "../choose/derived";
import { Holders } from "./holders";
import type { FullArtifact, FullPlan } from "../../upcoming/plan";
import type { OwnOrigins } from "./prune-origin";
import { distanceOf, SIGNATURE, type Related } from "../../upcoming/related";
import { tagDigest } from "../../world/tags";

type Told = Pick<ResourceContext, "warn" | "progress">;

/** Referrers lists that are asked for at once. */
const AT_ONCE = 8;

/**
 * Takes away what a mirror had put somewhere and no longer plans. What others put beside it stays,
 * and so does whatever they still hold on to, by a tag, by an index under a tag, or by something
 * that refers to it: with its signatures, and an artifact with all that was said about it. A
 * registry that deletes nothing is told of, and fails nothing.
 */
export async function removeUnplanned(
  destination: Store,
  plan: FullPlan,
  before: FullPlan,
  told: Told,
  ownOrigins: OwnOrigins = async () => [],
): Promise<void> {
  await new Removal(destination, plan, before, told, ownOrigins).run();
}

/** Something that is to go. */
interface Leaving {
  root: Digest;
  /** undefined for the artifact itself. */
  related: Related | undefined;
  distance: number;
}

class Removal {
  readonly #planned: ReadonlySet<Digest>;
  readonly #leaving = new Map<Digest, Leaving>();
  readonly #staying = new Set<Digest>();
  /** Tags that this registry cannot remove alone. */
  readonly #stuck = new Map<string, Digest>();
  readonly #holders: Holders;
  /**
   * By claim about the origin of a derived index, the mirror's own signatures, which go with it.
   */
  readonly #signatures = new Map<Digest, readonly Digest[]>();
  #deletesNothing = false;

  constructor(
    private readonly store: Store,
    private readonly plan: FullPlan,
    private readonly before: FullPlan,
    private readonly told: Told,
    private readonly ownOrigins: OwnOrigins,
  ) {
    const artifacts = Object.entries(plan.artifacts) as [Digest, FullArtifact][];
    this.#planned = new Set([
      ...artifacts.flatMap(([digest, { related }]) => [
        digest,
        ...(Object.keys(related) as Digest[]),
      ]),
      ...Object.values(plan.cosignTags),
    ]);
    this.#holders = new Holders(store, plan, this.#stuck);
  }

  async run(): Promise<void> {
    await this.#removeTags();
    this.#list();
    await this.#findHeld();
    this.#keepWhatGoesTogether();
    const going = [...this.#leaving].filter(([digest]) => !this.#staying.has(digest));
    going.sort(([a, x], [b, y]) => y.distance - x.distance || (a < b ? -1 : 1));
    for (const [digest, { related }] of going) {
      for (const signature of this.#signatures.get(digest) ?? []) await this.#remove(signature);
      await (related === undefined ? this.#removeArtifact(digest) : this.#remove(digest));
    }
    for (const [tag, digest] of this.#stuck)
      if ((await tagDigest(this.store, tag)) === digest)
        this.told.warn(
          `${this.store.name}:${tag} stays: the registry cannot remove a tag alone, and ${digest}, to which it points, stays there too`,
        );
  }

  /** A tag that somebody has moved since is theirs. */
  async #removeTags(): Promise<void> {
    const { plan, before, store } = this;
    for (const [tag, digest] of Object.entries({ ...before.tags, ...before.cosignTags })) {
      if (
        plan.tags[tag] !== undefined ||
        plan.cosignTags[tag] !== undefined ||
        (await tagDigest(store, tag)) !== digest
      )
        continue;
      try {
        await store.untag(tag);
      } catch (error) {
        if (!isConsignError(error, "REGISTRY_UNSUPPORTED")) throw error;
        this.#stuck.set(tag, digest);
      }
    }
  }

  #list(): void {
    for (const [root, { related }] of Object.entries(this.before.artifacts) as [
      Digest,
      FullArtifact,
    ][]) {
      if (!this.#planned.has(root))
        this.#leaving.set(root, { root, related: undefined, distance: 0 });
      for (const [digest, entry] of Object.entries(related) as [Digest, Related][]) {
        if (!this.#planned.has(digest))
          this.#leaving.set(digest, {
            root,
            related: entry,
            distance: distanceOf(related, digest),
          });
      }
    }
    for (const digest of Object.values(this.before.cosignTags))
      if (!this.#planned.has(digest))
        this.#leaving.set(digest, { root: digest, related: undefined, distance: 0 });
  }

  async #findHeld(): Promise<void> {
    await forEachBounded(this.#leaving, AT_ONCE, async ([digest, { root, related }]) => {
      if (related?.type === DERIVED_FROM && this.before.artifacts[root]?.derivedFrom !== undefined)
        this.#signatures.set(digest, await this.ownOrigins(digest));
      const own = this.#signatures.get(digest) ?? [];
      const others = (await this.#referrers(digest)).filter(
        (referrer) => !this.#leaving.has(referrer.digest) && !own.includes(referrer.digest),
      );
      const aboutHeld =
        related?.of !== undefined &&
        (!this.#planned.has(root) || this.#hasOtherParts(root)) &&
        (await this.#holders.holdForOthers(related.of));
      const tagged = aboutHeld || (await this.#holders.hold(digest));
      if (others.length === 0 && !tagged) return;
      this.#staying.add(digest);
      const why =
        others.length > 0
          ? `${others.length} that this mirror did not put there refer to it`
          : "a tag or an index still has it, or what it is about";
      this.told.progress(
        `${this.store.name}@${digest} stays, although it is no longer mirrored: ${why}`,
      );
    });
  }

  /** What nothing refers to is about to go, so an empty list is asked for twice. */
  async #referrers(digest: Digest): Promise<readonly Descriptor[]> {
    const listed = await this.store.referrers(digest, { settled: () => true, fresh: true });
    return listed.length > 0
      ? listed
      : this.store.referrers(digest, { settled: () => true, fresh: true });
  }

  /** What is about a part that leaves the platforms stays where somebody else holds that part. */
  #hasOtherParts(root: Digest): boolean {
    return !isDeepStrictEqual(
      this.before.artifacts[root]?.platforms,
      this.plan.artifacts[root]?.platforms,
    );
  }

  /**
   * What stays does so with what it is about, with its signatures, and an artifact with all that
   * was said about it.
   */
  #keepWhatGoesTogether(): void {
    for (let before = -1; before !== this.#staying.size;) {
      before = this.#staying.size;
      for (const [digest, { root, related }] of this.#leaving) {
        if (related === undefined) continue;
        const { of = root, type } = related;
        if (this.#staying.has(digest) && this.#leaving.has(of)) this.#staying.add(of);
        if (this.#staying.has(of) && (of === root || type === SIGNATURE)) this.#staying.add(digest);
      }
    }
  }

  async #removeArtifact(digest: Digest): Promise<void> {
    const manifest = await this.#present(digest);
    if (manifest === undefined || !(await this.#remove(digest))) return;
    const children =
      manifest.kind === "index"
        ? successorsOf(manifest).filter((child) => isManifestType(child.mediaType))
        : [];
    for (const child of children) {
      if (
        this.#planned.has(child.digest) ||
        this.#staying.has(child.digest) ||
        (await this.#holders.hold(child.digest))
      )
        continue;
      const referrers = await this.#referrers(child.digest);
      if (referrers.length === 0) await this.#removeArtifact(child.digest);
      else
        this.told.progress(
          `${this.store.name}@${child.digest} stays, although it is no longer mirrored: ${referrers.length} that this mirror did not put there refer to it`,
        );
    }
  }

  /** @returns whether it is gone */
  async #remove(digest: Digest): Promise<boolean> {
    if (this.#deletesNothing) return false;
    try {
      await this.store.deleteManifest(await this.store.resolve(digest));
    } catch (error) {
      if (isConsignError(error, "REGISTRY_UNSUPPORTED")) {
        this.#deletesNothing = true;
        this.told.warn(
          `what is no longer mirrored stays at ${this.store.name}, which does not delete: ${error.message}`,
        );
        return false;
      }
      if (!isConsignError(error, "MANIFEST_UNKNOWN")) throw error;
    }
    return true;
  }

  async #present(digest: Digest): Promise<Manifest | undefined> {
    try {
      return await this.store.manifest(await this.store.resolve(digest));
    } catch (error) {
      if (isConsignError(error, "MANIFEST_UNKNOWN")) return undefined;
      throw error;
    }
  }
}
