// SPDX-License-Identifier: Apache-2.0
import { createReadStream } from "node:fs";
import { ConsignError } from "../errors";
import { plainDescriptor, type Annotations, type Descriptor } from "../oci/descriptor";
import { digestOf, digester } from "../oci/digest";
import { parseManifest, type Manifest } from "../oci/manifest";
import { MEDIA_TYPES } from "../oci/media-types";
import { forEachBounded } from "./bounded";
import type { CallOptions, Content, Store } from "./storage";
import { verified } from "./verify";

/** Content that can be opened as often as needed, and what it will turn out to be. */
export interface BlobSource {
  descriptor: Descriptor;
  open: () => Promise<Content>;
}

/** An artifact that is ready to be pushed. */
export interface PackedArtifact {
  manifest: Manifest;
  /** Config and layers, each digest once. */
  blobs: BlobSource[];
}

export interface PackOptions {
  /** Required unless `config` has a media type of its own. */
  artifactType?: string | undefined;
  /** @default the empty descriptor, `{}` */
  config?: BlobSource | undefined;
  /** None stands for one empty layer, as registries want at least one. */
  layers: BlobSource[];
  /** What the artifact refers to; only its media type, digest and size are written. */
  subject?: Descriptor | undefined;
  annotations?: Annotations | undefined;
}

/**
 * Packs an OCI image manifest. Deterministic: members in a fixed order, annotations sorted, no
 * clock; the same options give the same digest.
 * @throws ConsignError `INPUT_INVALID` without any artifact type, `MANIFEST_INVALID`,
 * `MANIFEST_TOO_LARGE`
 * @see
 * https://github.com/opencontainers/image-spec/blob/v1.1.1/manifest.md#guidelines-for-artifact-usage
 */
export function packManifest(options: PackOptions): PackedArtifact {
  const empty = bytesBlob(Buffer.from("{}"), MEDIA_TYPES.empty);
  const config = options.config ?? empty;
  const layers = options.layers.length === 0 ? [empty] : options.layers;
  if (!options.artifactType && config.descriptor.mediaType === MEDIA_TYPES.empty) {
    throw new ConsignError(
      "INPUT_INVALID",
      "an artifact without a config of its own needs an artifactType, as application/vnd.example.thing",
      { path: "artifactType" },
    );
  }
  const value = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.manifest,
    artifactType: options.artifactType || undefined,
    config: ordered(config.descriptor),
    layers: layers.map((layer) => ordered(layer.descriptor)),
    subject: options.subject === undefined ? undefined : plainDescriptor(options.subject),
    annotations: sortedAnnotations(options.annotations),
  };
  const manifest = parseManifest(Buffer.from(JSON.stringify(value)), MEDIA_TYPES.manifest);
  const blobs = new Map([config, ...layers].map((blob) => [blob.descriptor.digest, blob]));
  return { manifest, blobs: [...blobs.values()] };
}

function ordered(descriptor: Descriptor): Descriptor {
  const { mediaType, digest, size, annotations, artifactType, platform, ...others } = descriptor;
  const value = {
    mediaType,
    digest,
    size,
    annotations: sortedAnnotations(annotations),
    artifactType,
    platform,
    ...sortedByKey(others),
  };
  return Object.fromEntries(
    Object.entries(value).filter(([, member]) => member !== undefined),
  ) as Descriptor;
}

function sortedAnnotations(annotations: Annotations | undefined): Annotations | undefined {
  return annotations === undefined || Object.keys(annotations).length === 0
    ? undefined
    : sortedByKey(annotations);
}

function sortedByKey<T>(record: Record<string, T>): Record<string, T> {
  return Object.fromEntries(
    Object.entries(record).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)),
  );
}

export function bytesBlob(
  bytes: Uint8Array,
  mediaType: string,
  annotations?: Annotations,
): BlobSource {
  return {
    descriptor: describe(mediaType, digestOf(bytes), bytes.byteLength, annotations),
    open: async () => oneChunk(bytes),
  };
}

async function* oneChunk(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  if (bytes.byteLength > 0) yield bytes;
}

/**
 * A file as a blob. It is read once here for its digest and again for each push; if it has changed
 * by then, the push fails.
 * @throws ConsignError `FILE_NOT_FOUND`, `FILE_UNREADABLE` (a directory, no permission); while
 * pushing also `SIZE_MISMATCH`, `DIGEST_MISMATCH`
 */
export async function fileBlob(
  path: string,
  mediaType: string,
  annotations?: Annotations,
): Promise<BlobSource> {
  const actual = digester();
  let size = 0;
  for await (const chunk of fileContent(path)) {
    actual.hash.update(chunk);
    size += chunk.byteLength;
  }
  const descriptor = describe(mediaType, actual.digest(), size, annotations);
  return { descriptor, open: async () => verified(fileContent(path), descriptor) };
}

async function* fileContent(path: string): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    for await (const chunk of createReadStream(path)) yield chunk as Buffer;
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    if (code === "ENOENT" || code === "ENOTDIR")
      throw new ConsignError("FILE_NOT_FOUND", `file ${path} does not exist`, { cause });
    const why = code === "EISDIR" ? "it is a directory; name a file" : (cause as Error).message;
    throw new ConsignError("FILE_UNREADABLE", `file ${path} cannot be read: ${why}`, { cause });
  }
}

function describe(
  mediaType: string,
  digest: Descriptor["digest"],
  size: number,
  annotations: Annotations | undefined,
): Descriptor {
  return {
    mediaType,
    digest,
    size,
    ...(annotations === undefined ? {} : { annotations: { ...annotations } }),
  };
}

export interface PushArtifactOptions extends CallOptions {
  /** Blobs under way at once. @default 4 */
  concurrency?: number | undefined;
  /** Look at every blob even if the manifest is there, and push what is missing. @default false */
  deep?: boolean | undefined;
  /**
   * Called, and awaited, when all blobs are there and the manifest, which is not there yet, is
   * about to be.
   */
  beforeVisible?: (() => Promise<void>) | undefined;
}

export interface PushReport {
  blobsPushed: number;
  bytesPushed: number;
  manifestPushed: boolean;
  /** It was not there: looked for twice, fresh. */
  made: boolean;
}

/**
 * Pushes the blobs that the store lacks, then the manifest. Where the manifest is there already
 * nothing is written, unless its subject's referrers do not show it: then it is pushed again, which
 * mends them.
 * @throws ConsignError whatever the store answers, `side` being `destination`
 */
export async function pushArtifact(
  store: Store,
  artifact: PackedArtifact,
  options: PushArtifactOptions = {},
): Promise<PushReport> {
  const { manifest, blobs } = artifact;
  const call = { signal: options.signal };
  const report: PushReport = { blobsPushed: 0, bytesPushed: 0, manifestPushed: false, made: false };
  const fresh = { ...call, fresh: true };
  const present =
    (await store.has(manifest.descriptor, fresh)) || (await store.has(manifest.descriptor, fresh));
  if (!present || options.deep) {
    await forEachBounded(blobs, options.concurrency ?? 4, async ({ descriptor, open }) => {
      if (!(await store.pushBlob(descriptor, open, call))) return;
      report.blobsPushed++;
      report.bytesPushed += descriptor.size;
    });
  }
  if (present && (await isListed(store, manifest, call))) return report;
  if (!present) await options.beforeVisible?.();
  await store.pushManifest(manifest, call);
  return { ...report, manifestPushed: true, made: !present };
}

async function isListed(store: Store, manifest: Manifest, call: CallOptions): Promise<boolean> {
  const subject = manifest.value.subject;
  if (subject === undefined) return true;
  return (await store.referrers(subject.digest, call)).some(
    (referrer) => referrer.digest === manifest.descriptor.digest,
  );
}
