// SPDX-License-Identifier: Apache-2.0
// Lists of referrers that say too little, or name what is gone.
import assert from "node:assert/strict";
import { test } from "node:test";
import { MEDIA_TYPES } from "../../provider/oci/media-types";
import { pushImage } from "../harness/artifacts";
import { registryMissing } from "../harness/registries";
import { scene } from "./scene";
import { pushClaim, World } from "./world";

test(
  "claims chosen by annotation stay chosen where the source's list has no annotations",
  { skip: registryMissing("ggcr") },
  async (context) => {
    const world = new World(context);
    const source = await world.registry("ggcr");
    const origin = world.repository(source, "a/b");
    const image = await pushImage(origin, { tag: "v1" });
    const claim = await pushClaim(origin, image.descriptor, { annotations: { stage: "prod" } });
    const { stack, held } = await scene();
    const args = {
      source: `${source.host}/a/b`,
      destinations: ["oci:copy"],
      claims: { annotations: { stage: "prod" } },
    };
    await stack.up(args);
    assert.deepEqual(await held(claim), [true]);
    assert.equal((await stack.up(args)).op, "same");
    assert.deepEqual(await held(claim), [true]);
  },
);

for (const kind of ["distribution", "olareg-fallback"] as const) {
  const needs = { skip: registryMissing(kind) };
  test(
    `a claim that was deleted at the destination behind its fallback index is missed by a refresh, and brought back [${kind}]`,
    needs,
    async (context) => {
      const world = new World(context);
      const region = await world.registry(kind);
      const { stack, origin } = await scene();
      const image = await pushImage(origin, { tag: "v1" });
      const claim = await pushClaim(origin, image.descriptor);
      const args = { source: "oci:origin", destinations: [`${region.host}/c/d`] };
      await stack.up(args);
      assert.equal(
        (
          await fetch(`http://${region.direct}/v2/c/d/manifests/${claim.descriptor.digest}`, {
            method: "DELETE",
          })
        ).status,
        202,
      );
      assert.equal(await world.repository(region, "c/d").has(claim.descriptor), false);
      const drift = await stack.refresh();
      await stack.up(args);
      assert.equal(
        await world.repository(region, "c/d").has(claim.descriptor),
        true,
        JSON.stringify(drift),
      );
    },
  );

  test(
    `a claim that was deleted at the source behind its fallback index does not stop a mirror [${kind}]`,
    needs,
    async (context) => {
      const world = new World(context);
      const source = await world.registry(kind);
      const { stack, held } = await scene();
      const origin = world.repository(source, "a/b");
      const image = await pushImage(origin, { tag: "v1" });
      const claim = await pushClaim(origin, image.descriptor);
      const other = await pushClaim(origin, image.descriptor, { note: "other" });
      assert.equal(
        (
          await fetch(`http://${source.direct}/v2/a/b/manifests/${claim.descriptor.digest}`, {
            method: "DELETE",
          })
        ).status,
        202,
      );
      await stack.up({ source: `${source.host}/a/b`, destinations: ["oci:copy"] });
      assert.deepEqual(await held(image, other), [true, true]);
    },
  );

  test(
    `the same where it was mirrored before: it is withdrawn, not unchanged [${kind}]`,
    needs,
    async (context) => {
      const world = new World(context);
      const source = await world.registry(kind);
      const { stack, held } = await scene();
      const origin = world.repository(source, "a/b");
      const image = await pushImage(origin, { tag: "v1" });
      const claim = await pushClaim(origin, image.descriptor);
      const args = {
        source: `${source.host}/a/b`,
        destinations: ["oci:copy"],
        withdrawn: "remove",
      };
      await stack.up(args);
      assert.equal(
        (
          await fetch(`http://${source.direct}/v2/a/b/manifests/${claim.descriptor.digest}`, {
            method: "DELETE",
          })
        ).status,
        202,
      );
      await stack.up(args);
      assert.deepEqual(await held(image, claim), [true, false]);
    },
  );

  test(
    `claims chosen by annotation stay chosen where the fallback index has no annotations [${kind}]`,
    needs,
    async (context) => {
      const world = new World(context);
      const source = await world.registry(kind);
      const origin = world.repository(source, "a/b");
      const image = await pushImage(origin, { tag: "v1" });
      const claim = await pushClaim(origin, image.descriptor, { annotations: { stage: "prod" } });
      // As go-containerregistry writes it.
      const bare = {
        schemaVersion: 2,
        mediaType: MEDIA_TYPES.index,
        manifests: [
          {
            mediaType: MEDIA_TYPES.manifest,
            size: claim.descriptor.size,
            digest: claim.descriptor.digest,
            artifactType: "application/vnd.oci.empty.v1+json",
          },
        ],
      };
      const put = await fetch(
        `http://${source.direct}/v2/a/b/manifests/${image.descriptor.digest.replace(":", "-")}`,
        {
          method: "PUT",
          headers: { "content-type": MEDIA_TYPES.index },
          body: JSON.stringify(bare),
        },
      );
      assert.equal(put.status, 201);
      const { stack, held } = await scene();
      const args = {
        source: `${source.host}/a/b`,
        destinations: ["oci:copy"],
        claims: { annotations: { stage: "prod" } },
      };
      await stack.up(args);
      assert.deepEqual(await held(claim), [true]);
      assert.equal((await stack.up(args)).op, "same");
      assert.deepEqual(await held(claim), [true]);
    },
  );
}
