// SPDX-License-Identifier: Apache-2.0
// Flips a bit of every byte of what is signed and of every signature, by every algorithm: it is
// never accepted. Of the other bytes every thirty-first: what is accepted then says the same as
// before.
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { AlgorithmIdentifier } from "pkijs";
import { decodeSign1 } from "../../provider/cose";
import { parseEnvelope } from "../../provider/notation/envelope/envelope";
import { parseTimestampToken } from "../../provider/notation/timestamp/timestamp-token";
import { verifyX509Signature } from "../../provider/notation/x509/x509-signature";
import { MEDIA_TYPES } from "../../provider/oci/media-types";
import { keyPair, signatureAlgorithm } from "../harness/keys";
import { signedBy, stampedBy } from "./targets";

type Accepts = (bytes: Uint8Array) => Promise<string | undefined>;
interface Part {
  from: number;
  length: number;
}

const corpus = (target: string) =>
  readdirSync(join(__dirname, "corpus", target))
    .filter((name) => name.startsWith("good"))
    .map(
      (name) =>
        [
          name.slice("good-".length),
          readFileSync(join(__dirname, "corpus", target, name)),
        ] as const,
    );

function part(envelope: Buffer, bytes: Uint8Array | string): Part {
  const from = envelope.indexOf(bytes);
  assert.ok(from > 0);
  return { from, length: bytes.length };
}

/** Every byte of what is signed, some of the others, each with another bit. */
async function flipAll(envelope: Buffer, signed: readonly Part[], accepts: Accepts): Promise<void> {
  const original = await accepts(envelope);
  assert.ok(original !== undefined);
  const isSigned = (at: number) =>
    signed.some(({ from, length }) => at >= from && at < from + length);
  for (let at = 0; at < envelope.byteLength; at++) {
    if (!isSigned(at) && at % 31 !== 0) continue;
    const changed = Uint8Array.from(envelope);
    changed[at] = (changed[at] ?? 0) ^ (1 << (at % 8));
    const found = await accepts(changed);
    if (isSigned(at))
      assert.equal(found, undefined, `byte ${at} of ${envelope.byteLength}, which is signed`);
    else
      assert.ok(found === undefined || found === original, `byte ${at} of ${envelope.byteLength}`);
  }
}

describe("no changed byte is accepted", { concurrency: 2 }, () => {
  for (const [name, envelope] of corpus("cose")) {
    test(`in a COSE envelope: ${name}`, async () => {
      const { protectedBytes, payload, signature } = decodeSign1(envelope, 2 ** 20);
      await flipAll(
        envelope,
        [protectedBytes, payload, signature].map((bytes) => part(envelope, bytes)),
        (bytes) => signedBy(bytes, MEDIA_TYPES.cose),
      );
    });
  }

  for (const [name, envelope] of corpus("jws")) {
    test(`in a JWS envelope: ${name}`, async () => {
      const { toBeSigned, signature } = parseEnvelope(envelope, MEDIA_TYPES.jws);
      const [header = "", payload = ""] = Buffer.from(toBeSigned).toString().split(".");
      await flipAll(
        envelope,
        [header, payload, Buffer.from(signature).toString("base64url")].map((text) =>
          part(envelope, text),
        ),
        (bytes) => signedBy(bytes, MEDIA_TYPES.jws),
      );
    });
  }

  for (const [name, token] of corpus("timestamp")) {
    test(`in a timestamp: ${name}`, async () => {
      const { content, signer } = parseTimestampToken(token);
      const signature = new Uint8Array(signer.signature.getValue());
      const attributes = new Uint8Array(signer.signedAttrs?.encodedValue ?? []).subarray(4);
      await flipAll(
        token,
        [content, attributes, signature].map((bytes) => part(token, bytes)),
        stampedBy,
      );
    });
  }

  test("each of the six algorithms is there in both forms", () => {
    for (const target of ["cose", "jws"]) {
      const names = new Set(corpus(target).map(([name]) => name));
      for (const algorithm of ["es256", "es384", "es512", "ps256", "ps384", "ps512"])
        assert.ok(names.has(algorithm), `${target} ${algorithm}`);
    }
  });
});

for (const [name, options] of Object.entries({ "PKCS #1 v1.5": {}, PSS: { pss: true } })) {
  test(`a changed byte of an RSA ${name} signature, or of what it signs, is refused in lists, answers and tokens`, () => {
    const { privateKey, publicKey } = keyPair("rsa-2048");
    const { identifier, sign } = signatureAlgorithm(privateKey, options);
    const algorithm = AlgorithmIdentifier.fromBER(Uint8Array.from(identifier));
    const data = Buffer.from("what is signed");
    const signature = sign(data);
    assert.ok(verifyX509Signature(algorithm, publicKey, data, signature));
    assert.ok(!verifyX509Signature(algorithm, keyPair("rsa-2048").publicKey, data, signature));
    assert.ok(!verifyX509Signature(algorithm, keyPair("p-256").publicKey, data, signature));
    assert.ok(!verifyX509Signature(algorithm, publicKey, Buffer.from("what is Signed"), signature));
    for (let at = 0; at < signature.byteLength; at++) {
      const changed = Uint8Array.from(signature);
      changed[at] = (changed[at] ?? 0) ^ (1 << (at % 8));
      assert.ok(!verifyX509Signature(algorithm, publicKey, data, changed), `byte ${at}`);
    }
    const sha1 = signatureAlgorithm(privateKey, { ...options, digest: "sha1" });
    assert.ok(
      !verifyX509Signature(
        AlgorithmIdentifier.fromBER(Uint8Array.from(sha1.identifier)),
        publicKey,
        data,
        sha1.sign(data),
      ),
      "SHA-1",
    );
  });
}
