// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { REGISTRY_KINDS, registryMissing } from "../harness/registries";
import { pushImage, pushIndex, pushSampleGraph } from "../harness/artifacts";
import { MirrorStack } from "./stack";
import { pushClaim, repeated, World, writes } from "./world";
import { failsWith } from "../harness/failure";

for (const kind of REGISTRY_KINDS) {
  test(
    `a mirror's life at ${kind}: create, nothing, change, drift, repair, replace, delete twice`,
    { skip: registryMissing("ggcr", kind) },
    async (context) => {
      const world = new World(context);
      const [source, destination, region] = [
        await world.registry("ggcr"),
        await world.registry(kind),
        await world.registry(kind),
      ];
      const origin = world.repository(source, "wabbit/net");
      const graph = await pushSampleGraph(origin, "v1");
      await pushImage(origin, { tag: "v2", layers: ["another\n"] });
      await pushImage(origin, { tag: "dev", layers: ["not for others\n"] });
      const stack = new MirrorStack();
      const place = `${destination.host}/acme/net`;
      const args = {
        source: `${source.host}/wabbit/net`,
        destinations: [place],
        tags: ["v1"],
        onDelete: "purge",
      };
      const there = () => world.repository(destination, "acme/net");

      assert.equal((await stack.up(args)).op, "create");
      for (const { descriptor } of graph.all) assert.equal(await there().has(descriptor), true);
      assert.deepEqual(await there().tags(), ["v1"]);

      for (const registry of [source, destination]) registry.clear();
      assert.equal((await stack.up(args)).op, "same");
      assert.deepEqual(
        [writes(source), writes(destination), destination.requests().length],
        [0, 0, 0],
        "a second run only reads the source",
      );
      assert.deepEqual(repeated(source), []);

      destination.clear();
      assert.deepEqual(await stack.refresh(), {});
      assert.equal(writes(destination), 0);
      if (destination.referrersApi) assert.deepEqual(repeated(destination), []);

      const wider = await stack.up({
        ...args,
        tags: ["v*"],
        destinations: [place, `${region.host}/acme/net`],
      });
      assert.deepEqual(
        [wider.op, wider.diffs.includes("plan"), wider.diffs.includes("destinations")],
        ["update", true, true],
      );
      assert.deepEqual(await there().tags(), ["v1", "v2"]);
      assert.deepEqual(await world.repository(region, "acme/net").tags(), ["v1", "v2"]);
      assert.equal(new Set(Object.values(stack.parity)).size, 1, "both regions hold the same");

      const v2 = await there().manifest("v2");
      await there().tag(v2, "v1");
      await there().deleteManifest(graph.sbomSignature.descriptor);
      await there().deleteManifest(graph.sbom.descriptor);
      const drift = (await stack.refresh()) as {
        status: Record<string, Record<string, string>>;
        parity: Record<string, string>;
      };
      assert.deepEqual(Object.keys(drift).sort(), ["parity", "status"]);
      assert.deepEqual(drift.status[place], {
        [`application/vnd.example.signature ${graph.sbomSignature.descriptor.digest}`]: "absent",
        [`sbom/spdx ${graph.sbom.descriptor.digest}`]: "absent",
        "tag v1": v2.descriptor.digest,
      });
      assert.deepEqual(drift.status[`${region.host}/acme/net`], {});
      assert.equal(new Set(Object.values(drift.parity)).size, 2);

      const args2 = { ...args, tags: ["v*"], destinations: [place, `${region.host}/acme/net`] };
      region.clear();
      assert.equal((await stack.up(args2)).op, "update");
      for (const { descriptor } of graph.all) assert.equal(await there().has(descriptor), true);
      assert.equal((await there().resolve("v1")).digest, graph.index.descriptor.digest);
      assert.equal(region.requests().length, 0, "the region that had nothing wrong is left alone");
      assert.deepEqual(await stack.refresh(), {});

      const local = await pushClaim(there(), graph.index.descriptor, { note: "ours" });
      assert.equal(
        (await stack.up({ ...args2, claims: { excludeTypes: ["sbom/spdx"] } })).op,
        "update",
      );
      assert.equal(
        await there().has(graph.sbom.descriptor),
        false,
        "a narrower contract takes away what it no longer has",
      );
      assert.equal(await there().has(graph.sbomSignature.descriptor), false);
      assert.equal(await there().has(graph.scan.descriptor), true);
      assert.equal(await there().has(local.descriptor), true, "what others said stays");

      const elsewhere = world.repository(source, "wabbit/other");
      await pushIndex(elsewhere, { tag: "v9" });
      assert.equal(
        (await stack.preview({ ...args2, source: `${source.host}/wabbit/other` })).op,
        "replace",
      );

      await stack.destroy();
      assert.deepEqual(await there().tags(), []);
      assert.equal(await there().has(local.descriptor), true);
      await stack.destroy();
    },
  );
}

test(
  "an unreachable destination keeps what is recorded",
  { skip: registryMissing("ggcr") },
  async (context) => {
    const world = new World(context);
    const source = await world.registry("ggcr");
    const destination = await world.registry("ggcr");
    await pushImage(world.repository(source, "a/b"), { tag: "v1" });
    const stack = new MirrorStack();
    await stack.up({ source: `${source.host}/a/b`, destinations: [`${destination.host}/c/d`] });
    const before = JSON.stringify(stack.outputs);
    for (const status of [401, 403]) {
      destination.setFaults([{ fault: { kind: "status", status } }]);
      await assert.rejects(stack.refresh(), failsWith("REGISTRY_UNAUTHORIZED", "REGISTRY_DENIED"));
    }
    assert.equal(JSON.stringify(stack.outputs), before);
  },
);

test(
  "a large blob is read once from the source, whatever the number of destinations, and again where the first fails",
  { skip: registryMissing("ggcr") },
  async (context) => {
    const world = new World(context);
    const source = await world.registry("ggcr");
    const regions = [
      await world.registry("ggcr"),
      await world.registry("ggcr"),
      await world.registry("ggcr"),
    ];
    // These registries share blobs between repositories, so each run needs others.
    const fill = (text: string) =>
      pushImage(world.repository(source, "a/b"), {
        tag: "v1",
        layers: [text.repeat(1024 * 1024)],
        architecture: text,
      });
    const args = {
      source: `${source.host}/a/b`,
      destinations: regions.map(({ host }) => `${host}/c/d`),
    };
    const large = () =>
      source.requests("GET").filter(({ path }) => path.includes("/blobs/")).length;
    const layers = async () =>
      Promise.all(
        regions.map(async (region) => (await world.repository(region, "c/d").tags()).length),
      );
    for (const rollout of ["parallel", "sequential"]) {
      await fill(rollout);
      source.clear();
      const stack = new MirrorStack();
      await stack.up({
        ...args,
        rollout,
        destinations: regions.map(({ host }) => `${host}/${rollout}`),
      });
      assert.equal(large(), 2, "the configuration and the layer, once each");
      assert.deepEqual(await stack.refresh(), {});
    }
    await fill("faults");
    for (const region of regions.slice(0, 2))
      region.setFaults([
        { method: "PUT|POST", path: /\/blobs\/uploads/, fault: { kind: "status", status: 403 } },
      ]);
    const stack = new MirrorStack();
    await assert.rejects(stack.up(args), failsWith("REGISTRY_DENIED"));
    assert.deepEqual(await layers(), [0, 0, 1]);
  },
);
