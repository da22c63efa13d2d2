// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { OciLayout } from "../../provider/content/oci-layout";
import { Promotion, SignedArtifact } from "../../sdk";
import { engineMissing, openEngine } from "../harness/engine";
import { party, trustOf } from "../harness/memory-world";

const acme = party("ACME Rockets");

interface Names {
  resource: string;
  environment: string;
  to: string;
}

function program({ resource, environment, to }: Names) {
  return async () => {
    const build = new SignedArtifact("build", {
      repository: "oci:layouts/build",
      files: ["v1.txt"],
      signer: acme.signer,
    });
    const promotion = new Promotion(resource, {
      artifact: build,
      environment,
      to,
      tag: "current",
      signer: acme.signer,
      trust: trustOf(acme),
      onDelete: "purge",
    });
    return { digest: promotion.digest, status: promotion.status };
  };
}

test(
  "on the engine: whatever of a promotion is renamed, its environment keeps tag and content",
  { skip: engineMissing() },
  async () => {
    const names: Names = {
      resource: "production",
      environment: "production",
      to: "oci:layouts/production",
    };
    const engine = await openEngine({ program: program(names) });
    writeFileSync(join(engine.folder, "v1.txt"), "the content\n");
    const { digest } = (await engine.up()).outputs;
    const running = async () =>
      (await OciLayout.open(join(engine.folder, "layouts", "production")).resolve("current"))
        .digest;
    assert.equal(await running(), digest);
    for (const renamed of [
      { environment: "production-eu" },
      { resource: "eu" },
      { to: "oci:./layouts/production" },
    ]) {
      Object.assign(names, renamed);
      await engine.up({ program: program(names) });
      assert.equal(await running(), digest, JSON.stringify(renamed));
      assert.equal(
        (await engine.up({ program: program(names), expectNoChanges: true })).changes.same,
        2,
      );
    }
    await engine.destroy();
    assert.deepEqual(await OciLayout.open(join(engine.folder, "layouts", "production")).tags(), []);
  },
);
