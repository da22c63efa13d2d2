// SPDX-License-Identifier: Apache-2.0
import { z } from "zod";
import { digestSchema, type Digest } from "../oci/digest";
import { endOf, isRunning, mergeWindows, timeSchema, type Window } from "./windows";

/** What one verified claim says that retention depends on. `doubt`: there is such a claim, and what it says cannot be told or believed now. */
export const evidenceSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("deployment"), environment: z.string(), resource: z.string().optional(), from: timeSchema, until: timeSchema.optional() }),
  z.object({ kind: z.literal("end-of-life"), date: timeSchema }),
  z.object({ kind: z.literal("hold"), type: z.string() }),
  z.object({ kind: z.literal("archived"), at: timeSchema }),
  z.object({ kind: z.literal("content-purged"), at: timeSchema }),
  z.object({ kind: z.literal("doubt"), reason: z.string() }),
]);
export type Evidence = z.infer<typeof evidenceSchema>;

/** What is known of one artifact, wherever it lies. */
export const factsSchema = z.object({
  mediaType: z.string(),
  size: z.number().int().nonnegative(),
  /** By source, the tags that it has there, or had when it was last seen there; none where it was never tagged. */
  tags: z.record(z.string(), z.array(z.string())),
  /** Sources that have it now. */
  at: z.array(z.string()),
  /** By digest of the claim. */
  evidence: z.record(digestSchema, evidenceSchema),
  /** Environments whose tag points at it, as `production (registry.example/app:production)`. */
  running: z.array(z.string()).optional(),
  /** Whether the archive has its manifest. */
  inArchive: z.boolean().optional(),
});
export type Facts = z.infer<typeof factsSchema>;

/** The facts in the form in which rules look at them. */
export interface Reading {
  /** Every window, whatever the environment. */
  windows: Window[];
  /** When production ended: undefined while it lasts, or if there never was any. */
  leftAt: number | undefined;
  /** Why it is in use, one line each. */
  running: string[];
  endOfLife: number | undefined;
  holds: string[];
  archivedAt: number | undefined;
  contentPurgedAt: number | undefined;
  doubts: string[];
}

/** @param environments those whose end starts the clock; undefined for all */
export function readFacts({ evidence, running = [], at: sources }: Facts, environments: readonly string[] | undefined, at: number): Reading {
  const found = Object.entries(evidence) as [Digest, Evidence][];
  const windows = mergeWindows(found.flatMap(([, each]) => (each.kind === "deployment" ? [each] : [])));
  const production = windows.filter(({ environment }) => environments === undefined || environments.includes(environment));
  const open = windows.filter((window) => isRunning(window, at)).map(({ environment, from }) => `${environment} since ${from.slice(0, 10)}`);
  const leftAt = endOf(production);
  // What was archived, or purged, before it was in use again says nothing of the copy that its source has now.
  const counted = leftAt === undefined || sources.length === 0 ? -Infinity : leftAt;
  const first = (kind: "archived" | "content-purged") => earliest(found.flatMap(([, each]) => (each.kind === kind ? [Date.parse(each.at)] : [])).filter((time) => time >= counted));
  const ends = found.flatMap(([, each]) => (each.kind === "end-of-life" ? [Date.parse(each.date)] : []));
  return {
    windows,
    leftAt,
    running: [...open, ...running],
    // Of several dates the latest, as that keeps longer.
    endOfLife: ends.length === 0 ? undefined : Math.max(...ends),
    holds: [...new Set(found.flatMap(([, each]) => (each.kind === "hold" ? [each.type] : [])))].sort(),
    archivedAt: first("archived"),
    contentPurgedAt: first("content-purged"),
    doubts: found.flatMap(([digest, each]) => (each.kind === "doubt" ? [`claim ${short(digest)}: ${each.reason}`] : [])),
  };
}

function earliest(times: readonly number[]): number | undefined {
  return times.length === 0 ? undefined : Math.min(...times);
}

/** Enough of a digest to know it again. */
export function short(digest: string): string {
  const hex = digest.indexOf(":") + 1;
  return `${digest.slice(0, hex + 12)}…`;
}
