// SPDX-License-Identifier: Apache-2.0
import { isDeepStrictEqual } from "node:util";
import type { Digest } from "../../oci/digest";
import type { FullPlan } from "../../upcoming/plan";
import type { Related } from "../../upcoming/related";

/** More names than this are counted. */
const MOST_NAMES = 20;

/**
 * What differs between two plans, in words, for plans that are recorded as summaries: their diff
 * shows counts, and this says which.
 * @returns one line a kind of change, none where nothing differs
 */
export function differenceOf(before: FullPlan, plan: FullPlan): string[] {
  const [was, is] = [namesOf(before), namesOf(plan)];
  const moved = Object.keys(plan.tags).filter(
    (tag) => before.tags[tag] !== undefined && before.tags[tag] !== plan.tags[tag],
  );
  return [
    line(
      "new",
      [...is].flatMap(([key, name]) => (was.has(key) ? [] : [name])),
    ),
    line(
      "tags that move",
      moved.map((tag) => `${tag} to ${plan.tags[tag]}`),
    ),
    line(
      "other platforms",
      (Object.keys(plan.artifacts) as Digest[])
        .filter(
          (digest) =>
            before.artifacts[digest] !== undefined &&
            !isDeepStrictEqual(
              before.artifacts[digest]?.platforms,
              plan.artifacts[digest]?.platforms,
            ),
        )
        .map((digest) => `artifact ${digest}`),
    ),
    line(
      "no longer mirrored",
      [...was].flatMap(([key, name]) => (is.has(key) ? [] : [name])),
    ),
  ].flat();
}

function line(what: string, names: readonly string[]): string[] {
  if (names.length === 0) return [];
  const more = names.length > MOST_NAMES ? `, and ${names.length - MOST_NAMES} more` : "";
  return [`${what}: ${[...names].sort().slice(0, MOST_NAMES).join(", ")}${more}`];
}

/** By what tells it apart, everything that a plan names, as a person reads it. */
function namesOf(plan: FullPlan): Map<string, string> {
  const names = new Map<string, string>();
  for (const tag of Object.keys({ ...plan.tags, ...plan.cosignTags }))
    names.set(`tag ${tag}`, `tag ${tag}`);
  for (const [digest, { related }] of Object.entries(plan.artifacts) as [
    Digest,
    FullPlan["artifacts"][Digest],
  ][]) {
    names.set(digest, `artifact ${digest}`);
    for (const [referrer, { type }] of Object.entries(related) as [Digest, Related][])
      names.set(referrer, `${type} ${referrer}`);
  }
  return names;
}
