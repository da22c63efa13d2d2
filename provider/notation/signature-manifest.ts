// SPDX-License-Identifier: Apache-2.0
import { bytesBlob, packManifest, type PackedArtifact } from "../content/pack";
import type { CallOptions, ReadStore } from "../content/storage";
import { ConsignError } from "../errors";
import { ANNOTATIONS } from "../oci/annotations";
import { sameContent, type Annotations, type Descriptor } from "../oci/descriptor";
import type { Digest } from "../oci/digest";
import { artifactTypeOf, type Manifest } from "../oci/manifest";
import { isIndexType, MEDIA_TYPES } from "../oci/media-types";
import { MAX_ENVELOPE_SIZE, parseEnvelope } from "./envelope/envelope";

/**
 * "current": `artifactType` and an empty config, the specification's form since 2025. "legacy": the
 * config's media type says what it is, as notation 1.3 writes it; the only form that `notation
 * verify --oci-layout` 1.3 finds.
 */
export type SignatureForm = "current" | "legacy";

export interface SignatureOptions {
  /** The signed manifest. */
  subject: Descriptor;
  envelope: Uint8Array;
  /** @default application/cose */
  mediaType?: string | undefined;
  /** @default "current" */
  form?: SignatureForm | undefined;
  /** What a plugin wants annotated beside what the envelope says, which always wins. */
  annotations?: Annotations | undefined;
}

/**
 * Packs an envelope as the OCI manifest under which verifiers look for it. Its annotations come
 * from the envelope, and from the plugin that made it, so the same signature always gives the same
 * digest.
 * @throws ConsignError what {@link parseEnvelope} throws; `SIGNATURE_INVALID` when the envelope
 * signs something else than `subject`
 * @see
 * https://github.com/notaryproject/specifications/blob/v1.1.0/specs/signature-specification.md#storage
 */
export function packSignature({
  subject,
  envelope,
  mediaType = MEDIA_TYPES.cose,
  form = "current",
  annotations,
}: SignatureOptions): PackedArtifact {
  const parsed = parseEnvelope(envelope, mediaType);
  if (!sameContent(parsed.payload.targetArtifact, subject)) {
    throw new ConsignError(
      "SIGNATURE_INVALID",
      `the envelope signs ${parsed.payload.targetArtifact.digest}, not ${subject.digest}`,
    );
  }
  const signedAt = parsed.authenticSigningTime ?? parsed.signingTime;
  return packManifest({
    ...(form === "current"
      ? { artifactType: MEDIA_TYPES.notarySignature }
      : { config: bytesBlob(Buffer.from("{}"), MEDIA_TYPES.notarySignature) }),
    layers: [bytesBlob(envelope, mediaType)],
    subject,
    annotations: {
      ...annotations,
      [ANNOTATIONS.thumbprints]: JSON.stringify(
        parsed.certificateChain.map(({ thumbprint }) => thumbprint),
      ),
      ...(signedAt === undefined ? {} : { [ANNOTATIONS.created]: formatTime(signedAt) }),
    },
  });
}

/** RFC 3339 in UTC, without fractions. */
export function formatTime(time: Date): string {
  return time.toISOString().replace(/\.\d{3}Z$/, "Z");
}

/** Whether a referrer's descriptor says that it is a Notary Project signature, in either form. */
export function isSignature(descriptor: Descriptor): boolean {
  return descriptor.artifactType === MEDIA_TYPES.notarySignature;
}

/**
 * Every Notary Project signature that refers to a manifest, sorted by digest. @throws ConsignError
 * what the store throws
 */
export async function listSignatures(
  store: ReadStore,
  subject: Digest,
  options: CallOptions = {},
): Promise<Descriptor[]> {
  return (await store.referrers(subject, options)).filter(isSignature);
}

/**
 * As {@link listSignatures}, with what is listed without saying what it is: a list that is whole says
 * it of everything that can be read.
 * @throws ConsignError what the store throws
 */
export async function listMaybeSignatures(
  store: ReadStore,
  subject: Digest,
  options: CallOptions = {},
): Promise<Descriptor[]> {
  return (await store.referrers(subject, options)).filter(mayBeSignature);
}

export function mayBeSignature(descriptor: Descriptor): boolean {
  return isSignature(descriptor) || saysNothing(descriptor);
}

/**
 * Whether a list does not say what it lists: no artifact type, or that of an empty config, as some
 * registries do. An index alone may have none, and is neither a signature nor a claim.
 */
export function saysNothing({ artifactType = "", mediaType }: Descriptor): boolean {
  return (artifactType === "" || artifactType === MEDIA_TYPES.empty) && !isIndexType(mediaType);
}

/**
 * The envelope that a signature manifest holds, once the manifest is known to be one for this
 * artifact.
 * @throws ConsignError `ENVELOPE_INVALID`, `ENVELOPE_UNSUPPORTED`, `ENVELOPE_TOO_LARGE`,
 * `SIGNATURE_INVALID` when it refers to another artifact
 */
export function envelopeOf(manifest: Manifest, artifact: Descriptor): Descriptor {
  const name = `signature manifest ${manifest.descriptor.digest}`;
  if (manifest.kind !== "manifest" || artifactTypeOf(manifest) !== MEDIA_TYPES.notarySignature) {
    throw new ConsignError(
      "ENVELOPE_INVALID",
      `${name} is not of type ${MEDIA_TYPES.notarySignature}`,
    );
  }
  const { subject, layers } = manifest.value;
  if (subject === undefined || !sameContent(subject, artifact)) {
    throw new ConsignError(
      "SIGNATURE_INVALID",
      `${name} refers to ${subject?.digest ?? "nothing"}, not to ${artifact.digest}`,
    );
  }
  const [layer, ...others] = layers;
  if (layer === undefined || others.length > 0)
    throw new ConsignError(
      "ENVELOPE_INVALID",
      `${name} has ${layers.length} layers; it must have one`,
    );
  if (layer.mediaType !== MEDIA_TYPES.cose && layer.mediaType !== MEDIA_TYPES.jws) {
    const known = `${MEDIA_TYPES.cose} and ${MEDIA_TYPES.jws} are known`;
    throw new ConsignError(
      "ENVELOPE_UNSUPPORTED",
      `${name} holds an envelope of type "${layer.mediaType}"; ${known}`,
    );
  }
  if (layer.size > MAX_ENVELOPE_SIZE) {
    throw new ConsignError(
      "ENVELOPE_TOO_LARGE",
      `${name} holds an envelope of ${layer.size} bytes; at most ${MAX_ENVELOPE_SIZE} are read`,
    );
  }
  return layer;
}
