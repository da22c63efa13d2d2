// SPDX-License-Identifier: Apache-2.0
import {
  archivedSchema,
  claimTypeOf,
  contentPurgedSchema,
  observeClaim,
  packClaim,
  resolveType,
  type Archived,
  type ContentPurged,
} from "../claims/index";
import type { PackedArtifact } from "../content/pack";
import { listSignatures } from "../notation/index";
import type { Descriptor } from "../oci/descriptor";
import { hexOf, type Digest } from "../oci/digest";
import { describeRetention, readFacts, type Entry, type Rules } from "../retention/index";
import type { LeavingManifest } from "../keeping/leaving";
import { removeManifests } from "../keeping/remove";
import type { ResourceContext } from "../world/context";
import type { ArchiveTask } from "./task";

/** Predicate types of what an archive records. */
export const ARCHIVED = resolveType("archived");
export const CONTENT_PURGED = resolveType("content-purged");

export function packArchived(
  subject: Descriptor,
  entry: Entry,
  rules: Rules,
  archivedAt: string,
  policy?: string,
): PackedArtifact {
  const { windows } = readFacts(entry, undefined, 0);
  const tags = Object.fromEntries(
    Object.entries(entry.tags).filter(([, names]) => names.length > 0),
  );
  // What is at no source any more came from where it was seen last.
  const sources = entry.at.length > 0 ? entry.at : Object.keys(entry.tags);
  const predicate: Archived = {
    archivedAt,
    sources,
    tags,
    inUse: windows.map((window) => ({ ...window })),
    retention: describeRetention(rules),
    ...(policy === undefined ? {} : { policy }),
  };
  return packClaim({ type: ARCHIVED, subject, predicate, audience: "internal" });
}

export function packContentPurged(
  subject: Descriptor,
  entry: Entry,
  purgedAt: string,
): PackedArtifact {
  const predicate: ContentPurged = {
    purgedAt,
    reason: entry.reason,
    ...(entry.leftAt === undefined ? {} : { leftProductionAt: entry.leftAt }),
  };
  return packClaim({ type: CONTENT_PURGED, subject, predicate, audience: "internal" });
}

/**
 * The tag that keeps an archived artifact from a registry's own tidying, and by which the archive
 * is listed.
 */
export function archiveTag(digest: Digest): string {
  return `archived-${hexOf(digest).slice(0, 64)}`;
}

export function isArchiveTag(tag: string): boolean {
  return /^archived-[0-9a-f]{64}$/.test(tag);
}

/**
 * Records of a run of this policy that was cut short before it signed them: nobody believes them,
 * and they would be there for ever. One that anything refers to stays.
 */
export async function removeUnsigned(
  { archive, inputs }: Pick<ArchiveTask, "archive" | "inputs">,
  subject: Digest,
  type: string,
  context: ResourceContext,
): Promise<void> {
  const manifests = new Map<Digest, LeavingManifest>();
  for (const candidate of await archive.referrers(subject)) {
    if (claimTypeOf(candidate) !== type) continue;
    if ((await listSignatures(archive, candidate.digest)).length > 0) continue;
    const claim = await observeClaim(archive, candidate, { subject });
    if ("broken" in claim) continue;
    const { data } = (type === ARCHIVED ? archivedSchema : contentPurgedSchema).safeParse(
      claim.predicate,
    );
    const ours = data !== undefined && (type !== ARCHIVED || data["policy"] === inputs.policy);
    if (ours) manifests.set(candidate.digest, { subject });
  }
  if (manifests.size === 0) return;
  await removeManifests({ store: archive, manifests, isOwnTag: () => false }, context);
}
