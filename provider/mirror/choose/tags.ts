// SPDX-License-Identifier: Apache-2.0
import semver from "semver";
import { z } from "zod";
import { isTimeout, withinTime } from "../../claims/index";
import { isFallbackTag, isLeaseTag } from "../../content/index";
import { ConsignError } from "../../errors";
import { digestSchema, isDigest, type Digest } from "../../oci/digest";
import { isTag } from "../../oci/reference";
import { isTagPattern, tagMatcher } from "../../oci/tag-pattern";

/** Longest time that choosing may take, in milliseconds, and what each tag adds to it. */
const SELECTION_TIMEOUT = 2_000;
const TIMEOUT_PER_TAG = 0.02;

/** A tag or a glob. */
const patternSchema = z
  .string()
  .min(1)
  .max(256)
  .refine(isTagPattern, "is neither a tag nor a glob")
  .refine(
    (text) => !isFallbackTag(text),
    "is no artifact's tag but the list of what refers to an artifact, which is mirrored with it: see claims",
  )
  .refine(
    (text) => !isTag(text) || isFallbackTag(text) || isUserTag(text),
    "is a tag of cosign's or of a mirror's inventory, which names no artifact: see claims.cosignTags",
  );

const regexSchema = z
  .string()
  .min(1)
  .max(256)
  .refine(
    isRegex,
    "must be a regular expression of RE2, as ^v1\\.[0-9]+$: without lookaround and back references",
  );

const countSchema = z.number().int().min(1).max(100_000);

export const tagSelectionSchema = z.union([
  z.array(patternSchema).min(1).max(1000),
  z.strictObject({
    /** Tags or globs. Default: every tag, unless digests are given. */
    include: z.array(patternSchema).min(1).max(1000).optional(),
    exclude: z.array(patternSchema).max(1000).optional(),
    /** Of these, only tags that the expression, of RE2, matches somewhere in them. */
    matching: regexSchema.optional(),
    /** Only tags that are a version in this range, e.g. `>=1.2 <2`. A leading `v` is allowed. */
    semver: z
      .string()
      .refine((range) => semver.validRange(range) !== null, "must be a semver range, as >=1.2.0 <2")
      .optional(),
    /**
     * Of what is left, the newest N: by semantic version, where tags that are no version are not
     * taken, or by when they say they were created.
     */
    newest: z
      .union([
        countSchema,
        z.strictObject({ count: countSchema, by: z.enum(["semver", "created"]).default("semver") }),
      ])
      .optional(),
    /** Artifacts to take along whether or not a tag points at them. */
    digests: z.array(digestSchema).min(1).max(10_000).optional(),
  }),
]);
export type TagSelection = z.infer<typeof tagSelectionSchema>;

/**
 * When an artifact says it was created, in milliseconds since 1970; undefined where it does not
 * say.
 */
export type CreatedAt = (tag: string) => Promise<number | undefined>;

const COSIGN_TAG = /^(sha256|sha512)-([0-9a-f]{64}|[0-9a-f]{128})\.(sig|att|sbom)$/;
const NUMBERED = /^v?\d+(?:\.\d+)*$/;
const INVENTORY_TAG = /^consign-inventory-[0-9a-f]{12}$/;

/**
 * The tags under which cosign before its third version keeps signatures, attestations and SBOMs of
 * a digest. They name no version of anything.
 */
export function cosignTagsOf(digest: Digest): string[] {
  const stem = digest.replace(":", "-");
  return [`${stem}.att`, `${stem}.sbom`, `${stem}.sig`];
}

/** The digest that one of cosign's tags is about; undefined for any other tag. */
export function cosignSubjectOf(tag: string): Digest | undefined {
  const [, algorithm, hex] = COSIGN_TAG.exec(tag) ?? [];
  const digest = `${algorithm}:${hex}`;
  return isDigest(digest) ? digest : undefined;
}

/**
 * True for tags that a person chose: not cosign's, not lists of referrers, and not those under
 * which mirrors keep their inventories.
 */
export function isUserTag(tag: string): boolean {
  return (
    !COSIGN_TAG.test(tag) && !INVENTORY_TAG.test(tag) && !isFallbackTag(tag) && !isLeaseTag(tag)
  );
}

/** Tags that a selection names outright, and so expects to exist. */
export function namedTags(selection: TagSelection): string[] {
  const rules = rulesOf(selection);
  return (rules.include ?? []).filter(isTag);
}

/** Digests that a selection names. */
export function namedDigests(selection: TagSelection): Digest[] {
  return rulesOf(selection).digests ?? [];
}

/** True where the selection can be resolved without the list of all tags. */
export function namesOnly(selection: TagSelection): boolean {
  const { include, digests } = rulesOf(selection);
  return include === undefined ? digests !== undefined : include.every(isTag);
}

/**
 * The selected ones of `tags`, sorted by name. `createdAt` is asked only where the newest are
 * wanted by age.
 */
export async function selectTags(
  tags: readonly string[],
  selection: TagSelection,
  createdAt: CreatedAt = async () => undefined,
): Promise<string[]> {
  const { newest } = rulesOf(selection);
  const chosen = matchingTags(tags, selection);
  if (newest === undefined) return chosen;
  const { count, by } =
    typeof newest === "number" ? { count: newest, by: "semver" as const } : newest;
  return (
    by === "semver" ? newestVersions(chosen, count) : await newestCreated(chosen, count, createdAt)
  ).sort();
}

/** What a selection takes before it counts: sorted by name, each once. */
export function matchingTags(tags: readonly string[], selection: TagSelection): string[] {
  const rules = rulesOf(selection);
  if (rules.include === undefined && rules.digests !== undefined) return [];
  const included = rules.include === undefined ? () => true : tagMatcher(rules.include);
  const excluded = rules.exclude === undefined ? () => false : tagMatcher(rules.exclude);
  const expression = rules.matching === undefined ? undefined : compileRegex(rules.matching);
  const range = rules.semver;
  const chosen = (tag: string): boolean =>
    isUserTag(tag) &&
    included(tag) &&
    !excluded(tag) &&
    (expression === undefined || expression.test(tag)) &&
    (range === undefined || inRange(tag, range));
  return patiently([...new Set(tags)], chosen).sort();
}

/**
 * Tags are a stranger's, and patterns may be slow on some of them in whatever way they are matched.
 * @throws ConsignError `INPUT_INVALID`
 */
function patiently(tags: readonly string[], chosen: (tag: string) => boolean): string[] {
  const limit = Math.ceil(SELECTION_TIMEOUT + tags.length * TIMEOUT_PER_TAG);
  try {
    return withinTime(limit, () => tags.filter(chosen));
  } catch (error) {
    if (!isTimeout(error)) throw error;
    throw new ConsignError(
      "INPUT_INVALID",
      `the patterns take longer than ${limit} ms for ${tags.length} tags: write simpler ones, without nested repetition`,
      { path: "tags" },
    );
  }
}

function rulesOf(selection: TagSelection): Exclude<TagSelection, string[]> {
  return Array.isArray(selection) ? { include: selection } : selection;
}

function isRegex(text: string): boolean {
  try {
    compileRegex(text);
    return true;
  } catch {
    return false;
  }
}

/**
 * By an engine that takes time in proportion to the tag: what JavaScript's takes can double with
 * each character. Loaded with the first expression, as few mirrors have one.
 * @see https://github.com/google/re2/wiki/Syntax
 */
function compileRegex(text: string): { test(tag: string): boolean } {
  const { RE2JS } = require("re2js") as typeof import("re2js");
  return RE2JS.compile(text);
}

function version(tag: string): semver.SemVer | null {
  return semver.parse(tag.replace(/^v/, ""));
}

function inRange(tag: string, range: string): boolean {
  const parsed = version(tag);
  return parsed !== null && semver.satisfies(parsed, range);
}

/**
 * Tags that look like versions and are none, as `v1`: rules that go by versions leave them out. Of
 * what looks like no version nobody expects it.
 */
export function unversioned(tags: readonly string[], selection: TagSelection): string[] {
  const { semver: range, newest, ...others } = rulesOf(selection);
  const byVersion =
    range !== undefined ||
    typeof newest === "number" ||
    (newest !== undefined && newest.by === "semver");
  return byVersion
    ? matchingTags(tags, others).filter((tag) => NUMBERED.test(tag) && version(tag) === null)
    : [];
}

function newestVersions(tags: readonly string[], count: number): string[] {
  return tags
    .map((tag) => ({ tag, parsed: version(tag) }))
    .filter((entry): entry is { tag: string; parsed: semver.SemVer } => entry.parsed !== null)
    .sort((a, b) => semver.rcompare(a.parsed, b.parsed) || (a.tag < b.tag ? -1 : 1))
    .slice(0, count)
    .map(({ tag }) => tag);
}

/** What does not say when it was created counts as older than everything that does. */
async function newestCreated(
  tags: readonly string[],
  count: number,
  createdAt: CreatedAt,
): Promise<string[]> {
  if (tags.length <= count) return [...tags];
  const dated = await Promise.all(
    tags.map(async (tag) => ({ tag, at: (await createdAt(tag)) ?? Number.NEGATIVE_INFINITY })),
  );
  return dated
    .sort((a, b) => (a.at === b.at ? (a.tag < b.tag ? -1 : 1) : b.at - a.at))
    .slice(0, count)
    .map(({ tag }) => tag);
}
