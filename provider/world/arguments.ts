// SPDX-License-Identifier: Apache-2.0
import { z } from "zod";
import { isFallbackTag, isLeaseTag } from "../content/tags";
import { descriptorSchema } from "../oci/descriptor";
import { referenceSchema, parseReference, tagSchema } from "../oci/reference";
import { ConsignError } from "../errors";
import type { Properties } from "./reconciler";

/**
 * An artifact as another resource names it: its pinned reference and, known before anything is
 * pushed, its descriptor. A plain string is a reference to something that is already there.
 */
export const artifactSchema = z.union([
  referenceSchema,
  z.strictObject({
    reference: referenceSchema,
    descriptor: descriptorSchema,
  }),
]);
export type ArtifactArgument = z.infer<typeof artifactSchema>;

/** A tag for an artifact. What is recorded is read as it is: states of old may hold others. */
export const artifactTagSchema = tagSchema
  .refine(
    (tag) => !isFallbackTag(tag),
    "is a tag under which registries keep the list of what refers to a digest: choose another",
  )
  .refine((tag) => !isLeaseTag(tag), "is a tag under which archives keep a lease: choose another");

export const onDeleteSchema = z.enum(["retain", "untag", "purge"]);

export function referenceOf(artifact: ArtifactArgument): string {
  return typeof artifact === "string" ? artifact : artifact.reference;
}

export function locationOf(
  artifact: ArtifactArgument,
): ReturnType<typeof parseReference>["location"] {
  return parseReference(referenceOf(artifact)).location;
}

/**
 * Reads recorded or planned properties through a schema. What does not fit was written by something
 * else than this version.
 */
export function readState<Schema extends z.ZodType>(
  schema: Schema,
  properties: Properties,
): z.infer<Schema> {
  const parsed = schema.safeParse(properties);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new ConsignError(
    "STATE_INVALID",
    `recorded property "${issue?.path.join(".")}" cannot be used: ${issue?.message}`,
    { path: issue?.path.join(".") },
  );
}

/** These arguments as far as they are known: a default counts, something unknown does not. */
export function pick<T extends object>(known: T, ...names: (keyof T & string)[]): Partial<T> {
  return Object.fromEntries(
    names.filter((name) => known[name] !== undefined).map((name) => [name, known[name]]),
  ) as Partial<T>;
}
