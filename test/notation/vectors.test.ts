// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { test } from "node:test";
import { parseCrl } from "../../provider/notation/revocation/crl";
import { parseEnvelope } from "../../provider/notation/envelope/envelope";
import { checkIntegrity } from "../../provider/notation/envelope/integrity";
import { verifyJwsSignature } from "../../provider/notation/envelope/jws";
import { verifyTimestamp } from "../../provider/notation/timestamp/timestamp";
import { signerCertificate } from "../../provider/notation/timestamp/timestamp-signer";
import {
  checkTokenSignature,
  parseTimestampToken,
} from "../../provider/notation/timestamp/timestamp-token";
import {
  distributionPointUrls,
  certificateExtensions,
} from "../../provider/notation/x509/x509-extensions";
import { goModule } from "../harness/go-modules";
import { codeOf } from "../harness/failure";
import type { SignatureEnvelope } from "../../provider/notation/envelope/signature-envelope";

const NOTARY = "github.com/notaryproject";
const notation = goModule(`${NOTARY}/notation-go`, "v1.3.2");
const core = goModule(`${NOTARY}/notation-core-go`, "v1.3.0");
const tsp = goModule(`${NOTARY}/tspclient-go`, "v1.0.0");
const now = new Date("2026-01-01T00:00:00Z");

type Module = Exclude<ReturnType<typeof goModule>, string>;

/** A test over files of others; skipped, with the reason, where they cannot be had. */
function withModule(
  module: ReturnType<typeof goModule>,
  title: string,
  body: (module: Module) => Promise<void>,
): void {
  test(title, { skip: typeof module === "string" ? module : false }, async () => {
    if (typeof module !== "string") await body(module);
  });
}

const certificateIn = (bytes: Buffer): Uint8Array => new X509Certificate(bytes).raw;

withModule(
  notation,
  "notation's own timestamped signatures, COSE and JWS, with a public authority's tokens",
  async ({ read }) => {
    const globalSign = certificateIn(
      read("verifier/testdata/truststore/x509/tsa/test-timestamp/globalsignRoot.cer"),
    );
    const digiCert = certificateIn(
      read("verifier/testdata/truststore/x509/tsa/test-mismatch/DigiCertTSARootSHA384.cer"),
    );
    const expected: Record<string, string | undefined> = {
      coseWithTimestamp: "2024-06-18T06:27:16.000Z",
      jwsWithTimestamp: "2024-06-18T06:29:37.000Z",
      coseExpiredWithTimestamp: "2024-06-18T07:21:12.000Z",
      jwsExpiredWithTimestamp: "2024-06-18T07:21:42.000Z",
      timestampAfterNotAfter: "2024-06-19T09:35:58.000Z",
      timestampBeforeNotBefore: "2024-06-19T09:30:14.000Z",
      withoutTimestamp: undefined,
    };
    for (const [name, time] of Object.entries(expected)) {
      const envelope = readEither(read(`verifier/testdata/timestamp/sigEnv/${name}.sig`));
      await checkIntegrity(envelope);
      const { timestampToken, signature } = envelope;
      assert.equal(timestampToken === undefined, time === undefined, name);
      if (timestampToken === undefined) continue;
      const verified = await verifyTimestamp(timestampToken, signature, [digiCert, globalSign], {
        now,
      });
      assert.equal(verified.time.toISOString(), time, name);
      assert.equal(verified.accuracyMs, 1000, name);
      assert.deepEqual(Buffer.from(verified.tsaChain.at(-1) ?? []), globalSign, name);
      await assert.rejects(
        verifyTimestamp(timestampToken, signature, [digiCert], { now }),
        codeOf("SIGNATURE_UNTRUSTED", /does not end in/),
      );
      await assert.rejects(
        verifyTimestamp(timestampToken, signature.slice(1), [globalSign], { now }),
        codeOf("SIGNATURE_INVALID", /something else/),
      );
    }
  },
);

function readEither(bytes: Buffer): SignatureEnvelope {
  return parseEnvelope(bytes, bytes[0] === 0x7b ? "application/jose+json" : "application/cose");
}

withModule(
  notation,
  "notation's JWS signature verifies, and does not when changed",
  async ({ read }) => {
    const bytes = read("verifier/testdata/timestamp/sigEnv/withoutTimestamp.sig");
    const envelope = readEither(bytes);
    await verifyJwsSignature(envelope);
    assert.equal(envelope.signingTime?.toISOString(), "2024-06-18T09:08:35.000Z");
    const changed = {
      ...envelope,
      signature: envelope.signature.map((byte, index) => (index === 9 ? byte ^ 1 : byte)),
    };
    await assert.rejects(
      verifyJwsSignature(changed),
      codeOf("SIGNATURE_INVALID", /does not verify/),
    );
  },
);

withModule(core, "core's token with a broken signature", async ({ read }) => {
  const bytes = read("internal/timestamp/testdata/TimeStampTokenWithInvalidSignature.p7s");
  const message = Buffer.from("notation");
  await assert.rejects(
    verifyTimestamp(
      bytes,
      message,
      [certificateIn(read("internal/timestamp/testdata/tsaRootCert.cer"))],
      { now },
    ),
    codeOf("SIGNATURE_INVALID", /not good/),
  );
});

withModule(tsp, "the timestamp client's tokens", async ({ read }) => {
  const root = certificateIn(read("testdata/GlobalSignRootCA.crt"));
  const message = Buffer.from("notation");
  const token = (name: string) => read(`testdata/TimeStampToken${name}.p7s`);
  assert.equal(
    (await verifyTimestamp(token(""), message, [root], { now })).time.toISOString(),
    "2021-09-17T14:09:10.000Z",
  );
  const refused: Record<string, RegExp> = {
    WithInvalidSignature: /signature does not verify/,
    WithInvalidSigningCertificateV1: /cannot be read/,
    WithInvalidSigningCertificateV2: /cannot be read/,
    WithInvalidTSTInfo: /TSTInfo/,
    WithInvalideContentType: /TSTInfo/,
    WithMismatchCertHash: /is not in it/,
    WithSHA1CertHash: /cannot be read/,
    WithSigningCertificateV1NoCert: /cannot be read/,
    WithSigningCertificateV2NoCert: /cannot be read/,
    WithTSTInfoVersion2: /version/,
    WithValidAndInvalidSignerInfos: /one signer/,
    WithWrongSigningCertificateV2IssuerChoiceTag: /cannot be read/,
    WithoutCertificate: /is not in it/,
    WithoutSigningCertificate: /do not name/,
  };
  for (const [name, reason] of Object.entries(refused)) {
    // They are about different messages, so that is left out here.
    const read = () => {
      const parsed = parseTimestampToken(token(name));
      checkTokenSignature(parsed, signerCertificate(parsed));
    };
    assert.throws(read, codeOf("SIGNATURE_INVALID", reason), name);
  }
  await assert.rejects(
    verifyTimestamp(read("testdata/SHA1TimeStampToken.p7s"), message, [root], { now }),
    codeOf("SIGNATURE_INVALID", /SHA-256/),
  );
  // Tokens of FreeTSA (the attribute with SHA-1) and Microsoft (no root, milliseconds) are at least
  // read.
  assert.match(
    signerCertificate(parseTimestampToken(token("WithSigningCertificateV1"))).subject.text,
    /freetsa/,
  );
  const microsoft = parseTimestampToken(token("NoRoot"));
  assert.equal(microsoft.time.toISOString(), "2024-06-21T07:12:05.884Z");
  assert.match(signerCertificate(microsoft).subject.text, /Microsoft/);
});

withModule(core, "core's revocation lists and certificates with deltas", async ({ read }) => {
  const file = (name: string) => read(`revocation/crl/testdata/${name}`);
  const several = parseCrl(file("crlWithMultipleFreshestCRLs.crl"));
  assert.equal(several.freshest.length, 2);
  assert.equal(several.deltaOf, undefined);
  assert.notEqual(parseCrl(file("delta.crl")).deltaOf, undefined);
  const freshest = (name: string) =>
    distributionPointUrls(
      certificateExtensions({ raw: certificateIn(file(name)) }).get("2.5.29.46")?.value,
    );
  assert.equal(freshest("certificateWithDeltaCRL.cer").length, 1);
  assert.equal(freshest("certificateWith2DeltaCRL.cer").length, 2);
  assert.deepEqual(freshest("certificateWithZeroDeltaCRLURL.cer"), []);
  assert.deepEqual(freshest("certificateWithNonURIDeltaCRL.cer"), []);
});
