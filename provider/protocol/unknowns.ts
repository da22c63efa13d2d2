// SPDX-License-Identifier: Apache-2.0
import { z } from "zod";
import { explain, meantForm, type Failure, type Path } from "./explain";

/** What Pulumi's engine writes in a preview where a value cannot be known yet; at any depth. */
export const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

export type { Failure } from "./explain";

export interface CheckedInputs {
  /** Arguments that are known whole, parsed. */
  known: Record<string, unknown>;
  /** Names of arguments that are unknown, or hold something unknown somewhere. */
  unknown: ReadonlySet<string>;
  failures: Failure[];
}

/**
 * Validates arguments of which some may be unknown. What is known is checked, also beside something
 * unknown; what an unknown value could still make right is left alone.
 */
export function checkInputs(schema: z.ZodObject, news: Record<string, unknown>): CheckedInputs {
  const holes = unknownPaths(news);
  const unknown = new Set(holes.map((path) => String(path[0])));
  const result = z.strictObject(schema.shape).safeParse(news);
  const issues = result.success
    ? []
    : result.error.issues.flatMap((issue) =>
        holes.some((hole) => related(hole, issue.path)) ? misplaced(issue) : [issue],
      );
  const known: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(schema.shape)) {
    if (unknown.has(name)) continue;
    const parsed = z.safeParse(field, news[name]);
    if (parsed.success && parsed.data !== undefined) known[name] = parsed.data;
  }
  const names = Object.keys(schema.shape);
  return { known, unknown, failures: issues.flatMap((issue) => explain(issue, news, names)) };
}

export function holdsUnknown(value: unknown): boolean {
  return unknownPaths(value).length > 0;
}

function unknownPaths(value: unknown, path: Path = []): Path[] {
  if (value === UNKNOWN) return [path];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, member]) =>
    unknownPaths(member, [...path, Array.isArray(value) ? Number(key) : key]),
  );
}

/**
 * What no unknown value can make right: an argument that does not exist, in the form that was
 * meant.
 */
function misplaced(issue: z.core.$ZodIssue): z.core.$ZodIssue[] {
  if (issue.code === "unrecognized_keys") return [issue];
  const meant = issue.code === "invalid_union" ? (meantForm(issue) ?? []) : [];
  return meant
    .flatMap(misplaced)
    .map((inner) => ({ ...inner, path: [...issue.path, ...inner.path] }));
}

/** An issue at, inside or around an unknown value says nothing yet. */
function related(hole: Path, issue: Path): boolean {
  const shared = Math.min(hole.length, issue.length);
  return hole.slice(0, shared).every((part, index) => part === issue[index]);
}
