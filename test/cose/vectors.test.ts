// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { createPublicKey, type KeyObject } from "node:crypto";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { z } from "zod";
import {
  decodeCbor,
  decodeSign1,
  encodeCbor,
  secondOpinion,
  toBeSigned,
  verifyBytes,
  verifySign1,
} from "../../provider/cose/index";

/* The COSE working group's examples, https://github.com/cose-wg/Examples, of which cose-js ships a copy. */
const folder = join(dirname(require.resolve("cose-js/package.json")), "test", "Examples");

const keySchema = z.looseObject({
  kty: z.string(),
  crv: z.string().optional(),
  x: z.string().optional(),
  y: z.string().optional(),
  n_hex: z.string().optional(),
  e_hex: z.string().optional(),
});
const sign1Schema = z.looseObject({
  input: z.looseObject({
    sign0: z.looseObject({ key: keySchema, external: z.string().optional() }),
  }),
  intermediates: z.looseObject({ ToBeSign_hex: z.string() }),
  output: z.looseObject({ cbor: z.string() }),
});
const signSchema = z.looseObject({
  input: z.looseObject({
    sign: z.looseObject({ signers: z.array(z.looseObject({ key: keySchema })) }),
  }),
  intermediates: z.looseObject({ signers: z.array(z.looseObject({ ToBeSign_hex: z.string() })) }),
  output: z.looseObject({ cbor: z.string() }),
});

const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "hex"));
const read = (file: string): unknown => JSON.parse(readFileSync(join(folder, file), "utf8"));

function publicKey({ kty, crv, x, y, n_hex, e_hex }: z.infer<typeof keySchema>): KeyObject {
  const fromHex = (text = "") => Buffer.from(text, "hex").toString("base64url");
  const jwk =
    kty === "RSA" ? { kty, n: fromHex(n_hex), e: fromHex(e_hex) } : { kty: "EC", crv, x, y };
  return createPublicKey({ format: "jwk", key: jwk as Record<string, string> });
}

function example(file: string) {
  const { input, intermediates, output } = sign1Schema.parse(read(file));
  const external = input.sign0.external === undefined ? undefined : bytes(input.sign0.external);
  return {
    key: publicKey(input.sign0.key),
    external,
    toBeSigned: intermediates.ToBeSign_hex.toLowerCase(),
    message: bytes(output.cbor),
  };
}

for (const file of [
  "sign1-tests/sign-pass-02.json",
  "ecdsa-examples/ecdsa-sig-01.json",
  "ecdsa-examples/ecdsa-sig-02.json",
  "ecdsa-examples/ecdsa-sig-03.json",
]) {
  test(`verifies ${file}`, () => {
    const { key, external, toBeSigned: expected, message } = example(file);
    const decoded = decodeSign1(message, 4096);
    assert.equal(
      Buffer.from(toBeSigned(decoded.protectedBytes, decoded.payload, external)).toString("hex"),
      expected,
    );
    verifySign1(decoded, key, external);
    if (external === undefined) assert.notEqual(secondOpinion(decoded, key), "disagrees");
  });
}

/* What COSE leaves open and the Notary Project does not: the algorithm must be protected, the message tagged, and ES512 needs P-521. */
const REFUSED: Record<string, string> = {
  "sign1-tests/sign-pass-01.json": "ENVELOPE_INVALID",
  "sign1-tests/sign-pass-03.json": "ENVELOPE_INVALID",
  "ecdsa-examples/ecdsa-sig-04.json": "SIGNATURE_INVALID",
  "sign1-tests/sign-fail-01.json": "ENVELOPE_INVALID",
  "sign1-tests/sign-fail-02.json": "SIGNATURE_INVALID",
  "sign1-tests/sign-fail-03.json": "ENVELOPE_INVALID",
  "sign1-tests/sign-fail-04.json": "ENVELOPE_INVALID",
  "sign1-tests/sign-fail-06.json": "SIGNATURE_INVALID",
  "sign1-tests/sign-fail-07.json": "SIGNATURE_INVALID",
};

for (const [file, code] of Object.entries(REFUSED)) {
  test(`refuses ${file} with ${code}`, () => {
    const { key, message } = example(file);
    assert.throws(() => verifySign1(decodeSign1(message, 4096), key), { code });
  });
}

for (const file of [
  "rsa-pss-examples/rsa-pss-01.json",
  "rsa-pss-examples/rsa-pss-02.json",
  "rsa-pss-examples/rsa-pss-03.json",
]) {
  // COSE_Sign of RFC 9052 §4.1 with 2048-bit keys throughout: it shows PSS with its salt, not our
  // envelope.
  test(`builds what ${file} signs, and verifies PS256`, () => {
    const { input, intermediates, output } = signSchema.parse(read(file));
    const message = decodeCbor(bytes(output.cbor), 4096);
    assert.ok(typeof message === "object" && message !== null && "contents" in message);
    const [bodyProtected, , payload, signers] = message.contents as [
      Uint8Array,
      unknown,
      Uint8Array,
      [Uint8Array, unknown, Uint8Array][],
    ];
    const [signerProtected, , signature] = signers[0] ?? [];
    const structure = encodeCbor([
      "Signature",
      bodyProtected,
      signerProtected,
      new Uint8Array(0),
      payload,
    ]);
    assert.equal(
      Buffer.from(structure).toString("hex"),
      intermediates.signers[0]?.ToBeSign_hex.toLowerCase(),
    );
    const key = publicKey(input.sign.signers[0]?.key ?? { kty: "none" });
    const isPs256 = file.endsWith("01.json");
    assert.equal(verifyBytes(key, structure, signature ?? new Uint8Array(0)), isPs256);
  });
}
