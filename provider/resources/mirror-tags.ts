// SPDX-License-Identifier: Apache-2.0
import picomatch from "picomatch";
import semver from "semver";
import { z } from "zod";
import { ConsignError } from "../errors";
import { isTag } from "../oci/reference";

const patternSchema = z.string().min(1).max(256);

export const tagSelectionSchema = z.union([
  z.array(patternSchema).min(1).max(1000),
  z.strictObject({
    /** Tags or globs. Default: every tag. */
    include: z.array(patternSchema).min(1).max(1000).optional(),
    exclude: z.array(patternSchema).max(1000).optional(),
    /** Only tags that are a version in this range, e.g. `>=1.2 <2`. A leading `v` is allowed. */
    semver: z
      .string()
      .refine((range) => semver.validRange(range) !== null, "must be a semver range, as >=1.2.0 <2")
      .optional(),
    /** Of what is left, the newest N by semantic version; tags that are no version are not counted and not taken. */
    newest: z.number().int().min(1).max(100_000).optional(),
  }),
]);
export type TagSelection = z.infer<typeof tagSelectionSchema>;

/** Tags that a selection names outright, and so expects to exist. */
export function namedTags(selection: TagSelection): string[] {
  const include = Array.isArray(selection) ? selection : (selection.include ?? []);
  return include.filter(isTag);
}

/** True where the selection can be resolved without the list of all tags. */
export function namesOnly(selection: TagSelection): boolean {
  const include = Array.isArray(selection) ? selection : selection.include;
  return include !== undefined && include.every(isTag);
}

/** The selected ones of `tags`, sorted by name. */
export function selectTags(tags: readonly string[], selection: TagSelection): string[] {
  const rules = Array.isArray(selection) ? { include: selection } : selection;
  const included = rules.include === undefined ? () => true : matcher(rules.include);
  const excluded = rules.exclude === undefined ? () => false : matcher(rules.exclude);
  const range = rules.semver;
  const chosen = [...new Set(tags)].filter((tag) => included(tag) && !excluded(tag) && (range === undefined || inRange(tag, range)));
  return (rules.newest === undefined ? chosen : newest(chosen, rules.newest)).sort();
}

function matcher(patterns: readonly string[]): (tag: string) => boolean {
  const exact = new Set(patterns.filter(isTag));
  const globs = patterns.filter((pattern) => !isTag(pattern)).map(compile);
  return (tag) => exact.has(tag) || globs.some((matches) => matches(tag));
}

function compile(pattern: string): (tag: string) => boolean {
  if (!/[*?[\]{}!()]/.test(pattern)) throw new ConsignError("INPUT_INVALID", `"${pattern}" is neither a tag nor a glob`);
  return picomatch(pattern, { nonegate: true });
}

function version(tag: string): semver.SemVer | null {
  return semver.parse(tag.replace(/^v/, ""));
}

function inRange(tag: string, range: string): boolean {
  const parsed = version(tag);
  return parsed !== null && semver.satisfies(parsed, range);
}

function newest(tags: readonly string[], count: number): string[] {
  return tags
    .map((tag) => ({ tag, parsed: version(tag) }))
    .filter((entry): entry is { tag: string; parsed: semver.SemVer } => entry.parsed !== null)
    .sort((a, b) => semver.rcompare(a.parsed, b.parsed) || (a.tag < b.tag ? -1 : 1))
    .slice(0, count)
    .map(({ tag }) => tag);
}
