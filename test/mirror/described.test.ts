// SPDX-License-Identifier: Apache-2.0
// One thing that belongs to several artifacts, or has a tag of its own.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Manifest } from "../../provider/oci/manifest";
import { pushImage, pushIndex } from "../harness/artifacts";
import { ARGS, isThere, scene } from "./scene";
import { pushClaim } from "./world";

for (const n of ["1", "2", "3", "4"]) {
  test(`index and its child both tagged, a claim about the child: settles (${n})`, async () => {
    const { stack, origin } = await scene();
    const { images } = await pushIndex(origin, { tag: "v1", annotations: { n } });
    await origin.tag(images[0] as Manifest, "v1-amd64");
    await pushClaim(origin, (images[0] as Manifest).descriptor, { note: "about amd64" });
    await stack.up(ARGS);
    const before = JSON.stringify(stack.plan);
    const step = await stack.up(ARGS);
    assert.equal(step.op, "same", JSON.stringify(step.diffs));
    assert.deepEqual(await stack.refresh(), {});
    await pushClaim(origin, (images[0] as Manifest).descriptor, { note: "another" });
    await stack.up(ARGS);
    assert.deepEqual(await stack.refresh(), {}, before);
    assert.equal((await stack.up(ARGS)).op, "same");
  });
}

for (const n of ["1", "9", "10"]) {
  test(`a claim about a child that is tagged too is brought to a new region, and no drift comes of it (${n})`, async () => {
    const { stack, origin, at } = await scene();
    const { images } = await pushIndex(origin, { tag: "v1", annotations: { n } });
    await origin.tag(images[0] as Manifest, "v1-amd64");
    const claim = await pushClaim(origin, (images[0] as Manifest).descriptor, {
      note: "about amd64",
    });
    await stack.up(ARGS);
    await stack.up(ARGS);
    const drift = await stack.refresh();
    const args = {
      ...ARGS,
      tags: { exclude: ["*-amd64"] },
      destinations: ["oci:copy", "oci:second"],
    };
    await stack.up(args);
    assert.equal(await isThere(at("second"), claim.descriptor.digest), true);
    assert.deepEqual(drift, {});
  });
}

for (const note of ["1", "2", "3", "4", "5", "6"]) {
  test(`a claim that has a tag of its own settles (${note})`, async () => {
    const { stack, origin } = await scene();
    const image = await pushImage(origin, { tag: "v1" });
    const claim = await pushClaim(origin, image.descriptor, { note });
    await origin.tag(claim, "v1-sbom");
    await stack.up(ARGS);
    const plan = stack.plan;
    const step = await stack.up(ARGS);
    assert.equal(step.op, "same", JSON.stringify([plan, stack.plan], null, 1));
    assert.deepEqual(await stack.refresh(), {});
  });
}
