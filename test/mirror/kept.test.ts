// SPDX-License-Identifier: Apache-2.0
// What stays at a destination although the source has moved on: unsure is not deleted.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { OciLayout, type Store } from "../../provider/content/index";
import { UNKNOWN } from "../../provider/protocol/unknowns";
import type { Manifest } from "../../provider/oci/manifest";
import { pushImage, pushIndex } from "../harness/artifacts";
import { MirrorStack } from "./stack";
import { party, pushClaim, trusting } from "./world";

const ARGS = { source: "oci:origin", destinations: ["oci:copy"] };

interface Scene {
  stack: MirrorStack;
  origin: OciLayout;
  place(name?: string): Promise<OciLayout>;
  /** By name, whether a destination has it. */
  held(manifests: Record<string, Manifest>, name?: string): Promise<Record<string, boolean>>;
}

async function scene(): Promise<Scene> {
  const stack = new MirrorStack();
  const place = async (name = "copy") =>
    OciLayout.open(join(stack.baseDir, name), { create: true });
  const held = async (manifests: Record<string, Manifest>, name?: string) => {
    const store: Store = await place(name);
    return Object.fromEntries(
      await Promise.all(
        Object.entries(manifests).map(
          async ([key, { descriptor }]) => [key, await store.has(descriptor)] as const,
        ),
      ),
    );
  };
  return { stack, origin: await place("origin"), place, held };
}

test("a digest that a tag has left stays, with the claims that come later, for as long as the tag is mirrored", async () => {
  const { stack, origin, held, place } = await scene();
  const first = await pushImage(origin, { tag: "v1" });
  const claim = await pushClaim(origin, first.descriptor, { note: "first" });
  await pushImage(origin, { tag: "v2", layers: ["two\n"] });
  await stack.up(ARGS);
  const second = await pushImage(origin, { tag: "v1", layers: ["one, again\n"] });
  await stack.up(ARGS);
  assert.deepEqual(await held({ first, claim, second }), {
    first: true,
    claim: true,
    second: true,
  });
  assert.equal((await (await place()).resolve("v1")).digest, second.descriptor.digest);
  assert.deepEqual((stack.plan.artifacts[first.descriptor.digest] as { was?: string[] }).was, [
    "v1",
  ]);
  assert.equal((await stack.up(ARGS)).op, "same");
  const late = await pushClaim(origin, first.descriptor, { note: "found later" });
  assert.equal((await stack.up(ARGS)).op, "update");
  assert.deepEqual(await held({ late }), { late: true });
  await stack.up({ ...ARGS, tags: ["v2"] });
  assert.deepEqual(await held({ first, claim, late, second }), {
    first: false,
    claim: false,
    late: false,
    second: false,
  });
});

test("a digest that a tag has left goes where `withdrawn` says so, and as planned", async () => {
  const { stack, origin, held } = await scene();
  const first = await pushImage(origin, { tag: "v1" });
  const args = { ...ARGS, withdrawn: "remove" };
  await stack.up(args);
  await pushImage(origin, { tag: "v1", layers: ["again\n"] });
  await stack.up(args);
  assert.deepEqual(await held({ first }), { first: false });
});

test("what no longer verifies stays as it was mirrored, and is named; it goes only where `withdrawn` says so", async () => {
  const { stack, origin, held, place } = await scene();
  const wabbit = await party("Wabbit Networks");
  const image = await pushImage(origin, { tag: "v1" });
  const signature = await wabbit.sign(origin, image.descriptor);
  const args = { ...ARGS, trust: trusting(wabbit) };
  await stack.up(args);
  await origin.deleteManifest(signature.descriptor);
  const step = await stack.up(args);
  assert.match(
    step.warnings.join("\n"),
    /tag v1: stays at sha256:[0-9a-f]{64} as it was mirrored before: .*\[SIGNATURE_/,
  );
  assert.deepEqual(await held({ image, signature }), { image: true, signature: true });
  assert.equal((await stack.up(args)).op, "same");
  await stack.up({ ...args, withdrawn: "remove" });
  assert.deepEqual(await held({ image }), { image: false });
  assert.deepEqual(await (await place()).tags(), []);
});

test("a tag that moves to what does not verify stays where it was", async () => {
  const { stack, origin, held, place } = await scene();
  const wabbit = await party("Wabbit Networks");
  const good = await pushImage(origin, { tag: "v1" });
  await wabbit.sign(origin, good.descriptor);
  const args = { ...ARGS, trust: trusting(wabbit) };
  await stack.up(args);
  const bad = await pushImage(origin, { tag: "v1", layers: ["nobody signed this\n"] });
  const step = await stack.up(args);
  assert.match(step.warnings.join("\n"), /tag v1: stays at /);
  assert.equal((await (await place()).resolve("v1")).digest, good.descriptor.digest);
  assert.deepEqual(await held({ good, bad }), { good: true, bad: false });
  assert.equal((await stack.up(args)).op, "same");
});

test("a claim that no longer verifies stays as it was mirrored", async () => {
  const { stack, origin, held } = await scene();
  const wabbit = await party("Wabbit Networks");
  const image = await pushImage(origin, { tag: "v1" });
  const claim = await pushClaim(origin, image.descriptor);
  const signature = await wabbit.sign(origin, claim.descriptor);
  const args = { ...ARGS, claims: { trust: trusting(wabbit) } };
  await stack.up(args);
  await origin.deleteManifest(signature.descriptor);
  await stack.up(args);
  assert.deepEqual(await held({ claim, signature }), { claim: true, signature: true });
  await stack.up({ ...args, withdrawn: "remove" });
  assert.deepEqual(await held({ claim, signature }), { claim: false, signature: false });
});

test("a tag that was withdrawn keeps getting claims while its digest is there, and keeps only what the contract takes", async () => {
  const { stack, origin, held } = await scene();
  const image = await pushImage(origin, { tag: "v1" });
  const internal = await pushClaim(origin, image.descriptor, { audience: "internal" });
  await stack.up(ARGS);
  await origin.untag("v1");
  const revocation = await pushClaim(origin, image.descriptor, { note: "after the tag had gone" });
  await stack.up(ARGS);
  assert.deepEqual(stack.plan["withdrawn"], ["v1"]);
  assert.deepEqual(await held({ image, internal, revocation }), {
    image: true,
    internal: true,
    revocation: true,
  });
  await stack.up({ ...ARGS, claims: { audience: "public" } });
  assert.deepEqual(await held({ image, internal, revocation }), {
    image: true,
    internal: false,
    revocation: true,
  });
});

test("what is said of an index that was deleted at the source still arrives", async () => {
  const { stack, origin, held } = await scene();
  const { index, images } = await pushIndex(origin, {
    tag: "v1",
    platforms: ["linux/amd64", "linux/arm64"],
  });
  await stack.up(ARGS);
  await origin.untag("v1");
  for (const { descriptor } of [index, ...images]) await origin.deleteManifest(descriptor);
  const revocation = await pushClaim(origin, index.descriptor, { note: "revoked" });
  await stack.up(ARGS);
  assert.deepEqual(await held({ index, revocation }), { index: true, revocation: true });
  assert.deepEqual(stack.plan["withdrawn"], [index.descriptor.digest, "v1"].sort());
  assert.equal((await stack.up(ARGS)).op, "same");
  assert.deepEqual(await stack.refresh(), {});
});

test("a new region gets what was withdrawn from one that has it", async () => {
  const { stack, origin, held } = await scene();
  const image = await pushImage(origin, { tag: "v1" });
  const claim = await pushClaim(origin, image.descriptor);
  await pushImage(origin, { tag: "v2", layers: ["two\n"] });
  await stack.up(ARGS);
  await origin.untag("v1");
  await origin.deleteManifest(claim.descriptor);
  await origin.deleteManifest(image.descriptor);
  const both = { ...ARGS, destinations: ["oci:copy", "oci:second"] };
  await stack.up(both);
  assert.deepEqual(await held({ image, claim }, "second"), { image: true, claim: true });
  assert.deepEqual(await stack.refresh(), {});
  assert.equal((await stack.up(both)).op, "same");
});

test("what was withdrawn and is gone at every destination is forgotten once a refresh has shown it", async () => {
  const { stack, origin, place } = await scene();
  const image = await pushImage(origin, { tag: "v1" });
  const claim = await pushClaim(origin, image.descriptor);
  await stack.up(ARGS);
  await origin.deleteManifest(claim.descriptor);
  await stack.up(ARGS);
  await (await place()).deleteManifest(claim.descriptor);
  await stack.refresh();
  assert.equal((await stack.up(ARGS)).op, "update");
  assert.equal(stack.plan["withdrawn"], undefined);
  assert.deepEqual(await stack.refresh(), {});
  assert.equal((await stack.up(ARGS)).op, "same");
});

test("a digest asked for by name is kept when it is gone at the source, and a tag asked for by name is taken away where that is wanted", async () => {
  const { stack, origin, held, place } = await scene();
  const image = await pushImage(origin, { layers: ["by digest\n"] });
  const named = await pushImage(origin, { tag: "v1", layers: ["by tag\n"] });
  await pushImage(origin, { tag: "v2", layers: ["two\n"] });
  const args = { ...ARGS, tags: { include: ["v1", "v2"], digests: [image.descriptor.digest] } };
  await stack.up(args);
  await origin.untag("v1");
  await origin.deleteManifest(named.descriptor);
  await origin.deleteManifest(image.descriptor);
  await stack.up(args);
  assert.deepEqual(await held({ image, named }), { image: true, named: true });
  assert.equal((await stack.up(args)).op, "same");
  const removing = { ...args, withdrawn: "remove" };
  await stack.up(removing);
  assert.deepEqual(await held({ image, named }), { image: false, named: false });
  assert.deepEqual(await (await place()).tags(), ["v2"]);
  assert.equal((await stack.up(removing)).op, "same", "what was withdrawn is not missing");
});

test("a tag asked for by name that the rest of the selection leaves out is not missing", async () => {
  const { stack, origin, place } = await scene();
  await pushImage(origin, { tag: "v1.0.0" });
  await pushImage(origin, { tag: "v2.0.0", layers: ["two\n"] });
  await stack.up({ ...ARGS, tags: { include: ["v1.0.0", "v2.0.0"], newest: 1 } });
  assert.deepEqual(await (await place()).tags(), ["v2.0.0"]);
  await stack.up({ ...ARGS, tags: { include: ["v1.0.0", "v2.0.0"], exclude: ["v2*"] } });
  assert.deepEqual(await (await place()).tags(), ["v1.0.0"]);
});

test("the newest N are N, also when one of them was withdrawn", async () => {
  const { stack, origin, place } = await scene();
  for (const major of [1, 2])
    await pushImage(origin, { tag: `${major}.0.0`, layers: [`${major}\n`] });
  const args = { ...ARGS, tags: { newest: 2 } };
  await stack.up(args);
  await origin.untag("1.0.0");
  await stack.up(args);
  assert.deepEqual(await (await place()).tags(), ["1.0.0", "2.0.0"]);
  await pushImage(origin, { tag: "3.0.0", layers: ["3\n"] });
  await stack.up(args);
  assert.deepEqual(await (await place()).tags(), ["2.0.0", "3.0.0"]);
});

test("a summary says by name what is new, what moves and what goes", async () => {
  const { stack, origin } = await scene();
  const image = await pushImage(origin, { tag: "v1" });
  await pushImage(origin, { tag: "v2", layers: ["two\n"] });
  const args = { ...ARGS, summarizeAbove: 0 };
  await stack.up(args);
  assert.deepEqual((await stack.up(args)).progress, []);
  const claim = await pushClaim(origin, image.descriptor);
  const moved = await pushImage(origin, { tag: "v2", layers: ["two, again\n"] });
  const preview = await stack.preview(args);
  assert.match(
    preview.progress.join("\n"),
    new RegExp(
      `new: artifact ${moved.descriptor.digest}, https://example.test/remark/v1 ${claim.descriptor.digest}`,
    ),
  );
  assert.match(
    preview.progress.join("\n"),
    new RegExp(`tags that move: v2 to ${moved.descriptor.digest}`),
  );
  await stack.up(args);
  const narrowed = await stack.preview({ ...args, tags: ["v2"] });
  assert.match(
    narrowed.progress.join("\n"),
    new RegExp(
      `no longer mirrored: artifact ${image.descriptor.digest}, .*${claim.descriptor.digest}, tag v1`,
    ),
  );
});

test("a mirror of a mirror whose plan is a summary is planned when that is there", async () => {
  const { stack, origin } = await scene();
  await pushImage(origin, { tag: "v1" });
  const { inputs } = await stack.preview({ ...ARGS, summarizeAbove: 0 });
  const next = new MirrorStack(stack.baseDir);
  const first = await next.preview({
    source: "oci:copy",
    destinations: ["oci:second"],
    upcoming: inputs["plan"],
    upcomingReady: UNKNOWN,
  });
  assert.equal(first.inputs["plan"], undefined);
  assert.deepEqual(first.warnings, []);
});

test("a source that shows nothing at all removes nothing, also where what is withdrawn goes", async () => {
  const { stack, origin, held } = await scene();
  const image = await pushImage(origin, { tag: "v1" });
  const claim = await pushClaim(origin, image.descriptor);
  const args = { ...ARGS, withdrawn: "remove" };
  await stack.up(args);
  await origin.untag("v1");
  for (const { descriptor } of [claim, image]) await origin.deleteManifest(descriptor);
  const step = await stack.up(args);
  assert.match(
    step.warnings.join("\n"),
    /oci:origin shows nothing of what was mirrored from there/,
  );
  assert.deepEqual(await held({ image, claim }), { image: true, claim: true });
  assert.equal((await stack.up(args)).op, "same");
});

test("what was withdrawn, and taken away at the destination too, holds up nothing before a refresh has shown it", async () => {
  const { stack, origin, place, held } = await scene();
  const image = await pushImage(origin, { tag: "v1" });
  const claim = await pushClaim(origin, image.descriptor);
  await stack.up(ARGS);
  for (const store of [origin, await place()]) await store.deleteManifest(claim.descriptor);
  const late = await pushClaim(origin, image.descriptor, { note: "late" });
  await stack.up(ARGS);
  assert.deepEqual(await held({ late, claim }), { late: true, claim: false });
  await stack.refresh();
  await stack.up(ARGS);
  assert.equal(stack.plan["withdrawn"], undefined);
  assert.equal((await stack.up(ARGS)).op, "same");
});
