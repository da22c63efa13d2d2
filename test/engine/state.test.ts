// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { createPrivateKey } from "node:crypto";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { basicGate } from "../harness/authentication";
import { engineMissing } from "../harness/engine";
import { registryMissing, startRegistry } from "../harness/registries";
import { signerFiles } from "../harness/places";
import { consign, openWorld, program } from "./world";

const skip = engineMissing() || registryMissing("olareg");

test("state holds no secret, is small, and is enough to destroy by", { skip }, async (context) => {
  const password = "pass-word-7f3a9c";
  const passphrase = "pass-phrase-51be0d";
  const registry = await startRegistry("olareg", { gates: [basicGate({ wabbit: password })] });
  context.after(() => registry.stop());
  const { engine } = await openWorld("layout", context, {
    secrets: {
      "consign:registries": JSON.stringify({ [registry.host]: { username: "wabbit", password } }),
    },
    env: { CONSIGN_TEST_PASSPHRASE: passphrase },
  });
  const signer = signerFiles();
  const plain = readFileSync(signer.args.keyFile, "utf8");
  writeFileSync(
    signer.args.keyFile,
    createPrivateKey(plain).export({
      type: "pkcs8",
      format: "pem",
      cipher: "aes-256-cbc",
      passphrase,
    }),
  );
  const encrypted = { ...signer.args, passphraseEnv: "CONSIGN_TEST_PASSPHRASE" };
  const written = program({
    artifacts: {
      app: {
        repository: `${registry.host}/app`,
        tags: ["v1"],
        files: ["files/app.sh"],
        signer: encrypted,
        onDelete: "purge",
      },
    },
    claims: {
      tests: {
        subject: "app",
        type: "test-result",
        predicate: { result: "PASSED", configuration: [] },
        signer: encrypted,
      },
    },
  });
  const up = await engine.up({ program: written });
  assert.deepEqual(up.changes, { create: 2 });
  const resources = await engine.state();
  const authorization = Buffer.from(`wabbit:${password}`).toString("base64");
  const body = plain.split("\n").slice(1, 3).join("");
  const backend = join(dirname(engine.folder), "backend");
  const files = readdirSync(backend, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  assert.ok(files.length > 0);
  for (const text of [
    ...files.map((entry) => readFileSync(join(entry.parentPath, entry.name), "utf8")),
    up.stdout,
    ...up.diagnostics,
  ]) {
    for (const secret of [password, passphrase, authorization, body, "PRIVATE KEY"])
      assert.ok(!text.includes(secret), `${secret} is in the state or the output`);
  }
  for (const { urn, type, inputs, outputs } of resources.filter(({ type }) =>
    type.startsWith("pulumi-nodejs:dynamic/consign:"),
  )) {
    const stub = String(outputs?.["__provider"]);
    assert.ok(Buffer.byteLength(stub) < 100);
    context.diagnostic(
      `${urn.slice(urn.lastIndexOf("::") + 2)} (${type.slice(type.lastIndexOf(":") + 1)}): ${JSON.stringify({ inputs, outputs }).length} bytes of state, __provider ${Buffer.byteLength(stub)}`,
    );
  }

  const gone = await engine.destroy();
  assert.deepEqual(gone.changes, { delete: 2 }, "destroy runs no program");
  assert.deepEqual(registry.requests("DELETE").length > 0, true);
});

test("get reads an artifact and a claim that others made", { skip }, async (context) => {
  const { engine, place } = await openWorld("olareg", context);
  const signer = signerFiles();
  const artifact = {
    repository: place.location("app"),
    tags: ["v1"],
    files: ["files/app.sh"],
    signer: signer.args,
  };
  const statement = {
    type: "test-result",
    predicate: { result: "PASSED", configuration: [] },
    signer: signer.args,
  };
  const made = await engine.up({
    program: program({
      artifacts: { app: artifact },
      claims: { tests: { ...statement, subject: "app" } },
    }),
  });
  place.clear();
  const got = await engine.up({
    program: async () => {
      const { Claim, SignedArtifact } = consign();
      const app = new SignedArtifact("got", artifact, { id: "app" });
      const tests = new Claim("got-claim", { ...statement, subject: app }, { id: "tests" });
      return {
        app: app.digest,
        signed: app.signedReference,
        tests: tests.digest,
        status: tests.status,
        issuedAt: tests.issuedAt,
      };
    },
  });
  assert.deepEqual(
    [got.outputs["app"], got.outputs["tests"], got.outputs["status"]],
    [made.outputs["app"], made.outputs["tests"], "valid"],
  );
  assert.match(String(got.outputs["signed"]), /@sha256:/);
  assert.match(String(got.outputs["issuedAt"]), /Z$/);
});
