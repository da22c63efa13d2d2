// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { MemoryStore, pushArtifact, type ReadStore } from "../../provider/content/index";
import { survey } from "../../provider/graph/index";
import type { Descriptor } from "../../provider/oci/descriptor";
import type { Digest } from "../../provider/oci/digest";
import { artifact, pushSampleGraph, SIGNATURE } from "../content/sample-graph";

/** A store that notes what is asked of it. */
function watched(store: MemoryStore): { store: ReadStore; read: Digest[]; listed: Digest[] } {
  const read: Digest[] = [];
  const listed: Digest[] = [];
  const proxy: ReadStore = {
    name: store.name,
    resolve: (reference) => store.resolve(reference),
    manifest: (target) => {
      read.push(typeof target === "string" ? (target as Digest) : target.digest);
      return store.manifest(target);
    },
    blob: (target) => store.blob(target),
    has: (target) => store.has(target),
    referrers: (subject) => {
      listed.push(subject);
      return store.referrers(subject);
    },
    tags: () => store.tags(),
  };
  return { store: proxy, read, listed };
}

test("everything that belongs to an artifact is found, each thing asked for once", async () => {
  const memory = new MemoryStore();
  const { root, images, sbom, sbomSignature, imageSignature, all } = await pushSampleGraph(memory);
  const { store, read, listed } = watched(memory);
  const found = await survey(store, root.descriptor, { leafTypes: [SIGNATURE] });
  assert.deepEqual(
    found.children.map(({ digest }) => digest),
    images.map(({ descriptor }) => descriptor.digest),
  );
  const places = [...found.referrers]
    .map(([digest, { of, distance }]) => [digest, of, distance])
    .sort();
  const [first] = images;
  assert.deepEqual(
    places,
    [
      [sbom.descriptor.digest, root.descriptor.digest, 1],
      [sbomSignature.descriptor.digest, sbom.descriptor.digest, 2],
      [imageSignature.descriptor.digest, first?.descriptor.digest, 1],
    ].sort(),
  );
  assert.equal(read.length, all.length);
  assert.deepEqual(
    [...listed].sort(),
    [root, ...images, sbom].map(({ descriptor }) => descriptor.digest).sort(),
    "signatures are leaves",
  );
});

test("what is known is not read again, only listed", async () => {
  const memory = new MemoryStore();
  const { root, sbom, sbomSignature, imageSignature, images } = await pushSampleGraph(memory);
  const places = new Map<Digest, { subject?: Digest; leaf?: boolean }>([
    [root.descriptor.digest, {}],
    [sbom.descriptor.digest, { subject: root.descriptor.digest }],
    [sbomSignature.descriptor.digest, { subject: sbom.descriptor.digest, leaf: true }],
    [
      imageSignature.descriptor.digest,
      { subject: (images[0] as { descriptor: Descriptor }).descriptor.digest, leaf: true },
    ],
  ]);
  const fresh = artifact("a new claim", { subject: sbom.descriptor });
  await pushArtifact(memory, fresh);
  const { store, read, listed } = watched(memory);
  const found = await survey(store, root.descriptor, { known: (digest) => places.get(digest) });
  assert.deepEqual(
    read,
    [root.descriptor.digest, fresh.manifest.descriptor.digest],
    "the index, for its children, and what is new",
  );
  assert.deepEqual([...found.read.keys()], [fresh.manifest.descriptor.digest]);
  assert.equal(listed.includes(sbomSignature.descriptor.digest), false);
  assert.equal(found.referrers.size, 4);
});

test("what a list says refers to something and does not is left out, and depth and size are bounded", async () => {
  const memory = new MemoryStore();
  const { root, sbom } = await pushSampleGraph(memory);
  const lying: ReadStore = {
    ...watched(memory).store,
    referrers: async (subject) => [...(await memory.referrers(subject)), sbom.descriptor],
  };
  const found = await survey(lying, root.descriptor);
  assert.equal(found.referrers.get(sbom.descriptor.digest)?.of, root.descriptor.digest);
  await assert.rejects(survey(memory, root.descriptor, { maxDepth: 1 }), {
    code: "GRAPH_TOO_DEEP",
  });
  await assert.rejects(survey(memory, root.descriptor, { maxNodes: 3 }), {
    code: "GRAPH_TOO_LARGE",
  });
});
