// SPDX-License-Identifier: Apache-2.0
/**
 * # What becomes of each artifact
 *
 * A pure function: facts, rules, a time, and what was decided before, to one decision per digest,
 * with the rule that made it. Rules in this order, the first that applies decides:
 *
 * 1. A doubt (a claim that cannot be judged now) keeps.
 * 2. Whatever runs anywhere, by an open window or by an environment's tag, is kept.
 * 3. What never left production, as far as trusted claims say, is nobody's business here.
 * 4. Within the grace period it is left where it is; after that it is archived, again if it was in
 * use since it was archived last.
 * 5. In the archive: a legal hold keeps, then the last N, then the retention period, then that it
 * was archived from elsewhere too.
 * 6. After that `onExpiry` says what happens.
 *
 * **Nothing is removed that was not marked by an earlier run.** The run that finds an artifact
 * expired only marks it; the next one, whose preview shows the mark, removes it, if it is still
 * expired and nothing new is known of it. So a run removes at most what was recorded before its
 * preview began, whatever happens between preview and update. What leaves a source after archiving
 * is bound in the same way to a run that had seen it in the archive. Blobs cannot be told from those
 * of somebody who is just writing: they go only when the mark is as old as `purgeGrace`, with
 * `purge` in a later run if need be.
 */
import type { Digest } from "../oci/digest";
import { caseOf, type RetentionInput } from "./case";
import { decide } from "./decision";
import { blobsAfter } from "./in-archive";
import type { Entries, Entry } from "./entry";
import { evidenceIsWithin, readFacts, type Facts } from "./facts";

/** The algorithm at the head of this file. Sorted by digest; what was purged stays, as a memory. */
export function planRetention(given: RetentionInput): Entries {
  const input = { ...given, facts: withWhatAPurgeTook(given) };
  const last = lastOfEachSource(input);
  const entries: Entries = {};
  for (const digest of (
    [...new Set([...Object.keys(input.facts), ...Object.keys(input.recorded)])] as Digest[]
  ).sort()) {
    const entry = decided(digest, input, last.has(digest));
    if (entry !== undefined) entries[digest] = entry;
  }
  return entries;
}

function decided(digest: Digest, input: RetentionInput, amongLast: boolean): Entry | undefined {
  const facts = input.facts[digest];
  const recorded = input.recorded[digest];
  if (facts === undefined) return recorded === undefined ? undefined : memory(recorded, input);
  return decide(caseOf(digest, facts, input, amongLast));
}

/**
 * Of what is marked, a purge that was cut short may have taken some claims away already: it is
 * judged by what was recorded of it.
 */
function withWhatAPurgeTook({ facts, recorded }: RetentionInput): Record<Digest, Facts> {
  const judged: Record<Digest, Facts> = { ...facts };
  for (const [digest, found] of Object.entries(facts) as [Digest, Facts][]) {
    const before = recorded[digest];
    if (
      (before?.marked !== undefined || before?.state === "purged") &&
      evidenceIsWithin(found.evidence, before.evidence)
    )
      judged[digest] = { ...found, evidence: before.evidence };
  }
  return judged;
}

/** What is neither at a source nor in the archive any more. */
function memory(recorded: Entry, input: RetentionInput): Entry {
  const byUs = recorded.state === "purged" || recorded.decision === "purge";
  const { blobs: _, ...rest } = recorded;
  const { decision, blobs } = blobsAfter(recorded, input);
  return {
    ...rest,
    ...(recorded.state === "purged" ? {} : { at: [], inArchive: false }),
    state: "purged",
    decision,
    reason: byUs ? recorded.reason : "it is gone, not by this policy",
    ...(blobs === undefined ? {} : { blobs }),
  };
}

function lastOfEachSource({ facts, recorded, rules, asOf }: RetentionInput): Set<Digest> {
  const kept = new Set<Digest>();
  if (rules.last === undefined) return kept;
  const bySource = new Map<string, { digest: Digest; leftAt: number }[]>();
  for (const [digest, found] of Object.entries(facts) as [Digest, Facts][]) {
    const { leftAt, contentPurgedAt, running } = readFacts(found, rules.environments, asOf);
    const isMemory = recorded[digest]?.state === "purged" && found.inArchive !== true;
    if (leftAt === undefined || running.length > 0 || contentPurgedAt !== undefined || isMemory)
      continue;
    for (const source of Object.keys(found.tags)) {
      const group = bySource.get(source);
      if (group === undefined) bySource.set(source, [{ digest, leftAt }]);
      else group.push({ digest, leftAt });
    }
  }
  for (const group of bySource.values()) {
    group.sort((a, b) => b.leftAt - a.leftAt || (a.digest < b.digest ? -1 : 1));
    for (const { digest } of group.slice(0, rules.last)) kept.add(digest);
  }
  return kept;
}
