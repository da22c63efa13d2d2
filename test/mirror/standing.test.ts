// SPDX-License-Identifier: Apache-2.0
// What stays although the source has moved on.
import assert from "node:assert/strict";
import { test } from "node:test";
import { MEDIA_TYPES } from "../../provider/oci/media-types";
import { type Manifest, parseManifest } from "../../provider/oci/manifest";
import { pushImage, pushIndex } from "../harness/artifacts";
import { ARGS, isThere, scene } from "./scene";
import { party, pushClaim, trusting } from "./world";
import { failsWith } from "../harness/failure";

async function signerOf(organisation: string) {
  const { rootFile } = await party(organisation);
  return {
    keyFile: rootFile.replace("root.pem", "key.pem"),
    certificateChainFile: rootFile.replace("root.pem", "chain.pem"),
  };
}

test("a signature of somebody else does not take the place of one that was trusted", async () => {
  const { stack, origin, held } = await scene();
  const wabbit = await party("Wabbit Networks");
  const mallory = await party("Mallory");
  const image = await pushImage(origin, { tag: "v1" });
  const signature = await wabbit.sign(origin, image.descriptor);
  const args = { ...ARGS, trust: trusting(wabbit) };
  await stack.up(args);
  await origin.deleteManifest(signature.descriptor);
  await mallory.sign(origin, image.descriptor);
  await stack.up(args);
  assert.deepEqual(await held(image, signature), [true, true]);
});

test("the same of a claim under claims.trust", async () => {
  const { stack, origin, held } = await scene();
  const wabbit = await party("Wabbit Networks");
  const mallory = await party("Mallory");
  const image = await pushImage(origin, { tag: "v1" });
  const claim = await pushClaim(origin, image.descriptor);
  const signature = await wabbit.sign(origin, claim.descriptor);
  const args = { ...ARGS, claims: { trust: trusting(wabbit) } };
  await stack.up(args);
  await origin.deleteManifest(signature.descriptor);
  await mallory.sign(origin, claim.descriptor);
  await stack.up(args);
  assert.deepEqual(await held(claim, signature), [true, true]);
});

test("newest by created keeps a withdrawn one that is among the newest", async () => {
  const { stack, origin, at, held } = await scene();
  const made: Manifest[] = [];
  for (const day of ["01", "02", "03"])
    made.push(
      await pushImage(origin, {
        layers: [day],
        tag: `build-${day}`,
        annotations: { "org.opencontainers.image.created": `2026-01-${day}T00:00:00Z` },
      }),
    );
  const args = { ...ARGS, tags: { newest: { count: 2, by: "created" } } };
  await stack.up(args);
  assert.deepEqual(await at().tags(), ["build-02", "build-03"]);
  await origin.untag("build-03");
  await origin.deleteManifest((made[2] as Manifest).descriptor);
  await stack.up(args);
  assert.deepEqual(await held(made[2] as Manifest), [true]);
  assert.deepEqual(await at().tags(), ["build-02", "build-03"]);
});

test("the derived-from claim of a derived index that the tag has left stays, whatever types of claims are selected", async () => {
  const { stack, origin, at } = await scene();
  const signer = await signerOf("ACME Rockets");
  const args = {
    ...ARGS,
    platforms: { only: ["linux/amd64"], index: "derived" },
    signer,
    claims: { types: ["https://example.test/remark/v1"] },
  };
  await pushIndex(origin, { tag: "v1", annotations: { n: "1" } });
  await stack.up(args);
  const first = stack.plan.tags["v1"] ?? "";
  const [origin1] = await at().referrers(first as never);
  assert.ok(origin1 !== undefined);
  await pushIndex(origin, { tag: "v1", annotations: { n: "2" } });
  await stack.up(args);
  assert.equal(await isThere(at(), first), true);
  assert.equal(await isThere(at(), origin1.digest), true);
});

test("what is said later about an image of a derived index that the tag has left arrives", async () => {
  const { stack, origin, at, held } = await scene();
  const signer = await signerOf("ACME Rockets");
  const args = { ...ARGS, platforms: { only: ["linux/amd64"], index: "derived" }, signer };
  const { images } = await pushIndex(origin, { tag: "v1", annotations: { n: "1" } });
  await stack.up(args);
  const first = stack.plan.tags["v1"] ?? "";
  // The next one has another image.
  const next = await pushImage(origin, { layers: ["next\n"] });
  const other = await pushImage(origin, { layers: ["next arm\n"], architecture: "arm64" });
  const moved = parseManifest(
    Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: MEDIA_TYPES.index,
        manifests: [
          { ...next.descriptor, platform: { os: "linux", architecture: "amd64" } },
          { ...other.descriptor, platform: { os: "linux", architecture: "arm64" } },
        ],
      }),
    ),
    MEDIA_TYPES.index,
  );
  await origin.pushManifest(moved);
  await origin.tag(moved, "v1");
  await stack.up(args);
  assert.equal(await isThere(at(), first), true);
  const late = await pushClaim(origin, (images[0] as Manifest).descriptor, {
    note: "a vulnerability",
  });
  const step = await stack.up(args);
  assert.equal(step.op, "update");
  assert.deepEqual(await held(late), [true]);
});

test("a new region gets a derived index that the tag has left, although the original is gone", async () => {
  const { stack, origin, at } = await scene();
  const signer = await signerOf("ACME Rockets");
  const args = { ...ARGS, platforms: { only: ["linux/amd64"], index: "derived" }, signer };
  const { index } = await pushIndex(origin, { tag: "v1", annotations: { n: "1" } });
  await stack.up(args);
  const first = stack.plan.tags["v1"] ?? "";
  await pushIndex(origin, { tag: "v1", annotations: { n: "2" } });
  await stack.up(args);
  await origin.deleteManifest(index.descriptor);
  await stack.up(args);
  await stack.up({ ...args, destinations: ["oci:copy", "oci:second"] });
  assert.equal(await isThere(at("second"), first), true);
});

test("the same after the platforms have changed", async () => {
  const { stack, origin, at } = await scene();
  const signer = await signerOf("ACME Rockets");
  const args = (...only: string[]) => ({ ...ARGS, platforms: { only, index: "derived" }, signer });
  const platforms = ["linux/amd64", "linux/arm64", "windows/amd64"];
  await pushIndex(origin, { tag: "v1", annotations: { n: "1" }, platforms });
  await stack.up(args("linux/amd64"));
  const first = stack.plan.tags["v1"] ?? "";
  await pushIndex(origin, { tag: "v1", annotations: { n: "2" }, platforms });
  await stack.up(args("linux/amd64"));
  await stack.up(args("linux/amd64", "linux/arm64"));
  assert.equal(await isThere(at(), first), true);
  await stack.up({
    ...args("linux/amd64", "linux/arm64"),
    destinations: ["oci:copy", "oci:second"],
  });
  assert.equal(await isThere(at("second"), first), true);
});

test("cosign's signature of an SBOM under cosign's tag comes along", async () => {
  const { stack, origin, at } = await scene();
  const image = await pushImage(origin, { tag: "v1" });
  const sbom = await pushImage(origin, {
    layers: ["sbom\n"],
    tag: `${image.descriptor.digest.replace(":", "-")}.sbom`,
  });
  const signature = await pushImage(origin, {
    layers: ["sig\n"],
    tag: `${sbom.descriptor.digest.replace(":", "-")}.sig`,
  });
  await stack.up(ARGS);
  assert.equal(await isThere(at(), sbom.descriptor.digest), true);
  assert.equal(await isThere(at(), signature.descriptor.digest), true);
});

test("a mirror of another source takes the tags over that the one before it left, and no others", async () => {
  const { stack, origin, at } = await scene();
  await pushImage(origin, { tag: "v1" });
  await stack.up(ARGS);
  const next = await pushImage(at("elsewhere"), { tag: "v1", layers: ["two\n"] });
  assert.equal((await stack.up({ ...ARGS, source: "oci:elsewhere" })).op, "replace");
  assert.equal((await at().resolve("v1")).digest, next.descriptor.digest);
  assert.deepEqual(await stack.refresh(), {});
  await pushImage(at("third"), { tag: "v1", layers: ["three\n"] });
  const theirs = await pushImage(at(), { tag: "v1", layers: ["theirs\n"] });
  await assert.rejects(stack.up({ ...ARGS, source: "oci:third" }), failsWith("TAG_MOVED"));
  assert.equal((await at().resolve("v1")).digest, theirs.descriptor.digest);
});
