// SPDX-License-Identifier: Apache-2.0
import { archivedSchema, claimTypeOf } from "../claims/index";
import type { ReadStore } from "../content/storage";
import type { ResolvedTrustPolicy } from "../notation/index";
import type { Digest } from "../oci/digest";
import { parseLocation } from "../oci/reference";
import { oneLine } from "../printable";
import { evidenceIn, type Facts } from "../retention/index";
import { ARCHIVED } from "./record";
import { weighClaim } from "../judging/believed-claims";
import type { ResourceContext } from "../world/context";

/** As many as a policy can have. */
const MAX_SOURCES = 100;
const MAX_LENGTH = 512;
const MAX_TAGS = 1_000;

/**
 * In evidence, in place of sources: the record has the name of a policy that was this one when it
 * was read.
 */
export const named = (policy: string): string => `=${policy}`;

/** Tells this policy's records from those of others. */
export interface Ownership {
  /**
   * Its name. Without one, or where a record has none, a record is ours that names a source of
   * ours.
   */
  policy: string | undefined;
  /** Whether it brings things from a place, however that is written. */
  isOwn: (source: string) => Promise<boolean>;
}

export async function ownershipOf(
  policy: string | undefined,
  own: readonly string[],
  context: Pick<ResourceContext, "stores">,
): Promise<Ownership> {
  const places = new Set(await Promise.all(own.map((source) => placeOf(source, context))));
  return { policy, isOwn: async (source) => places.has(await placeOf(source, context)) };
}

/** What is no location here is a place of its own. */
async function placeOf(
  source: string,
  { stores }: Pick<ResourceContext, "stores">,
): Promise<string> {
  try {
    return await stores.placeOf(parseLocation(source));
  } catch {
    return source;
  }
}

/**
 * The places that a record names: state holds them, so whoever writes records must not make it
 * large, or unreadable.
 */
export async function sourcesIn(
  predicate: unknown,
  { policy, isOwn }: Ownership,
): Promise<{ own: string[]; others: string[]; byName: boolean }> {
  const { sources: said = [], policy: name } = archivedSchema.safeParse(predicate).data ?? {};
  const byName = policy !== undefined && name !== undefined;
  const own: string[] = [];
  const others: string[] = [];
  for (const source of said.slice(0, 10 * MAX_SOURCES)) {
    if (byName ? name === policy : await isOwn(source)) own.push(source);
    else others.push(shown(source));
  }
  // Of whom a record says nothing, somebody else may count on it.
  if (own.length === 0 && others.length === 0 && !(byName && name === policy))
    others.push(shown(""));
  if (byName && name !== policy)
    return {
      own,
      others: others.slice(0, MAX_SOURCES).map((source) => `${source} (by ${shown(name)})`),
      byName: false,
    };
  return { own: own.slice(0, MAX_SOURCES), others: others.slice(0, MAX_SOURCES), byName };
}

function shown(source: string): string {
  const short = oneLine(source.slice(0, MAX_LENGTH)).replace(/^=/, "\ufffd");
  return short === "" ? "an unnamed place" : short;
}

/** Whose an artifact in the archive is, going by the records of those who brought it there. */
export interface Owners {
  /** Whether this policy has brought it. */
  ours: boolean;
  /** The other places. */
  others: string[];
}

/**
 * Several policies may bring things to one archive, and none knows the rules of another; so none
 * takes away what came from elsewhere, whoever says that it did.
 */
export async function ownersOf(
  { evidence }: Pick<Facts, "evidence">,
  { isOwn, policy }: Ownership,
): Promise<Owners> {
  const others = new Set<string>();
  let ours = false;
  for (const [, said] of evidenceIn({ evidence })) {
    if (said.kind !== "archived" && said.kind !== "claimed") continue;
    for (const source of said.sources ?? []) {
      if (policy !== undefined && source === named(policy)) ours = said.kind === "archived" || ours;
      else if (!(await isOwn(source))) others.add(source);
      else if (said.kind === "archived") ours = true;
    }
  }
  return { ours, others: [...others].sort() };
}

/**
 * By source of ours, the tags that it had when it was archived: a state that was lost takes nothing
 * from the last ones that left a source.
 */
export async function archivedTags(
  archive: ReadStore,
  digest: Digest,
  ownership: Ownership,
  trust: ResolvedTrustPolicy,
  context: ResourceContext,
): Promise<Facts["tags"]> {
  const tags: Facts["tags"] = {};
  for (const descriptor of (await archive.referrers(digest)).filter(
    (each) => claimTypeOf(each) === ARCHIVED,
  )) {
    const { claim, worth } = await weighClaim(archive, descriptor, digest, trust, context);
    if ("broken" in claim || (worth !== "believed" && worth !== "expired")) continue;
    const record = archivedSchema.safeParse(claim.predicate).data;
    for (const source of (await sourcesIn(claim.predicate, ownership)).own)
      tags[source] = (record?.tags?.[source] ?? []).slice(0, MAX_TAGS);
  }
  return tags;
}
