// SPDX-License-Identifier: Apache-2.0
// What takes something away fails at one write after the other: the next run finishes it.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { MemoryStore } from "../../provider/content/memory";
import { ConsignError } from "../../provider/errors";
import { mirror } from "../../provider/mirror/mirror";
import { pushImage, pushIndex } from "../harness/artifacts";
import { Life } from "../harness/life";
import { guarded, MemoryStores, publish } from "../harness/memory-world";
import { PromotionWorld, wabbit } from "../promotion/world";

/** A thing to take away, put up anew, and whether all of it has gone. */
interface Removal {
  stores: MemoryStores;
  run: () => Promise<unknown>;
  isDone: () => Promise<boolean>;
}

/** @returns writes of a run that nothing disturbs */
async function failAtEachWrite(begin: () => Promise<Removal>): Promise<number> {
  let writes = 0;
  for (let nth = 0; ; nth += 1) {
    const { stores, run, isDone } = await begin();
    writes = 0;
    stores.wrap = (store: MemoryStore) =>
      guarded(store, () => {
        writes += 1;
        if (writes === nth) throw new ConsignError("REGISTRY_FAILED", `failed at write ${nth}`);
      });
    await run().catch(() => undefined);
    stores.wrap = (store: MemoryStore) => store;
    if (nth > 0) await run();
    assert.ok(await isDone(), `cut short at write ${nth}`);
    if (nth > 0 && writes < nth) return writes;
  }
}

test("a promotion's purge takes away what it has brought", async () => {
  const writes = await failAtEachWrite(async () => {
    const world = new PromotionWorld();
    const v1 = await publish(world.source, "v1", wabbit);
    const life = world.life();
    await life.up(world.args(v1, "2016-01-01", { onDelete: "purge" }));
    return {
      stores: world.stores,
      run: () => life.destroy(),
      isDone: async () => !(await world.to.has(v1)),
    };
  });
  assert.ok(writes > 5);
});

test("a mirror that is narrowed takes away an index with its parts", async () => {
  const writes = await failAtEachWrite(async () => {
    const stores = new MemoryStores();
    const [origin, copy] = [
      stores.at("registry.example/origin"),
      stores.at("registry.example/copy"),
    ];
    await pushImage(origin, { tag: "v1" });
    const { index, images } = await pushIndex(origin, { tag: "v2" });
    const life = new Life(mirror, { folder: "/nonexistent", world: { stores } });
    const args = {
      source: "registry.example/origin",
      destinations: ["registry.example/copy"],
      onDelete: "purge",
    };
    await life.up(args);
    return {
      stores,
      run: () => life.up({ ...args, tags: ["v1"] }),
      isDone: async () => {
        const there = await Promise.all(
          [index, ...images].map(({ descriptor }) => copy.has(descriptor)),
        );
        return !there.includes(true);
      },
    };
  });
  assert.ok(writes > 2);
});
