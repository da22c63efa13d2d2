// SPDX-License-Identifier: Apache-2.0
// A source, or a destination, whose referrers API fails alone and was never seen to work.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { OciLayout } from "../../provider/content/index";
import { pushImage, pushReferrer } from "../harness/artifacts";
import { answerError, FakeRegistry } from "../harness/fake-registry";
import { quickClient } from "../registry/scripted";
import { MirrorStack } from "./stack";

test("what such a source keeps under fallback tags is mirrored, and one line of the plan says so", async (context) => {
  const registry = await FakeRegistry.start(context);
  const origin = quickClient(context).repository(registry.host, "app");
  const images = await Promise.all(
    ["v1", "v2"].map((tag) => pushImage(origin, { tag, layers: [tag] })),
  );
  const referrers = await Promise.all(
    images.map(({ descriptor }) => pushReferrer(origin, descriptor)),
  );
  let status = 401;
  registry.quirks.push(({ path }, response) => {
    if (!path.includes("/referrers/")) return false;
    answerError(response, status, "UNAUTHORIZED");
    return true;
  });
  const stack = new MirrorStack();
  const args = { source: `${registry.host}/app`, destinations: ["oci:copy"] };
  const { warnings } = await stack.up(args);
  assert.equal(warnings.filter((line) => line.includes("may lack")).length, 1);
  assert.equal((stack.plan["unproven"] as string[]).length, 1);
  const copy = OciLayout.open(join(stack.baseDir, "copy"));
  for (const { descriptor } of [...images, ...referrers]) assert.ok(await copy.has(descriptor));
  status = 403;
  assert.equal((await stack.up(args)).op, "same", "another refusal is no change");
});

test("such a destination holds what refers to an artifact under its fallback tag", async (context) => {
  const registry = await FakeRegistry.start(context, ({ path }, response) => {
    if (!path.includes("/referrers/")) return false;
    answerError(response, 403, "DENIED");
    return true;
  });
  const stack = new MirrorStack();
  const origin = OciLayout.open(join(stack.baseDir, "origin"), { create: true });
  const image = await pushImage(origin, { tag: "v1" });
  const referrer = await pushReferrer(origin, image.descriptor);
  const args = { source: "oci:origin", destinations: [`${registry.host}/app`] };
  await stack.up(args);
  const list = registry.tags.get(image.descriptor.digest.replace(":", "-")) ?? "";
  assert.ok(registry.manifests.get(list)?.bytes.toString().includes(referrer.descriptor.digest));
  assert.equal((await stack.up(args)).op, "same");
  assert.deepEqual(await stack.refresh(), {});
});
