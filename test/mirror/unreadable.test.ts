// SPDX-License-Identifier: Apache-2.0
// A manifest that two readers read in two ways is refused by its name, and keeps nothing else back.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { OciLayout } from "../../provider/content/index";
import { digestOf, type Digest } from "../../provider/oci/digest";
import type { Manifest } from "../../provider/oci/manifest";
import { pushImage, pushReferrer } from "../harness/artifacts";
import { registryMissing, type TestRegistry } from "../harness/registries";
import { isThere } from "./scene";
import { MirrorStack } from "./stack";
import { World } from "./world";

const TWICE = /is not copied: .*"layers" is there twice.*\[MANIFEST_INVALID\]/;

/** As a client without a strict reader pushes it. */
async function pushTwice(
  registry: TestRegistry,
  { bytes, descriptor }: Manifest,
  tag?: string,
): Promise<Digest> {
  const body = Buffer.from(bytes).toString().replace("{", '{"layers":[],');
  const digest = digestOf(Buffer.from(body));
  const answer = await fetch(`http://${registry.direct}/v2/app/manifests/${tag ?? digest}`, {
    method: "PUT",
    body,
    headers: { "content-type": descriptor.mediaType },
  });
  assert.equal(answer.status, 201, await answer.text());
  return digest;
}

async function scene(context: TestContext) {
  const world = new World(context);
  const registry = await world.registry("olareg");
  const stack = new MirrorStack();
  const origin = world.repository(registry, "app");
  const copy = OciLayout.open(join(stack.baseDir, "copy"), { create: true });
  const args = { source: `${registry.host}/app`, destinations: ["oci:copy"] };
  const good = await pushImage(origin, { tag: "good" });
  const referrer = await pushReferrer(origin, good.descriptor);
  const refused = () => (stack.plan["refused"] ?? {}) as Record<string, string>;
  return { registry, stack, copy, args, good, referrer, refused };
}

const skip = registryMissing("olareg");

test(
  "a tag that leads to such a manifest is refused, before and after a good one was there",
  { skip },
  async (context) => {
    const { registry, stack, copy, args, good, referrer, refused } = await scene(context);
    const bad = await pushTwice(registry, good, "bad");
    const step = await stack.up(args);
    assert.deepEqual(Object.keys(refused()), ["bad"]);
    assert.match(refused()["bad"] ?? "", TWICE);
    assert.ok(refused()["bad"]?.includes(bad));
    assert.ok(
      step.warnings.some((line) => TWICE.test(line)),
      step.warnings.join("\n"),
    );
    for (const { descriptor } of [good, referrer]) assert.ok(await copy.has(descriptor));
    assert.ok(!(await isThere(copy, "bad")));
    assert.equal((await stack.up(args)).op, "same");
    await pushTwice(registry, good, "good");
    await stack.up(args);
    assert.match(refused()["good"] ?? "", /stays at sha256:/);
    assert.equal((await copy.resolve("good")).digest, good.descriptor.digest);
  },
);

test(
  "what refers to an artifact and is such a manifest is refused alone",
  { skip },
  async (context) => {
    const { registry, stack, copy, args, good, referrer, refused } = await scene(context);
    const bad = await pushTwice(registry, referrer);
    await stack.up(args);
    assert.deepEqual(Object.keys(refused()), [bad]);
    assert.match(refused()[bad] ?? "", TWICE);
    for (const { descriptor } of [good, referrer]) assert.ok(await copy.has(descriptor));
    assert.equal((await stack.up(args)).op, "same");
  },
);
