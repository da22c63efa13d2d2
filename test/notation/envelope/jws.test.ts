// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { signBytes } from "../../../provider/cose/index";
import { parseEnvelope } from "../../../provider/notation/envelope/envelope";
import { parseJwsEnvelope, verifyJwsSignature } from "../../../provider/notation/envelope/jws";
import { MEDIA_TYPES } from "../../../provider/oci/media-types";
import { authority, codeSigner } from "../../harness/certificates";
import type { Issued, KeyKind } from "../../harness/keys";
import { codeOf } from "../../harness/failure";

const ALGORITHMS: Partial<Record<KeyKind, string>> = {
  "rsa-2048": "PS256",
  "rsa-3072": "PS384",
  "rsa-4096": "PS512",
  "p-256": "ES256",
  "p-384": "ES384",
  "p-521": "ES512",
};
const target = { mediaType: MEDIA_TYPES.manifest, digest: `sha256:${"ab".repeat(32)}`, size: 123 };
const root = authority();
const leaf = codeSigner(root);

const header = {
  alg: "ES256",
  crit: ["io.cncf.notary.signingScheme"],
  cty: "application/vnd.cncf.notary.payload.v1+json",
  "io.cncf.notary.signingScheme": "notary.x509",
  "io.cncf.notary.signingTime": "2025-06-01T12:00:00.987654321+02:00",
};

interface Parts {
  issued?: Issued;
  header?: Record<string, unknown> | string;
  payload?: unknown;
  unprotected?: Record<string, unknown>;
}

async function members({
  issued = leaf,
  header: given = header,
  payload = { targetArtifact: target },
  unprotected = {},
}: Parts = {}) {
  const encode = (value: unknown) =>
    Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");
  const [head, body] = [encode(given), encode(payload)];
  const signature = Buffer.from(
    await signBytes(issued.key.privateKey, Buffer.from(`${head}.${body}`)),
  ).toString("base64url");
  return {
    payload: body,
    protected: head,
    header: { x5c: issued.chain.map((der) => der.toString("base64")), ...unprotected },
    signature,
  };
}

const bytesOf = (value: unknown) => Buffer.from(JSON.stringify(value));
const jws = async (parts?: Parts) => bytesOf(await members(parts));
const without = (name: keyof typeof header) =>
  Object.fromEntries(Object.entries(header).filter(([each]) => each !== name));

test("every kind of key", async () => {
  for (const [kind, alg] of Object.entries(ALGORITHMS)) {
    const issued = codeSigner(root, { key: kind as KeyKind });
    const envelope = parseJwsEnvelope(await jws({ issued, header: { ...header, alg } }));
    assert.equal(envelope.algorithm, alg);
    await verifyJwsSignature(envelope);
  }
});

test("what it says is read as from the COSE form", async () => {
  const bytes = await jws({
    header: {
      ...header,
      crit: [...header.crit, "io.cncf.notary.expiry"],
      "io.cncf.notary.expiry": "2035-06-01T12:00:00Z",
      extra: { any: ["thing"] },
    },
    unprotected: {
      "io.cncf.notary.signingAgent": "tester/1",
      "io.cncf.notary.timestampSignature": "MAA=",
    },
  });
  const envelope = parseEnvelope(bytes, MEDIA_TYPES.jws);
  assert.equal(envelope.mediaType, MEDIA_TYPES.jws);
  assert.equal(envelope.signingTime?.toISOString(), "2025-06-01T10:00:00.000Z");
  assert.equal(envelope.expiry?.toISOString(), "2035-06-01T12:00:00.000Z");
  assert.equal(envelope.signingAgent, "tester/1");
  assert.deepEqual(envelope.timestampToken, new Uint8Array([0x30, 0]));
  assert.deepEqual(envelope.payload.targetArtifact, target);
  assert.deepEqual(envelope.critical, []);
  assert.equal(envelope.certificateChain.length, 2);
});

test("a signing authority's time", async () => {
  const authentic = "io.cncf.notary.authenticSigningTime";
  const scheme = {
    ...without("io.cncf.notary.signingTime"),
    "io.cncf.notary.signingScheme": "notary.x509.signingAuthority",
    [authentic]: "2025-06-01T12:00:00Z",
  };
  const envelope = parseJwsEnvelope(
    await jws({ header: { ...scheme, crit: [...header.crit, authentic] } }),
  );
  assert.equal(envelope.authenticSigningTime?.toISOString(), "2025-06-01T12:00:00.000Z");
  await assert.rejects(
    async () => parseJwsEnvelope(await jws({ header: scheme })),
    codeOf("ENVELOPE_INVALID", /must be critical/),
  );
});

test("a critical attribute that nobody knows does not verify", async () => {
  const envelope = parseJwsEnvelope(
    await jws({
      header: { ...header, crit: [...header.crit, "com.example.must"], "com.example.must": true },
    }),
  );
  assert.deepEqual(envelope.critical, ["com.example.must"]);
  await assert.rejects(
    verifyJwsSignature(envelope),
    codeOf("SIGNATURE_INVALID", /com\.example\.must/),
  );
});

test("headers that break the format", async (t) => {
  const time = "io.cncf.notary.signingTime";
  const text = JSON.stringify(header);
  const cases: Record<string, [Record<string, unknown> | string, RegExp]> = {
    "no crit": [without("crit"), /crit/],
    "an empty crit": [{ ...header, crit: [] }, /crit/],
    "crit without the scheme": [{ ...header, crit: ["x"], x: 1 }, /signingScheme must be critical/],
    "crit with something absent": [{ ...header, crit: [...header.crit, "gone"] }, /"gone"/],
    "crit with alg": [{ ...header, crit: [...header.crit, "alg"] }, /"alg"/],
    "crit with a name twice": [{ ...header, crit: [...header.crit, ...header.crit] }, /twice/],
    "an expiry that is not critical": [
      { ...header, "io.cncf.notary.expiry": "2035-06-01T12:00:00Z" },
      /expiry must be critical/,
    ],
    "another content type": [{ ...header, cty: "application/json" }, /content type/],
    "no content type": [without("cty"), /cty/],
    "another scheme": [
      { ...header, "io.cncf.notary.signingScheme": "notary.other" },
      /signingScheme/,
    ],
    "no time": [without(time), /missing/],
    "a time as a number": [{ ...header, [time]: 1700000000 }, /RFC 3339/],
    "a time without a zone": [{ ...header, [time]: "2025-06-01T12:00:00" }, /RFC 3339/],
    "a day that is not in the calendar": [
      { ...header, [time]: "2025-02-30T12:00:00Z" },
      /RFC 3339/,
    ],
    "none for an algorithm": [{ ...header, alg: "none" }, /alg/],
    "a secret's algorithm": [{ ...header, alg: "HS256" }, /alg/],
    "an algorithm that notation does not have": [{ ...header, alg: "RS256" }, /alg/],
    "a payload that is not encoded": [{ ...header, b64: false }, /b64/],
    "a member twice": [text.replace("{", `{"alg":"PS256",`), /twice/],
    "a member twice, written differently": [text.replace("{", `{"\\u0061lg":"PS256",`), /twice/],
    "a member twice, far from its colon": [
      text.replace("{", `{"alg"${" ".repeat(500)}:"PS256",`),
      /twice/,
    ],
    "no JSON": ["{", /JSON/],
    "a list": ["[]", /\(root\)/],
  };
  for (const [title, [given, reason]] of Object.entries(cases)) {
    await t.test(title, async () => {
      const bytes = await jws({ header: given });
      assert.throws(() => parseJwsEnvelope(bytes), codeOf("ENVELOPE_INVALID", reason));
    });
  }
});

test("envelopes that break the format", async (t) => {
  const good = await members();
  const text = JSON.stringify(good);
  const cases: Record<string, [string, RegExp]> = {
    "not JSON": ["", /JSON/],
    "a byte order mark": [`\uFEFF${text}`, /JSON/],
    "a member twice": [text.replace("{", `{"payload":"e30",`), /twice/],
    "no header": [JSON.stringify({ ...good, header: undefined }), /header/],
    "no certificates": [JSON.stringify({ ...good, header: { x5c: [] } }), /x5c/],
    "certificates as base64url": [
      JSON.stringify({
        ...good,
        header: {
          x5c: good.header.x5c.map((each) => each.replaceAll("+", "-").replaceAll("/", "_")),
        },
      }),
      /x5c/,
    ],
    "the general serialization": [JSON.stringify({ ...good, signatures: [] }), /flattened/],
    padding: [JSON.stringify({ ...good, signature: `${good.signature}==` }), /base64url/],
    "spare bits": [JSON.stringify({ ...good, payload: "e31" }), /canonical/],
    "alg beside the protected one": [
      JSON.stringify({ ...good, header: { ...good.header, alg: "ES256" } }),
      /"alg" stands/,
    ],
    "crit in the unprotected header": [
      JSON.stringify({ ...good, header: { ...good.header, crit: [] } }),
      /"crit" stands/,
    ],
    "a payload that names nothing": [JSON.stringify({ ...good, payload: "e30" }), /targetArtifact/],
    "a timestamp that is no base64": [
      JSON.stringify({
        ...good,
        header: { ...good.header, "io.cncf.notary.timestampSignature": "%" },
      }),
      /timestampSignature/,
    ],
  };
  for (const [title, [bytes, reason]] of Object.entries(cases)) {
    await t.test(title, () =>
      assert.throws(() => parseJwsEnvelope(Buffer.from(bytes)), codeOf("ENVELOPE_INVALID", reason)),
    );
  }
  assert.throws(
    () => parseJwsEnvelope(Buffer.alloc(2 * 1024 * 1024, 0x20)),
    codeOf("ENVELOPE_TOO_LARGE", /at most/),
  );
});

test("signatures that are not by the leaf's key and its one algorithm", async (t) => {
  const cases: Record<string, Parts> = {
    "another key": { issued: { ...codeSigner(root), chain: leaf.chain } },
    "another algorithm in the header": { header: { ...header, alg: "ES384" } },
    "an RSA algorithm for an EC key": { header: { ...header, alg: "PS256" } },
  };
  for (const [title, parts] of Object.entries(cases)) {
    await t.test(title, async () => {
      await assert.rejects(
        verifyJwsSignature(parseJwsEnvelope(await jws(parts))),
        codeOf("SIGNATURE_INVALID", /does not verify/),
      );
    });
  }
  await t.test("a changed payload", async () => {
    const good = await members();
    const other = await members({ payload: { targetArtifact: { ...target, size: 124 } } });
    await assert.rejects(
      verifyJwsSignature(parseJwsEnvelope(bytesOf({ ...good, payload: other.payload }))),
      codeOf("SIGNATURE_INVALID", /does not verify/),
    );
  });
});
