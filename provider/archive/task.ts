// SPDX-License-Identifier: Apache-2.0
import type { Store } from "../content/storage";
import type { Kept } from "../keeping/leaving";
import type { Descriptor } from "../oci/descriptor";
import type { Digest } from "../oci/digest";
import type { Entries, Entry, Rules } from "../retention/index";
import type { RecordSigner } from "../signing/record-signing";
import type { ArchiveInputs } from "./arguments";
import type { Leasing } from "./leasing";

/** What one run is to do. */
export interface ArchiveTask {
  inputs: ArchiveInputs;
  rules: Rules;
  /** RFC 3339: the plan's time. */
  asOf: string;
  entries: Entries;
  archive: Store;
  signing: RecordSigner;
  leasing: Leasing;
  /** Blobs that earlier purges have left for later. */
  left: BlobsLeft;
}

/** By digest of what was purged, its blobs that are still to go. */
export type BlobsLeft = Record<Digest, Descriptor[]>;

export type Decided = [digest: Digest, entry: Entry];

export function decidedAs(
  entries: Entries,
  decision: Entry["decision"],
  isMemory = false,
): Decided[] {
  return (Object.entries(entries) as Decided[]).filter(
    ([, entry]) => entry.decision === decision && (entry.state === "purged") === isMemory,
  );
}

/** What is kept of those that belong to an artifact, one line for each reason. */
export function keptLines(kept: readonly Kept[], what: string): string[] {
  const byReason = new Map<string, Digest[]>();
  for (const { digest, reason } of kept)
    byReason.set(reason, [...(byReason.get(reason) ?? []), digest]);
  return [...byReason].map(([reason, digests]) => {
    const [first = "", ...others] = digests;
    return `${what} ${first}${others.length === 0 ? "" : ` and ${others.length} more`}: ${reason}`;
  });
}
