// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Manifest } from "../../provider/oci/manifest";
import { registryMissing } from "../harness/registries";
import { pushImage, pushIndex, pushReferrer, pushSampleGraph } from "../harness/artifacts";
import { MirrorStack } from "./stack";
import { pushClaim, World } from "./world";
import { failsWith } from "../harness/failure";

const needs = { skip: registryMissing("ggcr") };

test(
  "withdrawn upstream is told from added here, and kept or removed as asked",
  needs,
  async (context) => {
    const world = new World(context);
    const source = await world.registry("ggcr");
    const destination = await world.registry("ggcr");
    const origin = world.repository(source, "a/b");
    const image = await pushImage(origin, { tag: "v1" });
    const old = await pushImage(origin, { tag: "v0", layers: ["old\n"] });
    const theirs = await pushClaim(origin, image.descriptor, { note: "theirs" });
    const args = {
      source: `${source.host}/a/b`,
      destinations: [`${destination.host}/c/d`],
      tags: ["v*"],
    };
    const stack = new MirrorStack();
    await stack.up(args);
    const place = () => world.repository(destination, "c/d");
    const ours = await pushClaim(place(), image.descriptor, { note: "ours" });
    await origin.deleteManifest(theirs.descriptor);
    await origin.untag("v0");
    assert.equal((await stack.up(args)).op, "update");
    assert.deepEqual(stack.plan["withdrawn"], [theirs.descriptor.digest, "v0"].sort());
    assert.deepEqual(
      [await place().has(theirs.descriptor), await place().has(ours.descriptor)],
      [true, true],
    );
    assert.equal((await stack.up(args)).op, "same");
    const step = await stack.up({ ...args, withdrawn: "remove" });
    assert.equal(step.op, "update");
    assert.deepEqual(
      [
        await place().has(theirs.descriptor),
        await place().has(ours.descriptor),
        await place().has(old.descriptor),
      ],
      [false, true, false],
    );
    assert.deepEqual(await place().tags(), ["v1"]);
  },
);

test("a tag that somebody moved is never moved unseen", needs, async (context) => {
  const world = new World(context);
  const source = await world.registry("ggcr");
  const destination = await world.registry("ggcr");
  const origin = world.repository(source, "a/b");
  await pushImage(origin, { tag: "v1" });
  const args = { source: `${source.host}/a/b`, destinations: [`${destination.host}/c/d`] };
  const stack = new MirrorStack();
  await stack.up(args);
  const place = () => world.repository(destination, "c/d");
  const local = await pushImage(place(), { tag: "v1", layers: ["local\n"] });
  const next = await pushImage(origin, { tag: "v1", layers: ["next\n"] });
  await assert.rejects(stack.up(args), failsWith("TAG_MOVED"));
  assert.match(
    stack.status[args.destinations[0] ?? ""]?.["failed"] ?? "",
    /moved at the destination/,
  );
  assert.equal((await place().resolve("v1")).digest, local.descriptor.digest);
  await stack.up({ ...args, onConflict: "keep" });
  assert.equal((await place().resolve("v1")).digest, local.descriptor.digest);
  assert.deepEqual(
    Object.values((await stack.refresh())["status"] ?? { none: {} }),
    [{}],
    "what may stay is no drift",
  );
  await stack.up({
    ...args,
    onConflict: "overwrite",
    destinations: [`${destination.host}/c/d`, `${destination.host}/e/f`],
  });
  await stack.refresh();
  await stack.up({
    ...args,
    onConflict: "overwrite",
    destinations: [`${destination.host}/c/d`, `${destination.host}/e/f`],
  });
  assert.equal((await place().resolve("v1")).digest, next.descriptor.digest);
  const fresh = await new MirrorStack().preview({
    ...args,
    source: `${destination.host}/c/d`,
    destinations: [`${source.host}/a/b`],
  });
  assert.equal(fresh.warnings.length, 0, "the same digest is no conflict");
});

test("a tag that a new mirror finds elsewhere is told in preview", needs, async (context) => {
  const world = new World(context);
  const source = await world.registry("ggcr");
  const destination = await world.registry("ggcr");
  await pushImage(world.repository(source, "a/b"), { tag: "v1" });
  await pushImage(world.repository(destination, "c/d"), { tag: "v1", layers: ["local\n"] });
  const preview = await new MirrorStack().preview({
    source: `${source.host}/a/b`,
    destinations: [`${destination.host}/c/d`],
  });
  assert.match(preview.warnings.join(), /c\/d:v1 is at sha256:.* already/);
});

test(
  "one region down: the others are done, it is named, and the next run finishes it from one reading of the source",
  needs,
  async (context) => {
    const world = new World(context);
    const source = await world.registry("ggcr");
    const regions = [
      await world.registry("ggcr"),
      await world.registry("ggcr"),
      await world.registry("ggcr"),
    ];
    const graph = await pushSampleGraph(world.repository(source, "a/b"));
    const destinations = regions.map(({ host }) => `${host}/c/d`);
    const [, down] = regions;
    if (down === undefined) throw new Error("no region");
    const args = { source: `${source.host}/a/b`, destinations };
    for (const rollout of ["parallel", "sequential"]) {
      const stack = new MirrorStack();
      down.setFaults([{ fault: { kind: "status", status: 403 } }]);
      source.clear();
      await assert.rejects(stack.up({ ...args, rollout }), failsWith("REGISTRY_DENIED"));
      const gets = source.requests("GET").map(({ path }) => path);
      assert.equal(
        new Set(gets).size,
        gets.length,
        "manifests, lists and blobs are read once for all destinations",
      );
      assert.deepEqual(
        destinations.map((place) => [place, Object.keys(stack.status[place] ?? {})]),
        [
          [destinations[0], []],
          [destinations[1], ["failed"]],
          [destinations[2], []],
        ],
      );
      assert.equal(Object.keys(stack.parity).length, 2);
      down.setFaults([]);
      regions[0]?.clear();
      assert.equal((await stack.up({ ...args, rollout })).op, "update");
      assert.equal(regions[0]?.requests().length, 0);
      assert.equal(
        (await world.repository(down, "c/d").resolve("v1")).digest,
        graph.index.descriptor.digest,
      );
      assert.deepEqual(Object.values(stack.status), [{}, {}, {}]);
      assert.equal(new Set(Object.values(stack.parity)).size, 1);
      for (const region of regions)
        for (const { descriptor } of graph.all)
          await world.repository(region, "c/d").deleteManifest(descriptor);
    }
  },
);

test("what was to go from a region that was down still goes", needs, async (context) => {
  const world = new World(context);
  const source = await world.registry("ggcr");
  const region = await world.registry("ggcr");
  const origin = world.repository(source, "a/b");
  await pushImage(origin, { tag: "v1" });
  const second = await pushImage(origin, { tag: "v2", layers: ["two\n"] });
  const args = { source: `${source.host}/a/b`, destinations: [`${region.host}/c/d`] };
  const stack = new MirrorStack();
  await stack.up(args);
  region.setFaults([{ fault: { kind: "status", status: 403 } }]);
  await assert.rejects(stack.up({ ...args, tags: ["v1"] }));
  region.setFaults([]);
  await stack.up({ ...args, tags: ["v1"] });
  assert.deepEqual(await world.repository(region, "c/d").tags(), ["v1"]);
  assert.equal(await world.repository(region, "c/d").has(second.descriptor), false);
  assert.equal(stack.outputs["behind"], undefined);
});

test(
  "an index's parts go with it, and stay where another still has them",
  needs,
  async (context) => {
    const world = new World(context);
    const source = await world.registry("ggcr");
    const destination = await world.registry("ggcr");
    const origin = world.repository(source, "a/b");
    const first = await pushIndex(origin, { tag: "v1", platforms: ["linux/amd64", "linux/arm64"] });
    const second = await pushIndex(origin, {
      tag: "v2",
      platforms: ["linux/amd64", "linux/s390x"],
    });
    const args = {
      source: `${source.host}/a/b`,
      destinations: [`${destination.host}/c/d`],
      tags: ["v1", "v2"],
    };
    const stack = new MirrorStack();
    await stack.up(args);
    await stack.up({ ...args, tags: ["v2"] });
    const place = world.repository(destination, "c/d");
    const [shared, own] = first.images;
    if (shared === undefined || own === undefined) throw new Error("no images");
    assert.deepEqual(
      [
        await place.has(first.index.descriptor),
        await place.has(own.descriptor),
        await place.has(shared.descriptor),
        await place.has(second.index.descriptor),
      ],
      [false, false, true, true],
    );
  },
);

test(
  "a large plan is a summary with its inventory at the destination, and as exact as a small one",
  needs,
  async (context) => {
    const world = new World(context);
    const source = await world.registry("ggcr");
    const destination = await world.registry("ggcr");
    const origin = world.repository(source, "a/b");
    const images: Manifest[] = [];
    for (let n = 0; n < 12; n++) {
      const image = await pushImage(origin, { tag: `v${n}`, layers: [`${n}`] });
      images.push(image);
      for (let m = 0; m < 10; m++)
        await pushReferrer(origin, image.descriptor, { content: `${n} ${m}` });
    }
    const args = {
      source: `${source.host}/a/b`,
      destinations: [`${destination.host}/c/d`],
      summarizeAbove: 100,
    };
    const stack = new MirrorStack();
    await stack.up(args);
    const summary = stack.plan["summary"] as { inventory: string; tags: number; artifacts: number };
    assert.deepEqual([summary.tags, summary.artifacts], [12, 12]);
    assert.ok(
      JSON.stringify([stack.inputs, stack.outputs]).length / 132 < 200,
      "under 200 bytes for each mirrored manifest",
    );
    const place = () => world.repository(destination, "c/d");
    const [inventory] = (await place().tags()).filter((tag) =>
      tag.startsWith("consign-inventory-"),
    );
    assert.equal((await place().resolve(inventory ?? "")).digest, summary.inventory);
    source.clear();
    destination.clear();
    assert.equal((await stack.up(args)).op, "same");
    const noop = source.requests().length + destination.requests().length;
    assert.equal(
      destination.requests().length,
      2,
      "the inventory is all that a second run reads there",
    );
    const added = await pushReferrer(origin, (images[3] as Manifest).descriptor, {
      content: "new",
    });
    source.clear();
    destination.clear();
    assert.equal((await stack.up(args)).op, "update");
    assert.equal(await place().has(added.descriptor), true);
    const more = source.requests().length + destination.requests().length - noop;
    // Two prove that the blobs that were sent are there; two, that what is marked was not.
    assert.ok(more <= 14, `one new claim takes ${more} requests more`);
    await place().deleteManifest(added.descriptor);
    const drift = (await stack.refresh()) as { status: Record<string, Record<string, string>> };
    assert.deepEqual(Object.values(drift.status), [
      { [`application/vnd.example.evidence ${added.descriptor.digest}`]: "absent" },
    ]);
    await stack.up(args);
    assert.equal(await place().has(added.descriptor), true);
    const onwards = new MirrorStack();
    await onwards.up({
      ...args,
      source: `${destination.host}/c/d`,
      destinations: [`${source.host}/e/f`],
    });
    assert.equal(
      (await world.repository(source, "e/f").tags()).includes(inventory ?? ""),
      false,
      "inventories are not mirrored further",
    );
    await stack.up({ ...args, tags: ["v1"] });
    assert.deepEqual(await place().tags(), ["v1"]);
  },
);
