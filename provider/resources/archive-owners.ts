// SPDX-License-Identifier: Apache-2.0
import { archivedSchema, claimTypeOf } from "../claims";
import type { ReadStore } from "../content/storage";
import type { ResolvedTrustPolicy } from "../notation";
import type { Digest } from "../oci/digest";
import { parseLocation } from "../oci/reference";
import { evidenceIn, type Facts } from "../retention";
import { ARCHIVED } from "./archive-record";
import { weighClaim } from "./believed-claims";
import type { ResourceContext } from "./context";

/** Whose an artifact in the archive is, going by the records of those who brought it there. */
export interface Owners {
  /** Whether one of this policy's sources is among the places that it came from; also where a record does not say. */
  ours: boolean;
  /** The other places. */
  others: string[];
}

/**
 * Several policies may bring things to one archive, and none knows the rules of another; so none takes away what came from elsewhere, whoever
 * says that it did.
 * @param own this policy's sources, and those that it had
 */
export async function ownersOf({ evidence }: Pick<Facts, "evidence">, own: readonly string[], context: Pick<ResourceContext, "stores">): Promise<Owners> {
  const places = new Set(await Promise.all(own.map((source) => placeOf(source, context))));
  const others = new Set<string>();
  let ours = false;
  for (const [, said] of evidenceIn({ evidence })) {
    if (said.kind !== "archived" && said.kind !== "claimed") continue;
    if (said.kind === "archived" && said.sources === undefined) ours = true;
    for (const source of said.sources ?? []) {
      if (!places.has(await placeOf(source, context))) others.add(source);
      else if (said.kind === "archived") ours = true;
    }
  }
  return { ours, others: [...others].sort() };
}

/** By source of ours, the tags that it had when it was archived: a state that was lost takes nothing from the last ones that left a source. */
export async function archivedTags(archive: ReadStore, digest: Digest, others: readonly string[], trust: ResolvedTrustPolicy, context: ResourceContext): Promise<Facts["tags"]> {
  const tags: Facts["tags"] = {};
  for (const descriptor of (await archive.referrers(digest)).filter((each) => claimTypeOf(each) === ARCHIVED)) {
    const { claim, worth } = await weighClaim(archive, descriptor, digest, trust, context);
    const record = "broken" in claim || (worth !== "believed" && worth !== "expired") ? undefined : archivedSchema.safeParse(claim.predicate).data;
    for (const source of record?.sources ?? []) if (!others.includes(source)) tags[source] = record?.tags?.[source] ?? [];
  }
  return tags;
}

/** What is no location here is a place of its own. */
async function placeOf(source: string, { stores }: Pick<ResourceContext, "stores">): Promise<string> {
  try {
    return await stores.placeOf(parseLocation(source));
  } catch {
    return source;
  }
}
