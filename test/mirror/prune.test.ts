// SPDX-License-Identifier: Apache-2.0
// A narrowed contract takes away what it no longer has, and nothing that anybody still needs.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { OciLayout } from "../../provider/content/index";
import type { Manifest } from "../../provider/oci/manifest";
import { pushImage, pushIndex, pushReferrer } from "../harness/artifacts";
import { registryMissing } from "../harness/registries";
import { MirrorStack } from "./stack";
import { party, pushClaim, World } from "./world";

const ARGS = { source: "oci:origin", destinations: ["oci:copy"] };

async function scene(): Promise<{
  stack: MirrorStack;
  origin: OciLayout;
  copy: () => Promise<OciLayout>;
  held: (...manifests: Manifest[]) => Promise<boolean[]>;
}> {
  const stack = new MirrorStack();
  const copy = async () => OciLayout.open(join(stack.baseDir, "copy"), { create: true });
  const held = async (...manifests: Manifest[]) => {
    const store = await copy();
    return Promise.all(manifests.map(({ descriptor }) => store.has(descriptor)));
  };
  return {
    stack,
    origin: await OciLayout.open(join(stack.baseDir, "origin"), { create: true }),
    copy,
    held,
  };
}

test("what is said of a part stays while another artifact of the plan has that part", async () => {
  const { stack, origin, held } = await scene();
  const { images } = await pushIndex(origin, { tag: "v1" });
  const [image] = images;
  if (image === undefined) throw new Error("no image");
  await origin.tag(image, "v1-amd64");
  const sbom = await pushReferrer(origin, image.descriptor);
  await stack.up(ARGS);
  const narrowed = { ...ARGS, tags: { exclude: ["*-amd64"] } };
  await stack.up(narrowed);
  assert.deepEqual(await held(image, sbom), [true, true]);
  assert.deepEqual(await stack.refresh(), {});
  assert.equal((await stack.up(narrowed)).op, "same");
});

test("an artifact that somebody else has tagged stays with its signatures and claims", async () => {
  const { stack, origin, copy, held } = await scene();
  const wabbit = await party("Wabbit Networks");
  const image = await pushImage(origin, { tag: "v1" });
  await pushImage(origin, { tag: "v2", layers: ["two\n"] });
  const signature = await wabbit.sign(origin, image.descriptor);
  const claim = await pushClaim(origin, image.descriptor);
  const claimSignature = await wabbit.sign(origin, claim.descriptor);
  await stack.up(ARGS);
  await (await copy()).tag(image, "prod");
  const step = await stack.up({ ...ARGS, tags: ["v2"] });
  assert.deepEqual(await held(image, signature, claim, claimSignature), [true, true, true, true]);
  assert.deepEqual(await (await copy()).tags(), ["prod", "v2"]);
  assert.match(
    step.progress.join("\n"),
    /oci:copy@sha256:[0-9a-f]{64} stays, although it is no longer mirrored/,
  );
});

test("an artifact that somebody else said something about stays with its signatures and claims", async () => {
  const { stack, origin, copy, held } = await scene();
  const wabbit = await party("Wabbit Networks");
  const image = await pushImage(origin, { tag: "v1" });
  await pushImage(origin, { tag: "v2", layers: ["two\n"] });
  const signature = await wabbit.sign(origin, image.descriptor);
  const claim = await pushClaim(origin, image.descriptor);
  await stack.up(ARGS);
  const ours = await pushClaim(await copy(), image.descriptor, { note: "ours" });
  await stack.up({ ...ARGS, tags: ["v2"] });
  assert.deepEqual(await held(image, signature, claim, ours), [true, true, true, true]);
});

test("a claim that somebody else refers to stays with its signature, the others go", async () => {
  const { stack, origin, copy, held } = await scene();
  const wabbit = await party("Wabbit Networks");
  const image = await pushImage(origin, { tag: "v1" });
  const [first, second] = [
    await pushClaim(origin, image.descriptor, { audience: "internal", note: "1" }),
    await pushClaim(origin, image.descriptor, { audience: "internal", note: "2" }),
  ];
  const signatures = [
    await wabbit.sign(origin, first.descriptor),
    await wabbit.sign(origin, second.descriptor),
  ];
  await stack.up(ARGS);
  const ours = await pushClaim(await copy(), first.descriptor, { note: "about the first" });
  await stack.up({ ...ARGS, claims: { audience: "public" } });
  assert.deepEqual(await held(image, first, ...signatures.slice(0, 1), ours), [
    true,
    true,
    true,
    true,
  ]);
  assert.deepEqual(await held(second, ...signatures.slice(1)), [false, false]);
});

test(
  "a registry that deletes nothing is told of, and the mirror goes on",
  { skip: registryMissing("distribution") },
  async (context) => {
    const world = new World(context);
    const source = await world.registry("ggcr");
    const destination = await world.registry("distribution", { deletes: false });
    const origin = world.repository(source, "a/b");
    const first = await pushImage(origin, { tag: "v1" });
    const claim = await pushClaim(origin, first.descriptor);
    await pushImage(origin, { tag: "v2", layers: ["two\n"] });
    const args = { source: `${source.host}/a/b`, destinations: [`${destination.host}/c/d`] };
    const stack = new MirrorStack();
    await stack.up(args);
    const step = await stack.up({ ...args, tags: ["v2"] });
    assert.match(step.warnings.join("\n"), /does not delete/);
    assert.deepEqual(stack.status, { [`${destination.host}/c/d`]: {} });
    assert.equal((await stack.up({ ...args, tags: ["v2"] })).op, "same");
    assert.deepEqual(
      [
        await world.repository(destination, "c/d").has(first.descriptor),
        await world.repository(destination, "c/d").has(claim.descriptor),
      ],
      [true, true],
    );
  },
);

test(
  "a destination that is taken out and cannot be reached holds up nothing",
  { skip: registryMissing("ggcr") },
  async (context) => {
    const world = new World(context);
    const region = await world.registry("ggcr");
    const { stack, origin, held } = await scene();
    const image = await pushImage(origin, { tag: "v1" });
    await stack.up({
      ...ARGS,
      destinations: ["oci:copy", `${region.host}/c/d`],
      onDelete: "purge",
    });
    region.setFaults([{ fault: { kind: "status", status: 403 } }]);
    const next = await pushImage(origin, { tag: "v2", layers: ["two\n"] });
    const step = await stack.up({ ...ARGS, onDelete: "purge" });
    assert.match(
      step.warnings.join("\n"),
      /c\/d is no longer named, and keeps what this mirror put there: .*\[REGISTRY_DENIED\]/,
    );
    assert.deepEqual(await held(image, next), [true, true]);
    assert.equal((await stack.up({ ...ARGS, onDelete: "purge" })).op, "same");
  },
);

test("a mirror that takes another's place keeps what both plan, when that other one is purged", async () => {
  const { stack, origin, held, copy } = await scene();
  const again = await OciLayout.open(join(stack.baseDir, "again"), { create: true });
  const image = await pushImage(origin, { tag: "v1" });
  await pushImage(again, { tag: "v1" });
  const old = await pushImage(origin, { tag: "v0", layers: ["old\n"] });
  const claim = await pushClaim(origin, image.descriptor);
  await pushClaim(again, image.descriptor);
  for (const summarizeAbove of [200, 0]) {
    const args = { ...ARGS, onDelete: "purge", summarizeAbove };
    const replaced = new MirrorStack(stack.baseDir);
    await replaced.up(args);
    assert.equal((await replaced.up({ ...args, source: "oci:again" })).op, "replace");
    assert.deepEqual(await held(image, claim, old), [true, true, false]);
    assert.deepEqual(
      (await (await copy()).tags()).filter((tag) => tag.startsWith("v")),
      ["v1"],
    );
    assert.deepEqual(await replaced.refresh(), {});
    await replaced.destroy();
    assert.deepEqual(await held(image, claim), [true, true], "it had found them there");
  }
});
