// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import type { ErrorCode } from "../../../provider/errors";
import { requestTimestamp, verifyTimestamp } from "../../../provider/notation/timestamp/timestamp";
import { parseTimestampToken } from "../../../provider/notation/timestamp/timestamp-token";
import { revocationChecker } from "../../../provider/notation/revocation/revocation";
import { authority, intermediate, timestampSigner } from "../../harness/certificates";
import type { Issued } from "../../harness/keys";
import { codeOf } from "../../harness/failure";
import {
  cmsToken,
  httpFetch,
  makeCrl,
  serve,
  timestampAuthority,
  timestampReply,
  type Answer,
  type CmsOptions,
} from "../../harness/pki";

const root = authority({ subject: { C: "US", O: "Time Keepers", CN: "Root" } });
const tsa = timestampSigner(root);
const message = Buffer.from("the bytes of a signature");
const now = new Date();

async function tokenFrom(
  t: TestContext,
  signer: Issued,
  settings: Record<string, string> = {},
  digest: "sha256" | "sha384" | "sha512" = "sha256",
): Promise<Uint8Array> {
  const server = await timestampAuthority(signer, settings);
  t.after(() => server.close());
  return requestTimestamp(server.url, message, digest, { fetch: httpFetch });
}

test("a token is asked for, and verifies", async (t) => {
  for (const digest of ["sha256", "sha384", "sha512"] as const) {
    const token = await tokenFrom(t, tsa, {}, digest);
    const { time, accuracyMs, tsaChain } = await verifyTimestamp(token, message, [root.der], {
      now: new Date(),
    });
    assert.ok(Math.abs(time.getTime() - Date.now()) < 60_000);
    assert.equal(accuracyMs, 1500);
    assert.deepEqual(
      tsaChain.map((der) => Buffer.from(der)),
      tsa.chain,
    );
  }
});

test("authorities of every kind of key, and with authorities between", async (t) => {
  const issuing = intermediate(root, { subject: { O: "Time Keepers", CN: "Issuing" } });
  for (const signer of [
    timestampSigner(issuing),
    timestampSigner(root, { key: "p-384" }),
    timestampSigner(root, { key: "rsa-3072" }),
  ]) {
    for (const signer_digest of ["sha256", "sha512"]) {
      const token = await tokenFrom(t, signer, { signer_digest });
      const { tsaChain } = await verifyTimestamp(token, message, [authority().der, root.der], {
        now,
      });
      assert.equal(tsaChain.length, signer.chain.length);
    }
  }
});

test("accuracy is what the token says, a second under the baseline policy, else none", async (t) => {
  const without = { accuracy: "secs:0" };
  const accuracy = async (settings: Record<string, string>) =>
    (await verifyTimestamp(await tokenFrom(t, tsa, settings), message, [root.der], { now }))
      .accuracyMs;
  assert.equal(await accuracy({ accuracy: "secs:2, millisecs:5, microsecs:500" }), 2005.5);
  assert.equal(await accuracy(without), 0);
  assert.equal(await accuracy({ ...without, default_policy: "0.4.0.2023.1.1" }), 1000);
});

test("the old attribute that names the signer's certificate is read too", async (t) => {
  const token = await tokenFrom(t, tsa, { ess_cert_id_alg: "sha1" });
  await verifyTimestamp(token, message, [root.der], { now });
});

test("tokens that do not prove the time of this message", async (t) => {
  const good = await tokenFrom(t, tsa);
  const changed = (find: string, by = 1) => {
    const copy = Buffer.from(good);
    const at = copy.indexOf(Buffer.from(find, "hex"));
    assert.ok(at > 0);
    copy.writeUInt8((copy[at + find.length / 2] ?? 0) ^ by, at + find.length / 2);
    return copy;
  };
  const past = { notBefore: new Date("2020-01-01"), notAfter: new Date("2021-01-01") };
  const cases: Record<string, [Uint8Array, ErrorCode, RegExp, Date?]> = {
    garbage: [Buffer.from("garbage"), "SIGNATURE_INVALID", /not good/],
    nothing: [Buffer.alloc(0), "SIGNATURE_INVALID", /not good/],
    "something behind it": [
      Buffer.concat([good, Buffer.from([0])]),
      "SIGNATURE_INVALID",
      /one ASN.1 value/,
    ],
    "cut off": [good.subarray(0, -1), "SIGNATURE_INVALID", /one ASN.1 value/],
    "too large": [Buffer.alloc(300_000), "SIGNATURE_INVALID", /at most/],
    "the time changed": [changed("180f323032"), "SIGNATURE_INVALID", /changed|malformed/],
    "from the future": [good, "SIGNATURE_INVALID", /future/, new Date(now.getTime() - 3_600_000)],
    "of an authority that had expired": [
      await tokenFrom(t, timestampSigner(root, past)),
      "SIGNATURE_UNTRUSTED",
      /not valid at/,
    ],
    "of an authority whose root had expired": [
      await tokenFrom(t, timestampSigner(oldRoot)),
      "SIGNATURE_UNTRUSTED",
      /not valid at/,
    ],
    "of another root": [
      await tokenFrom(t, timestampSigner(authority())),
      "SIGNATURE_UNTRUSTED",
      /does not end in a root/,
    ],
    "of a root with the same name": [
      await tokenFrom(t, timestampSigner(authority({ subject: root.subject }))),
      "SIGNATURE_UNTRUSTED",
      /does not end in a root/,
    ],
  };
  for (const [title, [token, code, reason, when = new Date()]] of Object.entries(cases)) {
    await t.test(title, async () => {
      await assert.rejects(
        verifyTimestamp(token, message, [root.der, oldRoot.der], { now: when }),
        codeOf(code, reason),
      );
    });
  }
  await t.test("of another message", () =>
    assert.rejects(
      verifyTimestamp(good, Buffer.from("other"), [root.der], { now }),
      codeOf("SIGNATURE_INVALID", /something else/),
    ),
  );
  await t.test("no roots", () =>
    assert.rejects(
      verifyTimestamp(good, message, [], { now }),
      codeOf("SIGNATURE_UNTRUSTED", /does not end in/),
    ),
  );
});

const oldRoot = authority({
  subject: { CN: "Old root" },
  notBefore: new Date("2020-01-01"),
  notAfter: new Date("2021-01-01"),
});

test("every changed byte of a token is noticed", async (t) => {
  const good = await tokenFrom(t, tsa);
  const { time } = await verifyTimestamp(good, message, [root.der], { now });
  for (let at = 0; at < good.byteLength; at += 23) {
    const copy = Uint8Array.from(good);
    copy.fill((copy[at] ?? 0) ^ 0x21, at, at + 1);
    const after = await verifyTimestamp(copy, message, [root.der], { now }).catch(() => undefined);
    if (after !== undefined) assert.deepEqual(after.time, time, `byte ${at} changed the time`);
  }
});

test("authorities that break the profile", async (t) => {
  const { content } = parseTimestampToken(await tokenFrom(t, tsa));
  const selfMade = authority({
    subject: { CN: "All in one" },
    purposes: ["timeStamping"],
    purposesCritical: true,
    keyUsage: ["digitalSignature", "keyCertSign"],
  });
  const lax = authority({
    subject: { CN: "Lax" },
    basicConstraints: { ca: true, critical: false },
  });
  const cases: Record<string, Issued> = {
    "no extended key usage": timestampSigner(root, { purposes: null }),
    "another extended key usage": timestampSigner(root, { purposes: ["codeSigning"] }),
    "one more extended key usage": timestampSigner(root, {
      purposes: ["timeStamping", "codeSigning"],
    }),
    "an extended key usage that is not critical": timestampSigner(root, {
      purposesCritical: false,
    }),
    "a CA that signs itself": selfMade,
    "a key usage beside digitalSignature": timestampSigner(root, {
      keyUsage: ["digitalSignature", "keyEncipherment"],
    }),
    "no key usage": timestampSigner(root, { keyUsage: null }),
    "a small key": timestampSigner(root, { key: "rsa-1024" }),
    "a certificate signed with SHA-1": timestampSigner(root, { digest: "sha1" }),
    "an authority whose constraints are not critical": timestampSigner(lax),
  };
  for (const [title, signer] of Object.entries(cases)) {
    await t.test(title, async () => {
      const token = await cmsToken(signer, content);
      await assert.rejects(
        verifyTimestamp(token, message, [root.der, selfMade.der, lax.der], { now }),
        codeOf("SIGNATURE_UNTRUSTED", /profile|cannot sign/),
      );
    });
  }
  await verifyTimestamp(await cmsToken(tsa, content), message, [root.der], { now });
});

test("tokens that are not made as RFC 3161 wants them", async (t) => {
  const { content } = parseTimestampToken(await tokenFrom(t, tsa));
  const cases: Record<string, [CmsOptions, RegExp]> = {
    "nothing names the signer's certificate": [{ unnamed: true }, /do not name/],
    "signed with SHA-1": [{ digest: "sha1" }, /SHA-256/],
    "of another content type": [{ contentType: "1.2.840.113549.1.7.1" }, /TSTInfo/],
    "with two signers": [{ others: [timestampSigner(root)] }, /one signer/],
  };
  for (const [title, [options, reason]] of Object.entries(cases)) {
    await t.test(title, async () => {
      await assert.rejects(
        verifyTimestamp(await cmsToken(tsa, content, options), message, [root.der], { now }),
        codeOf("SIGNATURE_INVALID", reason),
      );
    });
  }
});

test("revocation of the authority is asked for with the whole chain, and decides", async (t) => {
  const lists = new Map<string, Uint8Array>();
  const server = await serve(async (_, path): Promise<Answer> => ({
    body: lists.get(path) ?? Buffer.alloc(0),
  }));
  t.after(() => server.close());
  const signer = timestampSigner(root, { crl: `${server.url}/tsa.crl` });
  const token = await tokenFrom(t, signer);
  const verify = () =>
    verifyTimestamp(token, message, [root.der], {
      now,
      revocation: revocationChecker({ fetch: httpFetch }),
    });
  lists.set("/tsa.crl", await makeCrl({ authority: root }));
  assert.equal((await verify()).tsaChain.length, 2);
  lists.set("/tsa.crl", await makeCrl({ authority: root, revoked: [{ certificate: signer }] }));
  await assert.rejects(verify(), codeOf("SIGNATURE_REVOKED", /timestamp authority is revoked/));
  lists.clear();
  await assert.rejects(verify(), codeOf("SIGNATURE_INCONCLUSIVE", /cannot be told/));
});

test("answers of an authority that are no token for this request", async (t) => {
  const nonce = Buffer.alloc(16, 0x22);
  const rejection = Buffer.from("3005300302010 2".replace(" ", ""), "hex");
  const swap = (query: Buffer, from: Uint8Array, to: Uint8Array) => {
    const at = query.indexOf(from);
    assert.ok(at > 0);
    const copy = Buffer.from(query);
    copy.set(to, at);
    return copy;
  };
  const other = Buffer.alloc(16, 0x11);
  const unsigned = (query: Buffer) =>
    Buffer.concat([query.subarray(0, -3), Buffer.from("010100", "hex")]);
  const cases: Record<string, [(query: Buffer) => Promise<Answer | undefined>, RegExp]> = {
    "another nonce": [
      async (query) => reply(await timestampReply(tsa, swap(query, nonce, other))),
      /nonce/,
    ],
    "another message": [
      async (query) =>
        reply(await timestampReply(tsa, swap(query, imprintOf(query), Buffer.alloc(32, 1)))),
      /something else/,
    ],
    "without its certificate": [
      async (query) => reply(await timestampReply(tsa, unsigned(query))),
      /is not in it/,
    ],
    "a rejection": [async () => reply(rejection), /rejection/],
    "a hash it does not take": [
      async (query) => reply(await timestampReply(tsa, query, { digests: "sha512" })),
      /rejection.*badAlg|badAlg/,
    ],
    garbage: [async () => reply(Buffer.from("garbage")), /usable token/],
    "another content type": [
      async () => ({ type: "text/html", body: Buffer.from("<html>") }),
      /text\/html/,
    ],
    "a server error": [async () => ({ status: 503, body: Buffer.alloc(0) }), /status 503/],
    silence: [async () => undefined, /did not answer/],
    "too much": [async () => reply(Buffer.alloc(400_000)), /too large/],
  };
  for (const [title, [answer, reason]] of Object.entries(cases)) {
    await t.test(title, async (inner) => {
      const server = await serve((query) => answer(query));
      inner.after(() => server.close());
      await assert.rejects(
        requestTimestamp(server.url, message, "sha256", {
          fetch: httpFetch,
          nonce,
          timeoutMs: 2000,
        }),
        codeOf("TIMESTAMP_FAILED", reason),
      );
    });
  }
  await assert.rejects(
    requestTimestamp("file:///etc/passwd", message, "sha256", { fetch: httpFetch }),
    codeOf("INPUT_INVALID", /http/),
  );
  await assert.rejects(
    requestTimestamp("http://127.0.0.1:1/", message, "sha256", { fetch: httpFetch }),
    codeOf("TIMESTAMP_FAILED", /did not answer/),
  );
});

const reply = (body: Uint8Array): Answer => ({ type: "application/timestamp-reply", body });

/** The digest in a query: the one octet string of 32 bytes. */
function imprintOf(query: Buffer): Buffer {
  const at = query.indexOf(Buffer.from("0420", "hex")) + 2;
  return query.subarray(at, at + 32);
}

test("a nonce of any first byte is a positive integer", async (t) => {
  const server = await timestampAuthority(tsa);
  t.after(() => server.close());
  for (const first of ["ff", "80", "7f", "00", "0000"]) {
    const nonce = Buffer.from(`${first}${"ab".repeat(8)}`, "hex");
    await requestTimestamp(server.url, message, "sha256", { fetch: httpFetch, nonce });
  }
});
