// SPDX-License-Identifier: Apache-2.0
import type { ReadStore } from "../../content/storage";
import { verifyArtifact, type ResolvedTrustPolicy } from "../../notation/index";
import type { Descriptor } from "../../oci/descriptor";
import type { Digest } from "../../oci/digest";
import type { ResourceContext } from "../../world/context";
import { mirroredBefore, stays, type Refusal } from "./withdrawn";
import type { FullPlan } from "../../upcoming/plan";

/** Why an artifact must not be copied; undefined if it may. */
export async function refusalOf(
  source: ReadStore,
  root: Descriptor,
  trust: ResolvedTrustPolicy,
  context: ResourceContext,
): Promise<Refusal | undefined> {
  const { now, baseDir, revocation, fetch } = context;
  const verdict = await verifyArtifact(source, root, trust, {
    now: now(),
    baseDir,
    scope: source.name,
    revocation,
    fetch,
  });
  if (verdict.outcome === "verified") return undefined;
  return {
    reason: `${verdict.outcome}: ${verdict.reason ?? "no reason given"} [${verdict.code ?? "SIGNATURE_INVALID"}]`,
    certain: verdict.outcome !== "inconclusive",
  };
}

/** What a plan does not take, and what becomes of the tags that lead there. */
export class Refusals {
  /**
   * Of what is refused, what a fault has refused: not what `trust`, `claims` and `platforms` leave
   * out.
   */
  readonly faulty = new Set<string>();

  constructor(
    private readonly plan: FullPlan,
    private readonly base: FullPlan | undefined,
    private readonly withdrawn: "keep" | "remove",
  ) {}

  /** Whether what is refused stays where it was mirrored before; if so, that is noted. */
  staysAt(digest: Digest, refusal: Refusal): boolean {
    if (this.base?.artifacts[digest] === undefined || !stays(refusal, this.withdrawn)) return false;
    for (const name of this.#namesOf(digest))
      this.plan.refused[name] = `stays at ${digest} as it was mirrored before: ${refusal.reason}`;
    return true;
  }

  /**
   * What does not verify, or has nothing for the platforms, is not copied; a tag that leads there
   * stays where it was mirrored before, if it may.
   */
  refuse(
    digest: Digest,
    refusal: Refusal,
    mayGoBack: (before: Digest) => boolean = () => true,
  ): void {
    const reason = `${digest} is not copied: ${refusal.reason}`;
    for (const name of this.#namesOf(digest)) {
      const before = this.base?.tags[name];
      const goesBack =
        before !== undefined &&
        before !== digest &&
        mirroredBefore(this.base, before) !== undefined &&
        mayGoBack(before) &&
        stays(refusal, this.withdrawn);
      this.plan.refused[name] = goesBack
        ? `stays at ${before} as it was mirrored before: ${reason}`
        : reason;
      if (goesBack) this.plan.tags[name] = before;
      else delete this.plan.tags[name];
    }
  }

  /** One item that cannot be read, whose tags stay where they were mirrored before. */
  fault(digest: Digest, reason: string): void {
    const names = this.#namesOf(digest);
    const refusal = { reason, certain: false };
    const mirrored = this.base?.artifacts[digest];
    if (mirrored !== undefined && this.staysAt(digest, refusal))
      this.plan.artifacts[digest] = mirrored;
    else this.refuse(digest, refusal);
    for (const name of names) this.faulty.add(name);
  }

  /** What leads nowhere that could be named by its digest, or is no artifact. */
  faultOf(name: string, reason: string): void {
    this.faulty.add(name);
    this.plan.refused[name] = reason;
  }

  /**
   * An artifact is brought without something that may speak against it, so that no tag may lead to
   * it yet; where one led before, it stays.
   */
  holdBack(digest: Digest, reason: string): void {
    for (const name of Object.keys(this.plan.tags)) {
      if (this.plan.tags[name] !== digest) continue;
      const before = this.base?.tags[name];
      const stands = before !== undefined && mirroredBefore(this.base, before) !== undefined;
      this.faultOf(
        name,
        stands
          ? `stays at ${before} as it was mirrored before: ${reason}`
          : `is not set to ${digest}: ${reason}`,
      );
      if (stands) this.plan.tags[name] = before;
      else delete this.plan.tags[name];
    }
  }

  #namesOf(digest: Digest): string[] {
    const tags = Object.keys(this.plan.tags).filter((tag) => this.plan.tags[tag] === digest);
    return tags.length === 0 ? [digest] : tags;
  }
}
