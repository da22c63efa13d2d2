// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseManifest } from "../../provider/oci/manifest";
import { MEDIA_TYPES } from "../../provider/oci/media-types";
import { codeOf } from "../harness/failure";

const blob = { mediaType: "application/x", digest: `sha256:${"a".repeat(64)}`, size: 2 };
const image = { schemaVersion: 2, config: blob, layers: [blob] };
const index = { schemaVersion: 2, manifests: [{ ...blob, mediaType: MEDIA_TYPES.manifest }] };
const { manifest: MANIFEST, index: INDEX, dockerManifest, dockerIndex } = MEDIA_TYPES;
const parse = (text: string, mediaType: string) => parseManifest(Buffer.from(text), mediaType);

describe("a manifest that two readers may read in two ways is refused", () => {
  const cases: Record<string, [text: string, mediaType: string, said: RegExp]> = {
    "layers twice": [
      JSON.stringify(image).replace("{", '{"layers":[],'),
      MANIFEST,
      /"layers" is there twice/,
    ],
    "a descriptor's digest twice": [
      JSON.stringify(image).replace('"digest"', '"digest":"sha256:0","digest"'),
      MANIFEST,
      /"digest" is there twice/,
    ],
    "an annotation twice": [
      JSON.stringify({ ...index, annotations: { a: "1" } }).replace('"a":', '"a":"0","a":'),
      INDEX,
      /"a" is there twice/,
    ],
    "a manifest that is an index too": [
      JSON.stringify({ ...image, ...index }),
      MANIFEST,
      /"manifests"/,
    ],
    "an index that is a manifest too": [JSON.stringify({ ...image, ...index }), INDEX, /"config"/],
    "an index with layers": [JSON.stringify({ ...index, layers: [] }), INDEX, /"layers"/],
    "one of Docker's that is an index too": [
      JSON.stringify({ ...image, manifests: [] }),
      dockerManifest,
      /"manifests"/,
    ],
    "one of Docker's lists with a config": [
      JSON.stringify({ ...index, config: blob }),
      dockerIndex,
      /"config"/,
    ],
    "layers of schema 1": [JSON.stringify({ ...image, fsLayers: [] }), MANIFEST, /"fsLayers"/],
    "another media type in it": [
      JSON.stringify({ ...image, mediaType: dockerManifest }),
      MANIFEST,
      /served as/,
    ],
    "a byte order mark": [`\ufeff${JSON.stringify(image)}`, MANIFEST, /JSON/],
  };
  for (const [name, [text, mediaType, said]] of Object.entries(cases)) {
    test(name, () => assert.throws(() => parse(text, mediaType), codeOf("MANIFEST_INVALID", said)));
  }
});

test("what it does not know, it keeps", () => {
  const text = JSON.stringify({ ...image, note: { a: [1] } });
  const { value } = parse(text, MANIFEST);
  assert.deepEqual(value, JSON.parse(text));
});
