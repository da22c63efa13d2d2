// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { MemoryStore } from "../../provider/content/memory";
import { pushImage, pushSampleGraph } from "./artifacts";

test("the sample graph has every shape, and is the same each time", async () => {
  const store = new MemoryStore("one");
  const graph = await pushSampleGraph(store, "v1");
  assert.equal((await store.resolve("v1")).digest, graph.index.descriptor.digest);
  const referrers = async (digest: typeof graph.index.descriptor.digest): Promise<string[]> =>
    (await store.referrers(digest)).map((each) => each.digest);
  assert.deepEqual(await referrers(graph.index.descriptor.digest), [graph.sbom.descriptor.digest]);
  assert.deepEqual(await referrers(graph.sbom.descriptor.digest), [
    graph.sbomSignature.descriptor.digest,
  ]);
  assert.equal(graph.all.length, 6);
  const again = await pushSampleGraph(new MemoryStore("two"));
  assert.deepEqual(
    again.all.map(({ descriptor }) => descriptor.digest),
    graph.all.map(({ descriptor }) => descriptor.digest),
  );
});

test("images differ by layers and platform", async () => {
  const store = new MemoryStore("one");
  const digests = [
    await pushImage(store),
    await pushImage(store, { layers: ["x"] }),
    await pushImage(store, { architecture: "arm64" }),
  ].map(({ descriptor }) => descriptor.digest);
  assert.equal(new Set(digests).size, 3);
});
