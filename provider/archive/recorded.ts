// SPDX-License-Identifier: Apache-2.0
import { z } from "zod";
import { descriptorSchema } from "../oci/descriptor";
import { digestSchema, isDigest, type Digest } from "../oci/digest";
import { entrySchema, timeSchema, type Entries } from "../retention/index";
import { signedBySchema } from "../signing/signer";
import type { Properties } from "../world/reconciler";
import { archiveSchema } from "./arguments";
import type { BlobsLeft } from "./task";

/**
 * Says so of the value itself, entry by entry, rather than making another one of it: there may be
 * many thousand.
 */
export const entriesSchema = z.custom<Entries>(areEntries, {
  message: "are no entries that this version knows",
});
export const decisionSchema = entrySchema.pick({ decision: true });
export const noticesSchema = z.record(digestSchema, z.array(z.string()));
export const leftSchema = z.record(digestSchema, z.array(descriptorSchema));
export const sightingsSchema = z.record(z.string(), z.string());

export const plannedSchema = archiveSchema.extend({
  asOf: timeSchema,
  entries: entriesSchema,
  signedBy: signedBySchema,
  notices: noticesSchema.optional(),
  left: leftSchema.optional(),
  leases: sightingsSchema.optional(),
});

function areEntries(value: unknown): value is Entries {
  return (
    typeof value === "object" &&
    value !== null &&
    Object.entries(value).every(
      ([digest, entry]) => isDigest(digest) && entrySchema.safeParse(entry).success,
    )
  );
}

export function recordedPlan(
  previous: Properties | undefined,
): { asOf: string; entries: Entries } | undefined {
  const asOf = timeSchema.safeParse(previous?.["asOf"]);
  const entries = entriesSchema.safeParse(previous?.["entries"]);
  return asOf.success && entries.success ? { asOf: asOf.data, entries: entries.data } : undefined;
}

/** What earlier runs have left to be done, and have seen of others' leases. */
export function remembered(previous: Properties | undefined): {
  left?: BlobsLeft | undefined;
  leases?: Record<string, string> | undefined;
} {
  return {
    left: leftSchema.safeParse(previous?.["left"]).data,
    leases: sightingsSchema.safeParse(previous?.["leases"]).data,
  };
}

/** What was told of an artifact stays told for as long as it is there. */
export function remainingNotices(
  previous: Properties | undefined,
  entries: Entries,
): Record<Digest, string[]> {
  const parsed = noticesSchema.safeParse(previous?.["notices"] ?? {});
  if (!parsed.success) return {};
  return Object.fromEntries(
    Object.entries(parsed.data).filter(
      ([digest]) =>
        entries[digest as Digest] !== undefined && entries[digest as Digest]?.state !== "purged",
    ),
  );
}
