// SPDX-License-Identifier: Apache-2.0
// Docker Hub counts GETs of manifests, and not HEADs: a no-op asks by HEAD where nothing changed.
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { pushImage, pushIndex, pushReferrer } from "../harness/artifacts";
import { FakeRegistry } from "../harness/fake-registry";
import { quickClient } from "../registry/scripted";
import { MirrorStack } from "./stack";

const GETS = /^GET .*\/manifests\//;

async function noOp(context: TestContext, fill: (registry: FakeRegistry) => Promise<void>) {
  const [source, destination] = [
    await FakeRegistry.start(context),
    await FakeRegistry.start(context),
  ];
  await fill(source);
  const stack = new MirrorStack();
  const args = { source: `${source.host}/app`, destinations: [`${destination.host}/copy`] };
  await stack.up(args);
  for (const registry of [source, destination]) registry.requests.length = 0;
  assert.equal((await stack.up(args)).op, "same");
  return { source, destination };
}

test("50 plain tags: no GET of a manifest", async (context) => {
  const { source, destination } = await noOp(context, async (registry) => {
    const origin = quickClient(context).repository(registry.host, "app");
    for (let at = 0; at < 50; at++) await pushImage(origin, { tag: `v${at}`, layers: [`${at}`] });
  });
  assert.deepEqual(source.asked(GETS), []);
  assert.deepEqual(destination.asked(GETS), []);
  assert.equal(source.asked(/^HEAD .*\/manifests\/v/).length, 50);
  // Beside these: two looks for each list of referrers, and the search for an API.
  assert.ok(source.requests.length <= 200, `${source.requests.length} requests`);
});

test("five indexes of 16, one with a referrer: a GET for each index, and for the list that is there", async (context) => {
  const { source, destination } = await noOp(context, async (registry) => {
    const origin = quickClient(context).repository(registry.host, "app");
    const platforms = Array.from({ length: 16 }, (_, at) => `linux/a${at}`);
    for (let at = 0; at < 5; at++) {
      const { index } = await pushIndex(origin, {
        tag: `v${at}`,
        platforms,
        annotations: { at: `${at}` },
      });
      if (at === 0) await pushReferrer(origin, index.descriptor);
    }
  });
  assert.equal(source.asked(GETS).length, 6);
  assert.deepEqual(destination.asked(GETS), []);
});
