// SPDX-License-Identifier: Apache-2.0
import { z } from "zod";
import type { Digest } from "../oci/digest";
import { factsSchema, type Facts } from "./facts";
import { timeSchema } from "./windows";

export const entrySchema = factsSchema.extend({
  state: z.enum([
    "in-production",
    "grace",
    "to-archive",
    "archived",
    "held",
    "expired",
    "content-purged",
    "purged",
  ]),
  /** What the run that carries out this plan does. */
  decision: z.enum(["keep", "archive", "release", "report", "mark", "purge-content", "purge"]),
  /** Why. */
  reason: z.string(),
  leftAt: timeSchema.optional(),
  archivedAt: timeSchema.optional(),
  /** Absent: for ever, or not known yet. */
  retainUntil: timeSchema.optional(),
  /** When it was found expired; only what has this is ever removed. */
  marked: timeSchema.optional(),
  /** When that was by the real clock, where that counts too. */
  markedAt: timeSchema.optional(),
  /** It is purged, and its blobs go once its mark is old enough. */
  blobs: z.literal("later").optional(),
});
export type Entry = z.infer<typeof entrySchema>;
export type Entries = Record<Digest, Entry>;

/** What an entry knows, without what was decided. */
export function factsIn({
  mediaType,
  size,
  tags,
  at,
  evidence,
  running,
  inArchive,
  others,
}: Facts): Facts {
  const facts: Facts = { mediaType, size, tags, at, evidence };
  if (running !== undefined) facts.running = running;
  if (inArchive !== undefined) facts.inArchive = inArchive;
  if (others !== undefined) facts.others = others;
  return facts;
}

/** Decisions that change something. */
export function acts({ decision }: Pick<Entry, "decision">): boolean {
  return decision !== "keep" && decision !== "report" && decision !== "mark";
}
