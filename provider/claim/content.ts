// SPDX-License-Identifier: Apache-2.0
import { readFile, stat } from "node:fs/promises";
import { z } from "zod";
import {
  MAX_DOCUMENT_SIZE,
  kindOf,
  packClaim,
  resolveType,
  type ClaimContent,
} from "../claims/index";
import type { PackedArtifact } from "../content/pack";
import { ConsignError, isConsignError } from "../errors";
import { annotationsSchema, plainDescriptor, type Descriptor } from "../oci/descriptor";
import { digestSchema, type Digest } from "../oci/digest";
import { mediaTypeSchema } from "../oci/media-types";
import { parseReference } from "../oci/reference";
import { artifactSchema, type ArtifactArgument } from "../world/arguments";
import { argumentPath, at, type ResourceContext } from "../world/context";

/** The arguments that say what a claim says, and about what. */
export const contentShape = {
  subject: artifactSchema,
  type: z.string().min(1).max(1024),
  predicate: z.record(z.string(), z.unknown()).optional(),
  document: z
    .union([
      z.string().min(1),
      z.strictObject({ path: z.string().min(1), mediaType: mediaTypeSchema.optional() }),
    ])
    .optional(),
  audience: z.enum(["internal", "public"]).default("internal"),
  supersedes: z.array(z.string()).max(100).default([]),
  annotations: annotationsSchema.optional(),
};
const contentSchema = z.object(contentShape);
export type ContentArguments = z.infer<typeof contentSchema>;

/**
 * @throws ConsignError `INPUT_INVALID` unless exactly one of predicate and document is given, and
 * the subject is one thing
 */
export function checkContentArguments(
  known: Partial<ContentArguments>,
  unknown: ReadonlySet<string>,
): void {
  const given = (["predicate", "document"] as const).filter(
    (name) => known[name] !== undefined || unknown.has(name),
  );
  if (given.length === 2)
    throw new ConsignError("INPUT_INVALID", "give predicate or document, not both", {
      path: "document",
    });
  if (given.length === 0)
    throw new ConsignError(
      "INPUT_INVALID",
      "give what the claim says: predicate (a value) or document (a file)",
      { path: "predicate" },
    );
  const { subject } = known;
  if (typeof subject !== "object") return;
  const named = parseReference(subject.reference).digest;
  if (named !== undefined && named !== subject.descriptor.digest) {
    throw new ConsignError(
      "INPUT_INVALID",
      `the subject's reference names ${named}, and its descriptor ${subject.descriptor.digest}: give both of one artifact`,
      { path: "subject.descriptor.digest" },
    );
  }
}

/** The subject's descriptor: given, or looked up; `undefined` if there is no such artifact yet. */
export async function subjectDescriptor(
  subject: ArtifactArgument,
  context: ResourceContext,
): Promise<Descriptor | undefined> {
  if (typeof subject !== "string") return plainDescriptor(subject.descriptor);
  const reference = parseReference(subject);
  const name = reference.digest ?? reference.tag;
  if (name === undefined)
    throw new ConsignError(
      "INPUT_INVALID",
      `"${subject}" names a repository: say which artifact the claim is about, by @digest or :tag`,
    );
  const store = await context.stores.open(reference.location);
  try {
    return plainDescriptor(await store.resolve(name));
  } catch (error) {
    if (isConsignError(error, "MANIFEST_UNKNOWN")) return undefined;
    throw error;
  }
}

/**
 * @throws ConsignError `INPUT_INVALID`, `PREDICATE_INVALID`, `STATEMENT_INVALID`,
 * `SUBJECT_MISMATCH`, `FILE_*`, each with the property's path
 */
export async function packContent(
  args: ContentArguments,
  subject: Descriptor,
  context: ResourceContext,
): Promise<PackedArtifact> {
  const content: ClaimContent = {
    type: await at("type", () => resolveType(args.type)),
    subject,
    audience: args.audience,
    supersedes: await Promise.all(
      args.supersedes.map((text, index) =>
        at(`supersedes[${index}]`, () => supersededDigest(text)),
      ),
    ),
    ...(args.annotations === undefined ? {} : { annotations: args.annotations }),
  };
  if (args.document === undefined)
    return at("predicate", () => packClaim({ ...content, predicate: args.predicate }), [
      "annotations",
    ]);
  const { path, mediaType } =
    typeof args.document === "string"
      ? { path: args.document, mediaType: undefined }
      : args.document;
  const file = await argumentPath(context, path, "document");
  return at(
    "document",
    async () => {
      const { size } = await stat(file);
      if (size > MAX_DOCUMENT_SIZE)
        throw new ConsignError(
          "INPUT_INVALID",
          `"${path}" has ${size} bytes; a claim's document may have at most ${MAX_DOCUMENT_SIZE}`,
        );
      const bytes = await readFile(file).catch((cause: unknown) => {
        throw new ConsignError(
          "FILE_UNREADABLE",
          `"${path}" cannot be read: ${(cause as NodeJS.ErrnoException).code ?? "unknown reason"}`,
          { cause },
        );
      });
      return packClaim({
        ...content,
        document: {
          bytes,
          mediaType: mediaType ?? kindOf(content.type)?.documentType ?? "application/json",
        },
      });
    },
    ["annotations"],
  );
}

function supersededDigest(text: string): Digest {
  const digest = digestSchema.safeParse(text);
  if (digest.success) return digest.data;
  const reference = parseReference(text);
  if (reference.digest === undefined)
    throw new ConsignError(
      "INPUT_INVALID",
      `"${text}" has no digest: a claim supersedes claims by digest`,
    );
  return reference.digest;
}
