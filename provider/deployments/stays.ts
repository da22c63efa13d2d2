// SPDX-License-Identifier: Apache-2.0
import { archivedSchema, deploymentSchema } from "../claims/index";
import { formatInstant, mergeWindows, type Window } from "../retention/index";

/** What a claim of type `deployment` or `archived` says, and how far it is believed. */
export interface StayClaim {
  name: string;
  predicate: unknown;
  /**
   * Whether its word also ends a stay: one whose signature has expired is still heard where it says
   * that an artifact was in use, and not where it says that this is over.
   */
  ends: boolean;
}

/**
 * From when until when an artifact was in which environment, as claims about it and archives' records
 * say; one window a stay.
 * @returns also what of the claims cannot be read, one reason each: then there may have been more
 */
export function staysIn(claims: readonly StayClaim[]): { stays: Window[]; unread: string[] } {
  const windows: Window[] = [];
  const unread: string[] = [];
  for (const { name, predicate, ends } of claims) {
    const said = name === "archived" ? recorded(predicate) : deployed(predicate);
    if (said === undefined) unread.push(`what it says about ${name} cannot be read`);
    else windows.push(...said.map((window) => (ends ? window : { ...window, until: undefined })));
  }
  return { stays: mergeWindows(windows).map(withoutUndefined), unread };
}

/** Whether a stay and the time from `from` until `until` have a moment in common. */
export function overlaps(
  stay: Window,
  { from = -Infinity, until = Infinity }: { from?: number | undefined; until?: number | undefined },
): boolean {
  const end = stay.until === undefined ? Infinity : Date.parse(stay.until);
  return Date.parse(stay.from) <= until && end >= from;
}

/** Those that last first, then the latest. */
export function openFirst(stays: readonly Window[]): Window[] {
  return [...stays].sort(
    (a, b) =>
      Number(a.until !== undefined) - Number(b.until !== undefined) ||
      Date.parse(b.from) - Date.parse(a.from),
  );
}

function deployed(predicate: unknown): Window[] | undefined {
  const { data } = deploymentSchema.safeParse(predicate);
  if (data === undefined) return undefined;
  const { environment, from, until, resource } = data;
  return [windowOf({ environment, from, until, resource })];
}

function recorded(predicate: unknown): Window[] | undefined {
  return (
    archivedSchema.safeParse(predicate).data?.inUse?.map(windowOf) ??
    (isRecord(predicate) ? [] : undefined)
  );
}

function isRecord(predicate: unknown): boolean {
  return archivedSchema.safeParse(predicate).success;
}

function windowOf(said: {
  environment: string;
  from: string;
  until?: string | undefined;
  resource?: unknown;
}): Window {
  const { environment, from, until, resource } = said;
  return {
    environment,
    ...(typeof resource === "string" ? { resource } : {}),
    from: instant(from),
    ...(until === undefined ? {} : { until: instant(until) }),
  };
}

function withoutUndefined({ environment, resource, from, until }: Window): Window {
  return {
    environment,
    ...(resource === undefined ? {} : { resource }),
    from,
    ...(until === undefined ? {} : { until }),
  };
}

const instant = (text: string): string => formatInstant(Date.parse(text));
