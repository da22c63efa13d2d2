// SPDX-License-Identifier: Apache-2.0
import { packClaim, resolveType, type Archived, type ContentPurged } from "../claims/index";
import type { PackedArtifact } from "../content/pack";
import type { Descriptor } from "../oci/descriptor";
import { hexOf, type Digest } from "../oci/digest";
import { describeRetention, readFacts, type Entry, type Rules } from "../retention/index";

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
