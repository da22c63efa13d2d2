// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ConsignError } from "../../provider/errors";
import { parseManifest } from "../../provider/oci/manifest";
import { MEDIA_TYPES } from "../../provider/oci/media-types";
import { tagDigest } from "../../provider/world/tags";
import { claim, guarded, publish } from "../harness/memory-world";
import { claimsOn, moveByHand, NOW, PromotionWorld, TO, wabbit, windowsOn } from "./world";
import { failsWith } from "../harness/failure";

const T1 = "2016-01-01";
const T2 = "2016-02-01";
const began = "production 2016-01-01T00:00:00Z …";
const ended = `production 2016-01-01T00:00:00Z ${NOW}`;

describe("what another promotion has taken over stays", () => {
  for (const onDelete of ["untag", "purge"]) {
    test(`an environment that is renamed keeps tag and content (${onDelete})`, async () => {
      const world = new PromotionWorld();
      const v1 = await publish(world.source, "v1", wabbit);
      const life = world.life();
      await life.up(world.args(v1, T1, { onDelete }));
      const renamed = world.args(v1, T2, { environment: "prod-eu", onDelete });
      assert.equal(await life.up(renamed), "replace");
      assert.equal(await tagDigest(world.to, "prod"), v1.digest);
      assert.match(
        life.warnings.join(),
        /and tag prod stay: another resource of this program has the tag now/,
      );
      assert.deepEqual(await windowsOn(world.to, v1), [
        "prod-eu 2016-02-01T00:00:00Z …",
        ended,
        began,
      ]);
      assert.equal(await life.up(renamed), "same");
      assert.deepEqual(await life.refresh(), []);
    });

    test(`a resource that is renamed without an alias is adopted, and its stay goes on (${onDelete})`, async () => {
      const world = new PromotionWorld();
      const v1 = await publish(world.source, "v1", wabbit);
      const old = world.life();
      await old.up(world.args(v1, T1, { onDelete }));
      const { provider, create } = world.process();
      await create(world.args(v1, T2, { onDelete }));
      await provider.delete?.(old.id ?? "", old.outputs);
      assert.equal(await tagDigest(world.to, "prod"), v1.digest);
      assert.deepEqual(
        [await windowsOn(world.to, v1), (await claimsOn(world.to, v1, "vsa")).length],
        [[began], 1],
      );
    });

    test(`what is deleted in a later run, as the first one was cut short, is still the program's (${onDelete})`, async () => {
      const world = new PromotionWorld();
      const v1 = await publish(world.source, "v1", wabbit);
      const old = world.life();
      await old.up(world.args(v1, T1, { onDelete }));
      const first = world.process();
      const made = await first.create(world.args(v1, T2, { onDelete }));
      const { provider } = world.process();
      const { inputs } = (await provider.check?.(made, world.args(v1, T2, { onDelete }))) ?? {};
      await provider.diff?.("", made, inputs as object);
      await provider.delete?.(old.id ?? "", old.outputs);
      assert.equal(await tagDigest(world.to, "prod"), v1.digest);
    });

    test(`another environment by the same tag keeps it, also in a run of its own (${onDelete})`, async () => {
      const world = new PromotionWorld();
      const v1 = await publish(world.source, "v1", wabbit);
      const [one, two] = [world.life(), world.life()];
      await one.up(world.args(v1, T1, { onDelete }));
      await two.up(world.args(v1, T2, { onDelete, environment: "prod-eu" }));
      await one.destroy();
      assert.deepEqual(
        [await tagDigest(world.to, "prod"), await world.to.has(v1)],
        [v1.digest, true],
      );
      assert.deepEqual(await windowsOn(world.to, v1), [
        "prod-eu 2016-02-01T00:00:00Z …",
        ended,
        began,
      ]);
      await two.destroy();
      assert.deepEqual(
        [await tagDigest(world.to, "prod"), await world.to.has(v1)],
        [undefined, true],
        "it has adopted what the first one had brought",
      );
    });

    test(`a later promotion, by somebody else, keeps tag and content (${onDelete})`, async () => {
      const world = new PromotionWorld();
      const [v1, v2] = [
        await publish(world.source, "v1", wabbit),
        await publish(world.source, "v2", wabbit),
      ];
      const [mine, theirs] = [world.life(), world.life()];
      await mine.up(world.args(v1, T1, { onDelete }));
      await theirs.up(world.args(v2, T2));
      await theirs.up(world.args(v1, "2016-03-01"));
      await mine.destroy();
      assert.deepEqual(
        [await tagDigest(world.to, "prod"), await world.to.has(v1)],
        [v1.digest, true],
      );
      assert.ok((await windowsOn(world.to, v1)).includes("production 2016-03-01T00:00:00Z …"));
      assert.deepEqual(
        (await windowsOn(world.to, v1)).filter((window) => window.startsWith("production 2016-03"))
          .length,
        1,
        "it goes on",
      );
    });
  }

  test("what another environment beside it has run, by a tag that has moved on, keeps its records through a purge, until that one is gone too", async () => {
    const world = new PromotionWorld();
    const [v1, v2] = [
      await publish(world.source, "v1", wabbit),
      await publish(world.source, "v2", wabbit),
    ];
    const [staging, production] = [world.life(), world.life()];
    const inStaging = { environment: "staging", tag: "staging", onDelete: "purge" };
    await production.up(world.args(v1, T1, { onDelete: "purge" }));
    await staging.up(world.args(v1, T1, inStaging));
    await production.up(world.args(v2, T2, { onDelete: "purge" }));
    await staging.destroy();
    assert.equal(await tagDigest(world.to, "staging"), undefined);
    const windows = await windowsOn(world.to, v1);
    assert.ok(
      windows.some((window) => /^production 2016-01-01T00:00:00Z 2/.test(window)),
      `when production ran it is still told: ${windows.join("; ")}`,
    );
    assert.match(
      staging.warnings.join(),
      /stays: production has been there, and its history leads over it/,
    );
    await production.destroy();
    assert.deepEqual(
      [await tagDigest(world.to, "prod"), await world.to.has(v2)],
      [undefined, false],
    );
  });

  test("claims of strangers keep nothing", async () => {
    const world = new PromotionWorld();
    const v1 = await publish(world.source, "v1", wabbit);
    const life = world.life();
    await life.up(world.args(v1, T1));
    await claim(
      world.to,
      {
        type: "deployment",
        subject: v1,
        predicate: {
          environment: "x",
          resource: `${TO}:prod`,
          from: "2016-01-01T00:00:00Z",
          opening: v1.digest,
        },
        audience: "internal",
      },
      null,
    );
    await life.destroy();
    assert.equal(await tagDigest(world.to, "prod"), undefined);
  });

  test("a place that is only spelt otherwise is the same place", async () => {
    const world = new PromotionWorld();
    const v1 = await publish(world.source, "v1", wabbit);
    const life = world.life();
    await life.up(world.args(v1, T1, { to: "oci:a" }));
    for (const to of ["oci:./a", "oci:b/../a", "oci:/nonexistent/a"])
      assert.equal(await life.up(world.args(v1, T2, { to })), "same", to);
    await life.up(world.args(v1, T1, { to: "REGISTRY.example:5000/a" }));
    assert.equal(await life.up(world.args(v1, T1, { to: "registry.example:5000/a" })), "same");
    assert.equal(
      (await life.preview(world.args(v1, T1, { to: "registry.example:5000/b" }))).op,
      "replace",
    );
  });
});

describe("the end of a stay", () => {
  test("is claimed once the tag is gone, and by the next run where this one was cut short", async () => {
    for (const write of ["untag", "pushManifest"]) {
      const world = new PromotionWorld();
      const v1 = await publish(world.source, "v1", wabbit);
      const life = world.life();
      await life.up(world.args(v1, T1));
      world.stores.wrap = (store) =>
        guarded(store, (each) => {
          if (each === write) throw new Error("killed");
        });
      await assert.rejects(life.destroy(), /killed/);
      world.stores.wrap = (store) => store;
      assert.deepEqual(await windowsOn(world.to, v1), [began]);
      assert.equal(await tagDigest(world.to, "prod"), write === "untag" ? v1.digest : undefined);
      await life.destroy();
      await life.destroy();
      assert.deepEqual(
        [await windowsOn(world.to, v1), await world.to.tags()],
        [[ended, began], []],
      );
    }
  });

  test("is claimed as well where somebody had moved the tag away", async () => {
    const world = new PromotionWorld();
    const [v1, other] = [
      await publish(world.source, "v1", wabbit),
      await publish(world.to, "other", wabbit),
    ];
    const life = world.life();
    await life.up(world.args(v1, T1));
    await moveByHand(world.to, other);
    await life.destroy();
    assert.deepEqual(await windowsOn(world.to, v1), [ended, began]);
    assert.equal(await tagDigest(world.to, "prod"), other.digest);
  });
});

test("a tag that is renamed moves, and what its new name holds is not purged", async () => {
  const world = new PromotionWorld();
  const v1 = await publish(world.source, "v1", wabbit);
  const life = world.life();
  await life.up(world.args(v1, T1, { onDelete: "purge" }));
  assert.equal(
    await life.up(world.args(v1, T2, { onDelete: "purge", tag: "production" })),
    "replace",
  );
  assert.deepEqual([await world.to.tags(), await world.to.has(v1)], [["production"], true]);
  assert.deepEqual(await windowsOn(world.to, v1), [
    ended,
    began,
    "production 2016-02-01T00:00:00Z …",
  ]);
  await moveByHand(world.to, v1, "keep");
  await life.destroy();
  assert.deepEqual([await world.to.tags(), await world.to.has(v1)], [["keep"], true]);
  assert.match(life.warnings.join(), /stays: it was there before this resource/);
});

test("what a tagged index has is not purged with the promotion of a part of it", async () => {
  const world = new PromotionWorld();
  const part = await publish(world.to, "amd64", wabbit);
  const index = parseManifest(
    Buffer.from(
      JSON.stringify({ schemaVersion: 2, mediaType: MEDIA_TYPES.index, manifests: [part] }),
    ),
    MEDIA_TYPES.index,
  );
  await world.to.pushManifest(index);
  await world.to.tag(index, "v1");
  const life = world.life();
  await life.up(world.args(part, T1, { artifact: `${TO}@${part.digest}`, onDelete: "purge" }));
  await life.destroy();
  assert.deepEqual([await world.to.tags(), await world.to.has(part)], [["v1"], true]);
  assert.match(life.warnings.join(), /stays: it was there before this resource/);
  assert.deepEqual(await windowsOn(world.to, part), [ended, began]);
});

test("a registry that removes no tag alone: untag fails and claims no end, and a purge takes the tag with it", async () => {
  for (const onDelete of ["untag", "purge"]) {
    const world = new PromotionWorld();
    const v1 = await publish(world.source, "v1", wabbit);
    const life = world.life();
    await life.up(world.args(v1, T1, { onDelete }));
    world.to.untag = () => Promise.reject(new ConsignError("REGISTRY_UNSUPPORTED", "no tag alone"));
    if (onDelete === "untag")
      await assert.rejects(life.destroy(), failsWith("REGISTRY_UNSUPPORTED"));
    else await life.destroy();
    assert.deepEqual(
      [await tagDigest(world.to, "prod"), await world.to.has(v1)],
      onDelete === "untag" ? [v1.digest, true] : [undefined, false],
    );
    if (onDelete === "untag") assert.deepEqual(await windowsOn(world.to, v1), [began]);
  }
});
