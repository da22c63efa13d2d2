// SPDX-License-Identifier: Apache-2.0
import { createPublicKey, type KeyObject } from "node:crypto";
import type { CallOptions, ReadStore } from "../../content/storage";
import { readSmall } from "../../content/verify";
import { ConsignError, isConsignError, type ErrorCode } from "../../errors";
import type { Descriptor } from "../../oci/descriptor";
import { isDigest, type Digest } from "../../oci/digest";
import type { Manifest } from "../../oci/manifest";
import { isManifestType } from "../../oci/media-types";
import { keysThatSigned, parseBundle, parseDsse, type DsseEnvelope } from "./dsse";
import { judgeKeys, type Finding, type ForeignClaim, type ForeignOrigin } from "./foreign-claim";
import { baseMediaType, claimTypeOf, isBundleType, isStatementType } from "../recognise";
import { signatureClaim } from "./simple-signing";
import { MAX_DOCUMENT_SIZE, parseStatement, speaksAbout } from "../statement";

/** At most this many foreign claims are read for one artifact, and as many manifests. */
export const MAX_FOREIGN_CLAIMS = 200;
/** Envelopes hold a statement in base64. */
const MAX_ENVELOPE_SIZE = Math.ceil((MAX_DOCUMENT_SIZE * 4) / 3) + 1024 * 1024;

export interface ForeignOptions extends CallOptions {
  /**
   * Keys, as objects or PEM, whose signatures count. Certificates and transparency logs are not
   * judged.
   */
  publicKeys?: readonly (KeyObject | string)[];
}

type Reader = (
  store: ReadStore,
  layer: Descriptor,
  subject: Digest,
  keys: readonly KeyObject[],
  call: CallOptions,
) => Promise<Finding>;

/**
 * All claims about an artifact that other tools left: attestations of BuildKit inside an index,
 * cosign's `.att`, `.sig` and `.sbom` tags, sigstore bundles among the referrers. A broken one is
 * listed as such and hides no other. Sorted by origin and digest.
 * @throws ConsignError what the store answers; `KEY_UNREADABLE` for a public key that does not
 * parse
 * @see https://github.com/sigstore/cosign/blob/v3.0.2/specs/BUNDLE_SPEC.md
 */
export async function foreignClaims(
  store: ReadStore,
  artifact: Descriptor,
  options: ForeignOptions = {},
): Promise<ForeignClaim[]> {
  const keys = (options.publicKeys ?? []).map(publicKey);
  const found: ForeignClaim[] = [];
  for await (const place of places(store, artifact, options)) {
    for (const layer of place.layers) {
      if (found.length >= MAX_FOREIGN_CLAIMS) return sorted(found);
      const finding = await settle(layer, place, () =>
        place.read(store, layer, place.subject, keys, options),
      );
      const { origin, manifest, subject } = place;
      found.push({
        origin,
        digest: layer.digest,
        manifest,
        subject,
        audience: "internal",
        ...finding,
      });
    }
  }
  return sorted(found);
}

interface Place {
  origin: ForeignOrigin;
  manifest: Digest;
  subject: Digest;
  layers: Descriptor[];
  read: Reader;
}

async function* places(
  store: ReadStore,
  artifact: Descriptor,
  options: CallOptions,
): AsyncGenerator<Place> {
  if (isManifestType(artifact.mediaType))
    yield* buildKitPlaces(store, await store.manifest(artifact, options), options);
  const stem = artifact.digest.replace(":", "-");
  for (const [suffix, origin, read] of COSIGN_TAGS) {
    const manifest = await absentAsUndefined(() => store.manifest(`${stem}.${suffix}`, options));
    if (manifest !== undefined)
      yield {
        origin,
        manifest: manifest.descriptor.digest,
        subject: artifact.digest,
        layers: layersOf(manifest),
        read,
      };
  }
  const referrers = await store.referrers(artifact.digest, options);
  const bundles = referrers.filter(
    ({ artifactType }) => artifactType !== undefined && isBundleType(artifactType),
  );
  for (const bundle of bundles.slice(0, MAX_FOREIGN_CLAIMS)) {
    const manifest = await absentAsUndefined(() => store.manifest(bundle, options));
    if (manifest?.value.subject?.digest !== artifact.digest) continue;
    yield {
      origin: "sigstore-bundle",
      manifest: bundle.digest,
      subject: artifact.digest,
      layers: layersOf(manifest),
      read: readBundle,
    };
  }
}

/** @see https://github.com/moby/buildkit/blob/v0.23.2/docs/attestations/attestation-storage.md */
async function* buildKitPlaces(
  store: ReadStore,
  root: Manifest,
  options: CallOptions,
): AsyncGenerator<Place> {
  if (root.kind !== "index") return;
  const siblings = new Set(root.value.manifests.map(({ digest }) => digest));
  const attestations = root.value.manifests.filter(
    ({ annotations }) => annotations?.["vnd.docker.reference.type"] === "attestation-manifest",
  );
  for (const child of attestations.slice(0, MAX_FOREIGN_CLAIMS)) {
    const subject = child.annotations?.["vnd.docker.reference.digest"];
    if (!isDigest(subject) || !siblings.has(subject)) continue;
    const manifest = await absentAsUndefined(() => store.manifest(child, options));
    if (manifest === undefined) continue;
    const layers = layersOf(manifest).filter(({ mediaType }) => isStatementType(mediaType));
    yield { origin: "buildkit", manifest: child.digest, subject, layers, read: readStatement };
  }
}

const readStatement: Reader = async (store, layer, subject, _keys, call) => ({
  ...judgeStatement(await readSmall(store, layer, MAX_DOCUMENT_SIZE, call), subject),
  status: "unverified",
  reason: "it is not signed on its own; a signature of the index covers it",
});

const readDsse: Reader = async (store, layer, subject, keys, call) =>
  judgeEnvelope(parseDsse(await readSmall(store, layer, MAX_ENVELOPE_SIZE, call)), subject, keys);

const readBundle: Reader = async (store, layer, subject, keys, call) => {
  const bundle = parseBundle(await readSmall(store, layer, MAX_ENVELOPE_SIZE, call));
  if (bundle.dsseEnvelope !== undefined) return judgeEnvelope(bundle.dsseEnvelope, subject, keys);
  return {
    type: COSIGN_SIGNATURE,
    status: "unverified",
    reason: "it signs a message and holds no statement",
  };
};

const readSbom: Reader = async (_store, layer) => ({
  type: claimTypeOf({ ...layer, artifactType: baseMediaType(layer.mediaType) }),
  document: layer,
  status: "unverified",
  reason: "it is not signed",
});

/** Predicate type under which cosign signs an artifact as a whole. */
const COSIGN_SIGNATURE = "https://sigstore.dev/cosign/sign/v1";
const COSIGN_TAGS: readonly (readonly [suffix: string, origin: ForeignOrigin, read: Reader])[] = [
  ["att", "cosign-attestation", readDsse],
  [
    "sig",
    "cosign-signature",
    async (...found) => ({ type: COSIGN_SIGNATURE, ...(await signatureClaim(...found)) }),
  ],
  ["sbom", "cosign-sbom", readSbom],
];

function judgeEnvelope(
  envelope: DsseEnvelope,
  subject: Digest,
  keys: readonly KeyObject[],
): Finding {
  if (!isStatementType(envelope.payloadType)) {
    throw new ConsignError(
      "STATEMENT_INVALID",
      `the envelope holds a ${envelope.payloadType}, no in-toto statement`,
    );
  }
  const statement = judgeStatement(Buffer.from(envelope.payload, "base64"), subject);
  return { ...statement, ...judgeKeys(keysThatSigned(envelope, keys), keys) };
}

function judgeStatement(bytes: Uint8Array, subject: Digest): { type: string; predicate?: unknown } {
  const statement = parseStatement(bytes, MAX_DOCUMENT_SIZE);
  if (!speaksAbout(statement, subject))
    throw new ConsignError("SUBJECT_MISMATCH", `its statement does not speak about ${subject}`);
  return {
    type: statement.predicateType,
    ...(statement.predicate === undefined ? {} : { predicate: statement.predicate }),
  };
}

const FAULTS: readonly ErrorCode[] = [
  "BLOB_UNKNOWN",
  "DIGEST_MISMATCH",
  "SIZE_MISMATCH",
  "ENVELOPE_INVALID",
  "STATEMENT_INVALID",
  "SUBJECT_MISMATCH",
];

async function settle(
  layer: Descriptor,
  place: Place,
  read: () => Promise<Finding>,
): Promise<Finding> {
  try {
    return await read();
  } catch (error) {
    if (!isConsignError(error, ...FAULTS)) throw error;
    const type =
      layer.annotations?.["in-toto.io/predicate-type"] ?? layer.annotations?.["predicateType"];
    return { type, status: "broken", reason: `${place.origin}: ${error.message}` };
  }
}

async function absentAsUndefined(read: () => Promise<Manifest>): Promise<Manifest | undefined> {
  try {
    return await read();
  } catch (error) {
    if (
      isConsignError(
        error,
        "MANIFEST_UNKNOWN",
        "MANIFEST_INVALID",
        "MANIFEST_TOO_LARGE",
        "DIGEST_MISMATCH",
        "SIZE_MISMATCH",
      )
    )
      return undefined;
    throw error;
  }
}

function layersOf(manifest: Manifest): Descriptor[] {
  return manifest.kind === "manifest" ? manifest.value.layers.slice(0, MAX_FOREIGN_CLAIMS) : [];
}

function publicKey(key: KeyObject | string): KeyObject {
  try {
    return typeof key === "string" ? createPublicKey(key) : key;
  } catch (cause) {
    throw new ConsignError("KEY_UNREADABLE", "a public key is not PEM that can be read", { cause });
  }
}

function sorted(claims: ForeignClaim[]): ForeignClaim[] {
  const key = (claim: ForeignClaim) => `${claim.origin} ${claim.digest} ${claim.manifest}`;
  return claims.sort((a, b) => (key(a) < key(b) ? -1 : 1));
}
