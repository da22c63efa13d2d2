// SPDX-License-Identifier: Apache-2.0
import { ANNOTATIONS } from "../oci/annotations";
import type { Descriptor } from "../oci/descriptor";
import { MEDIA_TYPES } from "../oci/media-types";
import { kindOf, LIFECYCLE_ARTIFACT_TYPE } from "./types";

/** Annotation in which sigstore bundles name their predicate type. */
const BUNDLE_PREDICATE_TYPE = "dev.sigstore.bundle.predicateType";
const BUNDLE_TYPE = /^application\/vnd\.dev\.sigstore\.bundle(?:\.v[0-9.]+)?\+json$/;
const STATEMENT_VARIANT = /^application\/vnd\.in-toto(?:\.[a-z0-9.-]+)?\+json$/;

/**
 * What tools other than this one write as the artifact type of an SBOM or of lifecycle data, and
 * which kind of claim it is.
 */
const KIND_BY_ARTIFACT_TYPE: Readonly<Record<string, string>> = {
  "application/spdx+json": "sbom/spdx",
  "text/spdx+json": "sbom/spdx",
  "text/spdx": "sbom/spdx",
  "application/vnd.cyclonedx+json": "sbom/cyclonedx",
  "application/vnd.cyclonedx+xml": "sbom/cyclonedx",
  "application/vnd.cyclonedx": "sbom/cyclonedx",
  [LIFECYCLE_ARTIFACT_TYPE]: "endOfLife",
};

/** A media type without its parameters, in lower case. */
export function baseMediaType(mediaType: string): string {
  return (mediaType.split(";")[0] ?? "").trim().toLowerCase();
}

/**
 * `application/vnd.in-toto+json`, or its form for one predicate,
 * `application/vnd.in-toto.<predicate>+json`.
 */
export function isStatementType(mediaType: string): boolean {
  const base = baseMediaType(mediaType);
  return (
    STATEMENT_VARIANT.test(base) &&
    !base.endsWith(".dsse+json") &&
    base !== "application/vnd.in-toto.bundle+json"
  );
}

export function isBundleType(mediaType: string): boolean {
  return BUNDLE_TYPE.test(baseMediaType(mediaType));
}

/**
 * Content that carries its own signature, of another kind than ours: a DSSE envelope or a sigstore
 * bundle.
 */
export function isEnvelopeType(mediaType: string): boolean {
  return (
    isBundleType(mediaType) ||
    /^application\/vnd\.dsse(?:\.envelope\.v1)?\+json$/.test(baseMediaType(mediaType))
  );
}

/**
 * Whether a referrer is a claim, ours or another tool's, going by its descriptor alone. Signatures
 * are none.
 */
export function isClaim(descriptor: Descriptor): boolean {
  const artifactType =
    descriptor.artifactType === undefined ? "" : baseMediaType(descriptor.artifactType);
  if (artifactType === MEDIA_TYPES.notarySignature) return false;
  return (
    claimTypeOf(descriptor) !== undefined ||
    isStatementType(artifactType) ||
    isBundleType(artifactType)
  );
}

/**
 * The predicate type that a referrer's descriptor announces, else undefined: a plain in-toto
 * statement says it only inside. A registry can make a descriptor say anything; decide by {@link
 * readClaim}.
 */
export function claimTypeOf(descriptor: Descriptor): string | undefined {
  const announced = descriptor.annotations?.[ANNOTATIONS.claimType];
  if (announced) return announced;
  if (descriptor.artifactType === undefined) return undefined;
  const artifactType = baseMediaType(descriptor.artifactType);
  if (isBundleType(artifactType))
    return descriptor.annotations?.[BUNDLE_PREDICATE_TYPE] || undefined;
  const name = Object.hasOwn(KIND_BY_ARTIFACT_TYPE, artifactType)
    ? KIND_BY_ARTIFACT_TYPE[artifactType]
    : undefined;
  return name === undefined ? undefined : kindOf(name)?.type;
}

/** `public` only where a descriptor says exactly that; whatever says nothing is not published. */
export function audienceOf(descriptor: Descriptor): "internal" | "public" {
  return descriptor.annotations?.[ANNOTATIONS.claimAudience] === "public" ? "public" : "internal";
}
