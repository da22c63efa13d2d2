// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import type { Manifest } from "../../../provider/oci/manifest";
import { pushIndex, pushReferrer } from "../../harness/artifacts";
import { forEachRegistry, type TestRegistry } from "../../harness/registries";
import { MirrorStack } from "../stack";
import { party, World } from "../world";

const PLATFORMS = ["linux/amd64", "linux/arm64", "windows/amd64"];

async function contentOf(
  world: World,
  registry: TestRegistry,
  manifests: readonly Manifest[],
): Promise<boolean[]> {
  const place = world.repository(registry, "c/d");
  return Promise.all(manifests.map(({ descriptor }) => place.has(descriptor)));
}

forEachRegistry(
  "an index that is there follows its platforms, and gets back an image that went missing",
  async (registry, context) => {
    const world = new World(context);
    const origin = world.repository(registry, "a/b");
    const { images } = await pushIndex(origin, { tag: "v1", platforms: PLATFORMS });
    const [, arm] = images as [Manifest, Manifest, Manifest];
    const scan = await pushReferrer(origin, arm.descriptor);
    const all = [...images, scan];
    const stack = new MirrorStack();
    const args = { source: `${registry.host}/a/b`, destinations: [`${registry.host}/c/d`] };
    await stack.up(args);
    const narrow = { ...args, platforms: { only: ["linux/amd64"], index: "sparse" } };
    await stack.up(narrow);
    assert.deepEqual(await contentOf(world, registry, all), [true, false, false, false]);
    assert.deepEqual(await stack.refresh(), {});
    assert.equal((await stack.up(narrow)).op, "same");
    await stack.up({
      ...args,
      platforms: { only: ["linux/amd64", "linux/arm64"], index: "sparse" },
    });
    assert.deepEqual(await contentOf(world, registry, all), [true, true, false, true]);
    await stack.up(args);
    assert.deepEqual(await contentOf(world, registry, all), [true, true, true, true]);
    await world.repository(registry, "c/d").deleteManifest(arm.descriptor);
    await stack.refresh();
    const lines = Object.keys(stack.status[`${registry.host}/c/d`] ?? {});
    assert.ok(
      lines.some((line) => line.startsWith(`child ${arm.descriptor.digest} of `)),
      lines.join("\n"),
    );
    await stack.up(args);
    assert.deepEqual(await contentOf(world, registry, all), [true, true, true, true]);
    assert.deepEqual(await stack.refresh(), {});
  },
);

forEachRegistry(
  "a derived index goes with the signature that the mirror made for it",
  async (registry, context) => {
    const world = new World(context);
    const { images } = await pushIndex(world.repository(registry, "a/b"), { tag: "v1" });
    const { rootFile } = await party("ACME Rockets");
    const signer = {
      keyFile: rootFile.replace("root.pem", "key.pem"),
      certificateChainFile: rootFile.replace("root.pem", "chain.pem"),
    };
    const stack = new MirrorStack();
    await stack.up({
      source: `${registry.host}/a/b`,
      destinations: [`${registry.host}/c/d`],
      platforms: { only: ["linux/amd64"], index: "derived" },
      signer,
      onDelete: "purge",
    });
    const [derived = ""] = Object.keys(stack.plan.artifacts);
    await stack.destroy();
    await assert.rejects(world.repository(registry, "c/d").resolve(derived), {
      code: "MANIFEST_UNKNOWN",
    });
    assert.deepEqual(await contentOf(world, registry, images), [false, false]);
  },
);

forEachRegistry(
  "a registry that deletes nothing keeps the images that leave the platforms, and says so",
  async (registry, context) => {
    const world = new World(context);
    const { images } = await pushIndex(world.repository(registry, "a/b"), { tag: "v1" });
    const stack = new MirrorStack();
    const args = { source: `${registry.host}/a/b`, destinations: [`${registry.host}/c/d`] };
    await stack.up(args);
    const narrow = { ...args, platforms: { only: ["linux/amd64"], index: "sparse" } };
    const { warnings } = await stack.up(narrow);
    assert.match(
      warnings.join("\n"),
      /what is no longer mirrored stays at .*, which does not delete/,
    );
    assert.deepEqual(await contentOf(world, registry, images), [true, true]);
    assert.equal((await stack.up(narrow)).op, "same");
    assert.deepEqual(await stack.refresh(), {});
  },
  { kinds: ["distribution", "olareg"], deletes: false },
);
