// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { MemoryStore } from "../../provider/content/memory";
import { testimonyOn } from "../../provider/judging/testimony";
import { resolveTrustPolicy } from "../../provider/notation/index";
import { RegistryClient } from "../../provider/registry/index";
import { claim, publish, quickParty, trustOf } from "../harness/memory-world";
import { contextAt } from "../verification/context";

test("what was recorded counts until it is gone itself, whatever a list says by now", async () => {
  const wabbit = quickParty("Wabbit Networks");
  const store = new MemoryStore();
  const app = await publish(store, "app", wabbit);
  const said = async (hold: string) =>
    (
      await claim(
        store,
        {
          type: "deployment",
          subject: app,
          predicate: { environment: hold, resource: "cluster/x", from: "2026-01-01T00:00:00Z" },
          audience: "internal",
        },
        wabbit,
      )
    ).manifest.descriptor;
  const [hidden, listed] = [await said("hidden"), await said("listed")];
  const trust = await resolveTrustPolicy(
    { name: "all", registryScopes: ["*"], ...trustOf(wabbit) },
    { baseDir: "/nonexistent" },
  );
  const context = contextAt(new RegistryClient({ baseDir: "/nonexistent" }), () => new Date());
  const inner = store.referrers.bind(store);
  store.referrers = async (subject) =>
    (await inner(subject)).filter(({ digest }) => digest !== hidden.digest);
  const question = { store, trust, subject: app.digest, type: "deployment" };
  const digests = async (known: (typeof hidden.digest)[]) =>
    (await testimonyOn({ ...question, known }, context))
      .map(({ descriptor, worth }) => `${worth} ${descriptor.digest}`)
      .sort();
  assert.deepEqual(await digests([]), [`believed ${listed.digest}`]);
  const both = [hidden, listed].map(({ digest }) => `believed ${digest}`).sort();
  assert.deepEqual(await digests([hidden.digest, listed.digest]), both);
  assert.deepEqual(await digests([app.digest]), [`believed ${listed.digest}`], "it is no claim");
  await store.deleteManifest(hidden);
  assert.deepEqual(await digests([hidden.digest]), [`believed ${listed.digest}`]);
});
