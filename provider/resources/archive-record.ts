// SPDX-License-Identifier: Apache-2.0
import { z } from "zod";
import { claimTypeOf, packClaim, readClaim } from "../claims";
import type { PackedArtifact } from "../content/pack";
import type { Store } from "../content/storage";
import { listSignatures } from "../notation";
import type { Descriptor } from "../oci/descriptor";
import { hexOf, type Digest } from "../oci/digest";
import { describeRetention, readFacts, timeSchema, type Entry, type Rules } from "../retention";
import { purge } from "./removal";

/** An artifact was brought to the archive, after having been in use from–until. */
export const ARCHIVED = "https://consign.dev/claims/archived/v1";
/** An artifact's content was taken away, and its claims stay as history. */
export const CONTENT_PURGED = "https://consign.dev/claims/content-purged/v1";

export const archivedSchema = z.looseObject({ archivedAt: timeSchema });
export const contentPurgedSchema = z.looseObject({ purgedAt: timeSchema });

export function packArchived(subject: Descriptor, entry: Entry, rules: Rules, archivedAt: string): PackedArtifact {
  const { windows } = readFacts(entry, undefined, 0);
  const tags = Object.fromEntries(Object.entries(entry.tags).filter(([, names]) => names.length > 0));
  return packClaim({ type: ARCHIVED, subject, predicate: { archivedAt, sources: entry.at, tags, inUse: windows, retention: describeRetention(rules) }, audience: "internal" });
}

export function packContentPurged(subject: Descriptor, entry: Entry, purgedAt: string): PackedArtifact {
  return packClaim({ type: CONTENT_PURGED, subject, predicate: { purgedAt, reason: entry.reason, ...(entry.leftAt === undefined ? {} : { leftProductionAt: entry.leftAt }) }, audience: "internal" });
}

/** The tag that keeps an archived artifact from a registry's own tidying, and by which the archive is listed. */
export function archiveTag(digest: Digest): string {
  return `archived-${hexOf(digest).slice(0, 64)}`;
}

export function isArchiveTag(tag: string): boolean {
  return /^archived-[0-9a-f]{64}$/.test(tag);
}

/** Records of a run that was cut short before it signed them: nobody believes them, and they would be there for ever. */
export async function removeUnsigned(store: Store, subject: Digest, type: string): Promise<void> {
  for (const candidate of (await store.referrers(subject)).filter((each) => claimTypeOf(each) === type)) {
    if ((await listSignatures(store, candidate.digest)).length > 0) continue;
    const { predicate } = await readClaim(store, candidate, { subject });
    if ((type === ARCHIVED ? archivedSchema : contentPurgedSchema).safeParse(predicate).success) await purge(store, candidate);
  }
}
