// SPDX-License-Identifier: Apache-2.0
// The test bench itself: other people's programs work on these registries with these certificates,
// so a failure elsewhere is ours.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { authority, codeSigner, intermediate, wrongCodeSigners } from "../harness/certificates";
import { ALLOWED_KEYS } from "../harness/keys";
import { forEachRegistry, registryMissing, startRegistry } from "../harness/registries";
import { tempDir } from "../harness/temp";
import { missing, toolOutput } from "../harness/toolchain";
import { notation, notationConfig } from "./notation-cli";

const skip = missing("oras", "notation") || registryMissing("ggcr");

async function pushed(host: string): Promise<string> {
  const folder = tempDir("oras");
  writeFileSync(join(folder, "net-monitor.txt"), "watches the net\n");
  await toolOutput(
    "oras",
    [
      "push",
      "--plain-http",
      "--artifact-type",
      "application/vnd.example.tool",
      `${host}/net-monitor:v1`,
      "net-monitor.txt",
    ],
    { cwd: folder },
  );
  return `${host}/net-monitor@${await toolOutput("oras", ["resolve", "--plain-http", `${host}/net-monitor:v1`]).then((digest) => digest.trim())}`;
}

if (missing("oras", "notation") === false) {
  forEachRegistry(
    "notation signs what oras pushed, and verifies it",
    async ({ host, referrersApi }) => {
      const config = notationConfig(codeSigner(intermediate(authority())));
      const reference = await pushed(host);
      const before = await notation(config, "verify", "--insecure-registry", reference);
      assert.notEqual(before.code, 0);
      // By default notation also writes the fallback tag, and olareg's referrers API shows nothing
      // any more once there is one.
      const signed = await notation(
        config,
        "sign",
        "--insecure-registry",
        "--signature-format",
        "cose",
        `--force-referrers-tag=${!referrersApi}`,
        reference,
      );
      assert.equal(signed.code, 0, signed.stderr);
      const after = await notation(config, "verify", "--insecure-registry", reference);
      assert.equal(after.code, 0, after.stderr);
    },
  );
}

test("notation takes every kind of key that the bench makes", { skip }, async (context) => {
  const registry = await startRegistry("ggcr");
  context.after(() => registry.stop());
  const reference = await pushed(registry.host);
  for (const kind of ALLOWED_KEYS) {
    const config = notationConfig(codeSigner(authority(), { key: kind }));
    const signed = await notation(
      config,
      "sign",
      "--insecure-registry",
      "--signature-format",
      "cose",
      reference,
    );
    assert.equal(signed.code, 0, `${kind}: ${signed.stderr}`);
  }
});

test("notation refuses certificates that break its profile", { skip }, async (context) => {
  const registry = await startRegistry("ggcr");
  context.after(() => registry.stop());
  const reference = await pushed(registry.host);
  const taken: string[] = [];
  for (const [why, signer] of Object.entries(wrongCodeSigners(authority()))) {
    const signed = await notation(
      notationConfig(signer),
      "sign",
      "--insecure-registry",
      "--signature-format",
      "cose",
      reference,
    );
    if (signed.code === 0) taken.push(why);
  }
  assert.deepEqual(
    taken,
    ["any extended key usage"],
    "the specification forbids it, notation 1.3.2 lets it pass",
  );
});
