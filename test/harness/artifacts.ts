// SPDX-License-Identifier: Apache-2.0
import {
  bytesBlob,
  packManifest,
  pushArtifact,
  type BlobSource,
} from "../../provider/content/pack";
import type { Store } from "../../provider/content/storage";
import type { Annotations, Descriptor } from "../../provider/oci/descriptor";
import { parseManifest, type Manifest } from "../../provider/oci/manifest";
import { MEDIA_TYPES } from "../../provider/oci/media-types";

export interface ImageOptions {
  /** Content of each layer. @default one small layer */
  layers?: readonly (string | Uint8Array)[];
  architecture?: string;
  os?: string;
  tag?: string;
  annotations?: Annotations;
}

const bytesOf = (content: string | Uint8Array): Uint8Array =>
  typeof content === "string" ? Buffer.from(content) : content;

/**
 * A container image, as far as registries and tools look at it: a config that names its platform
 * and layers with some bytes.
 */
export async function pushImage(store: Store, options: ImageOptions = {}): Promise<Manifest> {
  const layers: BlobSource[] = (options.layers ?? ["a layer\n"]).map((layer) =>
    bytesBlob(bytesOf(layer), MEDIA_TYPES.layer),
  );
  const { architecture = "amd64", os = "linux" } = options;
  const rootfs = { type: "layers", diff_ids: layers.map(({ descriptor }) => descriptor.digest) };
  const config = bytesBlob(
    Buffer.from(JSON.stringify({ architecture, os, rootfs })),
    MEDIA_TYPES.config,
  );
  const packed = packManifest({
    config,
    layers,
    ...(options.annotations === undefined ? {} : { annotations: options.annotations }),
  });
  await pushArtifact(store, packed);
  if (options.tag !== undefined) await store.tag(packed.manifest, options.tag);
  return packed.manifest;
}

export interface IndexOptions {
  /** `os/architecture` of each image in it. @default linux/amd64 and linux/arm64 */
  platforms?: readonly string[];
  tag?: string;
  annotations?: Annotations;
}

/** An index of images, one for each platform, with layers of their own. */
export async function pushIndex(
  store: Store,
  options: IndexOptions = {},
): Promise<{ index: Manifest; images: Manifest[] }> {
  const images: Manifest[] = [];
  const manifests: Descriptor[] = [];
  for (const platform of options.platforms ?? ["linux/amd64", "linux/arm64"]) {
    const [os = "linux", architecture = "amd64"] = platform.split("/");
    const image = await pushImage(store, {
      os,
      architecture,
      layers: [`a layer for ${platform}\n`],
    });
    images.push(image);
    manifests.push({ ...image.descriptor, platform: { os, architecture } });
  }
  const value = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.index,
    manifests,
    ...(options.annotations === undefined ? {} : { annotations: options.annotations }),
  };
  const index = parseManifest(Buffer.from(JSON.stringify(value)), MEDIA_TYPES.index);
  await store.pushManifest(index);
  if (options.tag !== undefined) await store.tag(index, options.tag);
  return { index, images };
}

export interface ReferrerOptions {
  /** @default "application/vnd.example.evidence" */
  artifactType?: string;
  content?: string | Uint8Array;
  annotations?: Annotations;
}

/** Something that refers to an artifact: evidence, an SBOM, a signature that is none. */
export async function pushReferrer(
  store: Store,
  subject: Descriptor,
  options: ReferrerOptions = {},
): Promise<Manifest> {
  const {
    artifactType = "application/vnd.example.evidence",
    content = `evidence on ${subject.digest}\n`,
    annotations,
  } = options;
  const layer = bytesBlob(bytesOf(content), MEDIA_TYPES.octetStream);
  const packed = packManifest({
    artifactType,
    layers: [layer],
    subject,
    ...(annotations === undefined ? {} : { annotations }),
  });
  await pushArtifact(store, packed);
  return packed.manifest;
}

export interface SampleGraph {
  index: Manifest;
  images: Manifest[];
  /** Refers to the index. */
  sbom: Manifest;
  /** Refers to the SBOM, so it is two steps from the index. */
  sbomSignature: Manifest;
  /** Refers to the first image, so it hangs on a child of the index. */
  scan: Manifest;
  /** All of them. */
  all: Manifest[];
}

/**
 * The smallest graph with every shape in it: children, referrers, a referrer of a referrer, a
 * referrer of a child.
 */
export async function pushSampleGraph(store: Store, tag = "v1"): Promise<SampleGraph> {
  const { index, images } = await pushIndex(store, { tag });
  const sbom = await pushReferrer(store, index.descriptor, {
    artifactType: "application/spdx+json",
    content: "{}",
  });
  const sbomSignature = await pushReferrer(store, sbom.descriptor, {
    artifactType: "application/vnd.example.signature",
  });
  const [first] = images;
  if (first === undefined) throw new Error("an index without images");
  const scan = await pushReferrer(store, first.descriptor, {
    artifactType: "application/vnd.example.scan",
  });
  return {
    index,
    images,
    sbom,
    sbomSignature,
    scan,
    all: [index, ...images, sbom, sbomSignature, scan],
  };
}
