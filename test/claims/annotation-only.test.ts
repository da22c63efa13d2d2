// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { OciLayout } from "../../provider/content/oci-layout";
import { bytesBlob, packManifest, pushArtifact } from "../../provider/content/pack";
import { ANNOTATIONS } from "../../provider/oci/annotations";
import { verification } from "../../provider/verification/verification";
import { resolveType } from "../../provider/claims/index";
import { World, trust } from "../engine/verification-world";
import { tempDir } from "../harness/temp";
import { Life } from "../harness/life";

for (const type of [
  "sbom/spdx",
  "sbom/cyclonedx",
  "vex",
  "redirect",
  "archived",
  "test-result",
  "revocation",
]) {
  test(`${type}: what is an end of life's annotation and nothing else does not meet what is required`, async () => {
    const folder = tempDir("annotation-only");
    const world = new World(OciLayout.open(join(folder, "repo"), { create: true }));
    const artifact = await world.publish("v1");
    const { mediaType, digest, size } = artifact;
    const packed = packManifest({
      artifactType: "application/vnd.microsoft.artifact.lifecycle",
      config: bytesBlob(Buffer.from("{}"), "application/vnd.oci.empty.v1+json"),
      layers: [bytesBlob(Buffer.from("{}"), "application/vnd.oci.empty.v1+json")],
      subject: { mediaType, digest, size },
      annotations: {
        [ANNOTATIONS.claimType]: resolveType(type),
        [ANNOTATIONS.lifecycleEndOfLife]: "2099-01-01",
      },
    });
    await pushArtifact(world.store, packed);
    await world.sign(packed.manifest.descriptor);
    const gate = new Life(verification, { folder });
    const { planned } = await gate.preview({
      artifact: "oci:repo:v1",
      trust: trust(),
      require: [{ type }],
    });
    assert.equal(planned["reference"], undefined, JSON.stringify(planned["claims"]));
  });
}
