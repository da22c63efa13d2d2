// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { Tag, decodeSign1, encodeCbor, toBeSigned } from "../../../provider/cose/index";
import { isConsignError } from "../../../provider/errors";
import { protectedHeadersFor } from "../../../provider/notation/envelope/attributes";
import { parseEnvelope } from "../../../provider/notation/envelope/envelope";
import { encodePayload } from "../../../provider/notation/envelope/payload";
import { MEDIA_TYPES } from "../../../provider/oci/media-types";
import { SIGNING_AGENT } from "../../../provider/notation/envelope/sign-envelope";
import { codeSigner, selfSigned, wrongCodeSigners } from "../../harness/certificates";
import { repositoryRoot } from "../../harness/toolchain";
import { artifact, issuing, leaf, now, policy, root, sign, signerOf, verdictOn } from "../arrange";
import {
  at,
  authenticSigningTime,
  expiry,
  forge,
  scheme,
  signingTime,
  type Forgery,
} from "./forge";

const VECTOR = {
  protected:
    "a501260281781c696f2e636e63662e6e6f746172792e7369676e696e67536368656d6503782b6170706c69636174696f6e2f766e642e636e63662e6e6f746172792e7061796c6f61642e76312b6a736f6e781a696f2e636e63662e6e6f746172792e7369676e696e6754696d65c11a6553f100781c696f2e636e63662e6e6f746172792e7369676e696e67536368656d656b6e6f746172792e78353039",
  payload:
    '{"targetArtifact":{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:73c803930ea3ba1e54bc25c2bdc53edd0284c62ed651fe7b00369da519a3c333","size":16724}}',
  digest: "41c41baf3d833acbed75fac8aca2c06438c4b0d74f236ccae4dd75ca392be8cf",
};

test("what is signed is known byte for byte", () => {
  const protectedBytes = encodeCbor(
    protectedHeadersFor({ algorithm: "ES256", signingTime: new Date(1_700_000_000_999) }),
  );
  assert.equal(Buffer.from(protectedBytes).toString("hex"), VECTOR.protected);
  const digest = "sha256:73c803930ea3ba1e54bc25c2bdc53edd0284c62ed651fe7b00369da519a3c333";
  const payload = encodePayload({
    size: 16724,
    digest,
    mediaType: MEDIA_TYPES.manifest,
    annotations: { not: "signed" },
    artifactType: "neither",
  });
  assert.equal(Buffer.from(payload).toString(), VECTOR.payload);
  const bytes = toBeSigned(protectedBytes, payload);
  assert.equal(bytes.byteLength, 347);
  assert.equal(createHash("sha256").update(bytes).digest("hex"), VECTOR.digest);
});

test("headers stand in deterministic order, and make a SCITT signed statement", async () => {
  const envelope = await sign({
    expiry: new Date(now.getTime() + 60_000),
    issuer: "https://wabbit.example",
    subject: "net-monitor",
  });
  const { protectedHeaders, protectedBytes, unprotectedHeaders } = decodeSign1(envelope, 2 ** 20);
  assert.deepEqual([...protectedHeaders.keys()], [1, 2, 3, 15, 34, expiry, signingTime, scheme]);
  assert.deepEqual(encodeCbor(protectedHeaders), protectedBytes);
  assert.deepEqual(protectedHeaders.get(2), [scheme, expiry]);
  assert.deepEqual(
    protectedHeaders.get(15),
    new Map([
      [1, "https://wabbit.example"],
      [2, "net-monitor"],
    ]),
  );
  assert.deepEqual(protectedHeaders.get(34), [
    -16n,
    Uint8Array.from(createHash("sha256").update(leaf.der).digest()),
  ]);
  assert.ok(protectedHeaders.get(signingTime) instanceof Tag);
  assert.deepEqual([...unprotectedHeaders.keys()], [33, "io.cncf.notary.signingAgent"]);
});

test("issuer and subject are the leaf's subject and the target's digest unless given", async () => {
  const { cwt } = parseEnvelope(await sign(), MEDIA_TYPES.cose);
  assert.deepEqual(cwt, {
    iss: "CN=Wabbit Networks Release,O=Wabbit Networks,L=Seattle,ST=WA,C=US",
    sub: artifact.digest,
  });
  const colon = codeSigner(issuing, { subject: { C: "US", ST: "WA", O: "Wabbit: Networks" } });
  assert.match(
    parseEnvelope(await sign({ signer: signerOf(colon) }), MEDIA_TYPES.cose).cwt?.iss ?? "",
    /^ni:\/\/\/sha-256;[\w-]{43}$/,
  );
});

test("the signing agent is this package's version", () => {
  const { version } = JSON.parse(readFileSync(join(repositoryRoot, "package.json"), "utf8")) as {
    version: string;
  };
  assert.equal(SIGNING_AGENT, `consign/${version}`);
});

test("a chain of one is an array too", async () => {
  const alone = selfSigned();
  const envelope = await sign({ signer: signerOf(alone) });
  assert.ok(Array.isArray(decodeSign1(envelope, 2 ** 20).unprotectedHeaders.get(33)));
  assert.equal(
    (await verdictOn(envelope, { policy: await policy({ roots: { ca: [alone.pem] } }) })).outcome,
    "verified",
  );
});

const NOT_SIGNED: Record<string, [Parameters<typeof sign>[0], string]> = {
  "an expiry in the second of signing": [
    { expiry: new Date(Math.floor(now.getTime() / 1000) * 1000 + 999) },
    "INPUT_INVALID",
  ],
  "a signing time that is none": [{ signingTime: new Date(NaN) }, "INPUT_INVALID"],
  "metadata under the reserved prefix": [
    { userMetadata: { "io.cncf.notary.x": "y" } },
    "INPUT_INVALID",
  ],
  "an empty issuer": [{ issuer: "" }, "INPUT_INVALID"],
  "a time before the certificates": [{ signingTime: new Date(0) }, "CERTIFICATE_INVALID"],
  "a chain without its root": [
    { signer: { ...signerOf(leaf), certificateChain: leaf.chain.slice(0, 2) } },
    "CERTIFICATE_INVALID",
  ],
  "a chain in the wrong order": [
    { signer: { ...signerOf(leaf), certificateChain: leaf.chain.toReversed() } },
    "CERTIFICATE_INVALID",
  ],
  "a chain with a certificate twice": [
    { signer: { ...signerOf(leaf), certificateChain: [leaf.der, ...leaf.chain] } },
    "CERTIFICATE_INVALID",
  ],
  "another key's chain": [
    { signer: { ...signerOf(leaf), certificateChain: codeSigner(issuing).chain } },
    "KEY_MISMATCH",
  ],
  "a DER signature": [
    { signer: { certificateChain: leaf.chain, sign: async () => new Uint8Array(71) } },
    "KEY_MISMATCH",
  ],
};

for (const [name, [options, code]] of Object.entries(NOT_SIGNED)) {
  test(`does not sign with ${name}`, () => assert.rejects(sign(options), { code }));
}

for (const [name, issued] of Object.entries(wrongCodeSigners(issuing))) {
  test(`does not sign with ${name}`, async () => {
    const code = /key of|Ed25519|curve/.test(name) ? "KEY_UNSUPPORTED" : "CERTIFICATE_INVALID";
    if (name === "extended key usage without codeSigning")
      assert.match(String(issued.x509.keyUsage), /3\.2/);
    await assert.rejects(sign({ signer: signerOf(issued) }), { code });
  });
}

const time = Math.floor(now.getTime() / 1000);
const INVALID: Record<string, [Forgery, string]> = {
  "no algorithm": [{ headers: { alg: undefined } }, "ENVELOPE_INVALID"],
  "an algorithm of another key": [{ headers: { alg: -35 } }, "SIGNATURE_INVALID"],
  RS256: [{ headers: { alg: -257 } }, "ENVELOPE_INVALID"],
  EdDSA: [{ headers: { alg: -8 } }, "ENVELOPE_INVALID"],
  "the algorithm unprotected": [
    { headers: { alg: undefined }, unprotected: { alg: -7 } },
    "ENVELOPE_INVALID",
  ],
  "the algorithm in both headers": [{ unprotected: { alg: -7 } }, "ENVELOPE_INVALID"],
  "crit unprotected": [
    { headers: { crit: undefined }, unprotected: { crit: [scheme] } },
    "ENVELOPE_INVALID",
  ],
  "no crit": [{ headers: { crit: undefined } }, "ENVELOPE_INVALID"],
  "an empty crit": [{ headers: { crit: [] } }, "ENVELOPE_INVALID"],
  "a crit that is no list": [{ headers: { crit: scheme } }, "ENVELOPE_INVALID"],
  "a crit entry that is not there": [{ headers: { crit: [scheme, "x"] } }, "ENVELOPE_INVALID"],
  "a crit entry twice": [{ headers: { crit: [scheme, scheme] } }, "ENVELOPE_INVALID"],
  "the algorithm in crit": [{ headers: { crit: [scheme, 1] } }, "ENVELOPE_INVALID"],
  "an unknown critical attribute": [{ headers: { crit: [scheme, "x"], x: 1 } }, "ENVELOPE_INVALID"],
  "an unknown critical attribute with a number": [
    { headers: { crit: [scheme, 34] } },
    "ENVELOPE_INVALID",
  ],
  "no content type": [{ headers: { cty: undefined } }, "ENVELOPE_INVALID"],
  "another content type": [{ headers: { cty: "application/json" } }, "ENVELOPE_INVALID"],
  "no scheme": [{ headers: { [scheme]: undefined } }, "ENVELOPE_INVALID"],
  "an unknown scheme": [{ headers: { [scheme]: "notary.x510" } }, "ENVELOPE_INVALID"],
  "a scheme that is not critical": [{ headers: { crit: [signingTime] } }, "ENVELOPE_INVALID"],
  "no signing time": [{ headers: { [signingTime]: undefined } }, "ENVELOPE_INVALID"],
  "a signing time without its tag": [{ headers: { [signingTime]: time } }, "ENVELOPE_INVALID"],
  "a signing time as text": [
    { headers: { [signingTime]: new Tag(0, "2026-01-01T00:00:00Z") } },
    "ENVELOPE_INVALID",
  ],
  "a signing time between seconds": [
    { headers: { [signingTime]: new Tag(1, time + 0.5) } },
    "ENVELOPE_INVALID",
  ],
  "a signing time beyond the year 9999": [
    { headers: { [signingTime]: new Tag(1, 2 ** 40) } },
    "ENVELOPE_INVALID",
  ],
  "an expiry that is not critical": [{ headers: { [expiry]: at(time + 60) } }, "ENVELOPE_INVALID"],
  "an expiry at the signing time": [
    { headers: { crit: [scheme, expiry], [expiry]: at(time) } },
    "ENVELOPE_INVALID",
  ],
  "an authority's time under notary.x509": [
    { headers: { crit: [scheme, authenticSigningTime], [authenticSigningTime]: at(time) } },
    "ENVELOPE_INVALID",
  ],
  "a signing authority without its time": [
    { headers: { [scheme]: "notary.x509.signingAuthority" } },
    "ENVELOPE_INVALID",
  ],
  "an authority's time that is not critical": [
    {
      headers: {
        [scheme]: "notary.x509.signingAuthority",
        [signingTime]: undefined,
        [authenticSigningTime]: at(time),
      },
    },
    "ENVELOPE_INVALID",
  ],
  "a plugin that is not critical": [
    { headers: { "io.cncf.notary.verificationPlugin": "p" } },
    "ENVELOPE_INVALID",
  ],
  "no chain": [{ unprotected: { x5chain: undefined } }, "ENVELOPE_INVALID"],
  "an empty chain": [{ unprotected: { x5chain: [] } }, "ENVELOPE_INVALID"],
  "a chain that is one bare certificate": [
    { unprotected: { x5chain: leaf.der } },
    "ENVELOPE_INVALID",
  ],
  "a chain of text": [{ unprotected: { x5chain: ["x"] } }, "ENVELOPE_INVALID"],
  "a chain in the protected header only": [
    {
      headers: { x5chain: leaf.chain.map((der) => Uint8Array.from(der)) },
      unprotected: { x5chain: undefined },
    },
    "ENVELOPE_INVALID",
  ],
  "eleven certificates": [
    { unprotected: { x5chain: Array.from({ length: 11 }, () => Uint8Array.from(leaf.der)) } },
    "ENVELOPE_INVALID",
  ],
  "certificates of more than 64 KiB": [
    { unprotected: { x5chain: Array.from({ length: 3 }, () => new Uint8Array(30_000)) } },
    "ENVELOPE_INVALID",
  ],
  "a certificate that is none": [
    { unprotected: { x5chain: [Uint8Array.of(1, 2, 3)] } },
    "CERTIFICATE_INVALID",
  ],
  "a certificate with bytes after it": [
    { unprotected: { x5chain: leaf.chain.map((der) => Uint8Array.from([...der, 0])) } },
    "CERTIFICATE_INVALID",
  ],
  "a leaf without its chain": [
    { unprotected: { x5chain: [Uint8Array.from(leaf.der)] } },
    "CERTIFICATE_INVALID",
  ],
  "another leaf": [
    { unprotected: { x5chain: codeSigner(issuing).chain.map((der) => Uint8Array.from(der)) } },
    "SIGNATURE_INVALID",
  ],
  "a timestamp that is text": [
    { unprotected: { "io.cncf.notary.timestampSignature": "x" } },
    "ENVELOPE_INVALID",
  ],
  "a payload that is no JSON": [{ payload: Buffer.from("x") }, "ENVELOPE_INVALID"],
  "a payload without target": [{ payload: Buffer.from("{}") }, "ENVELOPE_INVALID"],
  "a payload with a target twice": [
    { payload: Buffer.from('{"targetArtifact":1,"targetArtifact":2}') },
    "ENVELOPE_INVALID",
  ],
  "a payload whose size is text": [
    { payload: Buffer.from(JSON.stringify({ targetArtifact: { ...artifact, size: "528" } })) },
    "ENVELOPE_INVALID",
  ],
  "a payload for another digest": [
    { payload: encodePayload({ ...artifact, digest: `sha256:${"0".repeat(64)}` }) },
    "SIGNATURE_INVALID",
  ],
  "a payload for another size": [
    { payload: encodePayload({ ...artifact, size: 529 }) },
    "SIGNATURE_INVALID",
  ],
  "a payload for another media type": [
    { payload: encodePayload({ ...artifact, mediaType: MEDIA_TYPES.index }) },
    "SIGNATURE_INVALID",
  ],
  "a signature in DER": [{ signature: () => new Uint8Array(71).fill(1) }, "SIGNATURE_INVALID"],
  "an empty signature": [{ signature: () => new Uint8Array(0) }, "ENVELOPE_INVALID"],
  "a signature by another key": [{ key: codeSigner(issuing) }, "SIGNATURE_INVALID"],
  "a key that is a floating-point number": [
    { protectedBytes: Uint8Array.from(Buffer.from("a1f93c0026", "hex")) },
    "CBOR_INVALID",
  ],
};

test("a forgery without any change verifies, so the changes are what is refused below", async () => {
  assert.equal((await verdictOn(await forge())).outcome, "verified");
});

for (const [name, [change, code]] of Object.entries(INVALID)) {
  test(`is invalid with ${name}`, async () => {
    const verdict = await verdictOn(await forge(change));
    assert.deepEqual([verdict.outcome, verdict.code], ["invalid", code], verdict.reason);
    assert.equal(verdict.signer, undefined);
    assert.equal(verdict.checks[0]?.result, "failed");
  });
}

test("is verified with headers that only others need", async () => {
  const headers = {
    kid: Uint8Array.of(1),
    "com.example.note": new Map([["b", 1]]),
    [signingTime]: new Tag(1, time),
  };
  assert.equal(
    (await verdictOn(await forge({ headers, unprotected: { 394: [Uint8Array.of(1)] } }))).outcome,
    "verified",
  );
});

test("a whole floating-point time is read as notation reads it", async () => {
  const bytes = encodeCbor(decodeSign1(await sign(), 2 ** 20).protectedHeaders);
  const text = Buffer.from(bytes).toString("hex");
  const integer = `c11a${time.toString(16)}`;
  assert.ok(text.includes(integer));
  const float = Buffer.alloc(8);
  float.writeDoubleBE(time);
  const protectedBytes = Uint8Array.from(
    Buffer.from(text.replace(integer, `c1fb${float.toString("hex")}`), "hex"),
  );
  const verdict = await verdictOn(await forge({ protectedBytes }));
  assert.equal(verdict.outcome, "verified", verdict.reason);
});

test("is invalid without its tag, with another, or as something else", async () => {
  const envelope = await sign();
  for (const [bytes, code] of [
    [envelope.subarray(1), "ENVELOPE_INVALID"],
    [Uint8Array.of(0xd1, ...envelope.subarray(1)), "ENVELOPE_INVALID"],
    [Uint8Array.of(...envelope, 0), "CBOR_INVALID"],
    [envelope.subarray(0, -1), "CBOR_INVALID"],
    [Buffer.from("{}"), "CBOR_INVALID"],
    [encodeCbor(new Tag(18, [1, 2, 3])), "ENVELOPE_INVALID"],
    [
      encodeCbor(new Tag(18, [Uint8Array.of(0xa0), new Map(), null, Uint8Array.of(1)])),
      "ENVELOPE_INVALID",
    ],
    [new Uint8Array(2 ** 20 + 1), "ENVELOPE_TOO_LARGE"],
  ] as const) {
    const verdict = await verdictOn(bytes);
    assert.deepEqual([verdict.outcome, verdict.code], ["invalid", code]);
  }
  assert.throws(() => parseEnvelope(envelope, "application/pgp-signature"), {
    code: "ENVELOPE_UNSUPPORTED",
  });
});

test("no changed byte of what is signed, or of the signature, is ever accepted", async () => {
  const envelope = await sign({ userMetadata: { build: "42" } });
  const message = decodeSign1(envelope, 2 ** 20);
  const strict = await policy({ roots: { ca: [root.pem] } });
  const start = (part: Uint8Array) => Buffer.from(envelope).indexOf(part);
  for (const part of [message.protectedBytes, message.payload, message.signature]) {
    const from = start(part);
    assert.ok(from > 0);
    for (let offset = 0; offset < part.byteLength; offset++) {
      const changed = Uint8Array.from(envelope);
      changed[from + offset] = (changed[from + offset] ?? 0) ^ (1 << (offset % 8));
      const { outcome } = await verdictOn(changed, { policy: strict });
      assert.equal(outcome, "invalid", `byte ${offset} of ${part.byteLength}`);
    }
  }
});

test("a changed byte anywhere never changes what is accepted", async () => {
  const envelope = await sign();
  const strict = await policy();
  await fc.assert(
    fc.asyncProperty(
      fc.nat({ max: envelope.byteLength - 1 }),
      fc.integer({ min: 1, max: 255 }),
      async (offset, flip) => {
        const changed = Uint8Array.from(envelope);
        changed[offset] = (changed[offset] ?? 0) ^ flip;
        const verdict = await verdictOn(changed, { policy: strict });
        if (verdict.outcome !== "verified")
          return verdict.code !== "INTERNAL" && verdict.code !== undefined;
        // Only the signing agent, which nobody vouches for, may have changed, or its name.
        return (
          parseEnvelope(changed, MEDIA_TYPES.cose).payload.targetArtifact.digest ===
            artifact.digest &&
          parseEnvelope(changed, MEDIA_TYPES.cose).signingAgent !== SIGNING_AGENT
        );
      },
    ),
    { numRuns: 200 },
  );
});

test("whatever the bytes, reading ends with an envelope or a ConsignError", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 300 }),
      fc.constantFrom(MEDIA_TYPES.cose, MEDIA_TYPES.jws, "text/plain"),
      (bytes, mediaType) => {
        try {
          parseEnvelope(bytes, mediaType);
          return true;
        } catch (error) {
          return isConsignError(error);
        }
      },
    ),
    { numRuns: 1000 },
  );
});
