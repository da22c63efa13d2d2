// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from "node:crypto";
import { forEachBounded } from "../../provider/content/bounded";
import {
  bytesBlob,
  packManifest,
  pushArtifact,
  type BlobSource,
  type Content,
  type Store,
} from "../../provider/content";
import type { Descriptor } from "../../provider/oci/descriptor";
import { digester } from "../../provider/oci/digest";
import { parseManifest, type Manifest } from "../../provider/oci/manifest";
import { MEDIA_TYPES } from "../../provider/oci/media-types";

/** `small` is what a person waits for; `full` is what the goals are stated for. */
export type Scale = "small" | "full";

const EVIDENCE = "application/vnd.example.evidence";

let serial = 0;

function blob(size: number, mediaType: string = MEDIA_TYPES.layer): BlobSource {
  const text = Buffer.alloc(size, `content ${serial++} `);
  return bytesBlob(text, mediaType);
}

async function image(store: Store, layers: number, layerBytes: number): Promise<Manifest> {
  const config = bytesBlob(
    Buffer.from(
      JSON.stringify({
        architecture: "amd64",
        os: "linux",
        rootfs: { type: "layers", diff_ids: [] },
        n: serial++,
      }),
    ),
    MEDIA_TYPES.config,
  );
  const packed = packManifest({
    config,
    layers: Array.from({ length: layers }, () => blob(layerBytes)),
  });
  await pushArtifact(store, packed);
  return packed.manifest;
}

export async function referrer(
  store: Store,
  subject: Descriptor,
  artifactType = EVIDENCE,
  bytes = 2_000,
): Promise<Manifest> {
  const packed = packManifest({
    artifactType,
    layers: [blob(bytes, MEDIA_TYPES.octetStream)],
    subject,
  });
  await pushArtifact(store, packed);
  return packed.manifest;
}

async function signedClaim(store: Store, subject: Descriptor): Promise<void> {
  const claim = await referrer(store, subject);
  await referrer(store, claim.descriptor, MEDIA_TYPES.notarySignature);
}

/** Multi-arch tags, each with nine referrers at two depths. @returns how many manifests */
export async function multiArch(store: Store, scale: Scale): Promise<string[]> {
  const tags = Array.from({ length: scale === "full" ? 100 : 20 }, (_, n) => `v${n}`);
  await forEachBounded(tags, 4, async (tag) => {
    const images = [await image(store, 2, 50_000), await image(store, 2, 50_000)];
    const manifests = images.map(({ descriptor }, at) => ({
      ...descriptor,
      platform: { os: "linux", architecture: at === 0 ? "amd64" : "arm64" },
    }));
    const index = parseManifest(
      Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: MEDIA_TYPES.index, manifests })),
      MEDIA_TYPES.index,
    );
    await store.pushManifest(index);
    for (let n = 0; n < 4; n++) await signedClaim(store, index.descriptor);
    await referrer(store, index.descriptor, MEDIA_TYPES.notarySignature);
    await store.tag(index, tag);
  });
  return tags;
}

/** One image with very many referrers, half of them signatures of the others. */
export async function crowded(store: Store, scale: Scale): Promise<string[]> {
  const subject = await image(store, 1, 10_000);
  const pairs = Array.from({ length: scale === "full" ? 365 : 73 }, (_, n) => n);
  await forEachBounded(pairs, 8, () => signedClaim(store, subject.descriptor));
  await store.tag(subject, "v1");
  return ["v1"];
}

/** Very many tags with five claims each. */
export async function manyTags(store: Store, scale: Scale): Promise<string[]> {
  const tags = Array.from({ length: scale === "full" ? 1000 : 100 }, (_, n) => `v${n}`);
  await forEachBounded(tags, 8, async (tag) => {
    const subject = await image(store, 1, 500);
    for (let n = 0; n < 5; n++) await referrer(store, subject.descriptor, EVIDENCE, 300);
    await store.tag(subject, tag);
  });
  return tags;
}

/** Eight large blobs, of content that does not repeat across them. @returns their bytes */
export async function large(store: Store, scale: Scale): Promise<number> {
  const each = (scale === "full" ? 512 : 32) * 1024 * 1024;
  const layers = Array.from({ length: 8 }, () => streamed(each));
  const packed = packManifest({ artifactType: EVIDENCE, layers });
  await pushArtifact(store, packed);
  await store.tag(packed.manifest, "v1");
  return each * 8;
}

function streamed(size: number): BlobSource {
  const chunk = randomBytes(1024 * 1024);
  const { hash, digest } = digester("sha256");
  for (let at = 0; at < size; at += chunk.byteLength) hash.update(chunk);
  const descriptor: Descriptor = { mediaType: MEDIA_TYPES.layer, digest: digest(), size };
  async function* content(): Content & AsyncGenerator<Uint8Array> {
    for (let at = 0; at < size; at += chunk.byteLength) yield chunk;
  }
  return { descriptor, open: async () => content() };
}
