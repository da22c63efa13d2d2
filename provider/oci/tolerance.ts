// SPDX-License-Identifier: Apache-2.0
import { annotationsSchema, platformSchema } from "./descriptor";

/**
 * A manifest as others write it, without what cannot be read of the hints in it: annotations,
 * platforms and artifact types, and `null` where a list is empty. What counts, the digests, sizes
 * and types of parts, is left as it is, and so are the bytes.
 */
export function withoutUnreadableHints(manifest: unknown): unknown {
  if (!isRecord(manifest)) return manifest;
  const read = withoutHints(manifest);
  if (read["subject"] === null) delete read["subject"];
  for (const list of ["layers", "manifests"]) {
    if (read[list] === null) read[list] = [];
    const parts = read[list];
    if (Array.isArray(parts)) read[list] = parts.map(withoutPartHints);
  }
  for (const part of ["config", "subject"])
    if (part in read) read[part] = withoutPartHints(read[part]);
  return read;
}

function withoutPartHints(part: unknown): unknown {
  if (!isRecord(part)) return part;
  const read = withoutHints(part);
  if ("platform" in read && !platformSchema.safeParse(read["platform"]).success)
    delete read["platform"];
  return read;
}

function withoutHints(value: Record<string, unknown>): Record<string, unknown> {
  const read = { ...value };
  if ("artifactType" in read && typeof read["artifactType"] !== "string")
    delete read["artifactType"];
  const { annotations } = read;
  if (annotations === undefined || annotationsSchema.safeParse(annotations).success) return read;
  delete read["annotations"];
  if (!isRecord(annotations)) return read;
  const entries = Object.entries(annotations).filter(
    ([name, text]) => name !== "" && typeof text === "string",
  );
  return { ...read, annotations: Object.fromEntries(entries) };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
