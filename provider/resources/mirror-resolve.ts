// SPDX-License-Identifier: Apache-2.0
import { resolveType } from "../claims";
import type { ReadStore } from "../content/storage";
import { isConsignError } from "../errors";
import { walk } from "../graph";
import { verifyArtifact, type ResolvedTrustPolicy } from "../notation";
import { plainDescriptor, type Descriptor } from "../oci/descriptor";
import type { Digest } from "../oci/digest";
import { MEDIA_TYPES } from "../oci/media-types";
import type { ResourceContext } from "./context";
import { SIGNATURE, relatedIn, selectRelated, sortedByKey, type ClaimSelection, type MirrorPlan, type PlannedArtifact, type Related, type Upcoming } from "./mirror-plan";
import { namedTags, namesOnly, selectTags, type TagSelection } from "./mirror-tags";

export interface MirrorSelection {
  tags: TagSelection;
  claims: ClaimSelection;
  withdrawn: "keep" | "remove";
  trust: ResolvedTrustPolicy | undefined;
}

/** A plan in the making: everything that may be left out is there. */
interface Draft {
  tags: Record<string, Digest>;
  artifacts: Record<Digest, PlannedArtifact>;
  withdrawn: string[];
  refused: Record<string, string>;
  missing: string[];
}

/**
 * Decides what the destinations are to hold, from three sides: what the source has, what this program is about to put there
 * (`upcoming`), and what was mirrored before (`base`).
 */
export async function resolveMirror(source: ReadStore, selection: MirrorSelection, upcoming: Upcoming | undefined, base: MirrorPlan | undefined, context: ResourceContext): Promise<MirrorPlan> {
  const present = await presentTags(source, selection.tags);
  const offered: Record<string, Descriptor> = { ...present };
  for (const [tag, digest] of Object.entries(upcoming?.tags ?? {})) {
    const artifact = upcoming?.artifacts[digest];
    if (artifact?.mediaType !== undefined && artifact.size !== undefined) offered[tag] = { mediaType: artifact.mediaType, size: artifact.size, digest };
  }
  const plan: Draft = { tags: {}, artifacts: {}, withdrawn: [], refused: {}, missing: [] };
  for (const tag of selectTags(Object.keys(offered), selection.tags)) {
    const descriptor = offered[tag] as Descriptor;
    const pending = upcoming !== undefined && upcoming.tags[tag] === descriptor.digest;
    const refusal = await refusalOf(source, descriptor, selection.trust, pending, context);
    if (refusal !== undefined) plan.refused[tag] = refusal;
    else {
      plan.tags[tag] = descriptor.digest;
      plan.artifacts[descriptor.digest] ??= await plannedArtifact(source, descriptor, selection, upcoming, base, plan.withdrawn);
    }
  }
  keepWithdrawn(plan, base, selection, offered);
  plan.missing = namedTags(selection.tags).filter((tag) => plan.tags[tag] === undefined && plan.refused[tag] === undefined);
  return compact(plan);
}

/** The selected tags that the source has. Where only names are asked for, the list of all tags is not. */
async function presentTags(source: ReadStore, selection: TagSelection): Promise<Record<string, Descriptor>> {
  const candidates = namesOnly(selection) ? namedTags(selection) : selectTags(await source.tags(), selection);
  const found: Record<string, Descriptor> = {};
  for (const tag of candidates) {
    const descriptor = await resolveIfPresent(source, tag);
    if (descriptor !== undefined) found[tag] = plainDescriptor(descriptor);
  }
  return found;
}

async function resolveIfPresent(source: ReadStore, tag: string): Promise<Descriptor | undefined> {
  try {
    return await source.resolve(tag);
  } catch (error) {
    if (isConsignError(error, "MANIFEST_UNKNOWN")) return undefined;
    throw error;
  }
}

/** Why an artifact must not be copied; `undefined` if it may. What is not pushed yet is judged when it is. */
async function refusalOf(source: ReadStore, descriptor: Descriptor, trust: ResolvedTrustPolicy | undefined, pending: boolean, context: ResourceContext): Promise<string | undefined> {
  if (trust === undefined || pending) return undefined;
  const verdict = await verifyArtifact(source, descriptor, trust, { now: context.now(), baseDir: context.baseDir, scope: source.name, revocation: context.revocation, fetch: context.fetch });
  return verdict.outcome === "verified" ? undefined : `${descriptor.digest} is not copied: ${verdict.outcome}: ${verdict.reason ?? "no reason given"} [${verdict.code ?? "SIGNATURE_INVALID"}]`;
}

async function plannedArtifact(
  source: ReadStore,
  root: Descriptor,
  { claims, withdrawn }: MirrorSelection,
  upcoming: Upcoming | undefined,
  base: MirrorPlan | undefined,
  gone: string[],
): Promise<PlannedArtifact> {
  const announced = upcoming?.artifacts[root.digest]?.related ?? {};
  const observed = await observedRelated(source, root, upcoming?.artifacts[root.digest] !== undefined);
  const offered = { ...announced, ...observed };
  const before = withdrawn === "keep" ? (base?.artifacts[root.digest]?.related ?? {}) : {};
  const kept = Object.fromEntries(Object.entries(before).filter(([, entry]) => !isReplaced(entry, before, announced, observed)));
  const related = selectRelated({ ...kept, ...offered }, claimFilter(claims));
  gone.push(...(Object.keys(related) as Digest[]).filter((digest) => offered[digest] === undefined));
  return { mediaType: root.mediaType, size: root.size, related };
}

/**
 * A signature is not withdrawn but replaced where what it signed has no fewer signatures than before, or is about to be put there, and
 * signed, anew.
 */
function isReplaced(entry: Related, before: Record<Digest, Related>, announced: Record<Digest, Related>, observed: Record<Digest, Related>): boolean {
  if (entry.type !== SIGNATURE) return false;
  const count = (related: Record<Digest, Related>) => Object.values(related).filter(({ type, of }) => type === SIGNATURE && of === entry.of).length;
  return count(observed) >= count(before) || (entry.of !== undefined && announced[entry.of] !== undefined && observed[entry.of] === undefined);
}

async function observedRelated(source: ReadStore, root: Descriptor, mayBeAbsent: boolean): Promise<Record<Digest, Related>> {
  try {
    return relatedIn(await walk(source, root, { referrers: true, leafTypes: [MEDIA_TYPES.notarySignature] }));
  } catch (error) {
    if (mayBeAbsent && isConsignError(error, "MANIFEST_UNKNOWN")) return {};
    throw error;
  }
}

export function claimFilter({ types, excludeTypes, audience }: ClaimSelection): (related: Related) => boolean {
  const included = types === undefined ? undefined : new Set(types.map(resolveType));
  const excluded = new Set((excludeTypes ?? []).map(resolveType));
  return (related) =>
    (included === undefined || included.has(related.type)) && !excluded.has(related.type) && (audience !== "public" || related.audience === "public");
}


/**
 * A tag that was mirrored and is gone at the source was withdrawn; one that is there and no longer selected is simply not wanted any
 * more. Only the former can be kept.
 */
function keepWithdrawn(plan: Draft, base: MirrorPlan | undefined, selection: MirrorSelection, offered: Record<string, Descriptor>): void {
  if (base === undefined || selection.withdrawn === "remove") return;
  const stillWanted = new Set(selectTags(Object.keys(base.tags), selection.tags));
  for (const [tag, digest] of Object.entries(base.tags)) {
    if (!stillWanted.has(tag) || offered[tag] !== undefined) continue;
    const artifact = base.artifacts[digest];
    if (artifact === undefined) continue;
    plan.tags[tag] = digest;
    plan.artifacts[digest] ??= artifact;
    plan.withdrawn.push(tag);
  }
}

function compact(plan: Draft): MirrorPlan {
  return {
    tags: sortedByKey(plan.tags),
    artifacts: sortedByKey(plan.artifacts),
    ...(plan.withdrawn.length === 0 ? {} : { withdrawn: plan.withdrawn.sort() }),
    ...(Object.keys(plan.refused).length === 0 ? {} : { refused: sortedByKey(plan.refused) }),
    ...(plan.missing.length === 0 ? {} : { missing: plan.missing.sort() }),
  };
}
