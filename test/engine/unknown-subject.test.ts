// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { engineMissing } from "../harness/engine";
import { signerFiles } from "../harness/places";
import { consign, openWorld } from "./world";

test(
  "a claim about signedReference: the preview of a changed artifact updates both, also where the claim is protected",
  { skip: engineMissing() },
  async (context) => {
    const { engine, place } = await openWorld("layout", context);
    const signer = signerFiles().args;
    const program = async () => {
      const { Claim, SignedArtifact } = consign();
      const app = new SignedArtifact("app", {
        repository: place.location("app"),
        tags: ["v1"],
        files: ["files/app.sh"],
        signer,
      });
      const tests = new Claim(
        "tests",
        {
          subject: app.signedReference,
          type: "test-result",
          predicate: { result: "PASSED", configuration: [] },
          signer,
        },
        { protect: true },
      );
      return { claim: tests.digest };
    };
    await engine.up({ program });
    writeFileSync(join(engine.folder, "files", "app.sh"), "echo 2\n");
    const preview = await engine.preview({ program });
    assert.deepEqual(preview.changes, { update: 2 });
    assert.deepEqual((await engine.up({ program })).changes, { update: 2 });
  },
);
