// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { OciLayout } from "../../provider/content/index";
import type { Digest } from "../../provider/oci/digest";
import { cosignTagsOf } from "../../provider/mirror/choose/tags";
import { pushImage, pushIndex } from "../harness/artifacts";
import { MirrorStack } from "./stack";
import { failsWith } from "../harness/failure";

const ARGS = { source: "oci:origin", destinations: ["oci:copy"] };

interface Places {
  stack: MirrorStack;
  origin: OciLayout;
  /** The destination as it is now. */
  copy: () => OciLayout;
}

function places(): Places {
  const stack = new MirrorStack();
  const origin = OciLayout.open(join(stack.baseDir, "origin"), { create: true });
  return {
    stack,
    origin,
    copy: () => OciLayout.open(join(stack.baseDir, "copy"), { create: true }),
  };
}

function signatureTagOf(digest: Digest): string {
  return cosignTagsOf(digest).find((tag) => tag.endsWith(".sig")) ?? "";
}

for (const onConflict of ["fail", "overwrite", "keep"]) {
  test(`what the consumer added under cosign's tag stays, whatever happens upstream, with onConflict "${onConflict}"`, async () => {
    const { stack, origin, copy } = places();
    const args = { ...ARGS, onConflict };
    const image = await pushImage(origin, { tag: "v1" });
    const tag = signatureTagOf(image.descriptor.digest);
    await pushImage(origin, { tag, layers: ["upstream\n"] });
    await stack.up(args);
    const both = await pushImage(copy(), { tag, layers: ["upstream\n", "consumer\n"] });
    const drift = await stack.refresh();
    assert.deepEqual(Object.keys(drift), ["kept"], "what may stay is no drift");
    assert.deepEqual(drift["kept"], { "oci:copy": { [tag]: both.descriptor.digest } });
    assert.equal((await stack.up(args)).op, "same");

    await pushImage(origin, { tag, layers: ["upstream\n", "upstream's second\n"] });
    const next = await pushImage(origin, { tag: "v2", layers: ["two\n"] });
    const step = await stack.up(args);
    assert.equal(step.op, "update");
    assert.match(
      step.warnings.join(),
      new RegExp(`oci:copy:${tag.replace(".", "\\.")} stays at ${both.descriptor.digest}`),
    );
    assert.equal((await copy().resolve(tag)).digest, both.descriptor.digest);
    assert.equal((await copy().resolve("v2")).digest, next.descriptor.digest, "others go on");
    assert.deepEqual(await stack.refresh(), {});
    assert.equal((await stack.up(args)).op, "same");
  });
}

test("a consumer's own cosign signature does not stop the mirror when upstream signs too, and gives way when it is gone", async () => {
  const { stack, origin, copy } = places();
  const image = await pushImage(origin, { tag: "v1" });
  const tag = signatureTagOf(image.descriptor.digest);
  await stack.up(ARGS);
  const own = await pushImage(copy(), { tag, layers: ["consumer\n"] });
  const theirs = await pushImage(origin, { tag, layers: ["upstream\n"] });
  const step = await stack.up(ARGS);
  assert.equal(step.warnings.length, 1);
  assert.equal((await copy().resolve(tag)).digest, own.descriptor.digest);
  assert.deepEqual(stack.outputs["kept"], { "oci:copy": { [tag]: own.descriptor.digest } });
  assert.equal((await stack.up(ARGS)).op, "same");
  await copy().deleteManifest(own.descriptor);
  assert.deepEqual((await stack.refresh())["status"], { "oci:copy": { [`tag ${tag}`]: "absent" } });
  await stack.up(ARGS);
  assert.equal((await copy().manifest(tag)).descriptor.digest, theirs.descriptor.digest);
  assert.deepEqual(await stack.refresh(), {});
});

test("cosign's tags that upstream withdrew are kept or removed, as is said of everything withdrawn", async () => {
  const { stack, origin, copy } = places();
  const { index, images } = await pushIndex(origin, { tag: "v1" });
  const tags = [index, ...images.slice(0, 1)]
    .map(({ descriptor }) => signatureTagOf(descriptor.digest))
    .sort();
  const signatures = await Promise.all(
    tags.map((tag) => pushImage(origin, { tag, layers: [tag] })),
  );
  await stack.up(ARGS);
  for (const { descriptor } of signatures) await origin.deleteManifest(descriptor);
  assert.equal((await stack.up(ARGS)).op, "update");
  assert.deepEqual(await copy().tags(), [...tags, "v1"]);
  assert.deepEqual(stack.plan["withdrawn"], tags);
  assert.equal((await stack.up(ARGS)).op, "same");
  assert.deepEqual(await stack.refresh(), {});
  await stack.up({ ...ARGS, destinations: ["oci:copy", "oci:second"] });
  assert.deepEqual(Object.values(stack.status), [{}, {}]);
  assert.deepEqual(
    await stack.refresh(),
    {},
    "what a new region cannot have any more is nothing that it lacks",
  );
  await stack.up({ ...ARGS, withdrawn: "remove" });
  assert.deepEqual(await copy().tags(), ["v1"]);
  assert.equal(await copy().has(signatures[0]?.descriptor ?? index.descriptor), false);
});

test("cosign's tags stay with an index that was withdrawn, about its parts too, and go with one that is no longer wanted", async () => {
  const { stack, origin, copy } = places();
  const { index, images } = await pushIndex(origin, { tag: "v1" });
  await pushImage(origin, { tag: "v2", layers: ["two\n"] });
  const tags = [index, ...images.slice(0, 1)]
    .map(({ descriptor }) => signatureTagOf(descriptor.digest))
    .sort();
  for (const tag of tags) await pushImage(origin, { tag, layers: [tag] });
  await stack.up(ARGS);
  for (const tag of ["v1", ...tags]) await origin.deleteManifest(await origin.resolve(tag));
  await stack.up(ARGS);
  assert.deepEqual(await copy().tags(), [...tags, "v1", "v2"]);
  await stack.up({ ...ARGS, tags: ["v2"] });
  assert.deepEqual(await copy().tags(), ["v2"]);
});

test("cosign signatures follow upstream in a region that was down in between", async () => {
  const { stack, origin, copy } = places();
  const image = await pushImage(origin, { tag: "v1" });
  const tag = signatureTagOf(image.descriptor.digest);
  await pushImage(origin, { tag, layers: ["one\n"] });
  await stack.up(ARGS);
  // A tag of the consumer's own that stops the run.
  await pushImage(copy(), { tag: "v2", layers: ["mine\n"] });
  await pushImage(origin, { tag: "v2", layers: ["two\n"] });
  const signed = await pushImage(origin, { tag, layers: ["one\n", "two\n"] });
  await assert.rejects(stack.up(ARGS), failsWith("TAG_MOVED"));
  await assert.rejects(stack.up(ARGS), failsWith("TAG_MOVED"));
  await stack.up({ ...ARGS, onConflict: "keep" });
  assert.equal((await copy().resolve(tag)).digest, signed.descriptor.digest);
});
