// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { claim } from "../../provider/claim/claim";
import { signedArtifact } from "../../provider/artifact/artifact";
import { Life } from "../harness/life";
import { forEachPlace, signerFiles } from "../harness/places";
import { codeOf, failsWith } from "../harness/failure";

const INTERNAL = "registry.internal:5000";

forEachPlace(
  "a gateway that answers 404 to everything drops nothing, and deletes nothing in vain",
  async (place, context) => {
    const gateway = createServer(
      (_request, response) =>
        void response
          .writeHead(404, { "content-type": "text/html" })
          .end("<h1>404 page not found</h1>"),
    );
    await new Promise<void>((done) => void gateway.listen(0, "127.0.0.1", done));
    context.after(() => void gateway.close());
    const through = (address: string) => ({
      "consign:registries": { [INTERNAL]: { address, plainHttp: true } },
    });
    const config = through(place.registry?.host ?? "");
    mkdirSync(join(place.folder, "files"));
    writeFileSync(join(place.folder, "files", "app.sh"), "echo 1\n");
    const signer = signerFiles().args;
    const artifact = new Life(signedArtifact, { folder: place.folder, config });
    await artifact.up({
      repository: `${INTERNAL}/app`,
      tags: ["v1"],
      files: ["files/app.sh"],
      signer,
      onDelete: "purge",
    });
    const tests = new Life(claim, { folder: place.folder, config });
    await tests.up({
      subject: String(artifact.outputs["reference"]),
      type: "test-result",
      predicate: { result: "PASSED", configuration: [] },
      signer,
    });
    for (const life of [artifact, tests]) {
      const before = life.outputs;
      Object.assign(life.options, {
        config: through(`127.0.0.1:${(gateway.address() as AddressInfo).port}`),
      });
      await assert.rejects(life.refresh(), failsWith("REGISTRY_RESPONSE_INVALID"));
      await assert.rejects(life.destroy(), failsWith("REGISTRY_RESPONSE_INVALID"));
      assert.equal(life.outputs, before);
      Object.assign(life.options, { config });
      assert.deepEqual(await life.refresh(), []);
    }
  },
  ["olareg", "distribution", "ggcr"],
);

forEachPlace(
  "a layout that is not there at a refresh may be back tomorrow: it is an error, not gone",
  async (place) => {
    mkdirSync(join(place.folder, "files"));
    writeFileSync(join(place.folder, "files", "app.sh"), "echo 1\n");
    const signer = signerFiles().args;
    const artifact = new Life(signedArtifact, { folder: place.folder });
    const args = {
      repository: place.location("app"),
      tags: ["v1"],
      files: ["files/app.sh"],
      signer,
    };
    await artifact.up(args);
    const tests = new Life(claim, { folder: place.folder });
    await tests.up({
      subject: String(artifact.outputs["reference"]),
      type: "test-result",
      predicate: { result: "PASSED", configuration: [] },
      signer,
    });
    const [layout, moved] = [join(place.folder, "layouts", "app"), join(place.folder, "moved")];
    renameSync(layout, moved);
    for (const life of [artifact, tests])
      await assert.rejects(life.refresh(), codeOf("LAYOUT_INVALID", /layouts\/app.* is not there/));
    renameSync(moved, layout);
    for (const life of [artifact, tests]) assert.deepEqual(await life.refresh(), []);
    rmSync(layout, { recursive: true });
    mkdirSync(layout);
    assert.equal(await artifact.refresh(), "gone", "an empty directory says so");
    assert.equal(await artifact.up(args), "create");
  },
  ["layout"],
);
