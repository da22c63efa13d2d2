// SPDX-License-Identifier: Apache-2.0
// Manifests as others have written them: a mirror needs digests, sizes and types of parts.
import assert from "node:assert/strict";
import { test } from "node:test";
import { digestOf } from "../../provider/oci/digest";
import { parseManifest, successorsOf } from "../../provider/oci/manifest";
import { MEDIA_TYPES } from "../../provider/oci/media-types";

const part = (mediaType: string, more: object = {}) => ({
  mediaType,
  digest: digestOf(mediaType),
  size: 3,
  ...more,
});
const CONFIG = part(MEDIA_TYPES.config);
const IMAGE = { schemaVersion: 2, mediaType: MEDIA_TYPES.manifest, config: CONFIG, layers: [] };
const INDEX = { schemaVersion: 2, mediaType: MEDIA_TYPES.index };

const READABLE: Record<string, { value: object; parts: number }> = {
  "annotations: null": { value: { ...IMAGE, annotations: null }, parts: 1 },
  "an annotation that is no text": { value: { ...IMAGE, annotations: { a: 1, b: "c" } }, parts: 1 },
  "layers: null": { value: { ...IMAGE, layers: null }, parts: 1 },
  "an empty config type": { value: { ...IMAGE, config: { ...CONFIG, mediaType: "" } }, parts: 1 },
  "a layer of no media type": { value: { ...IMAGE, layers: [part("tar")] }, parts: 2 },
  "subject: null": { value: { ...IMAGE, subject: null }, parts: 1 },
  "artifactType: null": { value: { ...IMAGE, artifactType: null }, parts: 1 },
  "annotations: null in a part": {
    value: { ...IMAGE, layers: [part(MEDIA_TYPES.layer, { annotations: null })] },
    parts: 2,
  },
  "a platform without os": {
    value: {
      ...INDEX,
      manifests: [part(MEDIA_TYPES.manifest, { platform: { architecture: "amd64" } })],
    },
    parts: 1,
  },
  "platform: null": {
    value: { ...INDEX, manifests: [part(MEDIA_TYPES.manifest, { platform: null })] },
    parts: 1,
  },
  "manifests: null": { value: { ...INDEX, manifests: null }, parts: 0 },
};

for (const [name, { value, parts }] of Object.entries(READABLE)) {
  test(`${name} is read, and the bytes stay`, () => {
    const bytes = Buffer.from(JSON.stringify(value));
    const type = "manifests" in value ? MEDIA_TYPES.index : MEDIA_TYPES.manifest;
    const manifest = parseManifest(bytes, type);
    assert.equal(successorsOf(manifest).length, parts);
    assert.equal(manifest.descriptor.digest, digestOf(bytes));
    assert.equal(manifest.bytes, bytes);
  });
}

test("what is missing of a part refuses the manifest", () => {
  for (const layers of [[{}], [{ ...CONFIG, digest: null }], [{ ...CONFIG, size: -1 }]])
    assert.throws(() =>
      parseManifest(Buffer.from(JSON.stringify({ ...IMAGE, layers })), MEDIA_TYPES.manifest),
    );
});
