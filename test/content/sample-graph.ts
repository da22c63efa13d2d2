// SPDX-License-Identifier: Apache-2.0
import {
  bytesBlob,
  packManifest,
  pushArtifact,
  type PackOptions,
  type PackedArtifact,
  type Store,
} from "../../provider/content/index";
import type { Descriptor } from "../../provider/oci/descriptor";
import type { Digest } from "../../provider/oci/digest";
import { parseManifest, type Manifest } from "../../provider/oci/manifest";
import { MEDIA_TYPES } from "../../provider/oci/media-types";

export const SIGNATURE = MEDIA_TYPES.notarySignature;

/** An artifact with one layer of text, so that different texts give different digests. */
export function artifact(text: string, options: Partial<PackOptions> = {}): PackedArtifact {
  return packManifest({
    artifactType: "application/vnd.example.thing",
    layers: [bytesBlob(Buffer.from(text), "text/plain")],
    ...options,
  });
}

export function signatureOf(subject: Manifest): PackedArtifact {
  return artifact(`signature of ${subject.descriptor.digest}`, {
    artifactType: SIGNATURE,
    subject: subject.descriptor,
  });
}

export function indexOf(manifests: Manifest[], options: { subject?: Descriptor } = {}): Manifest {
  const value = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.index,
    manifests: manifests.map(({ descriptor }) => descriptor),
    ...options,
  };
  return parseManifest(Buffer.from(JSON.stringify(value)), MEDIA_TYPES.index);
}

export interface SampleGraph {
  root: Manifest;
  images: Manifest[];
  sbom: Manifest;
  sbomSignature: Manifest;
  imageSignature: Manifest;
  /** All six manifests. */
  all: Manifest[];
}

/**
 * Two images in an index; an SBOM of the index, its signature, and a signature of the first image.
 * Pushed, with the tag `v1`.
 */
export async function pushSampleGraph(store: Store, name = "net-monitor"): Promise<SampleGraph> {
  const images = [artifact(`${name} amd64`), artifact(`${name} arm64`)];
  const root = indexOf(images.map(({ manifest }) => manifest));
  const sbom = artifact(`${name} sbom`, {
    artifactType: "application/spdx+json",
    subject: root.descriptor,
    annotations: { "org.example.kind": "sbom" },
  });
  const sbomSignature = signatureOf(sbom.manifest);
  const [first] = images;
  if (first === undefined) throw new Error("no image");
  const imageSignature = signatureOf(first.manifest);
  for (const image of images) await pushArtifact(store, image);
  await store.pushManifest(root);
  for (const referrer of [sbomSignature, sbom, imageSignature]) await pushArtifact(store, referrer);
  await store.tag(root, "v1");
  const manifests = {
    root,
    images: images.map(({ manifest }) => manifest),
    sbom: sbom.manifest,
    sbomSignature: sbomSignature.manifest,
    imageSignature: imageSignature.manifest,
  };
  return {
    ...manifests,
    all: [
      root,
      ...manifests.images,
      sbom.manifest,
      sbomSignature.manifest,
      imageSignature.manifest,
    ],
  };
}

export function digestsOf(manifests: readonly { digest: Digest }[]): Digest[] {
  return manifests.map(({ digest }) => digest).sort();
}

/** `fulfilled`, or the code of what was thrown. */
export async function codeOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => "fulfilled",
    (error: { code?: string }) => error.code ?? String(error),
  );
}
