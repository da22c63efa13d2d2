// SPDX-License-Identifier: Apache-2.0
import { z } from "zod";
import { ConsignError, isConsignError } from "../errors";
import { digestSchema, isDigest, type Digest } from "../oci/digest";
import { isTag, parseReference, type Reference } from "../oci/reference";
import { resourceDescriptorSchema, timestampSchema } from "./predicates";

/**
 * Where a redirect or a successor points: another artifact here by digest or tag, or one in another
 * repository.
 */
export type Target =
  | { kind: "digest"; digest: Digest }
  | { kind: "tag"; tag: string }
  | { kind: "reference"; reference: Reference };

/**
 * Reads a target: a digest, a `registry/repository[:tag][@digest]`, or else a tag. Never a path of
 * this machine, since the text is somebody else's: `oci:` is refused.
 * @throws ConsignError `REFERENCE_INVALID`
 */
export function parseTarget(text: string): Target {
  if (isDigest(text)) return { kind: "digest", digest: text };
  if (isTag(text)) return { kind: "tag", tag: text };
  const reference = parseReference(text);
  if (reference.location.kind === "registry") return { kind: "reference", reference };
  throw new ConsignError(
    "REFERENCE_INVALID",
    `"${text}" points into a directory; name a repository of a registry, a digest or a tag`,
  );
}

const targetSchema = z.string().check((context) => {
  try {
    parseTarget(context.value);
  } catch (error) {
    if (!isConsignError(error)) throw error;
    context.issues.push({
      code: "custom",
      input: context.value,
      message: "must be a digest, a tag or registry/repository[:tag][@digest]",
    });
  }
});

/**
 * A day (`YYYY-MM-DD`, from its first moment in UTC) or a moment (RFC 3339). Both are in use, so
 * both are read.
 */
export const dateSchema = z.union([z.iso.date(), timestampSchema], {
  error: "must be YYYY-MM-DD or an RFC 3339 time",
});

/** The day, in UTC, of a date that {@link dateSchema} accepts. */
export function dayOf(date: string): string {
  return new Date(date).toISOString().slice(0, 10);
}

/**
 * `https://consign.dev/claims/revocation/v1`: the target must not be used any more. The target is
 * the digest of the artifact itself, or of a claim about it. `since` may lie ahead; without it, the
 * time of the signature counts.
 */
export const revocationSchema = z.looseObject({
  target: digestSchema,
  reason: z.string().min(1),
  since: timestampSchema.optional(),
});

/** `https://consign.dev/claims/redirect/v1`: use that one instead. */
export const redirectSchema = z.looseObject({
  to: targetSchema,
  reason: z.string().min(1).optional(),
});

/** `https://consign.dev/claims/endOfLife/v1`: from the date on nothing is mended any more. */
export const endOfLifeSchema = z.looseObject({
  date: dateSchema,
  reason: z.string().min(1).optional(),
  successor: targetSchema.optional(),
});

/**
 * `https://consign.dev/claims/deployment/v1`: the artifact was in the environment from a time until
 * another, or still is.
 */
export const deploymentSchema = z
  .looseObject({
    environment: z.string().min(1),
    from: timestampSchema,
    until: timestampSchema.optional(),
  })
  .refine((d) => d.until === undefined || Date.parse(d.until) >= Date.parse(d.from), {
    message: "must not be before from",
    path: ["until"],
  });

/** `https://consign.dev/claims/derived-from/v1`: this artifact was made from that one. */
export const derivedFromSchema = z.looseObject({
  source: resourceDescriptorSchema.extend({ digest: z.record(z.string(), z.string()) }),
  relation: z.string().optional(),
});

/**
 * `https://consign.dev/claims/archived/v1`: the artifact was brought to the archive that has this
 * claim. `sources` are the locations that it came from, `tags` the names that it had there, `inUse`
 * from when until when it was in which environment, and `retention` the rule, in words.
 */
export const archivedSchema = z.looseObject({
  archivedAt: timestampSchema,
  sources: z.array(z.string()).optional(),
  tags: z.record(z.string(), z.array(z.string())).optional(),
  inUse: z
    .array(
      z.looseObject({
        environment: z.string().min(1),
        resource: z.string().optional(),
        from: timestampSchema,
        until: timestampSchema.optional(),
      }),
    )
    .optional(),
  retention: z.string().optional(),
  /** Whose record it is, where several policies share an archive. */
  policy: z.string().optional(),
});

/**
 * `https://consign.dev/claims/content-purged/v1`: the artifact's content was taken away here, and
 * its manifest and claims stay as history.
 */
export const contentPurgedSchema = z.looseObject({
  purgedAt: timestampSchema,
  reason: z.string().optional(),
  leftProductionAt: timestampSchema.optional(),
});

export type Revocation = z.infer<typeof revocationSchema>;
export type Redirect = z.infer<typeof redirectSchema>;
export type EndOfLife = z.infer<typeof endOfLifeSchema>;
export type Deployment = z.infer<typeof deploymentSchema>;
export type Archived = z.infer<typeof archivedSchema>;
export type ContentPurged = z.infer<typeof contentPurgedSchema>;
