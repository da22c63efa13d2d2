// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { OciLayout } from "../../provider/content/index";
import { registryMissing } from "../harness/registries";
import { pushImage, pushReferrer } from "../harness/artifacts";
import type { Refused } from "../harness/life";
import { MirrorStack } from "./stack";
import { World } from "./world";
import { failsWith } from "../harness/failure";

const ARGS = { source: "oci:origin", destinations: ["oci:copy"] };

const layout = (stack: MirrorStack, name: string): OciLayout =>
  OciLayout.open(join(stack.baseDir, name), { create: true });

test("tags that stay where others have them settle: one up, then nothing more to do", async () => {
  const stack = new MirrorStack();
  const args = { ...ARGS, onConflict: "keep" };
  await pushImage(layout(stack, "origin"), { tag: "v1" });
  await stack.up(args);
  const local = await pushImage(layout(stack, "copy"), { tag: "v1", layers: ["local\n"] });
  assert.deepEqual(await stack.refresh(), {
    kept: { "oci:copy": { v1: local.descriptor.digest } },
  });
  assert.equal((await stack.up(args)).op, "same");
  const next = await pushImage(layout(stack, "origin"), { tag: "v1", layers: ["next\n"] });
  const step = await stack.up(args);
  assert.deepEqual([step.op, step.warnings.length], ["update", 1]);
  assert.deepEqual(
    await stack.refresh(),
    {},
    "what is recorded after a run is what a refresh sees",
  );
  assert.equal((await stack.up(args)).op, "same");
  assert.equal((await layout(stack, "copy").resolve("v1")).digest, local.descriptor.digest);
  await stack.up({ ...args, onConflict: "overwrite" });
  assert.equal((await layout(stack, "copy").resolve("v1")).digest, next.descriptor.digest);
  assert.deepEqual(await stack.refresh(), {});
});

test("every tag in conflict is named, at every destination, and a long list is cut short", async () => {
  const stack = new MirrorStack();
  const origin = layout(stack, "origin");
  const tags = Array.from({ length: 8 }, (_, n) => `v${n}`);
  for (const tag of tags) await pushImage(origin, { tag, layers: [tag] });
  for (const tag of tags.slice(0, 2))
    await pushImage(layout(stack, "copy"), { tag, layers: [`my ${tag}`] });
  for (const tag of tags.slice(0, 7))
    await pushImage(layout(stack, "second"), { tag, layers: [`my ${tag}`] });
  const args = { ...ARGS, destinations: ["oci:copy", "oci:second", "oci:third"] };
  await assert.rejects(stack.up(args), (error: Error) => {
    for (const text of [
      "2 of 3 destinations failed",
      "oci:copy: tag v0 ",
      "tag v1 ",
      "oci:second: tag v0 ",
      "tag v4 ",
      "and 2 more",
      "[TAG_MOVED]",
    ])
      assert.ok(error.message.includes(text), `${text} in: ${error.message}`);
    assert.doesNotMatch(error.message, /tag v5/);
    return true;
  });
  assert.match(stack.status["oci:copy"]?.["failed"] ?? "", /tag v0 .*tag v1 /);
  assert.match(stack.status["oci:second"]?.["failed"] ?? "", /tag v0 .*tag v4 .*and 2 more/);
  assert.deepEqual(stack.status["oci:third"], {});
  assert.deepEqual(await layout(stack, "third").tags(), tags);
});

test(
  "a tag that moved upstream while a region was down is no conflict there",
  { skip: registryMissing("ggcr") },
  async (context) => {
    const world = new World(context);
    const region = await world.registry("ggcr");
    const stack = new MirrorStack();
    const origin = layout(stack, "origin");
    await pushImage(origin, { tag: "v1" });
    const args = { ...ARGS, destinations: [`${region.host}/c/d`] };
    await stack.up(args);
    for (const down of ["once", "twice"]) {
      await pushImage(origin, { tag: "v1", layers: [down] });
      region.setFaults([{ fault: { kind: "status", status: 403 } }]);
      await assert.rejects(stack.up(args), failsWith("REGISTRY_DENIED"));
      region.setFaults([]);
    }
    await stack.up(args);
    assert.equal(
      (await world.repository(region, "c/d").resolve("v1")).digest,
      (await origin.resolve("v1")).digest,
    );
  },
);

test(
  "what is behind in a region that was down is no tag of others', to a refresh neither",
  { skip: registryMissing("ggcr") },
  async (context) => {
    const world = new World(context);
    const region = await world.registry("ggcr");
    const stack = new MirrorStack();
    const origin = layout(stack, "origin");
    const image = await pushImage(origin, { tag: "v1" });
    const signatureTag = `${image.descriptor.digest.replace(":", "-")}.sig`;
    await pushImage(origin, { tag: signatureTag, layers: ["one"] });
    const args = { ...ARGS, destinations: [`${region.host}/c/d`], onConflict: "keep" };
    await stack.up(args);
    for (const tag of ["v1", signatureTag]) {
      const next = await pushImage(origin, { tag, layers: ["next", tag] });
      // The signature of what v1 was is not wanted any more where that is not.
      if (tag === "v1") await origin.tag(image, "v0");
      region.setFaults([{ fault: { kind: "status", status: 403 } }]);
      await assert.rejects(stack.up(args), failsWith("REGISTRY_DENIED"));
      region.setFaults([]);
      assert.ok(
        `tag ${tag}` in
          (((await stack.refresh())["status"] as Record<string, object>)[
            args.destinations[0] ?? ""
          ] ?? {}),
      );
      assert.equal((await stack.up(args)).op, "update");
      assert.equal(
        (await world.repository(region, "c/d").resolve(tag)).digest,
        next.descriptor.digest,
      );
      assert.deepEqual(await stack.refresh(), {});
    }
  },
);

test("a tag that stands in for a list of referrers cannot be mirrored as an artifact", async () => {
  const stack = new MirrorStack();
  const origin = layout(stack, "origin");
  const image = await pushImage(origin, { tag: "v1" });
  await pushReferrer(origin, image.descriptor);
  const fallback = image.descriptor.digest.replace(":", "-");
  for (const [tags, property] of [
    [[fallback], "tags[0]"],
    [{ include: ["v1", fallback] }, "tags.include[1]"],
  ] as const) {
    await assert.rejects(stack.preview({ ...ARGS, tags }), (error: Refused) => {
      assert.deepEqual(
        error.failures.map(({ property: at }) => at),
        [property],
      );
      assert.match(error.message, /list of what refers to an artifact.*INPUT_INVALID/);
      return true;
    });
  }
  const plan = (await stack.preview({ ...ARGS, tags: ["sha256-*", "v1"] })).inputs["plan"] as {
    tags: object;
  };
  assert.deepEqual(Object.keys(plan.tags), ["v1"]);
});

test(
  "a registry that cannot take a tag away alone leaves it, and that is said",
  { skip: registryMissing("distribution", "olareg") },
  async (context) => {
    const world = new World(context);
    for (const [kind, deletes, stays] of [
      ["distribution", false, true],
      ["olareg", false, true],
      ["distribution", true, false],
    ] as const) {
      const registry = await world.registry(kind, { deletes });
      const stack = new MirrorStack();
      await pushImage(layout(stack, "origin"), { tag: "v1" });
      await stack.up({ ...ARGS, destinations: [`${registry.host}/c/d`], onDelete: "untag" });
      const { warnings } = await stack.destroy();
      assert.deepEqual(await world.repository(registry, "c/d").tags(), stays ? ["v1"] : []);
      assert.equal(warnings.length, stays ? 1 : 0, `${kind}: ${warnings.join()}`);
      if (stays)
        assert.match(warnings.join(), /c\/d:v1 stays: the registry cannot remove a tag alone/);
    }
  },
);
