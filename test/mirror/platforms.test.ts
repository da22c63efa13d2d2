// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { OciLayout, type Store } from "../../provider/content/index";
import type { Descriptor } from "../../provider/oci/descriptor";
import { parseManifest, type Manifest } from "../../provider/oci/manifest";
import { MEDIA_TYPES } from "../../provider/oci/media-types";
import { pushImage, pushIndex, pushReferrer } from "../harness/artifacts";
import { registryMissing } from "../harness/registries";
import { Refused } from "../harness/life";
import { MirrorStack } from "./stack";
import { pushClaim, World } from "./world";

const THREE = ["linux/amd64", "linux/arm64", "windows/amd64"];
const args = { source: "oci:origin", destinations: ["oci:copy"] };
const sparse = (...only: string[]) => ({ only, index: "sparse" });

interface Place {
  stack: MirrorStack;
  origin: Store;
  /** A fresh look at a layout in the stack's folder. */
  at: (name?: string) => OciLayout;
}

async function place(): Promise<Place> {
  const stack = new MirrorStack();
  const at = (name = "copy"): OciLayout =>
    OciLayout.open(join(stack.baseDir, name), { create: true });
  return { stack, origin: at("origin"), at };
}

const present = async (store: Store, manifests: readonly Manifest[]): Promise<boolean[]> =>
  Promise.all(manifests.map(({ descriptor }) => store.has(descriptor)));

async function pushIndexOf(
  store: Store,
  manifests: readonly Descriptor[],
  tag?: string,
  mediaType: string = MEDIA_TYPES.index,
): Promise<Manifest> {
  const index = parseManifest(
    Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, manifests })),
    mediaType,
  );
  await store.pushManifest(index);
  if (tag !== undefined) await store.tag(index, tag);
  return index;
}

const forPlatform = ({ descriptor }: Manifest, platform: string): Descriptor => {
  const [os = "", architecture = ""] = platform.split("/");
  return { ...descriptor, platform: { os, architecture } };
};

test("a sparse mirror follows its platforms: more are brought, fewer are taken away, with what was said about them", async () => {
  const { stack, origin, at } = await place();
  const { index, images } = await pushIndex(origin, { tag: "v1", platforms: THREE });
  const scans: Manifest[] = [];
  for (const image of images) scans.push(await pushReferrer(origin, image.descriptor));
  await stack.up({ ...args, platforms: sparse("linux/amd64") });
  const planned = (): unknown =>
    (stack.plan.artifacts[index.descriptor.digest] as { platforms?: string[] }).platforms;
  assert.deepEqual(planned(), ["linux/amd64"]);
  const widened = await stack.up({ ...args, platforms: sparse("linux/amd64", "linux/arm64") });
  assert.equal(widened.op, "update");
  assert.ok(widened.diffs.includes("plan"));
  assert.deepEqual(planned(), ["linux/amd64", "linux/arm64"]);
  assert.deepEqual(await present(at(), images), [true, true, false]);
  assert.deepEqual(await present(at(), scans), [true, true, false]);
  assert.equal((await stack.up(args)).op, "update");
  assert.equal(planned(), undefined, "an index that goes whole is recorded as ever");
  assert.deepEqual(await present(at(), [...images, ...scans]), Array<boolean>(6).fill(true));
  assert.equal((await stack.up({ ...args, platforms: sparse("linux/amd64") })).op, "update");
  assert.deepEqual(await present(at(), images), [true, false, false]);
  assert.deepEqual(await present(at(), scans), [true, false, false]);
  assert.equal(
    stack.plan["withdrawn"],
    undefined,
    "what is about an image that is left out was not withdrawn",
  );
  assert.deepEqual(await stack.refresh(), {});
  assert.equal((await stack.up({ ...args, platforms: sparse("linux/amd64") })).op, "same");
  assert.equal(
    (await stack.up({ ...args, platforms: sparse("linux/s390x", "linux/amd64") })).op,
    "same",
    "nothing more is there for it",
  );
});

test("a widened mirror says what it is about to read, and a summary follows its platforms as well", async () => {
  const { stack, origin, at } = await place();
  const { images } = await pushIndex(origin, { tag: "v1", platforms: THREE });
  await stack.up({ ...args, summarizeAbove: 0, platforms: sparse("linux/amd64") });
  const { inputs } = await stack.preview({
    ...args,
    summarizeAbove: 0,
    platforms: sparse("linux/amd64", "linux/arm64"),
  });
  assert.ok((inputs["plan"] as { budget: { requests: number } }).budget.requests > 0);
  await stack.up({ ...args, summarizeAbove: 0, platforms: sparse("linux/amd64", "linux/arm64") });
  assert.deepEqual(await present(at(), images), [true, true, false]);
  await stack.up({ ...args, summarizeAbove: 0, platforms: sparse("linux/arm64") });
  assert.deepEqual(await present(at(), images), [false, true, false]);
});

test("an image that leaves the platforms stays where something else holds it", async () => {
  const { stack, origin, at } = await place();
  const { index, images } = await pushIndex(origin, {
    tag: "v1",
    platforms: [...THREE, "linux/s390x", "linux/riscv64"],
  });
  const [amd, arm, windows, s390, riscv] = images as [
    Manifest,
    Manifest,
    Manifest,
    Manifest,
    Manifest,
  ];
  await pushIndexOf(origin, [arm.descriptor], "bundle");
  await origin.tag(s390, "v1-s390x");
  const scans = [
    await pushReferrer(origin, windows.descriptor),
    await pushReferrer(origin, riscv.descriptor),
  ];
  await stack.up(args);
  const copy = at();
  await copy.tag(windows, "ours");
  const remark = await pushClaim(copy, riscv.descriptor, { note: "the consumer's own" });
  await stack.up({ ...args, platforms: sparse("linux/amd64") });
  assert.deepEqual(
    await present(at(), [amd, arm, windows, s390, riscv, remark, ...scans.slice(0, 1)]),
    Array<boolean>(7).fill(true),
    "held by another planned index, a tag of others, a planned tag, a referrer of others",
  );
  assert.deepEqual(await stack.refresh(), {});

  const other = new MirrorStack(stack.baseDir);
  const elsewhere = { ...args, destinations: ["oci:elsewhere"], tags: ["v1"] };
  await other.up(elsewhere);
  await at("elsewhere").tag(index, "pinned");
  await other.up({ ...elsewhere, platforms: sparse("linux/amd64") });
  assert.deepEqual(
    await present(at("elsewhere"), images),
    [true, true, true, true, true],
    "somebody else's tag on the same index holds all of it",
  );
});

test("an index of which no part names a platform is taken whole; one without anything for the platforms is refused", async () => {
  const { stack, origin, at } = await place();
  const part = await pushImage(origin, { layers: ["a chart\n"] });
  await pushIndexOf(origin, [part.descriptor], "bundle");
  await pushIndex(origin, { tag: "win", platforms: ["windows/amd64"] });
  const { images } = await pushIndex(origin, { tag: "v1" });
  const step = await stack.up({ ...args, platforms: sparse("linux/amd64") });
  assert.deepEqual(await at().tags(), ["bundle", "v1"]);
  assert.deepEqual(await present(at(), [part, ...images]), [true, true, false]);
  const refused = stack.plan["refused"] as Record<string, string>;
  assert.match(
    refused["win"] ?? "",
    /is not copied: it has nothing for linux\/amd64, only windows\/amd64/,
  );
  assert.equal(step.warnings.length, 1);
  assert.deepEqual(await stack.refresh(), {});
});

test("Docker's manifest lists and indexes in indexes are left with the same platforms at both ends", async () => {
  const { stack, origin, at } = await place();
  const pushed = async (platform: string, note: string): Promise<Manifest> => {
    const [os = "", architecture = ""] = platform.split("/");
    return pushImage(origin, { os, architecture, layers: [`${note} ${platform}\n`] });
  };
  const listed = [await pushed("linux/amd64", "list"), await pushed("linux/arm64", "list")];
  await pushIndexOf(
    origin,
    [
      forPlatform(listed[0] as Manifest, "linux/amd64"),
      forPlatform(listed[1] as Manifest, "linux/arm64"),
    ],
    "list",
    MEDIA_TYPES.dockerIndex,
  );
  const nested = [await pushed("linux/amd64", "nested"), await pushed("linux/arm64", "nested")];
  const scan = await pushReferrer(origin, (nested[1] as Manifest).descriptor);
  const inner = await pushIndexOf(origin, [
    forPlatform(nested[0] as Manifest, "linux/amd64"),
    forPlatform(nested[1] as Manifest, "linux/arm64"),
  ]);
  await pushIndexOf(origin, [inner.descriptor], "nested");
  const windows = await pushIndexOf(origin, [
    forPlatform(await pushed("windows/amd64", "inner"), "windows/amd64"),
  ]);
  await pushIndexOf(origin, [windows.descriptor], "win");
  await stack.up({ ...args, platforms: sparse("linux/amd64") });
  assert.deepEqual(await present(at(), [...listed, ...nested, scan]), [
    true,
    false,
    true,
    false,
    false,
  ]);
  assert.deepEqual(await at().tags(), ["list", "nested"]);
  assert.match(
    (stack.plan["refused"] as Record<string, string>)["win"] ?? "",
    /nothing for linux\/amd64/,
  );
  assert.deepEqual(await stack.refresh(), {});
  await stack.up(args);
  assert.deepEqual(await present(at(), [...listed, ...nested, scan]), [
    true,
    true,
    true,
    true,
    true,
  ]);
  await stack.up({ ...args, platforms: sparse("linux/arm64") });
  assert.deepEqual(await present(at(), [...listed, ...nested, scan]), [
    false,
    true,
    false,
    true,
    true,
  ]);
});

test("a sparse index that was deleted upstream is kept, and holds up nothing else", async () => {
  const { stack, origin, at } = await place();
  const { index, images } = await pushIndex(origin, { tag: "v1" });
  const [amd] = images as [Manifest, Manifest];
  const scan = await pushReferrer(origin, amd.descriptor);
  await stack.up({ ...args, platforms: sparse("linux/amd64") });
  await origin.untag("v1");
  await origin.deleteManifest(index.descriptor);
  await pushIndex(origin, { tag: "v2", platforms: ["linux/arm64"] });
  await stack.up({ ...args, platforms: sparse("linux/amd64", "linux/arm64") });
  assert.deepEqual(await at().tags(), ["v1", "v2"]);
  assert.deepEqual(
    stack.plan["withdrawn"],
    [index.descriptor.digest, scan.descriptor.digest, "v1"].sort(),
  );
  assert.deepEqual(
    await present(at(), [index, amd, scan]),
    [true, true, true],
    "what was said about a part of it is kept as well",
  );
  assert.deepEqual(await stack.refresh(), {});
  const wider = {
    ...args,
    destinations: ["oci:copy", "oci:second"],
    platforms: sparse("linux/amd64", "linux/arm64"),
  };
  await stack.up(wider);
  assert.deepEqual(
    await present(at("second"), [index, amd, scan]),
    [true, true, true],
    "another destination gets what is kept from the first",
  );
  assert.deepEqual(await stack.refresh(), {});
  for (const name of ["copy", "second"]) await at(name).deleteManifest(amd.descriptor);
  await origin.deleteManifest(amd.descriptor);
  await stack.refresh();
  assert.equal(
    Object.keys(stack.status["oci:copy"] ?? {}).filter((line) =>
      line.startsWith(`child ${amd.descriptor.digest} of ${index.descriptor.digest}`),
    ).length,
    1,
  );
  await pushIndex(origin, { tag: "v3", annotations: { n: "3" }, platforms: ["linux/arm64"] });
  await stack.up(wider);
  assert.deepEqual(
    await at().tags(),
    ["v1", "v2", "v3"],
    "what nobody has any more holds up nothing",
  );
});

test("where a tag moves on to what has nothing for the platforms, it stays where it was", async () => {
  const { stack, origin, at } = await place();
  const { index } = await pushIndex(origin, { tag: "v1" });
  const contract = { ...args, platforms: sparse("linux/amd64") };
  await stack.up(contract);
  await pushIndex(origin, { tag: "v1", platforms: ["windows/amd64"] });
  await stack.up(contract);
  assert.equal((await at().resolve("v1")).digest, index.descriptor.digest);
  assert.match(
    (stack.plan["refused"] as Record<string, string>)["v1"] ?? "",
    /stays at sha256:\w+ as it was mirrored before: .*nothing for linux\/amd64/,
  );
  await stack.up({ ...args, platforms: sparse("linux/s390x") });
  assert.deepEqual(await at().tags(), [], "a contract that has nothing for it takes it away");
});

test("a digest that a tag has left follows the platforms too", async () => {
  const { stack, origin, at } = await place();
  const first = await pushIndex(origin, { tag: "v1" });
  await stack.up({ ...args, platforms: sparse("linux/amd64", "linux/arm64") });
  const second = await pushIndex(origin, { tag: "v1", platforms: THREE, annotations: { n: "2" } });
  await stack.up({ ...args, platforms: sparse("linux/amd64") });
  assert.deepEqual(await present(at(), [first.index, second.index, ...second.images]), [
    true,
    true,
    true,
    false,
    false,
  ]);
  assert.deepEqual(await stack.refresh(), {});
});

test("a sparse mirror can be mirrored, and says what to do where that asks for more than it holds", async () => {
  const { stack, origin, at } = await place();
  for (const tag of ["a", "b", "c"])
    await pushIndex(origin, { tag, platforms: THREE, annotations: { n: tag } });
  await stack.up({ ...args, platforms: sparse("linux/arm64") });
  const next = { source: "oci:copy", destinations: ["oci:next"] };
  const second = new MirrorStack(stack.baseDir);
  const newest = { count: 2, by: "created" };
  await second.up({ ...next, tags: { newest }, platforms: sparse("linux/arm64") });
  assert.deepEqual(await at("next").tags(), ["a", "b"]);
  const refusedAt = async (property: string, platforms?: unknown): Promise<void> => {
    await assert.rejects(
      new MirrorStack(stack.baseDir).preview({
        ...next,
        ...(platforms === undefined ? {} : { platforms }),
      }),
      (error: unknown) => {
        if (!(error instanceof Refused)) throw error;
        assert.deepEqual(
          error.failures.map((failure) => failure.property),
          [property],
        );
        assert.match(
          error.message,
          /oci:copy@sha256:\w+ is there only in part.*linux\/amd64.*`platforms`.*linux\/arm64.*MANIFEST_UNKNOWN/s,
        );
        return true;
      },
    );
  };
  await refusedAt("platforms");
  await refusedAt("platforms.only", sparse("linux/arm64", "linux/amd64"));
  await assert.rejects(
    second.preview({ ...next, platforms: sparse("linux/amd64") }),
    Refused,
    "also where the index is known already",
  );
});

test("an image that is gone from under an index is seen by a refresh, and brought back", async () => {
  const { stack, origin, at } = await place();
  const { index, images } = await pushIndex(origin, { tag: "v1" });
  const [amd, arm] = images as [Manifest, Manifest];
  const scan = await pushReferrer(origin, arm.descriptor);
  await stack.up(args);
  const whole = stack.parity["oci:copy"];
  await at().deleteManifest(arm.descriptor);
  await stack.refresh();
  assert.deepEqual(stack.status, {
    "oci:copy": { [`child ${arm.descriptor.digest} of ${index.descriptor.digest}`]: "absent" },
  });
  assert.notEqual(stack.parity["oci:copy"], whole);
  assert.equal((await stack.up(args)).op, "update");
  assert.deepEqual(await present(at(), [amd, arm, scan]), [true, true, true]);
  assert.equal(stack.parity["oci:copy"], whole);
  assert.deepEqual(await stack.refresh(), {});
});

test("an index that was somewhere without some of its parts before the mirror came is made whole", async () => {
  const { stack, origin, at } = await place();
  const { index, images } = await pushIndex(origin, { tag: "v1" });
  const copy = at();
  await copy.pushManifest(index);
  await stack.up(args);
  assert.deepEqual(await present(at(), images), [true, true]);
});

test("state of before platforms were recorded stays right", async () => {
  const { stack, origin, at } = await place();
  const { index, images } = await pushIndex(origin, { tag: "v1" });
  const contract = { ...args, platforms: sparse("linux/amd64") };
  await stack.up(contract);
  delete (stack.plan.artifacts[index.descriptor.digest] as { platforms?: string[] }).platforms;
  assert.deepEqual(await stack.refresh(), {}, "what was left out then is not missed now");
  await stack.up(contract);
  assert.deepEqual(await present(at(), images), [true, false]);
  assert.equal((await stack.up(contract)).op, "same");
});

test(
  "a refresh takes one request for each image under an index, and no more",
  { skip: registryMissing("ggcr") },
  async (context) => {
    const world = new World(context);
    const [source, destination] = [await world.registry("ggcr"), await world.registry("ggcr")];
    for (const tag of ["v1", "v2", "v3"])
      await pushIndex(world.repository(source, "a/b"), { tag, annotations: { n: tag } });
    const stack = new MirrorStack();
    await stack.up({ source: `${source.host}/a/b`, destinations: [`${destination.host}/c/d`] });
    destination.clear();
    assert.deepEqual(await stack.refresh(), {});
    // The images are the same in all three.
    assert.deepEqual(
      [
        destination.requests("GET", /manifests/).length,
        destination.requests("HEAD", /manifests/).length,
        destination.requests().length,
      ],
      [3, 2, 5],
    );
  },
);
