// SPDX-License-Identifier: Apache-2.0
import { z } from "zod";

/**
 * RFC 3339 in UTC, whole seconds: the one form in which times are compared as text, planned and
 * recorded.
 */
export const timeSchema = z
  .string()
  .refine(isInstant, "must be an RFC 3339 time in UTC, as 2026-01-31T12:00:00Z");

const INSTANT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/;

export function isInstant(text: string): boolean {
  return INSTANT.test(text) && !Number.isNaN(Date.parse(text));
}

/** A time in that form. Fractions of a second are cut. */
export function formatInstant(time: Date | number): string {
  return new Date(time).toISOString().replace(/\.\d{3}Z$/, "Z");
}

/** From when until when an artifact was in an environment. */
export interface Window {
  environment: string;
  /**
   * `location:tag` by which the environment finds its artifact, where the claim says so; two places
   * of one environment are told apart by it.
   */
  resource?: string | undefined;
  from: string;
  /** Absent: it is there still. */
  until?: string | undefined;
}

/**
 * One window per stay: a claim that closes a window and the one that opened it tell of the same.
 * Where several say when it ended, the latest counts, as that keeps longer. Sorted by beginning.
 */
export function mergeWindows(claimed: readonly Window[]): Window[] {
  const stays = new Map<string, Window>();
  for (const window of claimed) {
    // The length tells where the environment ends.
    const key = `${Date.parse(window.from)} ${window.environment.length} ${window.environment}${window.resource ?? ""}`;
    const known = stays.get(key);
    if (known === undefined) stays.set(key, { ...window });
    else if (
      known.until === undefined ||
      (window.until !== undefined && Date.parse(window.until) > Date.parse(known.until))
    )
      known.until = window.until ?? known.until;
  }
  return [...stays.values()].sort(
    (a, b) => Date.parse(a.from) - Date.parse(b.from) || (a.environment < b.environment ? -1 : 1),
  );
}

/** Open, or not over yet. One that lies ahead counts: somebody is about to use it. */
export function isRunning({ until }: Window, at: number): boolean {
  return until === undefined || Date.parse(until) > at;
}

/** When the last of these windows ended; undefined if there is none, or one is open. */
export function endOf(windows: readonly Window[]): number | undefined {
  if (windows.length === 0) return undefined;
  const ends = windows.map(({ until }) => (until === undefined ? Infinity : Date.parse(until)));
  const last = Math.max(...ends);
  return last === Infinity ? undefined : last;
}
