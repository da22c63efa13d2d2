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

  #namesOf(digest: Digest): string[] {
    const tags = Object.keys(this.plan.tags).filter((tag) => this.plan.tags[tag] === digest);
    return tags.length === 0 ? [digest] : tags;
  }
}
