// SPDX-License-Identifier: Apache-2.0
import { z } from "zod";
import { isDigest, type Digest } from "../oci/digest";
import { endOf, isInstant, isRunning, mergeWindows, type Window } from "./windows";

/**
 * What one verified claim says that retention depends on. `doubt`: there is such a claim, and what
 * it says cannot be told or believed now.
 */
export type Evidence =
  | { kind: "deployment"; environment: string; resource?: string; from: string; until?: string }
  | { kind: "end-of-life"; date: string }
  | { kind: "hold"; type: string }
  /** `sources`: where from, as far as the record says. */
  | { kind: "archived"; at: string; sources?: string[] }
  /** Somebody who is not believed says that it was archived from there. */
  | { kind: "claimed"; sources: string[] }
  | { kind: "content-purged"; at: string }
  | { kind: "doubt"; reason: string };

/**
 * As facts and state have it, a line each: state holds one for every claim, and people read them in
 * a preview.
 */
const EVIDENCE =
  /^(?:deployment [^ /]+Z\/(?:[^ /]+Z)? [^ ]+ [^ ]+|(?:end-of-life|content-purged) [^ ]+Z|archived [^ ]+Z(?: [^ ]+)*|claimed(?: [^ ]+)+|(?:hold|doubt) .+)$/s;

const escaped = (text: string): string => text.replace(/[% ]/g, encodeURIComponent);

/**
 * `deployment 2026-01-01T00:00:00Z/2026-02-01T00:00:00Z registry.example/app:current production`,
 * `archived 2026-03-01T00:00:00Z registry.example/app` and so on.
 */
export function encodeEvidence(evidence: Evidence): string {
  switch (evidence.kind) {
    case "deployment":
      return `deployment ${evidence.from}/${evidence.until ?? ""} ${escaped(evidence.resource ?? "-")} ${escaped(evidence.environment)}`;
    case "end-of-life":
      return `end-of-life ${evidence.date}`;
    case "hold":
      return `hold ${evidence.type}`;
    case "doubt":
      return `doubt ${evidence.reason}`;
    case "archived":
      return ["archived", evidence.at, ...(evidence.sources ?? []).map(escaped)].join(" ");
    case "claimed":
      return ["claimed", ...evidence.sources.map(escaped)].join(" ");
    default:
      return `${evidence.kind} ${evidence.at}`;
  }
}

/** @returns undefined for what {@link encodeEvidence} does not write */
export function decodeEvidence(text: string): Evidence | undefined {
  const space = text.indexOf(" ");
  const [kind, rest] = [text.slice(0, space), text.slice(space + 1)];
  if (rest === "") return undefined;
  if (kind === "hold") return { kind, type: rest };
  if (kind === "doubt") return { kind, reason: rest };
  if (kind === "end-of-life") return isInstant(rest) ? { kind, date: rest } : undefined;
  if (kind === "content-purged") return isInstant(rest) ? { kind, at: rest } : undefined;
  if (kind === "claimed") return { kind, sources: rest.split(" ").map(decodeURIComponent) };
  if (kind === "archived") {
    const [at = "", ...sources] = rest.split(" ");
    return isInstant(at)
      ? { kind, at, ...(sources.length === 0 ? {} : { sources: sources.map(decodeURIComponent) }) }
      : undefined;
  }
  return kind === "deployment" ? decodeDeployment(rest) : undefined;
}

function decodeDeployment(text: string): Evidence | undefined {
  const [times = "", resource = "", environment = ""] = text.split(" ");
  const slash = times.indexOf("/");
  const [from, until] = [times.slice(0, slash), times.slice(slash + 1)];
  if (
    !isInstant(from) ||
    (until !== "" && !isInstant(until)) ||
    resource === "" ||
    environment === ""
  )
    return undefined;
  const evidence: Evidence = {
    kind: "deployment",
    environment: decodeURIComponent(environment),
    from,
  };
  if (resource !== "-") evidence.resource = decodeURIComponent(resource);
  if (until !== "") evidence.until = until;
  return evidence;
}

/** What is known of one artifact, wherever it lies. */
export const factsSchema = z.object({
  mediaType: z.string(),
  size: z.number().int().nonnegative(),
  /**
   * By source, the tags that it has there, or had when it was last seen there; none where it was
   * never tagged.
   */
  tags: z.record(z.string(), z.array(z.string())),
  /** Sources that have it now. */
  at: z.array(z.string()),
  /** By digest of the claim. It is looked at, not copied: of all that is recorded this is most. */
  evidence: z.custom<Record<Digest, string>>(isEvidence, {
    message: "holds what is no evidence that this version knows",
  }),
  /** Environments whose tag points at it, as `production (registry.example/app:production)`. */
  running: z.array(z.string()).optional(),
  /** Whether the archive has its manifest. */
  inArchive: z.boolean().optional(),
  /** Places that it was archived from for other policies, as the archive's records say. */
  others: z.array(z.string()).optional(),
});
export type Facts = z.infer<typeof factsSchema>;

function isEvidence(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  return Object.entries(value).every(
    ([claim, text]) => isDigest(claim) && typeof text === "string" && EVIDENCE.test(text),
  );
}

/** Whether nothing is said that was not said before. */
export function evidenceIsWithin(evidence: Facts["evidence"], before: Facts["evidence"]): boolean {
  return (
    evidence === before ||
    (Object.keys(evidence) as Digest[]).every((claim) => before[claim] === evidence[claim])
  );
}

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

/**
 * What the claims say, by their digests. A claim whose line cannot be read, as of a year that has
 * five digits in UTC, is not as good as none.
 */
export function evidenceIn({ evidence }: Pick<Facts, "evidence">): [Digest, Evidence][] {
  return (Object.entries(evidence) as [Digest, string][]).map(([claim, text]) => [
    claim,
    decodeEvidence(text) ?? { kind: "doubt", reason: "what it says cannot be read" },
  ]);
}

/** @param environments those whose end starts the clock; undefined for all */
export function readFacts(
  { evidence, running = [], at: sources, others = [] }: Facts,
  environments: readonly string[] | undefined,
  at: number,
): Reading {
  const stays: Window[] = [];
  const [archived, contentPurged]: [number[], number[]] = [[], []];
  const [holds, doubts]: [string[], string[]] = [[], []];
  let endOfLife: number | undefined;
  for (const [claim, said] of evidenceIn({ evidence })) {
    if (said.kind === "deployment") stays.push(said);
    else if (said.kind === "archived") {
      // A copy that another policy keeps may go when that one says so.
      if (said.sources?.every((source) => others.includes(source)) !== true)
        archived.push(Date.parse(said.at));
    } else if (said.kind === "claimed") continue;
    else if (said.kind === "content-purged") contentPurged.push(Date.parse(said.at));
    else if (said.kind === "hold") holds.push(said.type);
    else if (said.kind === "doubt") doubts.push(`claim ${short(claim)}: ${said.reason}`);
    // Of several dates the latest, as that keeps longer.
    else endOfLife = Math.max(endOfLife ?? -Infinity, Date.parse(said.date));
  }
  const windows = mergeWindows(stays);
  const leftAt = endOf(
    environments === undefined
      ? windows
      : windows.filter(({ environment }) => environments.includes(environment)),
  );
  // What was archived before it was in use again says nothing of the copy that its source has now,
  // nor of one that was archived after it.
  const sinceUse = leftAt === undefined ? undefined : earliest(archived, leftAt);
  const counted =
    leftAt === undefined || (sources.length === 0 && sinceUse === undefined) ? -Infinity : leftAt;
  const open = windows
    .filter((window) => isRunning(window, at))
    .map(({ environment, from }) => `${environment} since ${from.slice(0, 10)}`);
  return {
    windows,
    leftAt,
    running: [...open, ...running],
    endOfLife,
    holds: holds.length === 0 ? holds : [...new Set(holds)].sort(),
    archivedAt: earliest(archived, counted),
    contentPurgedAt: earliest(contentPurged, counted),
    doubts,
  };
}

/** @param from what is before that does not count */
function earliest(times: readonly number[], from: number): number | undefined {
  const counted = times.filter((time) => time >= from);
  return counted.length === 0 ? undefined : Math.min(...counted);
}

/** Enough of a digest to know it again. */
export function short(digest: string): string {
  return digest.slice(0, digest.indexOf(":") + 13);
}
