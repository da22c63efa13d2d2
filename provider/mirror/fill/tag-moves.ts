// SPDX-License-Identifier: Apache-2.0
import { forEachBounded } from "../../content/bounded";
import type { ReadStore } from "../../content/storage";
import { ConsignError } from "../../errors";
import { mergeTags, type TagDecision } from "../../graph/index";
import { isDigest, type Digest } from "../../oci/digest";
import type { DestinationStatus, FullPlan } from "../../upcoming/plan";
import { tagDigest } from "../../world/tags";

export type OnConflict = "fail" | "overwrite" | "keep";

/** By tag, where others have it. */
export type KeptTags = Record<string, string>;

/** What earlier runs tell about a destination's tags. */
export interface KnownTags {
  /** What was put there for certain. */
  base?: FullPlan | undefined;
  /** What any earlier run may have put there, finished or not. */
  earlier: readonly FullPlan[];
  /** How it looked at the last refresh. */
  status?: DestinationStatus | undefined;
  /** What was left to others the last time. */
  kept: KeptTags;
}

export interface TagWork {
  destination: ReadStore;
  plan: FullPlan;
  known: KnownTags;
  onConflict: OnConflict;
  warn: (message: string) => void;
}

/** A tag that has to move. */
export interface Move {
  tag: string;
  from: Digest | undefined;
  to: Digest;
}

export interface TagDecisions {
  moves: Move[];
  /** Tags that are where they are to be, and that no earlier run has set. */
  found: string[];
  kept: KeptTags;
}

/** More than these would be a message that nobody reads to its end. */
const NAMED = 5;
const AT_ONCE = 32;

/**
 * Whether a tag may stay where others have it. Under cosign's are their own signatures too, which
 * nothing that comes from upstream may cover.
 */
export function mayStay(tag: string, plan: FullPlan, onConflict: OnConflict): boolean {
  return onConflict === "keep" || plan.cosignTags[tag] !== undefined;
}

/**
 * Decides which tags have to move, and from where. A tag that is neither where this mirror put it
 * nor where the last refresh showed it was moved by somebody else, and nobody has seen that in a
 * preview yet. Tags that are known to be right are not looked at.
 * @param untagged the destination has no tags, so none is looked at
 * @throws ConsignError `TAG_MOVED`
 */
export async function decideTags(work: TagWork, untagged: boolean): Promise<TagDecisions> {
  const { destination, plan, known, onConflict, warn } = work;
  const gone = new Set(plan.withdrawn);
  const cosign = Object.entries(plan.cosignTags).filter(([tag]) => !gone.has(tag));
  const open = [...Object.entries(plan.tags), ...cosign].filter(
    ([tag, digest]) => !isSettled(tag, digest, known),
  );
  const base = new Map<string, Digest>();
  const source = new Map(open);
  const found = new Map<string, Digest>();
  await forEachBounded(open, AT_ONCE, async ([tag]) => {
    const now = untagged ? undefined : await tagDigest(destination, tag);
    const before = tagIn(known.base, tag);
    if (before !== undefined) base.set(tag, before);
    if (!isDigest(now)) return;
    found.set(tag, now);
    if (isOurs(tag, now, work)) base.set(tag, now);
  });
  const there = [...found].flatMap(([tag, now]) =>
    now === source.get(tag) && !known.earlier.some((earlier) => tagIn(earlier, tag) === now)
      ? [tag]
      : [],
  );
  const { add, move, conflict } = mergeTags({ base, source, destination: found });
  const staying = conflict.filter(({ tag }) => mayStay(tag, plan, onConflict));
  const contested = conflict.filter(({ tag }) => !mayStay(tag, plan, onConflict));
  if (contested.length > 0 && onConflict === "fail") throw tagsMoved(contested, destination.name);
  for (const { tag, from } of staying)
    warn(
      `${destination.name}:${tag} stays at ${from}, as ${onConflict === "keep" ? "onConflict says" : "others signed there: what upstream has under that tag is not brought"}`,
    );
  return {
    found: there,
    moves: [...add, ...move, ...contested].map(({ tag, from }) => ({
      tag,
      from,
      to: source.get(tag) as Digest,
    })),
    kept: Object.fromEntries(staying.map(({ tag, from }) => [tag, String(from)])),
  };
}

function isSettled(tag: string, digest: Digest, { base, status, kept }: KnownTags): boolean {
  return (
    tagIn(base, tag) === digest && status?.[`tag ${tag}`] === undefined && kept[tag] === undefined
  );
}

/**
 * Put there by an earlier run, or shown by a refresh, and a preview before this run, and so agreed
 * upon.
 */
function isOurs(tag: string, now: Digest, { known, plan, onConflict }: TagWork): boolean {
  return (
    known.earlier.some((earlier) => tagIn(earlier, tag) === now) ||
    (now === known.status?.[`tag ${tag}`] && !mayStay(tag, plan, onConflict))
  );
}

/** Where a plan has a tag, one of cosign's or not. */
export function tagIn(plan: FullPlan | undefined, tag: string): Digest | undefined {
  return plan?.tags[tag] ?? plan?.cosignTags[tag];
}

function tagsMoved(contested: readonly TagDecision[], place: string): ConsignError {
  const named = contested
    .slice(0, NAMED)
    .map(
      ({ tag, from, reason }) =>
        `tag ${tag} points at ${from}, which this mirror did not put there (${reason})`,
    );
  const more = contested.length > NAMED ? [`and ${contested.length - NAMED} more`] : [];
  return new ConsignError(
    "TAG_MOVED",
    `${[...named, ...more].join("; ")}: refresh to see ${contested.length === 1 ? "it" : "them"} and run again, or set onConflict to "overwrite" or "keep"`,
    { reference: `${place}:${contested[0]?.tag}`, side: "destination" },
  );
}
