// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { signedArtifact } from "../../provider/artifact/artifact";
import { tempDir } from "../harness/temp";
import { Life } from "../harness/life";
import { signerFiles } from "../harness/places";
import { codeOf } from "../harness/failure";

const DAY = 86_400_000;

test("a preview warns of a signing certificate that has expired, or is not valid yet; up then says at which argument it failed", async () => {
  const folder = tempDir("certificate");
  mkdirSync(join(folder, "files"));
  writeFileSync(join(folder, "files", "app.sh"), "echo 1\n");
  const { args: signer } = signerFiles("short", {
    notBefore: new Date(Date.now() - DAY),
    notAfter: new Date(Date.now() + DAY),
  });
  const args = { repository: "oci:out", files: ["files/app.sh"], signer };
  for (const [days, said] of [
    [-2, /is not valid before/],
    [0, undefined],
    [2, /has expired, on/],
  ] as const) {
    const life = new Life(signedArtifact, { folder, now: () => new Date(Date.now() + days * DAY) });
    await life.preview(args);
    if (said === undefined) assert.deepEqual(life.warnings, []);
    else {
      assert.match(life.warnings.join(), said);
      await assert.rejects(life.up(args), codeOf("CERTIFICATE_INVALID", /^signer:/));
    }
  }
});
