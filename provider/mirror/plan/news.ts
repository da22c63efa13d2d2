// SPDX-License-Identifier: Apache-2.0
import { dayOf, kindOf, observeClaim, type BrokenClaim, type ReadClaim } from "../../claims/index";
import type { ReadStore } from "../../content/storage";
import { isConsignError } from "../../errors";
import { hexOf, type Digest } from "../../oci/digest";
import type { ResourceContext } from "../../world/context";
import type { FullPlan } from "../../upcoming/plan";

/** More is a list that nobody reads; the plan's diff has all of them. */
const MAX_LINES = 20;
const MAX_TEXT = 200;

interface News {
  artifact: Digest;
  claim: Digest;
}

/**
 * Says in words what has been said upstream, since the last run, about artifacts that are mirrored
 * already: revoked, redirected, at the end of their life. It takes two requests each. Whether to
 * believe it is judged where the artifact is verified.
 */
export async function tellNews(
  plan: FullPlan,
  before: FullPlan | undefined,
  source: ReadStore,
  context: ResourceContext,
): Promise<void> {
  const news = before === undefined ? [] : newsIn(plan, before);
  for (const { artifact, claim } of news.slice(0, MAX_LINES)) {
    const told = await wordsOf(source, artifact, claim);
    if (told !== undefined)
      context.warn(`mirror of ${source.name}: ${nameOf(artifact, plan)} ${told}`);
  }
  if (news.length > MAX_LINES)
    context.warn(
      `mirror of ${source.name}: and ${news.length - MAX_LINES} more that are revoked, redirected or at the end of their life`,
    );
}

function newsIn(plan: FullPlan, before: FullPlan): News[] {
  return (Object.keys(plan.artifacts) as Digest[]).flatMap((artifact) => {
    const known = before.artifacts[artifact]?.related;
    if (known === undefined) return [];
    const related = plan.artifacts[artifact]?.related ?? {};
    return (Object.keys(related) as Digest[]).flatMap((claim) =>
      known[claim] === undefined && isLifecycle(related[claim]?.type) ? [{ artifact, claim }] : [],
    );
  });
}

function isLifecycle(type: string | undefined): boolean {
  const name = type === undefined ? undefined : kindOf(type)?.name;
  return name === "revocation" || name === "redirect" || name === "endOfLife";
}

/** Undefined for a claim that is about to be made: this program says it itself. */
async function wordsOf(
  source: ReadStore,
  artifact: Digest,
  digest: Digest,
): Promise<string | undefined> {
  try {
    return wordsFor(await observeClaim(source, await source.resolve(digest)), artifact);
  } catch (error) {
    if (!isConsignError(error)) throw error;
    return error.code === "MANIFEST_UNKNOWN"
      ? undefined
      : `has a new claim ${digest} about its lifecycle that cannot be read: ${error.message}`;
  }
}

function wordsFor(claim: ReadClaim | BrokenClaim, artifact: Digest): string {
  if ("broken" in claim)
    return `has a new claim ${claim.digest} about its lifecycle that cannot be read: ${claim.broken.reason}`;
  const { target, reason, since, to, date } = (claim.predicate ?? {}) as Record<string, unknown>;
  const why = typeof reason === "string" ? `: ${plain(reason)}` : "";
  switch (kindOf(claim.type)?.name) {
    case "revocation":
      return `${target === artifact ? "is revoked" : `has a claim that is revoked (${plain(target)})`} upstream${since === undefined ? "" : ` from ${plain(since)} on`}${why}`;
    case "redirect":
      return `is redirected upstream to ${plain(to)}${why}`;
    default:
      return `ends its life upstream on ${typeof date === "string" ? dayOf(date) : "a date that is not given"}${why}`;
  }
}

function nameOf(artifact: Digest, plan: FullPlan): string {
  const tags = Object.entries(plan.tags).flatMap(([tag, digest]) =>
    digest === artifact ? [tag] : [],
  );
  return [...tags.slice(0, 3), `sha256:${hexOf(artifact).slice(0, 12)}…`].join(" ");
}

/** Somebody else's words, on one line. */
function plain(text: unknown): string {
  const line = String(text)
    .replace(/[\p{C}\p{Zl}\p{Zp}]+/gu, " ")
    .trim();
  return line.length <= MAX_TEXT ? line : `${line.slice(0, MAX_TEXT - 1)}…`;
}
