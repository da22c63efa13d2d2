// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import {
  MemoryStore,
  bytesBlob,
  fileBlob,
  packManifest,
  pushArtifact,
} from "../../provider/content/index";
import { digestOf } from "../../provider/oci/digest";
import { MEDIA_TYPES } from "../../provider/oci/media-types";
import { tempDir } from "../harness/temp";
import { artifact, codeOf, signatureOf } from "./sample-graph";

test("packing twice gives the same digest, in whatever order annotations come", () => {
  const entries = fc.array(fc.tuple(fc.string({ minLength: 1 }), fc.string()), { maxLength: 8 });
  fc.assert(
    fc.property(entries, fc.infiniteStream(fc.nat()), (pairs, order) => {
      const unique = [...new Map(pairs)];
      const shuffled = unique
        .map((pair) => ({ pair, at: order.next().value }))
        .sort((a, b) => a.at - b.at)
        .map(({ pair }) => pair);
      const pack = (from: [string, string][]) =>
        artifact("same", { annotations: Object.fromEntries(from) }).manifest.descriptor.digest;
      assert.equal(pack(unique), pack(shuffled));
    }),
  );
});

test("a manifest's bytes are these, and stay these", () => {
  const { manifest } = artifact("text", {
    annotations: { b: "2", a: "1" },
    subject: { ...artifact("x").manifest.descriptor, annotations: { hint: "dropped" } },
  });
  assert.equal(manifest.descriptor.digest, digestOf(manifest.bytes));
  assert.deepEqual(Object.keys(JSON.parse(Buffer.from(manifest.bytes).toString()) as object), [
    "schemaVersion",
    "mediaType",
    "artifactType",
    "config",
    "layers",
    "subject",
    "annotations",
  ]);
  assert.equal(
    manifest.descriptor.digest,
    "sha256:9b6fba9309c62563d17690e63e50331d64d3557d3636aeda5faba2f464f2043c",
  );
});

test("without layers there is one empty layer, and the empty blob is pushed once", () => {
  const { manifest, blobs } = packManifest({
    artifactType: "application/vnd.example.thing",
    layers: [],
  });
  assert.equal(
    manifest.kind === "manifest" && manifest.value.layers[0]?.mediaType,
    MEDIA_TYPES.empty,
  );
  assert.deepEqual(
    blobs.map(({ descriptor }) => descriptor.size),
    [2],
  );
});

test("an artifact needs a type: its own or its config's", () => {
  assert.throws(() => packManifest({ layers: [] }), {
    code: "INPUT_INVALID",
    path: "artifactType",
  });
  const legacy = packManifest({
    config: bytesBlob(Buffer.from("{}"), MEDIA_TYPES.notarySignature),
    layers: [],
  });
  assert.equal(legacy.manifest.value.artifactType, undefined);
});

test("files are digested as they stream, and refused if they change before the push", async () => {
  const path = join(tempDir("pack"), "file");
  writeFileSync(path, "first");
  const blob = await fileBlob(path, "text/plain", { title: "file" });
  assert.deepEqual(blob.descriptor, {
    mediaType: "text/plain",
    digest: digestOf("first"),
    size: 5,
    annotations: { title: "file" },
  });
  writeFileSync(path, "other");
  assert.equal(
    await codeOf(new MemoryStore().pushBlob(blob.descriptor, blob.open)),
    "DIGEST_MISMATCH",
  );
});

test("a file that is not there, and a directory, are told apart", async () => {
  const directory = tempDir("pack");
  assert.equal(await codeOf(fileBlob(join(directory, "none"), "text/plain")), "FILE_NOT_FOUND");
  assert.equal(await codeOf(fileBlob(directory, "text/plain")), "FILE_UNREADABLE");
});

test("pushing says what was sent, and sends nothing twice", async () => {
  const store = new MemoryStore();
  const packed = artifact("some text");
  assert.deepEqual(await pushArtifact(store, packed), {
    blobsPushed: 2,
    bytesPushed: 11,
    manifestPushed: true,
    made: true,
  });
  assert.deepEqual(await pushArtifact(store, packed), {
    blobsPushed: 0,
    bytesPushed: 0,
    manifestPushed: false,
    made: false,
  });
  const layer = packed.blobs[1]?.descriptor;
  assert.ok(layer);
  await store.deleteBlob(layer);
  assert.deepEqual(await pushArtifact(store, packed, { deep: true }), {
    blobsPushed: 1,
    bytesPushed: 9,
    manifestPushed: false,
    made: false,
  });
});

test("a referrer that its subject's list lost is pushed again", async () => {
  const store = new MemoryStore();
  const signature = signatureOf(artifact("subject").manifest);
  await pushArtifact(store, signature);
  const forgetful = Object.create(store, {
    referrers: { value: async () => [] },
    name: { value: "forgetful" },
  }) as MemoryStore;
  const bound = {
    has: store.has.bind(store),
    pushManifest: store.pushManifest.bind(store),
    pushBlob: store.pushBlob.bind(store),
  };
  assert.equal(
    (await pushArtifact(Object.assign(forgetful, bound), signature)).manifestPushed,
    true,
  );
});
