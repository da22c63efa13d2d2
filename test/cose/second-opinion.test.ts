// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { performance } from "node:perf_hooks";
import { test } from "node:test";
import {
  Tag,
  algorithmFor,
  buildHeaders,
  decodeSign1,
  encodeCbor,
  encodeSign1,
  registerLabels,
  secondOpinion,
  signBytes,
  toBeSigned,
  verifySign1,
  type NamedHeaders,
  type Sign1,
} from "../../provider/cose/index";
import { ALLOWED_KEYS, keyPair, type KeyPair } from "../harness/keys";

registerLabels(["example.time"]);

async function signed(
  key: KeyPair,
  extra: Partial<NamedHeaders> = {},
  payload = Buffer.from("content"),
): Promise<Sign1> {
  const headers = buildHeaders({
    alg: algorithmFor(key.publicKey),
    content_type: "text/plain",
    ...extra,
  });
  const protectedBytes = encodeCbor(headers);
  const signature = await signBytes(key.privateKey, toBeSigned(protectedBytes, payload));
  return decodeSign1(
    encodeSign1({ protectedBytes, unprotectedHeaders: new Map(), payload, signature }),
    2 ** 21,
  );
}

for (const kind of ALLOWED_KEYS) {
  test(`agrees with node:crypto on ${kind}, and in little time`, async (context) => {
    const key = keyPair(kind);
    const message = await signed(key, {
      cwt_claims: new Map([
        [1, "Wabbit"],
        [2, "net-monitor"],
      ]),
      x5t: [-16, Uint8Array.from(createHash("sha256").digest())],
      "example.time": new Tag(1, 1_700_000_000),
    });
    verifySign1(message, key.publicKey);
    const times = Array.from({ length: 5 }, () => {
      const started = performance.now();
      assert.equal(secondOpinion(message, key.publicKey), "agrees");
      return performance.now() - started;
    }).sort((a, b) => a - b);
    context.diagnostic(`${kind}: median ${times[2]?.toFixed(1)} ms`);
    assert.ok((times[2] ?? 0) < 1000);
  });

  test(`disagrees when a signature by ${kind} is changed`, async () => {
    const key = keyPair(kind);
    const message = await signed(key);
    const signature = Uint8Array.from(message.signature);
    signature[signature.length - 1] = (signature.at(-1) ?? 0) ^ 1;
    assert.equal(secondOpinion({ ...message, signature }, key.publicKey), "disagrees");
    assert.throws(() => verifySign1({ ...message, signature }, key.publicKey), {
      code: "SIGNATURE_INVALID",
    });
  });
}

test("agrees on many signatures of each curve, so that a rare number does not make a good signature look bad", async () => {
  for (const kind of ["p-256", "p-384", "p-521"] as const) {
    for (let round = 0; round < 20; round++) {
      const key = keyPair(kind);
      assert.equal(
        secondOpinion(await signed(key, {}, Buffer.from(`content ${round}`)), key.publicKey),
        "agrees",
        kind,
      );
    }
  }
});

test("takes a payload of half a mebibyte", async () => {
  const key = keyPair("p-256");
  assert.equal(
    secondOpinion(await signed(key, {}, Buffer.alloc(512 * 1024, 7)), key.publicKey),
    "agrees",
  );
});

test("has no say on headers that cose-js would encode differently", async () => {
  const key = keyPair("p-256");
  const unsorted = Buffer.concat([
    Buffer.from("a2", "hex"),
    encodeCbor(3),
    encodeCbor("text/plain"),
    encodeCbor(1),
    encodeCbor(-7),
  ]);
  for (const protectedBytes of [
    unsorted,
    Buffer.from("a1180126", "hex"),
    encodeCbor(
      new Map<string | number, unknown>([
        [1, -7],
        [
          "x",
          new Map([
            ["b", 1],
            ["1", 2],
          ]),
        ],
      ]),
    ),
  ]) {
    const payload = Buffer.from("content");
    const signature = await signBytes(key.privateKey, toBeSigned(protectedBytes, payload));
    const message = decodeSign1(
      encodeSign1({ protectedBytes, unprotectedHeaders: new Map(), payload, signature }),
      4096,
    );
    verifySign1(message, key.publicKey);
    assert.equal(secondOpinion(message, key.publicKey), "inapplicable");
  }
});

test("does not know a header that was not registered", () => {
  assert.throws(() => buildHeaders({ alg: "ES256", "never.registered": 1 }), { code: "INTERNAL" });
});
