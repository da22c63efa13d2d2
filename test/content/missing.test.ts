// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { MemoryStore, missingFrom } from "../../provider/content/index";
import { ConsignError } from "../../provider/errors";
import { digestOf } from "../../provider/oci/digest";
import type { Manifest } from "../../provider/oci/manifest";
import { pushImage, pushReferrer, pushSampleGraph } from "../harness/artifacts";
import { forEachRegistry } from "../harness/registries";
import { quickClient } from "../registry/scripted";

const digests = (manifest: Manifest) =>
  manifest.kind === "manifest"
    ? { config: manifest.value.config, layer: manifest.value.layers[0] }
    : assert.fail("an index");

test("what is all there lacks nothing; a part that several share is asked for once", async () => {
  const store = new MemoryStore();
  const one = await pushImage(store, { layers: ["shared\n"] });
  const two = await pushReferrer(store, one.descriptor);
  const asked: string[] = [];
  const has = store.has.bind(store);
  store.has = async (target) => (asked.push(target.digest), has(target));
  assert.deepEqual(await missingFrom(store, [one, two, one]), []);
  assert.equal(new Set(asked).size, asked.length);
});

test("a lost layer, a lost manifest and what cannot be told are named, with who needs them", async () => {
  const store = new MemoryStore();
  const image = await pushImage(store, { layers: ["a layer\n"] });
  const referrer = await pushReferrer(store, image.descriptor);
  const { layer } = digests(image);
  assert.ok(layer);
  await store.deleteBlob(layer);
  await store.deleteManifest(referrer.descriptor);
  const has = store.has.bind(store);
  const doubtful = digests(image).config.digest;
  store.has = (target) =>
    target.digest === doubtful
      ? Promise.reject(new ConsignError("REGISTRY_FAILED", "no answer"))
      : has(target);
  const missing = await missingFrom(store, [image, referrer]);
  assert.deepEqual(
    missing.map((one) => `${one.descriptor.digest} of ${one.neededBy.digest}: ${one.presence.is}`),
    [
      `${layer.digest} of ${image.descriptor.digest}: gone`,
      `${referrer.descriptor.digest} of ${referrer.descriptor.digest}: gone`,
      `${doubtful} of ${image.descriptor.digest}: unknown`,
    ].sort(),
  );
});

test("parts that may be absent are not asked for", async () => {
  const store = new MemoryStore();
  const { index } = await pushSampleGraph(store);
  assert.equal(index.kind, "index");
  const [child] = index.kind === "index" ? index.value.manifests : [];
  assert.ok(child);
  await store.deleteManifest(child);
  const named = await missingFrom(store, [index]);
  assert.deepEqual(
    named.map(({ descriptor }) => descriptor.digest),
    [child.digest],
  );
  assert.deepEqual(
    await missingFrom(store, [index], { mayLack: ({ digest }) => digest === child.digest }),
    [],
  );
});

forEachRegistry(
  "a blob that the registry took and dropped is missed, whatever this process knows",
  async (registry, context) => {
    const repository = quickClient(context).repository(registry.host, "wabbit/a");
    const image = await pushImage(repository, { layers: ["dropped\n"] });
    const layer = digests(image).layer;
    assert.ok(layer);
    assert.equal(await repository.has(layer), true);
    assert.deepEqual(await missingFrom(repository, [image]), []);
    const answer = await fetch(`http://${registry.direct}/v2/wabbit/a/blobs/${layer.digest}`, {
      method: "DELETE",
    });
    assert.equal(answer.status, 202);
    registry.clear();
    const missing = await missingFrom(repository, [image]);
    assert.deepEqual(
      missing.map(({ descriptor, presence }) => [descriptor.digest, presence.is]),
      [[layer.digest, "gone"]],
    );
    assert.equal(registry.requests("HEAD", /\/blobs\//).length, 3);
    assert.equal(await repository.has({ ...layer, digest: digestOf("nothing") }), false);
  },
);
