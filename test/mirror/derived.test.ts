// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { OciLayout, type Store } from "../../provider/content/index";
import { UNKNOWN } from "../../provider/protocol/unknowns";
import { parseManifest, type Manifest } from "../../provider/oci/manifest";
import { MEDIA_TYPES } from "../../provider/oci/media-types";
import { pushImage, pushIndex } from "../harness/artifacts";
import { MirrorStack } from "./stack";
import { party, pushClaim } from "./world";

interface Place {
  stack: MirrorStack;
  origin: Store;
  /** A fresh look at a layout in the stack's folder. */
  at: (name?: string) => OciLayout;
  deriving: (...only: string[]) => Record<string, unknown>;
}

async function place(): Promise<Place> {
  const stack = new MirrorStack();
  const at = (name = "copy"): OciLayout =>
    OciLayout.open(join(stack.baseDir, name), { create: true });
  const signer = await signerOf("ACME Rockets");
  const deriving = (...only: string[]) => ({
    source: "oci:origin",
    destinations: ["oci:copy"],
    platforms: { only, index: "derived" },
    signer,
  });
  return { stack, origin: at("origin"), at, deriving };
}

async function signerOf(
  organisation: string,
): Promise<{ keyFile: string; certificateChainFile: string }> {
  const { rootFile } = await party(organisation);
  return {
    keyFile: rootFile.replace("root.pem", "key.pem"),
    certificateChainFile: rootFile.replace("root.pem", "chain.pem"),
  };
}

const isThere = async (store: Store, digest: string): Promise<boolean> =>
  store.resolve(digest).then(
    () => true,
    () => false,
  );
const present = async (store: Store, manifests: readonly Manifest[]): Promise<boolean[]> =>
  Promise.all(manifests.map(({ descriptor }) => store.has(descriptor)));

test("a derived index that is no longer wanted goes, with its claim and the mirror's signature on that", async () => {
  const { stack, origin, at, deriving } = await place();
  const { images } = await pushIndex(origin, { tag: "v1" });
  await pushImage(origin, { tag: "v2", layers: ["2"] });
  await stack.up(deriving("linux/amd64"));
  const derived = stack.plan.tags["v1"] ?? "";
  const claims = (await at().referrers(derived as Manifest["descriptor"]["digest"])).map(
    ({ digest }) => digest,
  );
  assert.equal(claims.length, 1);
  const step = await stack.up({ ...deriving("linux/amd64"), tags: ["v2"] });
  for (const gone of [derived, ...claims]) assert.equal(await isThere(at(), gone), false, gone);
  assert.deepEqual(await present(at(), images), [false, false]);
  assert.equal(
    step.progress.some((line) => /stays/.test(line)),
    false,
  );
});

test("derived platforms can change: the older derived index goes", async () => {
  const { stack, origin, at, deriving } = await place();
  const { images } = await pushIndex(origin, {
    tag: "v1",
    platforms: ["linux/amd64", "linux/arm64", "windows/amd64"],
  });
  await stack.up(deriving("linux/amd64"));
  const first = stack.plan.tags["v1"] ?? "";
  await stack.up(deriving("linux/amd64", "linux/arm64"));
  assert.equal(await isThere(at(), first), false);
  assert.deepEqual(await present(at(), images), [true, true, false]);
  await stack.up({ source: "oci:origin", destinations: ["oci:copy"] });
  assert.deepEqual(await present(at(), images), [true, true, true]);
  assert.deepEqual(await stack.refresh(), {});
});

test("a purge takes derived indexes along; one whose claim somebody else speaks about stays, and stays signed", async () => {
  const { stack, origin, at, deriving } = await place();
  const { images } = await pushIndex(origin, { tag: "v1" });
  await stack.up({ ...deriving("linux/amd64"), onDelete: "purge" });
  const derived = stack.plan.tags["v1"] ?? "";
  await stack.destroy();
  assert.deepEqual(
    [await isThere(at(), derived), ...(await present(at(), images))],
    [false, false, false],
  );

  const other = new MirrorStack(stack.baseDir);
  const contract = { ...deriving("linux/amd64"), destinations: ["oci:other"], onDelete: "purge" };
  await other.up(contract);
  const [claim] = await at("other").referrers(derived as Manifest["descriptor"]["digest"]);
  if (claim === undefined) throw new Error("no claim");
  await pushClaim(at("other"), claim, { note: "about the claim" });
  await other.destroy();
  assert.equal(await isThere(at("other"), claim.digest), true);
  assert.equal(
    (await at("other").referrers(claim.digest)).length,
    2,
    "the signature is still there",
  );
});

test("somebody else's signature on a derived-from claim is not the mirror's to delete", async () => {
  const { stack, origin, at, deriving } = await place();
  await pushIndex(origin, { tag: "v1" });
  await stack.up({ ...deriving("linux/amd64"), onDelete: "purge" });
  const derived = stack.plan.tags["v1"] ?? "";
  const [claim] = await at().referrers(derived as Manifest["descriptor"]["digest"]);
  if (claim === undefined) throw new Error("no claim");
  const stranger = await (await party("Stranger")).sign(at(), claim);
  await stack.destroy();
  assert.deepEqual(await present(at(), [stranger]), [true]);
  assert.equal(await isThere(at(), claim.digest), true);
});

test("an index deleted upstream is kept as derived, and holds up nothing else", async () => {
  const { stack, origin, at, deriving } = await place();
  const { index, images } = await pushIndex(origin, { tag: "v1" });
  await stack.up(deriving("linux/amd64"));
  const derived = stack.plan.tags["v1"] ?? "";
  await origin.untag("v1");
  await origin.deleteManifest(index.descriptor);
  await pushIndex(origin, { tag: "v2", annotations: { n: "2" } });
  await stack.up(deriving("linux/amd64"));
  assert.deepEqual(await at().tags(), ["v1", "v2"]);
  assert.deepEqual(await stack.refresh(), {});
  await stack.up({ ...deriving("linux/arm64"), destinations: ["oci:copy", "oci:second"] });
  assert.equal((await at("second").resolve("v1")).digest, derived);
  assert.deepEqual(
    await present(at("second"), images),
    [true, true],
    "what is kept is copied whole, whatever the platforms are now",
  );
  assert.deepEqual(await stack.refresh(), {});
});

test("a derived index follows its tag: the one before stays as long as others may run it, and goes with the platforms", async () => {
  const { stack, origin, at, deriving } = await place();
  await pushIndex(origin, { tag: "v1", annotations: { n: "1" } });
  await stack.up(deriving("linux/amd64"));
  const first = stack.plan.tags["v1"] ?? "";
  await pushIndex(origin, { tag: "v1", annotations: { n: "2" } });
  await stack.up(deriving("linux/amd64"));
  const second = stack.plan.tags["v1"] ?? "";
  assert.deepEqual([await isThere(at(), first), await isThere(at(), second)], [true, true]);
  assert.deepEqual(await stack.refresh(), {});
  assert.equal((await stack.up(deriving("linux/amd64"))).op, "same");
  await stack.up(deriving("linux/s390x"));
  assert.deepEqual(await at().tags(), []);
  assert.deepEqual([await isThere(at(), first), await isThere(at(), second)], [false, false]);
});

test("what has nothing for the platforms is refused by itself, and an index that names none is taken whole", async () => {
  const { stack, origin, at, deriving } = await place();
  await pushIndex(origin, { tag: "v1" });
  await pushIndex(origin, { tag: "win", platforms: ["windows/amd64"] });
  const part = await pushImage(origin, { layers: ["a chart\n"] });
  const bundle = parseManifest(
    Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: MEDIA_TYPES.index,
        manifests: [part.descriptor],
      }),
    ),
    MEDIA_TYPES.index,
  );
  await origin.pushManifest(bundle);
  await origin.tag(bundle, "bundle");
  await stack.up(deriving("linux/amd64"));
  assert.deepEqual(await at().tags(), ["bundle", "v1"]);
  assert.equal((await at().resolve("bundle")).digest, bundle.descriptor.digest);
  assert.deepEqual(await present(at(), [part]), [true]);
  assert.match(
    (stack.plan["refused"] as Record<string, string>)["win"] ?? "",
    /nothing for linux\/amd64, only windows\/amd64/,
  );
});

test("what was said about an image in a derived index is kept when it is withdrawn, also when the index becomes another", async () => {
  const { stack, origin, at, deriving } = await place();
  const { index, images } = await pushIndex(origin, {
    tag: "v1",
    platforms: ["linux/amd64", "linux/arm64", "windows/amd64"],
  });
  const [amd, arm] = images as [Manifest, Manifest];
  const kept = await pushClaim(origin, amd.descriptor, { note: "about amd64" });
  const left = await pushClaim(origin, arm.descriptor, { note: "about arm64" });
  const whole = await pushClaim(origin, index.descriptor, { note: "about all" });
  await stack.up(deriving("linux/amd64", "linux/arm64"));
  assert.deepEqual(await present(at(), [kept, left, whole]), [true, true, false]);
  await origin.deleteManifest(kept.descriptor);
  assert.equal((await stack.up(deriving("linux/amd64", "linux/arm64"))).op, "update");
  assert.deepEqual(stack.plan["withdrawn"], [kept.descriptor.digest]);
  assert.deepEqual(await present(at(), [kept, left]), [true, true]);
  assert.equal((await stack.up(deriving("linux/amd64", "linux/arm64"))).op, "same");
  await stack.up(deriving("linux/amd64"));
  assert.deepEqual(
    await present(at(), [kept, left]),
    [true, false],
    "what is about an image that is left out goes with it",
  );
  assert.deepEqual(stack.plan["withdrawn"], [kept.descriptor.digest]);
  assert.equal((await stack.up({ ...deriving("linux/amd64"), withdrawn: "remove" })).op, "update");
  assert.deepEqual(await present(at(), [kept]), [false]);
});

test("claims that the program is about to make about an image are part of a derived index's plan", async () => {
  const { stack, origin, deriving } = await place();
  const { index, images } = await pushIndex(origin, { tag: "v1" });
  const [amd] = images as [Manifest];
  const announced = `sha256:${"c".repeat(64)}`;
  const about = `sha256:${"d".repeat(64)}`;
  const upcoming = {
    tags: {},
    artifacts: {
      [index.descriptor.digest]: {
        related: {
          [announced]: `sbom/spdx public of ${amd.descriptor.digest}`,
          [about]: "sbom/spdx public",
        },
      },
    },
  };
  const { inputs } = await stack.preview({
    ...deriving("linux/amd64"),
    upcoming,
    upcomingReady: UNKNOWN,
  });
  const [artifact] = Object.values((inputs["plan"] as MirrorStack["plan"]).artifacts);
  assert.equal(artifact?.related?.[announced], `sbom/spdx public of ${amd.descriptor.digest}`);
  assert.equal(artifact?.related?.[about], undefined);
});

test("a derived index of what is yet to be pushed cannot be planned, and is not guessed", async () => {
  const { stack, deriving } = await place();
  const digest = `sha256:${"b".repeat(64)}`;
  const upcoming = (mediaType: string) => ({
    upcoming: {
      tags: { v1: digest },
      artifacts: { [digest]: { mediaType, size: 500, related: {} } },
    },
    upcomingReady: UNKNOWN,
  });
  const planOf = async (extra: Record<string, unknown>): Promise<unknown> =>
    (await stack.preview({ ...deriving("linux/amd64"), ...extra })).inputs["plan"];
  assert.equal(await planOf(upcoming(MEDIA_TYPES.index)), undefined);
  assert.deepEqual(((await planOf(upcoming(MEDIA_TYPES.manifest))) as MirrorStack["plan"]).tags, {
    v1: digest,
  });
});
