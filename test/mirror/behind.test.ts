// SPDX-License-Identifier: Apache-2.0
// Destinations that are behind, lack their inventory, or are written anew.
import assert from "node:assert/strict";
import { test } from "node:test";
import { pushImage } from "../harness/artifacts";
import { registryMissing } from "../harness/registries";
import { ARGS, scene } from "./scene";
import { MirrorStack } from "./stack";
import { pushClaim, World } from "./world";

test(
  "what was to go from a region that was down still goes after a refresh",
  { skip: registryMissing("ggcr") },
  async (context) => {
    const world = new World(context);
    const source = await world.registry("ggcr");
    const region = await world.registry("ggcr");
    const origin = world.repository(source, "a/b");
    const image = await pushImage(origin, { tag: "v1" });
    const internal = await pushClaim(origin, image.descriptor, { audience: "internal" });
    await pushClaim(origin, image.descriptor, { note: "public" });
    const args = { source: `${source.host}/a/b`, destinations: [`${region.host}/c/d`] };
    const stack = new MirrorStack();
    await stack.up(args);
    region.setFaults([{ fault: { kind: "status", status: 403 } }]);
    await assert.rejects(stack.up({ ...args, claims: { audience: "public" } }));
    region.setFaults([]);
    await stack.refresh();
    const step = await stack.up({ ...args, claims: { audience: "public" } });
    assert.equal(await world.repository(region, "c/d").has(internal.descriptor), false, step.op);
    assert.equal(stack.outputs["behind"], undefined);
  },
);

test(
  "a purge takes what a region that was down still had of plans before",
  { skip: registryMissing("ggcr") },
  async (context) => {
    const world = new World(context);
    const source = await world.registry("ggcr");
    const region = await world.registry("ggcr");
    const origin = world.repository(source, "a/b");
    await pushImage(origin, { tag: "v1" });
    const second = await pushImage(origin, { tag: "v2", layers: ["two\n"] });
    const args = {
      source: `${source.host}/a/b`,
      destinations: [`${region.host}/c/d`],
      onDelete: "purge",
    };
    const stack = new MirrorStack();
    await stack.up(args);
    region.setFaults([{ fault: { kind: "status", status: 403 } }]);
    await assert.rejects(stack.up({ ...args, tags: ["v1"] }));
    region.setFaults([]);
    await stack.destroy();
    assert.deepEqual(await world.repository(region, "c/d").tags(), []);
    assert.equal(await world.repository(region, "c/d").has(second.descriptor), false);
  },
);

test("an inventory that is gone at one of two destinations is drift, and comes back", async () => {
  const { stack, origin, at } = await scene();
  await pushImage(origin, { tag: "v1" });
  const args = { ...ARGS, destinations: ["oci:copy", "oci:second"], summarizeAbove: 0 };
  await stack.up(args);
  const tag = (await at("copy").tags()).find((name) => name.startsWith("consign-inventory-")) ?? "";
  await at("copy").deleteManifest(await at("copy").resolve(tag));
  assert.notDeepEqual(await stack.refresh(), {});
  await stack.up(args);
  assert.ok((await at("copy").tags()).includes(tag));
});

test("a destination that is written anew, while a tag moves and another goes", async () => {
  const { stack, origin, at } = await scene();
  await pushImage(origin, { tag: "v1" });
  await pushImage(origin, { tag: "v2", layers: ["2\n"] });
  await stack.up(ARGS);
  const next = await pushImage(origin, { tag: "v1", layers: ["two\n"] });
  await stack.up({ ...ARGS, destinations: ["oci:./copy"], tags: ["v1"] });
  assert.equal((await at().resolve("v1")).digest, next.descriptor.digest);
  assert.deepEqual(await at().tags(), ["v1"]);
});
