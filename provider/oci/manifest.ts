// SPDX-License-Identifier: Apache-2.0
import { z } from "zod";
import { ConsignError } from "../errors";
import {
  annotationsSchema,
  descriptorSchema,
  partSchema,
  type Annotations,
  type Descriptor,
} from "./descriptor";
import { digestOf } from "./digest";
import { parseStrictJson } from "./strict-json";
import { withoutUnreadableHints } from "./tolerance";
import { MEDIA_TYPES, isIndexType, isManifestType } from "./media-types";

/** Registries must take manifests of 4 MiB; nothing larger is read or written. */
export const MAX_MANIFEST_SIZE = 4 * 1024 * 1024;

/** @see https://github.com/opencontainers/image-spec/blob/v1.1.1/manifest.md */
export const imageManifestSchema = z.looseObject({
  schemaVersion: z.literal(2),
  mediaType: z.enum([MEDIA_TYPES.manifest, MEDIA_TYPES.dockerManifest]).optional(),
  artifactType: z.string().optional(),
  config: partSchema,
  layers: z.array(partSchema).max(10_000),
  subject: descriptorSchema.optional(),
  annotations: annotationsSchema.optional(),
});
export type ImageManifest = z.infer<typeof imageManifestSchema>;

/** @see https://github.com/opencontainers/image-spec/blob/v1.1.1/image-index.md */
export const indexSchema = z.looseObject({
  schemaVersion: z.literal(2),
  mediaType: z.enum([MEDIA_TYPES.index, MEDIA_TYPES.dockerIndex]).optional(),
  artifactType: z.string().optional(),
  manifests: z.array(partSchema).max(20_000),
  subject: descriptorSchema.optional(),
  annotations: annotationsSchema.optional(),
});
export type ImageIndex = z.infer<typeof indexSchema>;

/** A manifest as it was received: the bytes are what counts, the parsed value is a view of them. */
export type Manifest =
  | { kind: "manifest"; descriptor: Descriptor; bytes: Uint8Array; value: ImageManifest }
  | { kind: "index"; descriptor: Descriptor; bytes: Uint8Array; value: ImageIndex };

/**
 * Parses bytes that were already checked against their digest, or are about to be pushed.
 * @throws ConsignError `MANIFEST_INVALID`, `MANIFEST_TOO_LARGE`
 */
export function parseManifest(
  bytes: Uint8Array,
  mediaType: string,
  digest = digestOf(bytes),
): Manifest {
  if (bytes.byteLength > MAX_MANIFEST_SIZE) {
    throw new ConsignError(
      "MANIFEST_TOO_LARGE",
      `manifest ${digest} has ${bytes.byteLength} bytes; at most ${MAX_MANIFEST_SIZE} are allowed`,
    );
  }
  if (!isManifestType(mediaType))
    throw new ConsignError(
      "MANIFEST_INVALID",
      `manifest ${digest} has the unknown media type "${mediaType}"`,
    );
  const schema = isIndexType(mediaType) ? indexSchema : imageManifestSchema;
  const parsed = schema.safeParse(withoutUnreadableHints(parseJson(bytes, digest)));
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new ConsignError(
      "MANIFEST_INVALID",
      `manifest ${digest} is not a valid ${mediaType}: ${issue?.path.join(".") || "(root)"}: ${issue?.message}`,
    );
  }
  if (parsed.data.mediaType !== undefined && parsed.data.mediaType !== mediaType) {
    throw new ConsignError(
      "MANIFEST_INVALID",
      `manifest ${digest} says mediaType "${parsed.data.mediaType}" but was served as "${mediaType}"`,
    );
  }
  const foreign = foreignMember(parsed.data, mediaType);
  if (foreign !== undefined)
    throw new ConsignError(
      "MANIFEST_INVALID",
      `manifest ${digest} is a ${mediaType} and has the member "${foreign}" of another kind of manifest`,
    );
  const descriptor: Descriptor = { mediaType, digest, size: bytes.byteLength };
  return isIndexType(mediaType)
    ? { kind: "index", descriptor, bytes, value: parsed.data as ImageIndex }
    : { kind: "manifest", descriptor, bytes, value: parsed.data as ImageManifest };
}

function parseJson(bytes: Uint8Array, digest: string): unknown {
  try {
    return parseStrictJson(bytes);
  } catch (cause) {
    throw new ConsignError(
      "MANIFEST_INVALID",
      `manifest ${digest} is not UTF-8 JSON that all read alike: ${(cause as Error).message}`,
      { cause },
    );
  }
}

/**
 * What belongs to the other kind: who takes it for that one sees another artifact under the same
 * digest.
 * @see https://github.com/opencontainers/image-spec/security/advisories/GHSA-77vh-xpmg-72qh
 */
function foreignMember(value: object, mediaType: string): string | undefined {
  const foreign = isIndexType(mediaType)
    ? ["config", "layers", "fsLayers"]
    : ["manifests", "fsLayers"];
  return foreign.find((member) => Object.hasOwn(value, member));
}

/**
 * Everything a manifest needs to be complete: config and layers, or an index's children. The
 * subject is not among them.
 */
export function successorsOf(manifest: Manifest): Descriptor[] {
  return manifest.kind === "index"
    ? manifest.value.manifests
    : [manifest.value.config, ...manifest.value.layers];
}

/**
 * The artifact type a referrers list shows: the manifest's own, else its config's media type; none
 * for an index without one.
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-referrers
 */
export function artifactTypeOf(manifest: Manifest): string | undefined {
  if (manifest.value.artifactType) return manifest.value.artifactType;
  return manifest.kind === "manifest" ? manifest.value.config.mediaType : undefined;
}

/** The descriptor under which a manifest appears in its subject's referrers list. */
export function referrerDescriptor(manifest: Manifest): Descriptor {
  const artifactType = artifactTypeOf(manifest);
  const annotations: Annotations | undefined = manifest.value.annotations;
  return {
    ...manifest.descriptor,
    ...(artifactType === undefined ? {} : { artifactType }),
    ...(annotations === undefined ? {} : { annotations }),
  };
}
