// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import { dynamicProvider } from "../../provider/dynamic/adapter";
import { asChecked } from "../harness/life";
import { makeContext } from "../../provider/dynamic/host";
import type { Properties, Reconciler } from "../../provider/world/reconciler";

/** A kind that notes which of its verbs was given which recorded properties. */
function noting(upgrades: Pick<Reconciler, "upgrades"> = {}) {
  const seen: [verb: string, recorded: Properties | undefined][] = [];
  const note = (verb: string, recorded: Properties | undefined): void => {
    seen.push([verb, recorded]);
  };
  const kind: Reconciler = {
    kind: "Test",
    schema: z.object({ name: z.string() }),
    replaceOn: [],
    ignore: [],
    ensured: ["made"],
    plan: async (_known, _unknown, previous) => {
      note("plan", previous);
      return { planned: {} };
    },
    id: () => "an id",
    holds: (properties) => {
      note("holds", properties);
      return undefined;
    },
    ensure: async (inputs, previous) => {
      note("ensure", previous);
      return { ...inputs, made: true };
    },
    observe: async (state) => {
      note("observe", state);
      return state;
    },
    remove: async (state) => note("remove", state),
    ...upgrades,
  };
  const provider = dynamicProvider(
    () => kind,
    () => makeContext("/", undefined),
  );
  return { provider, seen };
}

/** What form 1 called `title`, and form 2 `label`, is `name`. */
const renamed = (before: string, after: string) => (recorded: Properties) =>
  Object.fromEntries(
    Object.entries(recorded).map(([name, value]) => [name === before ? after : name, value]),
  );
const upgrades = [renamed("title", "label"), renamed("label", "name")];

const NEWS = { name: "x", __provider: "the stub" };

test("a form that is not known is refused by every verb before the kind is asked", async () => {
  for (const known of [{}, { upgrades }]) {
    for (const __v of [0, 4, 1.5, "1", null]) {
      const { provider, seen } = noting(known);
      const state = { name: "x", made: true, __v, __provider: "the stub" };
      const { failures = [] } = (await provider.check?.(state, { ...NEWS, later: true })) ?? {};
      assert.deepEqual(
        failures.map((failure) => asChecked(failure).property),
        [""],
        "it is no argument's fault, also beside an argument that a later version has",
      );
      assert.match(failures[0]?.reason ?? "", /\[STATE_INVALID\]$/);
      const refused = { message: /\[STATE_INVALID\]$/ };
      await assert.rejects(async () => provider.diff?.("an id", state, NEWS), refused);
      await assert.rejects(async () => provider.update?.("an id", state, NEWS), refused);
      await assert.rejects(async () => provider.read?.("an id", state), refused);
      await assert.rejects(async () => provider.delete?.("an id", state), refused);
      assert.deepEqual(
        seen.filter(([verb]) => verb !== "holds"),
        [],
      );
    }
  }
});

test("each older form is brought to today's before every verb, from where it is and no further", async () => {
  for (const [form, name] of Object.entries({ 1: "title", 2: "label", 3: "name" })) {
    const { provider, seen } = noting({ upgrades });
    const state = { [name]: "x", made: true, __v: Number(form), __provider: "the stub" };
    const { __v, ...unmarked } = state;
    const today = { name: "x", made: true };
    await provider.check?.(form === "1" ? unmarked : state, NEWS);
    assert.deepEqual(await provider.diff?.("an id", state, NEWS), { changes: false, replaces: [] });
    const updated = await provider.update?.("an id", state, { ...NEWS, __v: 3 });
    assert.deepEqual(updated?.outs, { ...today, __v: 3 });
    const read = await provider.read?.("an id", state);
    assert.deepEqual(read?.props, { ...today, __v: 3 });
    await provider.delete?.("an id", state);
    assert.deepEqual(
      seen.filter(([verb]) => verb !== "holds"),
      ["plan", "ensure", "observe", "remove"].map((verb) => [verb, today]),
    );
    const held = seen.filter(([verb]) => verb === "holds").map(([, properties]) => properties);
    assert.deepEqual(held[0], today, "what is compared is held as it is today");
  }
});

test("inputs say their form from the second on, so that states of the first show nothing new", async () => {
  const first = noting().provider;
  assert.deepEqual((await first.check?.({}, NEWS))?.inputs, { name: "x" });
  assert.deepEqual((await first.read?.("an id", { name: "x", __v: 1 }))?.inputs, { name: "x" });
  const third = noting({ upgrades }).provider;
  assert.deepEqual((await third.check?.({}, NEWS))?.inputs, { name: "x", __v: 3 });
  const read = await third.read?.("an id", { title: "x", __v: 1 });
  assert.deepEqual(read?.inputs, { name: "x", __v: 3 });
  assert.deepEqual((await third.create({ ...NEWS, __v: 3 })).outs, {
    name: "x",
    made: true,
    __v: 3,
  });
});

test("a resource that is new has no form", async () => {
  const { provider, seen } = noting({ upgrades });
  await provider.check?.({}, NEWS);
  await provider.check?.({ __provider: "the stub" }, NEWS);
  assert.deepEqual(seen, [
    ["plan", undefined],
    ["plan", undefined],
  ]);
});
