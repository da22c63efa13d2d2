// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { signedArtifact } from "../../provider/artifact/artifact";
import { claim } from "../../provider/claim/claim";
import { OciLayout } from "../../provider/content/oci-layout";
import type { Reconciler } from "../../provider/world/reconciler";
import { pushImage } from "../harness/artifacts";
import { Life } from "../harness/life";
import { quickParty } from "../harness/memory-world";
import { tempDir } from "../harness/temp";

const { signer } = quickParty("Wabbit Networks");

function project(): { folder: string; store: OciLayout; lifeOf(kind: Reconciler): Life } {
  const folder = tempDir("verbs");
  writeFileSync(join(folder, "app.sh"), "echo 1\n");
  return {
    folder,
    store: OciLayout.open(join(folder, "out"), { create: true }),
    lifeOf: (kind) => new Life(kind, { folder }),
  };
}

/** `made; made`: the artifact's verb, and its signature's. */
function said({ progress }: Life): string {
  return progress
    .flatMap((line) => {
      const [, own, signature] = /is (\w+); its signature is (\w+)$/.exec(line) ?? [];
      return own === undefined ? [] : [`${own}; ${signature}`];
    })
    .join();
}

test("an artifact: made, present, restored, adopted, each said where it was so", async () => {
  const { folder, store, lifeOf } = project();
  const args = { repository: "oci:out", tags: ["v1"], files: ["app.sh"], signer };
  const life = lifeOf(signedArtifact);
  await life.up(args);
  assert.equal(said(life), "made; made");
  await life.up({ ...args, tags: ["v2"] });
  assert.equal(said(life), "present; present", "only a tag was set");

  const [{ digest = "" } = {}] = life.outputs["signatures"] as { digest: string }[];
  await store.deleteManifest(await store.resolve(digest));
  await life.refresh();
  await life.up({ ...args, tags: ["v2"] });
  assert.equal(said(life), "present; made");

  const manifest = await store.manifest(String(life.outputs["digest"]));
  const [layer] = (manifest.value as { layers: { digest: string }[] }).layers;
  rmSync(join(folder, "out", "blobs", ...(layer?.digest ?? "").split(":")));
  await life.refresh();
  await life.up({ ...args, tags: ["v2"] });
  assert.equal(said(life), "restored; present");

  const other = lifeOf(signedArtifact);
  await other.up(args);
  assert.equal(said(other), "adopted; adopted");
});

test("a claim: made, present, adopted", async () => {
  const { store, lifeOf } = project();
  const { descriptor } = await pushImage(store);
  const args = {
    subject: `oci:out@${descriptor.digest}`,
    type: "test-result",
    predicate: { result: "PASSED", configuration: [] },
    signer,
  };
  const life = lifeOf(claim);
  await life.up(args);
  assert.equal(said(life), "made; made");
  await life.up({ ...args, onDelete: "retain" });
  assert.equal(said(life), "present; present");
  await life.up({ ...args, validFor: "30d" });
  assert.equal(said(life), "present; made");
  const other = lifeOf(claim);
  await other.up({ ...args, validFor: "30d" });
  assert.equal(said(other), "adopted; adopted");
});
