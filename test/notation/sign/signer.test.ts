// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { COSE_ALGORITHMS, algorithmFor, verifyBytes } from "../../../provider/cose/index";
import { localSigner, signerIdentity } from "../../../provider/notation/sign/signer";
import { authority, codeSigner, intermediate, wrongCodeSigners } from "../../harness/certificates";
import { ALLOWED_KEYS, writeKeyFiles } from "../../harness/keys";
import { tempDir } from "../../harness/temp";

const root = authority();
const leaf = codeSigner(intermediate(root));
const files = writeKeyFiles(leaf);

function file(content: string | Buffer): string {
  const path = join(tempDir("signer"), "file");
  writeFileSync(path, content);
  return path;
}

for (const key of ALLOWED_KEYS) {
  test(`signs with ${key}, at the width that its algorithm has`, async () => {
    const issued = codeSigner(root, { key });
    const signer = await localSigner(writeKeyFiles(issued));
    const signature = await signer.sign(Buffer.from("content"));
    assert.equal(
      signature.byteLength,
      COSE_ALGORITHMS[algorithmFor(issued.key.publicKey)].signatureBytes,
    );
    assert.ok(verifyBytes(issued.key.publicKey, Buffer.from("content"), signature));
    assert.ok(!verifyBytes(issued.key.publicKey, Buffer.from("contents"), signature));
    assert.deepEqual(
      signer.certificateChain.map((der) => Buffer.from(der)),
      issued.chain,
    );
  });
}

test("reads PKCS #8, SEC1 and PKCS #1, plain and encrypted", async () => {
  const rsa = codeSigner(root, { key: "rsa-2048" });
  const encryption = { cipher: "aes-256-cbc", passphrase: "s3cret" };
  for (const [issued, options, passphrase] of [
    [leaf, { type: "sec1", format: "pem" }],
    [rsa, { type: "pkcs1", format: "pem" }],
    [leaf, { type: "pkcs8", format: "pem", ...encryption }, "s3cret"],
    [rsa, { type: "pkcs1", format: "pem", ...encryption }, "s3cret"],
  ] as const) {
    const pem = issued.key.privateKey
      .export(options as { type: "pkcs8"; format: "pem" })
      .toString();
    await localSigner({
      keyFile: file(pem),
      certificateChainFile: file(issued.chainPem),
      passphrase,
    });
  }
});

test("says what is wrong with a key, and nothing that is in it", async () => {
  const encrypted = leaf.key.privateKey
    .export({ type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: "s3cret" })
    .toString();
  const certificateChainFile = files.certificateChainFile;
  const refused = async (
    keyFile: string,
    expected: { code: string; message?: RegExp },
    passphrase?: string,
  ) =>
    assert.rejects(localSigner({ keyFile, certificateChainFile, passphrase }), (error: Error) => {
      assert.equal((error as { code?: string }).code, expected.code);
      assert.match(error.message, expected.message ?? /./);
      assert.doesNotMatch(`${error.message} ${String(error.cause)}`, /s3cret|wrong one/);
      assert.equal((error as { path?: string }).path, "keyFile");
      return true;
    });
  await refused(file(encrypted), { code: "KEY_UNREADABLE", message: /give its passphrase/ });
  await refused(
    file(encrypted),
    { code: "KEY_UNREADABLE", message: /passphrase does not open it/ },
    "wrong one",
  );
  await refused(file("junk"), { code: "KEY_UNREADABLE" });
  await refused(file(root.pem), { code: "KEY_UNREADABLE" });
  await refused(join(tempDir("signer"), "absent"), { code: "FILE_NOT_FOUND" });
  await refused(tempDir("signer"), { code: "FILE_UNREADABLE", message: /directory/ });
  await refused(writeKeyFiles(codeSigner(root)).keyFile, { code: "KEY_MISMATCH" });
  for (const key of ["rsa-1024", "ed25519", "secp256k1"] as const)
    await refused(file(codeSigner(root, { key }).keyPem), { code: "KEY_UNSUPPORTED" });
});

test("says what is wrong with a chain", async () => {
  const refused = (certificateChainFile: string, code: string) =>
    assert.rejects(localSigner({ keyFile: files.keyFile, certificateChainFile }), {
      code,
      path: code === "KEY_MISMATCH" ? "keyFile" : "certificateChainFile",
    });
  await refused(file(leaf.pem), "CERTIFICATE_INVALID");
  await refused(file(leaf.keyPem), "CERTIFICATE_INVALID");
  await refused(file("junk"), "CERTIFICATE_INVALID");
  await refused(file(codeSigner(root).chainPem), "KEY_MISMATCH");
  await refused(join(tempDir("signer"), "absent"), "FILE_NOT_FOUND");
  const folder = tempDir("signer");
  mkdirSync(join(folder, "chain"));
  await refused(join(folder, "chain"), "FILE_UNREADABLE");
  const { "no key usage": issued } = wrongCodeSigners(root);
  assert.ok(issued);
  await assert.rejects(localSigner(writeKeyFiles(issued)), {
    code: "CERTIFICATE_INVALID",
    path: "certificateChainFile",
  });
});

test("names the signer by subject and thumbprint", () => {
  const identity = signerIdentity(leaf.chain);
  assert.equal(
    identity.subject,
    "CN=Wabbit Networks Release,O=Wabbit Networks,L=Seattle,ST=WA,C=US",
  );
  assert.equal(identity.thumbprint, leaf.x509.fingerprint256.replaceAll(":", "").toLowerCase());
  assert.throws(() => signerIdentity([]), { code: "CERTIFICATE_INVALID" });
});
