// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { OciLayout, type Store } from "../../provider/content";
import { Mirror, type MirrorArgs } from "../../sdk/mirror";
import { join } from "node:path";
import { EngineFailure, engineMissing, openEngine } from "../harness/engine";
import { registryMissing } from "../harness/registries";
import { pushImage, pushSampleGraph } from "../harness/artifacts";
import { World, writes } from "../mirror/world";

type Program = () => Promise<Record<string, unknown>>;

/** The same mirror to several places: one resource for each. */
function program(mirrors: Record<string, MirrorArgs>): Program {
  return async () =>
    Object.fromEntries(
      Object.entries(mirrors).map(([name, args]) => [
        name,
        new Mirror(name, args).artifact("v1").apply(({ reference }) => reference),
      ]),
    );
}

test(
  "a mirror's life on the engine, to registries with and without a referrers API, and to a layout",
  { skip: engineMissing() || registryMissing("ggcr", "olareg", "distribution") },
  async (context) => {
    const world = new World(context);
    const source = await world.registry("ggcr");
    const registries = {
      olareg: await world.registry("olareg"),
      distribution: await world.registry("distribution"),
    };
    const origin = world.repository(source, "wabbit/net");
    const graph = await pushSampleGraph(origin, "v1");
    await pushImage(origin, { tag: "v2", layers: ["two\n"] });
    const engine = await openEngine({ program: async () => ({}) });
    const destinations = {
      olareg: `${registries.olareg.host}/acme/net`,
      distribution: `${registries.distribution.host}/acme/net`,
      layout: "oci:media",
    };
    const places = async (): Promise<Store[]> => [
      world.repository(registries.olareg, "acme/net"),
      world.repository(registries.distribution, "acme/net"),
      OciLayout.open(join(engine.folder, "media")),
    ];
    const mirrors = (change: Partial<MirrorArgs>): Program => {
      const to = (destination: string): MirrorArgs => ({
        source: `${source.host}/wabbit/net`,
        destinations: [destination],
        tags: ["v1"],
        onDelete: "purge",
        ...change,
      });
      return program(
        Object.fromEntries(
          Object.entries(destinations).map(([name, destination]) => [name, to(destination)]),
        ),
      );
    };
    const names = Object.keys(destinations);

    const preview = await engine.preview({ program: mirrors({}) });
    for (const name of names)
      assert.match(
        JSON.stringify(preview.step(name)?.newInputs),
        new RegExp(graph.sbom.descriptor.digest),
        "the first preview names every claim",
      );
    const up = await engine.up({ program: mirrors({}) });
    for (const [name, destination] of Object.entries(destinations))
      assert.equal(up.outputs[name], `${destination}@${graph.index.descriptor.digest}`);
    for (const place of await places())
      for (const { descriptor } of graph.all)
        assert.equal(await place.has(descriptor), true, place.name);

    for (const registry of Object.values(registries)) registry.clear();
    source.clear();
    await engine.up({ program: mirrors({}), expectNoChanges: true });
    for (const registry of Object.values(registries))
      assert.equal(
        registry.requests().length,
        0,
        "a second up does not even read the destinations",
      );
    const asked = source.requests().filter(({ status }) => status !== 404).length;
    assert.ok(
      asked <= 2 * 8 + 2,
      `the source is read once for three mirrors in each of preview and update, not ${asked} times`,
    );

    const wider = await engine.up({ program: mirrors({ tags: ["v*"] }) });
    assert.equal(wider.changes["update"], 3);
    for (const place of await places()) assert.deepEqual(await place.tags(), ["v1", "v2"]);

    for (const place of await places()) await place.deleteManifest(graph.sbomSignature.descriptor);
    const drift = await engine.previewRefresh({ program: mirrors({ tags: ["v*"] }) });
    for (const name of names)
      assert.match(
        JSON.stringify(drift.steps.filter((step) => step.name === name)),
        new RegExp(`signature ${graph.sbomSignature.descriptor.digest}`),
        "the missing signature is named",
      );
    await engine.up({ program: mirrors({ tags: ["v*"] }), refresh: true });
    for (const place of await places())
      assert.equal(await place.has(graph.sbomSignature.descriptor), true);

    await engine.destroy();
    for (const place of await places()) assert.deepEqual(await place.tags(), []);
  },
);

test(
  "on the engine, one region down leaves the others done and is finished by the next up",
  { skip: engineMissing() || registryMissing("ggcr") },
  async (context) => {
    const world = new World(context);
    const source = await world.registry("ggcr");
    const [first, second] = [await world.registry("ggcr"), await world.registry("ggcr")];
    const graph = await pushSampleGraph(world.repository(source, "a/b"));
    const args: MirrorArgs = {
      source: `${source.host}/a/b`,
      destinations: [`${first.host}/c/d`, `${second.host}/c/d`],
    };
    const engine = await openEngine({ program: program({ mirror: args }) });
    first.setFaults([{ fault: { kind: "status", status: 403 } }]);
    await assert.rejects(
      engine.up(),
      (error: unknown) => error instanceof EngineFailure && /REGISTRY_DENIED/.test(error.message),
    );
    const recorded = (await engine.state()).find(({ type }) => type.endsWith("consign:Mirror"));
    const status = recorded?.outputs?.["status"] as Record<string, Record<string, string>>;
    assert.deepEqual(
      Object.fromEntries(
        Object.entries(status).map(([place, lines]) => [place, Object.keys(lines)]),
      ),
      { [`${first.host}/c/d`]: ["failed"], [`${second.host}/c/d`]: [] },
    );
    assert.equal(
      (await world.repository(second, "c/d").resolve("v1")).digest,
      graph.index.descriptor.digest,
    );
    first.setFaults([]);
    second.clear();
    await engine.up();
    assert.equal(
      (await world.repository(first, "c/d").resolve("v1")).digest,
      graph.index.descriptor.digest,
    );
    assert.equal(writes(second), 0);
    first.setFaults([{ fault: { kind: "status", status: 401 } }]);
    await assert.rejects(engine.refresh());
    assert.ok(
      (await engine.state()).some(({ type }) => type.endsWith("consign:Mirror")),
      "an unreachable destination drops nothing from state",
    );
  },
);
