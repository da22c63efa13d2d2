// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import type { MemoryStore } from "../../provider/content/memory";
import type { Store } from "../../provider/content/storage";
import { type Descriptor } from "../../provider/oci/descriptor";
import type { Digest } from "../../provider/oci/digest";
import { ArchiveWorld, SOURCE } from "./archive-world";
import { Refused } from "./life";

const PAST = { from: "2026-01-01", until: "2026-02-01" };

test("one that is still a source under another spelling is no archive", async () => {
  const world = new ArchiveWorld();
  for (const [source, archive] of [["oci:prod", "oci:./prod"], ["Registry.example/app", "registry.example/app"]] as const) {
    await assert.rejects(world.life().preview(world.args("2026-04-01", { sources: [source], archive })), (error) => error instanceof Refused && error.failures[0]?.property === "archive", `${source} ${archive}`);
  }
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
  world.stores.wrap = (store) => remembering(store, lists, async () => world.stay(old, { from: "2027-06-02" }));
  await life.up(args("2027-06-02"));
  world.stores.wrap = (store) => store;
  assert.ok(await world.archive.has(old));
});

/** @param after the first look at the source's list */
function remembering(store: MemoryStore, lists: Map<string, Descriptor[]>, after: () => Promise<void>): Store {
  return new Proxy<Store>(store, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (name !== "referrers") return typeof member === "function" ? (member as (...args: unknown[]) => unknown).bind(target) : member;
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
