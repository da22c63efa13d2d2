// SPDX-License-Identifier: Apache-2.0
import { z } from "zod";

/** Media types this project writes or has to understand. */
export const MEDIA_TYPES = {
  manifest: "application/vnd.oci.image.manifest.v1+json",
  index: "application/vnd.oci.image.index.v1+json",
  empty: "application/vnd.oci.empty.v1+json",
  config: "application/vnd.oci.image.config.v1+json",
  layer: "application/vnd.oci.image.layer.v1.tar",
  layoutHeader: "application/vnd.oci.layout.header.v1+json",
  dockerManifest: "application/vnd.docker.distribution.manifest.v2+json",
  dockerIndex: "application/vnd.docker.distribution.manifest.list.v2+json",
  octetStream: "application/octet-stream",
  notarySignature: "application/vnd.cncf.notary.signature",
  cose: "application/cose",
  jws: "application/jose+json",
  statement: "application/vnd.in-toto+json",
} as const;

/** Manifests of kinds that are no longer written, which nothing here reads. */
const BYGONE: ReadonlyMap<string, string> = new Map([
  ["application/vnd.docker.distribution.manifest.v1+json", "Docker's schema 1"],
  ["application/vnd.docker.distribution.manifest.v1+prettyjws", "Docker's schema 1"],
  [
    "application/vnd.oci.artifact.manifest.v1+json",
    "the OCI artifact manifest, which was withdrawn",
  ],
]);

/** What kind of manifest a media type stands for that is no longer written; undefined for others. */
export function bygoneManifest(mediaType: string): string | undefined {
  return BYGONE.get(mediaType);
}

/** Accept header for manifests, in the order of preference. */
export const MANIFEST_ACCEPT = [
  MEDIA_TYPES.manifest,
  MEDIA_TYPES.index,
  MEDIA_TYPES.dockerManifest,
  MEDIA_TYPES.dockerIndex,
].join(", ");

/** @see https://www.rfc-editor.org/rfc/rfc6838#section-4.2 */
export const mediaTypeSchema = z
  .string()
  .max(255)
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}\/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}(?:\s*;.*)?$/,
    "must be a media type, as type/subtype",
  );

export function isIndexType(mediaType: string): boolean {
  return mediaType === MEDIA_TYPES.index || mediaType === MEDIA_TYPES.dockerIndex;
}

/** True for what is pushed and pulled through the manifests endpoint; all else is a blob. */
export function isManifestType(mediaType: string): boolean {
  return (
    isIndexType(mediaType) ||
    mediaType === MEDIA_TYPES.manifest ||
    mediaType === MEDIA_TYPES.dockerManifest
  );
}
