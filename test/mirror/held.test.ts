// SPDX-License-Identifier: Apache-2.0
// What others hold at a destination is not taken away.
import assert from "node:assert/strict";
import { test } from "node:test";
import { MEDIA_TYPES } from "../../provider/oci/media-types";
import { type Manifest, parseManifest } from "../../provider/oci/manifest";
import { pushImage, pushIndex } from "../harness/artifacts";
import { registryMissing } from "../harness/registries";
import { ARGS, isThere, scene } from "./scene";
import { pushClaim, World } from "./world";

const cosign = (manifest: Manifest) => `${manifest.descriptor.digest.replace(":", "-")}.sig`;

test("an image that the consumer has signed with cosign stays, as others' claims would keep it", async () => {
  const { stack, origin, at, held } = await scene();
  const image = await pushImage(origin, { tag: "v1" });
  await pushImage(origin, { tag: "v2", layers: ["two\n"] });
  await stack.up(ARGS);
  await pushImage(at(), {
    layers: ["consumer's signature\n"],
    tag: `${image.descriptor.digest.replace(":", "-")}.sig`,
  });
  await stack.up({ ...ARGS, tags: ["v2"] });
  assert.deepEqual(await held(image), [true]);
});

test(
  "a list of tags that lacks cosign's once takes nothing away",
  { skip: registryMissing("ggcr") },
  async (context) => {
    const world = new World(context);
    const source = await world.registry("ggcr");
    const origin = world.repository(source, "a/b");
    const image = await pushImage(origin, { tag: "v1" });
    const signature = await pushImage(origin, { layers: ["sig"], tag: cosign(image) });
    const { stack, held } = await scene();
    const args = { source: `${source.host}/a/b`, destinations: ["oci:copy"], withdrawn: "remove" };
    await stack.up(args);
    assert.deepEqual(await held(image, signature), [true, true]);
    source.setFaults([
      {
        path: /tags\/list/,
        times: 1,
        fault: {
          kind: "status",
          status: 200,
          headers: { "content-type": "application/json" },
          body: JSON.stringify({ name: "a/b", tags: ["v1"] }),
        },
      },
    ]);
    await stack.up(args);
    assert.deepEqual(await held(image, signature), [true, true]);
  },
);

for (const what of ["referrers", "tags"]) {
  test(
    `an image that leaves the platforms stays where others speak about or tag it, also where the list of ${what} is empty once`,
    { skip: registryMissing("olareg") },
    async (context) => {
      const world = new World(context);
      const region = await world.registry("olareg");
      const { stack, origin } = await scene();
      const { images } = await pushIndex(origin, { tag: "v1" });
      const args = (...only: string[]) => ({
        source: "oci:origin",
        destinations: [`${region.host}/c/d`],
        platforms: { only, index: "sparse" },
      });
      await stack.up(args("linux/amd64", "linux/arm64"));
      const arm = images[1] as Manifest;
      const copy = world.repository(region, "c/d");
      if (what === "tags") await copy.tag(arm, "mine");
      else await pushClaim(copy, arm.descriptor, { note: "the consumer's own" });
      const path =
        what === "tags" ? /tags\/list/ : new RegExp(`referrers/${arm.descriptor.digest}`);
      const body =
        what === "tags"
          ? JSON.stringify({ name: "c/d", tags: [] })
          : JSON.stringify({
              schemaVersion: 2,
              mediaType: "application/vnd.oci.image.index.v1+json",
              manifests: [],
            });
      region.setFaults([
        {
          method: "GET",
          path,
          times: 1,
          fault: {
            kind: "status",
            status: 200,
            headers: {
              "content-type":
                what === "tags" ? "application/json" : "application/vnd.oci.image.index.v1+json",
            },
            body,
          },
        },
      ]);
      await stack.up(args("linux/amd64"));
      assert.equal(await isThere(world.repository(region, "c/d"), arm.descriptor.digest), true);
    },
  );
}

test("two tags of one digest, a purge of a narrowed plan, cosign of others", async () => {
  const { stack, origin, at, held } = await scene();
  const image = await pushImage(origin, { tag: "v1" });
  await origin.tag(image, "latest");
  await stack.up({ ...ARGS, onDelete: "purge" });
  await stack.up({ ...ARGS, onDelete: "purge", tags: ["latest"] });
  assert.deepEqual(await at().tags(), ["latest"]);
  assert.deepEqual(await held(image), [true]);
  await stack.destroy();
  assert.deepEqual(await held(image), [false]);
});

test("a part of an index that refers to something is not taken away while the index has it", async () => {
  const { stack, origin, held } = await scene();
  const image = await pushImage(origin, { tag: "v1-amd64" });
  const claim = await pushClaim(origin, image.descriptor, { audience: "internal" });
  const index = parseManifest(
    Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: MEDIA_TYPES.index,
        manifests: [
          { ...image.descriptor, platform: { os: "linux", architecture: "amd64" } },
          claim.descriptor,
        ],
      }),
    ),
    MEDIA_TYPES.index,
  );
  await origin.pushManifest(index);
  await origin.tag(index, "v1");
  await stack.up(ARGS);
  assert.equal((await stack.up(ARGS)).op, "same");
  await stack.up({ ...ARGS, claims: { audience: "public" } });
  assert.deepEqual(await held(image, index, claim), [true, true, true]);
  assert.deepEqual(await stack.refresh(), {});
  await stack.up({ ...ARGS, tags: ["v1-amd64"], claims: { audience: "public" } });
  assert.deepEqual(await held(image, index, claim), [true, false, false]);
});

test("a claim that the consumer has tagged, or has in an index of its own, stays with the tag", async () => {
  const { stack, origin, at, held } = await scene();
  const image = await pushImage(origin, { tag: "v1" });
  const tagged = await pushClaim(origin, image.descriptor, {
    audience: "internal",
    note: "tagged",
  });
  const listed = await pushClaim(origin, image.descriptor, {
    audience: "internal",
    note: "listed",
  });
  await stack.up(ARGS);
  await at().tag(tagged, "mine");
  const list = parseManifest(
    Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: MEDIA_TYPES.index,
        manifests: [listed.descriptor],
      }),
    ),
    MEDIA_TYPES.index,
  );
  await at().pushManifest(list);
  await at().tag(list, "list");
  await stack.up({ ...ARGS, claims: { audience: "public" } });
  assert.deepEqual(await at().tags(), ["list", "mine", "v1"]);
  assert.deepEqual(await held(tagged, listed), [true, true]);
});
