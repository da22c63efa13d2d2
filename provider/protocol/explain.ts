// SPDX-License-Identifier: Apache-2.0
import type { z } from "zod";
import { closest } from "./closest";

export type Path = readonly PropertyKey[];

export interface Failure {
  property: string;
  reason: string;
}

/** What a person calls the types of a schema. */
const TYPES: Readonly<Record<string, string>> = {
  string: "a string",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  tuple: "a list",
  object: "an object",
  record: "an object",
};

/** What zod says of a union about which its schema says nothing. */
const SILENT = "Invalid input";

/** What is wrong, at the very member that is wrong, and what would be right. */
export function explain(
  issue: z.core.$ZodIssue,
  news: unknown,
  names: readonly string[],
): Failure[] {
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => ({
      property: propertyPath([...issue.path, key]),
      reason: `there is no such argument${suggestion(key, issue.path, names)} [INPUT_INVALID]`,
    }));
  }
  // Of nothing nobody can tell what was meant.
  const meant =
    issue.code === "invalid_union" && !isEmpty(valueAt(news, issue.path))
      ? meantForm(issue)
      : undefined;
  if (meant !== undefined)
    return meant.flatMap((inner) =>
      explain({ ...inner, path: [...issue.path, ...inner.path] }, news, names),
    );
  const code =
    issue.code === "custom" && typeof issue.params?.["code"] === "string"
      ? issue.params["code"]
      : "INPUT_INVALID";
  return [{ property: propertyPath(issue.path), reason: `${reasonOf(issue, news)} [${code}]` }];
}

function suggestion(key: string, path: Path, names: readonly string[]): string {
  const meant = path.length === 0 ? closest(key, names) : undefined;
  return meant === undefined ? "" : `; did you mean ${meant}?`;
}

function reasonOf(issue: z.core.$ZodIssue, news: unknown): string {
  const value = valueAt(news, issue.path);
  if (issue.code === "invalid_union") {
    if (issue.message !== SILENT) return issue.message;
    return value === undefined ? `is missing${formsOf(issue)}` : unionMessage(issue);
  }
  if (issue.code !== "invalid_type" || !issue.message.startsWith(SILENT)) return issue.message;
  const expected = TYPES[issue.expected] ?? issue.expected;
  return value === undefined
    ? `is missing: give ${expected}`
    : `must be ${expected}, and is ${typeName(value)}`;
}

function formsOf({ errors }: z.core.$ZodIssueInvalidUnion): string {
  const types = errors.flatMap((issues) =>
    issues.flatMap((issue) =>
      issue.code === "invalid_type" ? [TYPES[issue.expected] ?? issue.expected] : [],
    ),
  );
  return types.length === 0 ? "" : `: give ${[...new Set(types)].join(" or ")}`;
}

function isEmpty(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.keys(value).length === 0;
}

function typeName(value: unknown): string {
  if (value === null) return "null";
  return TYPES[Array.isArray(value) ? "array" : typeof value] ?? typeof value;
}

function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (holder, part) =>
      typeof holder === "object" && holder !== null && Object.hasOwn(holder, part)
        ? (holder as Record<PropertyKey, unknown>)[part]
        : undefined,
    value,
  );
}

/**
 * Of the forms that an argument may have, the one that was meant: its type is right, and less is
 * wrong with it than with any other. Then the failure is at the very member that is wrong.
 */
export function meantForm({
  errors,
}: z.core.$ZodIssueInvalidUnion): z.core.$ZodIssue[] | undefined {
  const wrongness = (issues: readonly z.core.$ZodIssue[]) =>
    issues.reduce(
      (sum, issue) => sum + (issue.code === "unrecognized_keys" ? issue.keys.length : 1),
      0,
    );
  const ofRightType = errors.filter(
    (issues) => !issues.some(({ code, path }) => code === "invalid_type" && path.length === 0),
  );
  const [first, second] = [...ofRightType].sort((a, b) => wrongness(a) - wrongness(b));
  return first !== undefined && (second === undefined || wrongness(first) < wrongness(second))
    ? first
    : undefined;
}

function unionMessage(issue: z.core.$ZodIssueInvalidUnion): string {
  const ways = issue.errors.map((errors) =>
    errors
      .map((error) => [propertyPath(error.path), error.message].filter(Boolean).join(": "))
      .join(", "),
  );
  return ways.length === 0 ? issue.message : `fits none of the allowed forms (${ways.join(" | ")})`;
}

/** `destinations[1].repository` */
export function propertyPath(path: Path): string {
  return path.reduce<string>(
    (text, part) =>
      typeof part === "number"
        ? `${text}[${part}]`
        : text === ""
          ? String(part)
          : `${text}.${String(part)}`,
    "",
  );
}
