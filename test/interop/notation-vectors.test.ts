// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { z } from "zod";
import { Tag, decodeSign1, encodeCbor, secondOpinion, verifyBytes } from "../../provider/cose";
import { readSignedAttributes } from "../../provider/notation/envelope/attributes";
import { parseCertificate } from "../../provider/notation/x509/certificates";
import { parseEnvelope } from "../../provider/notation/envelope/envelope";
import { checkIntegrity } from "../../provider/notation/envelope/integrity";
import { policyFromNotation } from "../../provider/notation/trust/policy-document";
import { resolveTrustPolicy } from "../../provider/notation/trust/trust-store";
import { readCertificates } from "../../provider/notation/sign/signer";
import { parseTrustPolicy } from "../../provider/notation/trust/trust-policy";
import { verifyEnvelope } from "../../provider/notation/verify";
import { MEDIA_TYPES } from "../../provider/oci/media-types";
import { leafOf } from "../../provider/notation/envelope/signature-envelope";

/** The folder of a Go module's sources, or why there is none. */
function goModule(path: string): { folder: string } | { skip: string } {
  try {
    const output = execFileSync("go", ["mod", "download", "-json", path], {
      encoding: "utf8",
      timeout: 60_000,
      stdio: ["ignore", "pipe", "ignore"],
    });
    return { folder: z.looseObject({ Dir: z.string() }).parse(JSON.parse(output)).Dir };
  } catch (error) {
    return {
      skip: `${path} cannot be had through Go modules: ${(error as Error).message.split("\n")[0]}`,
    };
  }
}

const core = goModule("github.com/notaryproject/notation-core-go@v1.3.0");
const library = goModule("github.com/notaryproject/notation-go@v1.3.2");
const skipCore = "skip" in core ? core.skip : false;
const skipLibrary = "skip" in library ? library.skip : false;
const coreFile = (...path: string[]) =>
  readFileSync(join("folder" in core ? core.folder : "", ...path));
const libraryPath = (...path: string[]) => join("folder" in library ? library.folder : "", ...path);

const conformanceSchema = z.looseObject({
  protectedHeaders: z.looseObject({ cborHex: z.string() }),
  payload: z.string(),
  expectedOutput: z.looseObject({ cborHex: z.string() }),
});

describe("notation-core-go 1.3.0", { skip: skipCore }, () => {
  test("its conformance envelope reads as it says, and encodes to the same bytes", () => {
    const expected = conformanceSchema.parse(
      JSON.parse(coreFile("signature", "cose", "testdata", "conformance.json").toString()),
    );
    const message = decodeSign1(Buffer.from(expected.expectedOutput.cborHex, "hex"), 4096);
    assert.equal(
      Buffer.from(message.protectedBytes).toString("hex").toUpperCase(),
      expected.protectedHeaders.cborHex,
    );
    assert.equal(message.protectedBytes.byteLength, 279);
    assert.equal(Buffer.from(message.payload).toString("hex"), expected.payload.toLowerCase());
    assert.deepEqual(encodeCbor(message.protectedHeaders), message.protectedBytes);
    const again = new Tag(18, [
      message.protectedBytes,
      message.unprotectedHeaders,
      message.payload,
      message.signature,
    ]);
    assert.equal(
      Buffer.from(encodeCbor(again)).toString("hex").toUpperCase(),
      expected.expectedOutput.cborHex,
    );
    assert.deepEqual(readSignedAttributes(message.protectedHeaders), {
      signingScheme: "notary.x509",
      signingTime: new Date(1_661_321_924_000),
      expiry: new Date(1_661_408_324_000),
      critical: ["signedCritKey1"],
    });
  });
});

/**
 * With what they are to be under a policy that trusts their root and their timestamp authority's.
 */
const signatures: Record<string, [string, string | undefined]> = {
  coseWithTimestamp: ["verified", undefined],
  coseExpiredWithTimestamp: ["verified", undefined],
  timestampAfterNotAfter: ["untrusted", "SIGNATURE_EXPIRED"],
  timestampBeforeNotBefore: ["untrusted", "SIGNATURE_UNTRUSTED"],
};

function pem(certificate: { raw: Uint8Array }): string {
  return `-----BEGIN CERTIFICATE-----\n${Buffer.from(certificate.raw).toString("base64")}\n-----END CERTIFICATE-----\n`;
}

describe("notation-go 1.3.2", { skip: skipLibrary }, () => {
  const read = (name: string) =>
    readFileSync(libraryPath("verifier", "testdata", "timestamp", "sigEnv", `${name}.sig`));

  for (const [name, expected] of Object.entries(signatures)) {
    test(`${name}.sig is whole, and ${expected[0]} by its timestamp`, async () => {
      const bytes = read(name);
      const mediaType = bytes[0] === 0xd2 ? MEDIA_TYPES.cose : MEDIA_TYPES.jws;
      const envelope = parseEnvelope(bytes, mediaType);
      assert.ok(
        verifyBytes(leafOf(envelope).x509.publicKey, envelope.toBeSigned, envelope.signature),
      );
      if (envelope.sign1 !== undefined)
        assert.equal(secondOpinion(envelope.sign1, leafOf(envelope).x509.publicKey), "agrees");
      await checkIntegrity(envelope);
      assert.ok(envelope.timestampToken !== undefined);
      const policy = await resolveTrustPolicy(
        parseTrustPolicy({
          signatureVerification: { level: "strict" },
          roots: { ca: envelope.certificateChain.slice(-1).map(pem) },
          trustStores: ["tsa:test-timestamp"],
          trustedIdentities: ["*"],
        }),
        { baseDir: "/nonexistent", notationConfigDir: libraryPath("verifier", "testdata") },
      );
      const revocation = {
        check: async () => ({ result: "ok" as const, reason: "not asked in a test" }),
      };
      const context = {
        now: new Date(),
        baseDir: "/nonexistent",
        scope: "registry.example/a",
        revocation,
      };
      const verdict = await verifyEnvelope(
        bytes,
        mediaType,
        envelope.payload.targetArtifact,
        policy,
        context,
      );
      assert.deepEqual([verdict.outcome, verdict.code], expected, verdict.reason);
    });
  }

  test("its own COSE signature is verified when its root is trusted", async () => {
    const bytes = readFileSync(libraryPath("internal", "testdata", "cose_signature.sig"));
    const envelope = parseEnvelope(bytes, MEDIA_TYPES.cose);
    await checkIntegrity(envelope);
    const policy = await resolveTrustPolicy(
      parseTrustPolicy({
        signatureVerification: { level: "strict" },
        roots: { ca: envelope.certificateChain.slice(-1).map(pem) },
        trustedIdentities: ["*"],
      }),
      { baseDir: "/nonexistent" },
    );
    const context = { now: new Date(), baseDir: "/nonexistent", scope: "registry.example/a" };
    const verdict = await verifyEnvelope(
      bytes,
      MEDIA_TYPES.cose,
      envelope.payload.targetArtifact,
      policy,
      context,
    );
    assert.equal(verdict.outcome, "verified", verdict.reason);
  });

  test("reads every certificate of its trust stores that Go reads", () => {
    for (const [type, store] of [
      ["ca", "valid-trust-store"],
      ["ca", "valid-trust-store-2"],
      ["ca", "valid-trust-store-self-signed"],
      ["tsa", "test-timestamp"],
    ] as const) {
      const folder = libraryPath("verifier", "testdata", "truststore", "x509", type, store);
      for (const file of readdirSync(folder)) {
        for (const der of readCertificates(readFileSync(join(folder, file))))
          assert.ok(parseCertificate(der).subject.text.length > 0, file);
      }
    }
  });

  test("loads its good trust stores, and refuses its bad ones", async () => {
    const stores = libraryPath("verifier", "testdata");
    const load = (store: string) =>
      resolveTrustPolicy(
        parseTrustPolicy({
          signatureVerification: { level: "strict" },
          trustStores: [store],
          trustedIdentities: ["*"],
        }),
        { baseDir: stores, notationConfigDir: stores },
      );
    assert.ok((await load("ca:valid-trust-store")).trusted.ca.length > 1);
    assert.ok((await load("ca:valid-trust-store-self-signed")).trusted.ca.length > 0);
    for (const store of [
      "trust-store-with-invalid-certs",
      "trust-store-with-leaf-certs",
      "trust-store-with-leaf-certs-in-single-file",
    ]) {
      await assert.rejects(load(`ca:${store}`), { code: "TRUST_STORE_INVALID" }, store);
    }
  });

  test("has no trust policy where it keeps none", async () => {
    await assert.rejects(
      policyFromNotation(libraryPath("verifier", "testdata"), "registry.example/a"),
      { code: "FILE_NOT_FOUND" },
    );
  });
});
