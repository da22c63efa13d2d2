// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { bytesBlob } from "../../../provider/content/index";
import { successorsOf } from "../../../provider/oci/manifest";
import { RegistryClient } from "../../../provider/registry/index";
import { writeInventory } from "../../../provider/mirror/plan/inventory";
import { emptyPlan } from "../../../provider/upcoming/plan";
import { forEachRegistry, registryMissing } from "../../harness/registries";
import { pushSampleGraph } from "../../harness/artifacts";
import { MirrorStack } from "../stack";
import { repeated, World } from "../world";

forEachRegistry(
  "a small blob takes one request where that is offered, and the offer is tried once elsewhere",
  async (registry, context) => {
    const client = new RegistryClient({ baseDir: "/", env: {} });
    context.after(() => client.close());
    const place = client.repository(registry.host, "a/b");
    for (const text of ["one", "two", "three"]) {
      const { descriptor, open } = bytesBlob(Buffer.from(text), "text/plain");
      assert.equal(await place.pushBlob(descriptor, open, { absent: true }), true);
      assert.equal(await place.has(descriptor), true);
    }
    const offered = registry.requests("POST", /digest=/).length;
    const sessions = registry.requests("PUT", /blobs\/uploads/).length;
    assert.deepEqual([offered, sessions], registry.kind === "distribution" ? [1, 3] : [3, 0]);
  },
);

forEachRegistry(
  "an inventory that is to follow another one is complete also where there is none",
  async (registry, context) => {
    // The others take a manifest of which they do not have everything.
    if (registry.kind !== "distribution") return;
    const client = new RegistryClient({ baseDir: "/", env: {} });
    context.after(() => client.close());
    const place = client.repository(registry.host, "a/inventory");
    await writeInventory(place, emptyPlan(), "consign-inventory-000000000000", true);
    const manifest = await place.manifest("consign-inventory-000000000000");
    for (const part of successorsOf(manifest)) assert.equal(await place.has(part), true);
    registry.clear();
    await writeInventory(
      place,
      { ...emptyPlan(), cosignTags: { "sha256-0.sig": manifest.descriptor.digest } },
      "consign-inventory-000000000000",
      true,
    );
    assert.equal(registry.requests("HEAD", /blobs/).length, 0);
  },
);

test(
  "no request is made twice in a phase, and nothing needless is written",
  { skip: registryMissing("ggcr") },
  async (context) => {
    const world = new World(context);
    const [source, destination] = [await world.registry("ggcr"), await world.registry("ggcr")];
    const graph = await pushSampleGraph(world.repository(source, "a/b"));
    source.clear();
    const stack = new MirrorStack();
    await stack.up({ source: `${source.host}/a/b`, destinations: [`${destination.host}/c/d`] });
    assert.deepEqual(repeated(source), []);
    // A tag is looked at before and after it is set.
    assert.deepEqual(
      repeated(destination).filter((line) => !/^2 x HEAD .*\/manifests\/v1$/.test(line)),
      [],
    );
    const written = destination
      .requests()
      .filter(({ method }) => method !== "GET" && method !== "HEAD");
    assert.equal(
      written.filter(({ path }) => /manifests/.test(path)).length,
      graph.all.length + 1,
      "each manifest once, and the tag",
    );
    assert.equal(
      written.some(({ path }) => /manifests\/sha256-/.test(path)),
      false,
      "no fallback tags",
    );
    assert.equal(destination.requests("GET", /manifests/).length, 0);
  },
);
