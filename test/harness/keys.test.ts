// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { request } from "node:https";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import {
  authority,
  codeSigner,
  intermediate,
  selfSigned,
  timestampSigner,
  tlsClient,
  tlsServer,
  wrongCodeSigners,
} from "./certificates";
import { ALLOWED_KEYS, issue, writeKeyFiles } from "./keys";
import { startProxy } from "./proxy";
import { tempDir } from "./temp";

const openssl = spawnSync("openssl", ["version"]).status === 0;
const skip = openssl ? false : "openssl is not installed, and these tests compare with it";

for (const kind of ALLOWED_KEYS) {
  test(`a chain of ${kind} keys is one that Node accepts`, () => {
    const root = authority({ key: kind });
    const middle = intermediate(root, { key: kind });
    const leaf = codeSigner(middle, { key: kind });
    assert.ok(root.x509.verify(root.x509.publicKey) && root.x509.ca);
    assert.ok(middle.x509.verify(root.x509.publicKey) && middle.x509.checkIssued(root.x509));
    assert.ok(
      leaf.x509.verify(middle.x509.publicKey) &&
        leaf.x509.checkIssued(middle.x509) &&
        !leaf.x509.ca,
    );
    assert.ok(leaf.x509.checkPrivateKey(leaf.key.privateKey));
    assert.deepEqual(leaf.chain, [leaf.der, middle.der, root.der]);
  });
}

function verifiedByOpenssl(leaf: ReturnType<typeof codeSigner>, purpose: string): string {
  const folder = tempDir("openssl");
  const [, ...rest] = leaf.chain;
  const root = rest.at(-1) ?? leaf.der;
  const file = (name: string, bytes: Uint8Array): string => {
    const path = join(folder, name);
    writeFileSync(
      path,
      `-----BEGIN CERTIFICATE-----\n${Buffer.from(bytes).toString("base64").replace(/.{64}/g, "$&\n")}\n-----END CERTIFICATE-----\n`,
    );
    return path;
  };
  const untrusted = rest
    .slice(0, -1)
    .flatMap((bytes, index) => ["-untrusted", file(`between-${index}.pem`, bytes)]);
  return execFileSync("openssl", [
    "verify",
    "-purpose",
    purpose,
    "-CAfile",
    file("root.pem", root),
    ...untrusted,
    file("leaf.pem", leaf.der),
  ]).toString();
}

test("openssl verifies the chains for their purpose", { skip }, () => {
  const root = authority();
  assert.match(verifiedByOpenssl(timestampSigner(root), "timestampsign"), /OK/);
  assert.match(verifiedByOpenssl(codeSigner(intermediate(root)), "any"), /OK/);
  assert.match(verifiedByOpenssl(tlsServer(root), "sslserver"), /OK/);
  assert.match(verifiedByOpenssl(tlsClient(root), "sslclient"), /OK/);
  assert.match(
    verifiedByOpenssl(codeSigner(authority({ key: "rsa-2048", pss: true }), { pss: true }), "any"),
    /OK/,
  );
});

test("openssl reads the extensions as they were meant", { skip }, () => {
  const leaf = codeSigner(authority(), {
    ocsp: "http://ocsp.test/",
    crl: "http://crl.test/a.crl",
    hosts: ["a.test", "127.0.0.1"],
    notAfter: new Date("2060-01-02T03:04:05Z"),
  });
  const text = execFileSync("openssl", ["x509", "-noout", "-text"], { input: leaf.pem }).toString();
  for (const expected of [
    /Key Usage: critical\s+Digital Signature\n/,
    /Extended Key Usage:\s+Code Signing\n/,
    /OCSP - URI:http:\/\/ocsp\.test\//,
    /URI:http:\/\/crl\.test\/a\.crl/,
    /DNS:a\.test, IP Address:127\.0\.0\.1/,
    /Not After : Jan {2}2 03:04:05 2060 GMT/,
    /Issuer: C ?= ?US, ST ?= ?WA, L ?= ?Seattle, O ?= ?Wabbit Networks, CN ?= ?Wabbit Networks Root CA/,
  ]) {
    assert.match(text, expected);
  }
});

test("certificates that break the profile are certificates all the same", () => {
  const root = authority();
  for (const [why, leaf] of Object.entries(wrongCodeSigners(root)))
    assert.ok(leaf.x509.verify(root.x509.publicKey), why);
  assert.ok(
    selfSigned().x509.verify(selfSigned().x509.publicKey) === false,
    "each has its own key",
  );
  const expired = issue({
    subject: { CN: "old" },
    notBefore: new Date(0),
    notAfter: new Date(1000),
  });
  assert.equal(expired.x509.validTo, "Jan  1 00:00:01 1970 GMT");
});

test("RSA keys are made a dozen times and then shared", () => {
  const keys = Array.from({ length: 20 }, () =>
    authority({ key: "rsa-2048" }).key.privateKey.export({ type: "pkcs8", format: "pem" }),
  );
  assert.equal(new Set(keys).size, 12);
});

test("a proxy speaks TLS, and wants a client's certificate where it is told to", async (context) => {
  const root = authority({ subject: { CN: "TLS Root" } });
  const server = tlsServer(root);
  const client = tlsClient(root);
  const seen: unknown[] = [];
  const upstream = createServer((message, response) => {
    seen.push(message.headers["x-forwarded-proto"]);
    response.end("ok");
  });
  await new Promise<void>((done) => void upstream.listen(0, "127.0.0.1", done));
  const proxy = await startProxy({
    upstream: `127.0.0.1:${(upstream.address() as AddressInfo).port}`,
    tls: { key: server.keyPem, cert: server.chainPem, clientCa: root.pem },
  });
  context.after(async () => {
    await proxy.stop();
    upstream.closeAllConnections();
    upstream.close();
  });
  const ask = (options: object): Promise<number> =>
    new Promise((done, fail) => {
      request(`${proxy.origin}/v2/`, { agent: false, ...options }, (response) =>
        done(response.resume().statusCode ?? 0),
      )
        .once("error", fail)
        .end();
    });
  assert.equal(await ask({ ca: root.pem, key: client.keyPem, cert: client.chainPem }), 200);
  assert.deepEqual(seen, ["https"]);
  await assert.rejects(ask({ ca: root.pem }), "without a client certificate");
  await assert.rejects(ask({ key: client.keyPem, cert: client.chainPem }), {
    code: "SELF_SIGNED_CERT_IN_CHAIN",
  });
});

test("key files are what openssl takes for a key and a chain", { skip }, () => {
  const files = writeKeyFiles(codeSigner(intermediate(authority())));
  const fromKey = execFileSync("openssl", ["pkey", "-in", files.keyFile, "-pubout"]).toString();
  const fromCertificate = execFileSync("openssl", [
    "x509",
    "-in",
    files.certificateChainFile,
    "-noout",
    "-pubkey",
  ]).toString();
  assert.equal(fromKey, fromCertificate);
});
