// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { OciLayout } from "../../provider/content/index";
import { registryMissing } from "../harness/registries";
import { pushImage } from "../harness/artifacts";
import { Refused } from "../harness/life";
import { MirrorStack } from "./stack";
import { World } from "./world";

async function assertRefused(
  stack: MirrorStack,
  args: Record<string, unknown>,
  property: string,
  words: RegExp,
): Promise<void> {
  await assert.rejects(stack.up(args), (error: unknown) => {
    if (!(error instanceof Refused)) throw error;
    assert.deepEqual(
      error.failures.map((failure) => failure.property),
      [property],
    );
    assert.match(error.message, /INPUT_INVALID/);
    assert.match(error.message, words);
    return true;
  });
}

test("a layout is one place however its path is written", async () => {
  const stack = new MirrorStack();
  const origin = OciLayout.open(join(stack.baseDir, "origin"), { create: true });
  await pushImage(origin, { tag: "v1" });
  mkdirSync(join(stack.baseDir, "below"));
  symlinkSync(join(stack.baseDir, "below"), join(stack.baseDir, "link"));
  symlinkSync(join(stack.baseDir, "origin"), join(stack.baseDir, "alias"));
  const args = { source: "oci:origin", onDelete: "purge" };
  for (const self of [
    "oci:origin",
    "oci:./origin",
    "oci:below/../origin",
    `oci:${join(stack.baseDir, "origin")}`,
    "oci:alias",
    "oci:origin/",
  ]) {
    await assertRefused(
      stack,
      { ...args, destinations: ["oci:copy", self] },
      "destinations[1]",
      /is the source/,
    );
  }
  for (const twin of ["oci:below/copy", "oci:./below/copy", "oci:link/copy"]) {
    await assertRefused(
      stack,
      { ...args, destinations: ["oci:other", "oci:below/copy", twin] },
      "destinations[2]",
      /is named twice|are one place/,
    );
  }
  await stack.up({ ...args, destinations: ["oci:below/copy", "oci:origin-2"] });
  assert.deepEqual(await origin.tags(), ["v1"]);
});

test(
  "a registry is one place by its address, where the settings tell it",
  { skip: registryMissing("ggcr") },
  async (context) => {
    const world = new World(context);
    const registry = await world.registry("ggcr");
    const { host } = registry;
    const port = host.split(":")[1];
    const origin = world.repository(registry, "a/b");
    await pushImage(origin, { tag: "v1" });
    const near = { plainHttp: true, address: host };
    const stack = new MirrorStack(undefined, {
      "consign:registries": {
        "near.example": near,
        "also.example:5000": near,
        "far.example": { plainHttp: true },
      },
    });
    const args = { source: `${host}/a/b`, onDelete: "purge" };
    for (const self of [`localhost:${port}/a/b`, "near.example/a/b"])
      await assertRefused(
        stack,
        { ...args, destinations: [self] },
        "destinations[0]",
        /is the source, .*by another name/,
      );
    await assertRefused(
      stack,
      { ...args, destinations: ["near.example/c/d", "also.example:5000/c/d"] },
      "destinations[1]",
      /are one place/,
    );
    await stack.up({ ...args, destinations: ["near.example/c/d"] });
    assert.deepEqual(await origin.tags(), ["v1"]);
  },
);

test("what is recorded from before never empties the source, nor a place that is only written anew", async () => {
  const stack = new MirrorStack();
  const at = (name: string): OciLayout =>
    OciLayout.open(join(stack.baseDir, name), { create: true });
  await pushImage(at("origin"), { tag: "v1" });
  const args = { source: "oci:origin", destinations: ["oci:copy"], onDelete: "purge" };
  await stack.up(args);
  await stack.up({ ...args, destinations: ["oci:./copy"] });
  assert.deepEqual(await at("copy").tags(), ["v1"]);
  stack.outputs = { ...stack.outputs, destinations: ["oci:./origin", "oci:./copy"] };
  await stack.destroy();
  assert.deepEqual(await at("origin").tags(), ["v1"]);
  assert.deepEqual(await at("copy").tags(), []);
});
