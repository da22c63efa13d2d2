// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { signedArtifact } from "../../provider/artifact/artifact";
import { tempDir } from "../harness/temp";
import { Life, Refused } from "../harness/life";
import { signerFiles } from "../harness/places";

const folder = tempDir("key-in-error");
writeFileSync(join(folder, "app.sh"), "echo\n");
const { args } = signerFiles();
const pem = readFileSync(args.keyFile, "utf8");
const secret = pem.split("\n")[1] ?? "";

async function said(signer: object): Promise<string> {
  const life = new Life(signedArtifact, { folder });
  const error = await life
    .up({ repository: "oci:out", files: ["app.sh"], signer })
    .catch((refused: unknown) => refused);
  assert.ok(error instanceof Error);
  return JSON.stringify([
    error.message,
    ...(error instanceof Refused ? error.failures : []),
    ...life.warnings,
  ]);
}

test("a private key that is given where its file's name belongs is repeated by no message", async () => {
  assert.ok(secret.length > 30);
  for (const signer of [
    { ...args, keyFile: pem },
    { ...args, certificateChainFile: pem },
    { notationKey: pem, configDir: "." },
    { ...args, passphraseEnv: pem },
  ]) {
    assert.ok(
      !(await said(signer)).includes(secret),
      `${Object.keys(signer).join()}: the message holds the key`,
    );
  }
});
