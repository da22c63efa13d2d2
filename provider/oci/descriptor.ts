// SPDX-License-Identifier: Apache-2.0
import { z } from "zod";
import { digestSchema } from "./digest";
import { mediaTypeSchema } from "./media-types";

export const annotationsSchema = z.record(z.string().min(1), z.string());
export type Annotations = Record<string, string>;

export const platformSchema = z.looseObject({
  architecture: z.string(),
  os: z.string(),
  variant: z.string().optional(),
});

/**
 * What points at content: its media type, digest and size in bytes. Unknown members are kept, as
 * another tool may have meant them.
 * @see https://github.com/opencontainers/image-spec/blob/v1.1.1/descriptor.md
 */
export const descriptorSchema = z.looseObject({
  mediaType: mediaTypeSchema,
  digest: digestSchema,
  size: z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER),
  annotations: annotationsSchema.optional(),
  artifactType: z.string().optional(),
  platform: platformSchema.optional(),
});

/** The same inside a manifest: of what type a part is, is for who reads the part. */
export const partSchema = descriptorSchema.extend({ mediaType: z.string().max(255) });

export type Descriptor = z.infer<typeof descriptorSchema>;

/** The three members that identify content, without the hints around them. */
export function plainDescriptor({ mediaType, digest, size }: Descriptor): Descriptor {
  return { mediaType, digest, size };
}

/**
 * Same content: media type, digest and size are equal; annotations and other hints do not count.
 */
export function sameContent(a: Descriptor, b: Descriptor): boolean {
  return a.digest === b.digest && a.size === b.size && a.mediaType === b.mediaType;
}
