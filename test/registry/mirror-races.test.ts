// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { survey } from "../../provider/graph";
import type { Manifest } from "../../provider/oci/manifest";
import { registryMissing } from "../harness/registries";
import { pushImage, pushReferrer, pushSampleGraph } from "../harness/artifacts";
import { MirrorStack } from "../lifecycle/mirror-stack";
import { World } from "../lifecycle/mirror-world";

test("four mirrors write referrers of one artifact to one repository with fallback tags at once, and none is lost", { skip: registryMissing("ggcr", "distribution") }, async (context) => {
  const world = new World(context);
  const source = await world.registry("ggcr");
  const destination = await world.registry("distribution");
  const image = await pushImage(world.repository(source, "m/0"), { tag: "v1" });
  const pushed: Manifest[] = [];
  for (let mirror = 0; mirror < 4; mirror++) {
    const origin = world.repository(source, `m/${mirror}`);
    await pushImage(origin, { tag: "v1" });
    for (let n = 0; n < 6; n++) pushed.push(await pushReferrer(origin, image.descriptor, { content: `${mirror} ${n}` }));
  }
  const stacks = Array.from({ length: 4 }, () => new MirrorStack());
  await Promise.all(stacks.map((stack, at) => stack.up({ source: `${source.host}/m/${at}`, destinations: [`${destination.host}/c/d`], onConflict: "overwrite" })));
  const listed = new Set((await world.repository(destination, "c/d").referrers(image.descriptor.digest)).map(({ digest }) => digest));
  assert.deepEqual(pushed.filter(({ descriptor }) => !listed.has(descriptor.digest)), []);
  assert.equal(listed.size, 24);
  for (const stack of stacks) assert.deepEqual(await stack.refresh(), {});
});

test("a registry that drops writes which come at once ends complete, with the repairs told", { skip: registryMissing("ggcr", "olareg") }, async (context) => {
  const world = new World(context);
  const source = await world.registry("ggcr");
  const destination = await world.registry("olareg", { storage: "dir" });
  const origin = world.repository(source, "a/b");
  for (let n = 0; n < 12; n++) {
    const image = await pushImage(origin, { tag: `v${n}`, layers: [`${n}`] });
    for (let m = 0; m < 6; m++) await pushReferrer(origin, image.descriptor, { content: `${n} ${m}` });
  }
  const stack = new MirrorStack();
  const step = await stack.up({ source: `${source.host}/a/b`, destinations: [`${destination.host}/c/d`] });
  const place = world.repository(destination, "c/d");
  for (let n = 0; n < 12; n++) {
    const here = await survey(origin, await origin.resolve(`v${n}`));
    const there = await survey(place, await place.resolve(`v${n}`));
    assert.deepEqual([...there.read.keys()].sort(), [...here.read.keys()].sort());
  }
  context.diagnostic(step.progress.join("; "));
  assert.deepEqual(await stack.refresh(), {});
});

test("a quota's window is waited for, in full, by everything at once", { skip: registryMissing("ggcr") }, async (context) => {
  const world = new World(context);
  const source = await world.registry("ggcr");
  const windowMs = 2_000;
  let closedUntil = 0;
  let taken = 0;
  let refused = 0;
  const quota = (_request: unknown, response: { writeHead: (status: number, headers: Record<string, string>) => void; end: () => void }): boolean => {
    const now = Date.now();
    if (now >= closedUntil && closedUntil !== 0) [closedUntil, taken] = [0, 0];
    if (closedUntil === 0 && taken++ < 12) return false;
    if (closedUntil === 0) closedUntil = now + windowMs;
    refused++;
    response.writeHead(429, { "retry-after": String(Math.ceil((closedUntil - now) / 1000)) });
    response.end();
    return true;
  };
  const destination = await world.registry("ggcr", { gates: [quota] });
  const graph = await pushSampleGraph(world.repository(source, "a/b"));
  const began = Date.now();
  const stack = new MirrorStack();
  await stack.up({ source: `${source.host}/a/b`, destinations: [`${destination.host}/c/d`] });
  assert.ok(Date.now() - began >= windowMs && refused > 0);
  assert.ok(refused < 40, `${refused} requests were made in vain`);
  for (const { descriptor } of graph.all) assert.equal(await world.repository(destination, "c/d").has(descriptor), true);
});
