// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { bytesBlob, packManifest, pushArtifact } from "../../provider/content/pack";
import type { MemoryStore } from "../../provider/content/memory";
import type { Store } from "../../provider/content/storage";
import { walk } from "../../provider/graph/index";
import { listSignatures } from "../../provider/notation/index";
import { plainDescriptor, type Descriptor } from "../../provider/oci/descriptor";
import type { Digest } from "../../provider/oci/digest";
import { parseManifest } from "../../provider/oci/manifest";
import { MEDIA_TYPES } from "../../provider/oci/media-types";
import type { Properties } from "../../provider/world/reconciler";
import { ArchiveWorld, SOURCE, acme, decided, ruleOf } from "./world";
import { Refused, type Life } from "../harness/life";
import { claim, sign } from "../harness/memory-world";

/** Looks without doing: what a preview says. */
async function foreseen(life: Life, args: Properties): Promise<Properties> {
  return (await life.preview(args)).planned;
}

const PAST = { from: "2026-01-01", until: "2026-02-01" };

/** An image that is an artifact of its own, and a part of an index, both in use for a time. */
async function indexed(
  world: ArchiveWorld,
  until: { part: string; index: string | undefined },
): Promise<{ part: Descriptor; index: Descriptor }> {
  const packed = packManifest({
    artifactType: "application/vnd.example.part",
    layers: [bytesBlob(Buffer.from("a part"), "text/plain")],
  });
  await pushArtifact(world.source, packed);
  await world.source.tag(packed.manifest, "part");
  const part = plainDescriptor(packed.manifest.descriptor);
  await sign(world.source, part, acme);
  await world.stay(part, { from: "2026-01-01", until: until.part });
  const made = parseManifest(
    Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: MEDIA_TYPES.index,
        manifests: [packed.manifest.descriptor],
      }),
    ),
    MEDIA_TYPES.index,
  );
  await world.source.pushManifest(made);
  await world.source.tag(made, "index");
  const index = plainDescriptor(made.descriptor);
  await sign(world.source, index, acme);
  await world.stay(index, {
    from: "2026-01-01",
    ...(until.index === undefined ? {} : { until: until.index }),
  });
  return { part, index };
}

describe("what an index is made of", () => {
  test("is not purged from the archive while the index is kept there", async () => {
    const world = new ArchiveWorld();
    const { part, index } = await indexed(world, { part: "2026-02-01", index: "2026-12-01" });
    const life = world.life();
    const args = (asOf: string) => world.args(asOf, { onExpiry: "purge" });
    for (const asOf of ["2027-01-15", "2027-03-01", "2027-03-02"]) await life.up(args(asOf));
    assert.ok(await world.archive.has(part), "the index needs it");
    assert.ok((await walk(world.archive, index)).nodes.has(part.digest));
    assert.equal(await life.up(args("2027-03-03")), "same");
    for (const asOf of ["2027-12-02", "2027-12-03"]) await life.up(args(asOf));
    assert.deepEqual(
      [await world.archive.has(index), await world.archive.has(part)],
      [false, false],
      "and goes with it",
    );
  });

  test("is not said to have lost its content while the index is kept there", async () => {
    const world = new ArchiveWorld();
    const { part, index } = await indexed(world, { part: "2026-02-01", index: "2026-12-01" });
    const [layer] = (await world.source.manifest(part.digest)).value.layers as Descriptor[];
    assert.ok(layer);
    const life = world.life();
    const args = (asOf: string) => world.args(asOf, { onExpiry: "purge-content" });
    for (const asOf of ["2027-01-15", "2027-03-01", "2027-03-02"]) await life.up(args(asOf));
    assert.equal(decided(life.outputs, part), "expired purge-content");
    assert.match(
      String((life.outputs["notices"] as Record<Digest, string[]>)[part.digest]),
      /its content stays: all of it belongs to others that are kept/,
    );
    assert.equal(await world.archive.has(layer), true);
    for (const asOf of ["2027-12-02", "2027-12-03"]) await life.up(args(asOf));
    assert.deepEqual(
      [part, index].map((each) => decided(life.outputs, each)),
      ["content-purged keep", "content-purged keep"],
    );
    assert.equal(await world.archive.has(layer), false, "with the index it goes");
    assert.equal(await life.up(args("2027-12-04")), "same");
  });

  test("does not leave its source while the index is in use there", async () => {
    const world = new ArchiveWorld();
    const { part, index } = await indexed(world, { part: "2026-02-01", index: undefined });
    const life = world.life();
    const args = (asOf: string) => world.args(asOf, { release: "after-archive" });
    for (const asOf of ["2026-04-01", "2026-04-02", "2026-04-03"]) await life.up(args(asOf));
    assert.equal(decided(life.outputs, index), "in-production keep");
    assert.ok((await walk(world.source, index)).nodes.has(part.digest), "production runs it");
  });

  test("keeps the index in the archive while it is on hold, by its digest or by a claim about it", async () => {
    for (const by of ["digest", "claim"]) {
      const world = new ArchiveWorld();
      const { part, index } = await indexed(world, { part: "2026-02-01", index: "2026-02-01" });
      await world.source.untag("part");
      const type = "https://acme.example/litigation/v1";
      if (by === "claim")
        await claim(
          world.source,
          { type, subject: part, predicate: { case: "7/20" }, audience: "internal" },
          acme,
        );
      const life = world.life();
      const args = (asOf: string) =>
        world.args(asOf, {
          onExpiry: "purge",
          retain: { for: "1y", holds: [by === "claim" ? { claim: type } : part.digest] },
        });
      for (const asOf of ["2027-01-15", "2027-03-01", "2027-03-02"]) await life.up(args(asOf));
      assert.equal(decided(life.outputs, index), "held keep");
      assert.match(
        ruleOf(life.outputs, index),
        by === "claim" ? /by a claim of type .*litigation/ : /by a part of it, sha256:/,
      );
      assert.equal((await walk(world.archive, index)).nodes.has(part.digest), true);
      assert.equal(await life.up(args("2027-03-03")), "same");
    }
  });
});

test("one that is still a source under another spelling is no archive", async () => {
  const world = new ArchiveWorld();
  for (const [source, archive] of [
    ["oci:prod", "oci:./prod"],
    ["Registry.example/app", "registry.example/app"],
  ] as const) {
    await assert.rejects(
      world.life().preview(world.args("2026-04-01", { sources: [source], archive })),
      (error) => error instanceof Refused && error.failures[0]?.property === "archive",
      `${source} ${archive}`,
    );
  }
});

test("an environment's tag keeps, however its place is spelt", async () => {
  const world = new ArchiveWorld();
  const source = "oci:prod";
  const store = world.stores.at(source);
  const packed = packManifest({
    artifactType: "application/vnd.example.app",
    layers: [bytesBlob(Buffer.from("app"), "text/plain")],
  });
  await pushArtifact(store, packed);
  await store.tag(packed.manifest, "current");
  const artifact = plainDescriptor(packed.manifest.descriptor);
  await sign(store, artifact, acme);
  // Closed by a promotion that was killed before it moved the tag.
  for (const until of [undefined, "2026-02-01T00:00:00Z"]) {
    await claim(
      store,
      {
        type: "deployment",
        subject: artifact,
        predicate: {
          environment: "production",
          resource: "oci:./prod:current",
          from: "2026-01-01T00:00:00Z",
          ...(until === undefined ? {} : { until }),
        },
        audience: "internal",
      },
      acme,
    );
  }
  const planned = await foreseen(world.life(), world.args("2026-06-01", { sources: [source] }));
  assert.equal(decided(planned, artifact), "in-production keep");
});

test("what is forgotten of a released artifact's source does not take it from the last N", async () => {
  const world = new ArchiveWorld();
  const old = await world.deployed("v1", PAST);
  const args = (asOf: string) =>
    world.args(asOf, {
      release: "after-archive",
      onExpiry: "purge",
      retain: { for: "1y", last: 1 },
    });
  const life = world.life();
  for (const asOf of ["2026-04-01", "2026-04-02", "2026-04-03"]) await life.up(args(asOf));
  assert.equal(await world.source.has(old), false);
  assert.equal(decided(await foreseen(life, args("2029-01-01")), old), "archived keep");
  const again = world.life();
  for (const asOf of ["2029-01-01", "2029-01-02"]) await again.up(args(asOf));
  assert.ok(await world.archive.has(old), ruleOf(again.outputs, old));
});

test("a period that is counted from archiving is counted from the last one, also when its source is rid of it", async () => {
  const world = new ArchiveWorld();
  const old = await world.deployed("v1", PAST);
  const args = (asOf: string) =>
    world.args(asOf, {
      release: asOf < "2027" ? "never" : "after-archive",
      onExpiry: "purge",
      retain: { for: "1y", from: "archived" },
    });
  const life = world.life();
  await life.up(args("2026-04-01"));
  await world.stay(old, { from: "2026-05-01", until: "2027-02-15" });
  for (const asOf of ["2027-04-01", "2027-04-02", "2027-04-03"]) await life.up(args(asOf));
  assert.equal(await world.source.has(old), false);
  for (const asOf of ["2027-05-01", "2027-05-02"]) await life.up(args(asOf));
  assert.ok(await world.archive.has(old), ruleOf(life.outputs, old));
});

test("an end of life that its source says is revoked ends nothing, although the archive has not heard of it", async () => {
  const world = new ArchiveWorld();
  const old = await world.deployed("v1", PAST);
  const ends = await claim(
    world.source,
    { type: "endOfLife", subject: old, predicate: { date: "2026-03-01" }, audience: "internal" },
    acme,
  );
  const args = (asOf: string) =>
    world.args(asOf, { onExpiry: "purge", retain: { for: "1y", from: "end-of-support" } });
  const life = world.life();
  await life.up(args("2026-04-01"));
  await claim(
    world.source,
    {
      type: "revocation",
      subject: ends.manifest.descriptor,
      predicate: { target: ends.manifest.descriptor.digest, reason: "a mistake" },
      audience: "internal",
    },
    acme,
  );
  for (const asOf of ["2027-04-01", "2027-04-02"]) await life.up(args(asOf));
  assert.ok(await world.archive.has(old), ruleOf(life.outputs, old));
});

test("what is asked right before a removal is not answered from memory", async () => {
  const world = new ArchiveWorld();
  const old = await world.deployed("v1", PAST);
  const args = (asOf: string) => world.args(asOf, { onExpiry: "purge" });
  const life = world.life();
  await life.up(args("2026-06-01"));
  await life.up(args("2027-06-01"));
  // As a registry's client does: lists are believed until they are forgotten.
  const lists = new Map<string, Descriptor[]>();
  const forget = world.stores.forget.bind(world.stores);
  world.stores.forget = () => (lists.clear(), forget());
  world.stores.wrap = (store) =>
    remembering(store, lists, async () => world.stay(old, { from: "2027-06-02" }));
  await life.up(args("2027-06-02"));
  world.stores.wrap = (store) => store;
  assert.ok(await world.archive.has(old));
});

/** @param after the first look at the source's list */
function remembering(
  store: MemoryStore,
  lists: Map<string, Descriptor[]>,
  after: () => Promise<void>,
): Store {
  return new Proxy<Store>(store, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (name !== "referrers")
        return typeof member === "function"
          ? (member as (...args: unknown[]) => unknown).bind(target)
          : member;
      return async (subject: Digest) => {
        const key = `${target.name}@${subject}`;
        const known = lists.get(key);
        if (known !== undefined) return known;
        const listed = await target.referrers(subject);
        lists.set(key, listed);
        if (target.name === SOURCE && lists.size === 1) await after();
        return listed;
      };
    },
  });
}

test("a claim that comes to the source while it is being released is not lost", async () => {
  const args = (world: ArchiveWorld, asOf: string) =>
    world.args(asOf, { release: "after-archive" });
  // The last thing that is asked of the archive before the source is rid of it.
  const asked: number[] = [];
  for (const round of [0, 1]) {
    const world = new ArchiveWorld();
    const old = await world.deployed("v1", PAST);
    const life = world.life();
    for (const asOf of ["2026-04-01", "2026-04-02"]) await life.up(args(world, asOf));
    const has = world.archive.has.bind(world.archive);
    const remove = world.source.deleteManifest.bind(world.source);
    let count = 0;
    world.source.deleteManifest = async (target) => (asked.push(count), remove(target));
    let late: Descriptor | undefined;
    world.archive.has = async (target) => {
      count++;
      if (round === 1 && count === asked[0])
        late = (
          await claim(
            world.source,
            {
              type: "test-result",
              subject: old,
              predicate: { result: "PASSED", configuration: [] },
              audience: "internal",
            },
            acme,
          )
        ).manifest.descriptor;
      return has(target);
    };
    await life.up(args(world, "2026-04-03")).catch(() => undefined);
    if (round === 0) continue;
    assert.ok(late !== undefined);
    assert.ok((await has(late)) || (await world.source.has(late)), "neither place has it");
    await life.up(args(world, "2026-04-04"));
    assert.deepEqual(
      [await world.source.has(old), await has(late)],
      [false, true],
      "the next run goes on",
    );
  }
});

test("what is claimed of a signature goes to the archive before its source is rid of it", async () => {
  const world = new ArchiveWorld();
  const old = await world.deployed("v1", PAST);
  const [signature] = await listSignatures(world.source, old.digest);
  assert.ok(signature !== undefined);
  const about = await claim(
    world.source,
    {
      type: "test-result",
      subject: signature,
      predicate: { result: "PASSED", configuration: [] },
      audience: "internal",
    },
    acme,
  );
  const life = world.life();
  for (const asOf of ["2026-04-01", "2026-04-02", "2026-04-03"])
    await life.up(world.args(asOf, { release: "after-archive" }));
  assert.equal(await world.source.has(old), false);
  assert.ok(await world.archive.has(about.manifest.descriptor));
});
