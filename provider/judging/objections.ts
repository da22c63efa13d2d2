// SPDX-License-Identifier: Apache-2.0
import {
  combined,
  effectiveClaims,
  evaluateRequirements,
  gatherClaims,
  lapsedSignings,
  typeKey,
  type ObservedClaim,
  type RequirementResult,
} from "../claims/index";
import type { ReadStore } from "../content/storage";
import type { ResolvedTrustPolicy } from "../notation/index";
import type { Descriptor } from "../oci/descriptor";
import type { Digest } from "../oci/digest";
import type { ResourceContext } from "../world/context";
import { againstIn, type Against } from "./against";
import { REVOCATION_PATH, type Question } from "./judgement";

/** Where claims about an artifact are looked for. */
export interface ClaimSource {
  store: ReadStore;
  /** Only these claims count there. @default all */
  only?: ReadonlySet<Digest> | undefined;
}

/**
 * Whose word counts: the trust policy, and the repository for which it was chosen, wherever a claim
 * is read.
 */
export interface TrustScope {
  trust: ResolvedTrustPolicy;
  scope: string;
  question: Pick<Question, "precedence" | "lifecycleIssuers">;
}

/** What can be held against an artifact, and what is to be remembered of that. */
export interface Objections {
  results: RequirementResult[];
  against: Against;
}

/**
 * What is claimed of an artifact's lifecycle at several places taken together: what is said at one
 * of them may be taken back at another. Each claim is verified as any other is; what comes out of
 * this can only be held against the artifact.
 * @throws ConsignError as {@link gatherClaims}
 */
export async function lifecycleAt(
  sources: readonly ClaimSource[],
  artifact: Descriptor,
  { trust, scope, question }: TrustScope,
  context: ResourceContext,
): Promise<Objections> {
  const asking = {
    now: context.now(),
    baseDir: context.baseDir,
    scope,
    revocation: context.revocation,
  };
  const found = new Map<Digest, ObservedClaim>();
  const places: [name: string, observed: ObservedClaim[]][] = [];
  for (const { store, only } of sources) {
    const here = await gatherClaims(store, artifact, trust, asking, {
      about: (type) => LIFECYCLE.has(typeKey(type)),
    });
    places.push([store.name, here]);
    for (const observed of here) {
      const { digest } = observed.claim;
      if (only !== undefined && !only.has(digest)) continue;
      const known = found.get(digest);
      found.set(digest, known === undefined ? observed : both(known, observed, asking.now));
    }
  }
  if (found.size === 0) return { results: [], against: {} };
  const effective = effectiveClaims({
    subject: artifact.digest,
    now: asking.now,
    claims: [...found.values()],
    ...question,
  });
  const results = evaluateRequirements({}, effective, asking.now);
  const recorded = places.map(([name, observed]) => againstIn(name, observed, effective, results));
  return {
    results: [...results, ...recorded.flatMap(({ warning }) => notRemembered(warning))],
    against: Object.fromEntries(recorded.flatMap(({ against }) => Object.entries(against))),
  };
}

function notRemembered(warning: string | undefined): RequirementResult[] {
  if (warning === undefined) return [];
  const common = { path: "lifecycle.remembered", requirement: "all of it is remembered" };
  return [{ ...common, met: true, warning, reason: warning, claims: [] }];
}

/** Why an artifact is revoked, or may be, in one line; undefined if it is not. */
export function revocationIn({ results }: Objections): string | undefined {
  const reasons = results.flatMap(({ path, met, reason }) =>
    met || path !== REVOCATION_PATH ? [] : [reason],
  );
  return reasons.length === 0 ? undefined : reasons.join("; ");
}

const LIFECYCLE: ReadonlySet<string> = new Set(["revocation", "redirect", "endOfLife"]);

/**
 * A copy of a claim that lost a signature, or its content, says less than one that did not; what
 * one of them lacks the other may have.
 */
function both(known: ObservedClaim, other: ObservedClaim, now: Date): ObservedClaim {
  return {
    claim: weight(other, now) > weight(known, now) ? other.claim : known.claim,
    verdict: combined(known.verdict, other.verdict),
  };
}

/** One that nobody trusted has signed is not read, and so is not broken. */
function weight({ claim, verdict }: ObservedClaim, now: Date): number {
  const signed =
    verdict.outcome === "verified"
      ? 2
      : verdict.outcome === "inconclusive" || lapsedSignings(verdict, now).length > 0
        ? 1
        : 0;
  return signed * 2 + ("broken" in claim ? 0 : 1);
}
