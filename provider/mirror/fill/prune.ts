// SPDX-License-Identifier: Apache-2.0
import { isDeepStrictEqual } from "node:util";
import { kindOf } from "../../claims/index";
import type { Store } from "../../content/storage";
import {
  untold,
  unsupported,
  type LeavingManifest,
  type Removed,
  type Staying,
} from "../../keeping/leaving";
import { contentOf } from "../../keeping/reach";
import { removeManifests, removeStaleTags, removeTags } from "../../keeping/remove";
import type { Digest } from "../../oci/digest";
import { isIndexType } from "../../oci/media-types";
import type { FullArtifact, FullPlan } from "../../upcoming/plan";
import { SIGNATURE, type Related } from "../../upcoming/related";
import type { ResourceContext } from "../../world/context";
import { takenBelow, takesOf } from "../choose/children";
import { cosignSubjectOf } from "../choose/tags";
import type { Marks } from "./marks";

type Told = Pick<ResourceContext, "warn" | "progress" | "now">;

/** What is planned for a place, and what earlier plans had put there. */
export interface Pruning {
  destination: Store;
  /** What mirrors of this program plan for it. */
  plan: FullPlan;
  before: FullPlan;
  marks: Marks;
}

/**
 * Takes away what a mirror had put somewhere and no longer plans. What others put beside it stays,
 * and so does whatever they still hold on to: with its signatures, and an artifact with all that was
 * said about it. A registry that deletes nothing is told of, and fails nothing.
 * @throws ConsignError what leaves it unknown whether somebody needs it
 */
export async function removeUnplanned(pruning: Pruning, told: Told): Promise<void> {
  const { destination, plan, before, marks } = pruning;
  const stuck = await dropTags(pruning);
  const unplanned = await new Unplanned(pruning).all();
  const manifests = new Map([...unplanned].filter(([digest]) => marks.isMade(digest)));
  const adopted = unplanned.size - manifests.size;
  if (adopted > 0)
    told.warn(
      `${destination.name}: ${adopted} manifests that are no longer mirrored stay: ${marks.isMarked ? "they were there before this mirror" : "the state was recorded by 0.1.0, which did not tell what it had put there from what it had found"}`,
    );
  const result = await removeManifests(
    {
      store: destination,
      manifests,
      // Only an index that is still there tells a run that comes after one cut short of its parts.
      order: "parts first",
      isOwnTag: (tag, digest) => stuck.get(tag) === digest,
      staying: stayingIn(plan),
      countsBelow: ({ tag, digest }) => {
        const isPlanned = tag === undefined || plan.tags[tag] !== undefined;
        const platforms = isPlanned ? plan.artifacts[digest]?.platforms : undefined;
        return platforms === undefined ? undefined : takesOf(digest, platforms);
      },
      alsoHeldBy: (tag) =>
        plan.cosignTags[tag] === undefined && before.cosignTags[tag] === undefined
          ? cosignSubjectOf(tag)
          : undefined,
    },
    told,
  );
  await removeStaleTags(destination, [...stuck.keys()], result.removed);
  tell(destination, result, stuck, told);
}

/** @returns tags that this registry cannot remove alone */
async function dropTags({
  destination,
  plan,
  before,
  marks,
}: Pruning): Promise<ReadonlyMap<string, Digest>> {
  const own = Object.entries({ ...before.tags, ...before.cosignTags }).filter(
    ([tag]) =>
      plan.tags[tag] === undefined &&
      plan.cosignTags[tag] === undefined &&
      marks.isMade(`tag ${tag}`),
  );
  const { stuck } = await removeTags(
    destination,
    new Map(own.map(([tag, digest]) => [tag, [digest]])),
  );
  return stuck;
}

function tell(
  destination: Store,
  result: Removed,
  stuck: ReadonlyMap<string, Digest>,
  told: Told,
): void {
  const failure = untold(result);
  if (failure !== undefined) throw failure;
  const refusal = unsupported(result);
  if (refusal !== undefined)
    told.warn(
      `what is no longer mirrored stays at ${destination.name}, which does not delete: ${refusal.message}`,
    );
  for (const { digest, reason, cause } of result.kept)
    if (cause === undefined)
      told.progress(
        `${destination.name}@${digest} stays, although it is no longer mirrored: ${reason}`,
      );
  for (const [tag, digest] of stuck)
    if (!result.removed.includes(digest))
      told.warn(
        `${destination.name}:${tag} stays: the registry cannot remove a tag alone, and ${digest}, to which it points, stays there too`,
      );
}

/** What a plan keeps and may be an index: claims and signatures are none. */
function* stayingIn(plan: FullPlan): Generator<Staying> {
  for (const [digest, { mediaType, related }] of Object.entries(plan.artifacts) as [
    Digest,
    FullArtifact,
  ][]) {
    yield { digest, isLeaf: !isIndexType(mediaType) };
    for (const [referrer, { type }] of Object.entries(related) as [Digest, Related][])
      yield { digest: referrer, isLeaf: type === SIGNATURE || kindOf(type) !== undefined };
  }
}

function plannedDigests(plan: FullPlan): ReadonlySet<Digest> {
  return new Set([
    ...(Object.entries(plan.artifacts) as [Digest, FullArtifact][]).flatMap(
      ([digest, { related }]) => [digest, ...(Object.keys(related) as Digest[])],
    ),
    ...Object.values(plan.cosignTags),
  ]);
}

function signedIn(plan: FullPlan): ReadonlySet<Digest> {
  return new Set(
    Object.values(plan.artifacts).flatMap(({ related }) =>
      Object.values(related).flatMap(({ type, of }) => (type === SIGNATURE ? (of ?? []) : [])),
    ),
  );
}

/** What earlier plans have, the present one lacks, and what came with it. */
class Unplanned {
  readonly #planned: ReadonlySet<Digest>;
  /** What the plan keeps a signature on. */
  readonly #signed: ReadonlySet<Digest>;
  readonly #found = new Map<Digest, LeavingManifest>();

  constructor(private readonly pruning: Pruning) {
    this.#planned = plannedDigests(pruning.plan);
    this.#signed = signedIn(pruning.plan);
  }

  async all(): Promise<ReadonlyMap<Digest, LeavingManifest>> {
    const { before } = this.pruning;
    for (const digest of Object.values(before.cosignTags)) this.#add(digest, {});
    for (const [root, artifact] of Object.entries(before.artifacts) as [Digest, FullArtifact][]) {
      const leaves = !this.#planned.has(root);
      if (leaves) this.#add(root, {});
      const parts = await this.#parts(root, artifact, leaves);
      for (const part of parts) this.#add(part, { isPart: true });
      for (const [digest, related] of Object.entries(artifact.related) as [Digest, Related][])
        this.#addRelated(digest, related, { root, leaves, parts });
    }
    return this.#found;
  }

  #add(digest: Digest, how: LeavingManifest): void {
    if (!this.#planned.has(digest) && !this.#found.has(digest)) this.#found.set(digest, how);
  }

  #addRelated(
    digest: Digest,
    { of, type }: Related,
    { root, leaves, parts }: { root: Digest; leaves: boolean; parts: ReadonlySet<Digest> },
  ): void {
    const subject = of ?? root;
    // What is said of a part that leaves stays where somebody else holds that part.
    // What is signed anew loses the signature before; what would be left unsigned keeps it.
    const goesWith = type === SIGNATURE && of !== undefined && !this.#signed.has(of);
    const belongs = of === undefined ? leaves : goesWith || parts.has(of);
    this.#add(digest, { subject, ...(belongs ? { with: subject } : {}) });
    for (const signature of this.pruning.marks.originsOf(digest))
      this.#add(signature, { subject: digest, with: digest });
  }

  /** Of an index, what came with it and is not to stay: all, or what its platforms no longer take. */
  async #parts(
    root: Digest,
    { platforms: was }: FullArtifact,
    leaves: boolean,
  ): Promise<ReadonlySet<Digest>> {
    const { destination, plan, before } = this.pruning;
    const { platforms } = plan.artifacts[root] ?? {};
    if (!leaves && (platforms === undefined || isDeepStrictEqual(was, platforms))) return new Set();
    const index = await contentOf(destination, root);
    if (index?.kind !== "index") return new Set();
    const took = await takenBelow(destination, index, takesOf(root, was));
    const takes = leaves
      ? new Set<Digest>()
      : new Set(
          (await takenBelow(destination, index, takesOf(root, platforms))).map(
            ({ digest }) => digest,
          ),
        );
    return new Set(
      took
        .map(({ digest }) => digest)
        .filter((digest) => !takes.has(digest) && before.artifacts[digest] === undefined),
    );
  }
}
