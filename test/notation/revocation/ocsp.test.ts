// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { parseCertificate } from "../../../provider/notation/x509/certificates";
import { ocspRequest } from "../../../provider/notation/revocation/ocsp";
import {
  revocationChecker,
  type RevocationOptions,
} from "../../../provider/notation/revocation/revocation";
import { authority, codeSigner } from "../../harness/certificates";
import * as der from "../../harness/der";
import { extension, issue, type CertificateOptions, type Issued } from "../../harness/keys";
import {
  httpFetch,
  makeCrl,
  ocspReply,
  ocspResponder,
  serve,
  type Answer,
  type OcspOptions,
} from "../../harness/pki";

const root = authority();
const now = new Date();
const NO_CHECK = extension("1.3.6.1.5.5.7.48.1.5", false, der.nil());

/** A certificate that an authority appoints to answer for it. */
function responder(issuer: Issued, overrides: Partial<CertificateOptions> = {}): Issued {
  return issue({
    subject: { O: "Wabbit Networks", CN: "OCSP" },
    issuer,
    keyUsage: ["digitalSignature"],
    purposes: ["ocspSigning"],
    extensions: [NO_CHECK],
    ...overrides,
  });
}

function check(
  chain: readonly Uint8Array[],
  o: { at?: Date; now?: Date } & Partial<RevocationOptions> = {},
) {
  const { at, now: when = new Date(), ...options } = o;
  const checker = revocationChecker({
    fetch: httpFetch,
    timeouts: { crl: 2000, ocsp: 5000 },
    ...options,
  });
  return checker.check(chain, {
    now: when,
    purpose: "codeSigning",
    ...(at === undefined ? {} : { at }),
  });
}

/**
 * A leaf whose responder answers by function; the function gets the leaf, which must know the
 * address first.
 */
async function leafWith(
  t: TestContext,
  answer: (leaf: Issued, request: Buffer, path: string) => Promise<Uint8Array | Answer | undefined>,
  withCrl = false,
): Promise<Issued> {
  const server = await serve(async (request, path): Promise<Answer | undefined> => {
    const given = await answer(leaf, request, path);
    return given instanceof Uint8Array ? { type: "application/ocsp-response", body: given } : given;
  });
  t.after(() => server.close());
  const leaf: Issued = codeSigner(root, {
    ocsp: server.url,
    ...(withCrl ? { crl: `${server.url}/list.crl` } : {}),
  });
  return leaf;
}

async function outcome(
  t: TestContext,
  answering: (leaf: Issued) => Omit<OcspOptions, "authority"> & { authority?: Issued },
  o: Parameters<typeof check>[1] = {},
) {
  const leaf = await leafWith(t, (each, request) =>
    ocspReply({ authority: root, ...answering(each) }, request),
  );
  return check(leaf.chain, o);
}

test("good, revoked, and not known", async (t) => {
  assert.equal((await outcome(t, (leaf) => ({ good: [leaf] }))).result, "ok");
  assert.equal((await outcome(t, (leaf) => ({ good: [leaf], byKey: true }))).result, "ok");
  const revoked = await outcome(t, (leaf) => ({
    revoked: [{ certificate: leaf, reason: "keyCompromise" }],
  }));
  assert.equal(revoked.result, "revoked");
  assert.match(revoked.reason, /Wabbit Networks Release.*says that it is revoked/);
  const unknown = await outcome(t, () => ({}));
  assert.equal(unknown.result, "unknown");
  assert.match(unknown.reason, /does not know it/);
});

test("an invalidity date after a proven signing time lets the signature stand", async (t) => {
  const answering = (leaf: Issued) => ({
    revoked: [{ certificate: leaf, reason: "keyTime,20250601000000Z" }],
  });
  assert.equal(
    (await outcome(t, answering, { at: new Date("2025-05-01T00:00:00Z") })).result,
    "ok",
  );
  assert.equal(
    (await outcome(t, answering, { at: new Date("2025-07-01T00:00:00Z") })).result,
    "revoked",
  );
  assert.equal((await outcome(t, answering)).result, "revoked");
});

test("an appointed responder may answer, with its own certificate not revoked", async (t) => {
  assert.equal(
    (await outcome(t, (leaf) => ({ good: [leaf], responder: responder(root) }))).result,
    "ok",
  );
  assert.equal(
    (
      await outcome(t, (leaf) => ({
        good: [leaf],
        responder: responder(root, { key: "rsa-2048" }),
      }))
    ).result,
    "ok",
  );
  for (const revoked of [false, true]) {
    const lists = await serve(async () => ({
      body: await makeCrl({
        authority: root,
        revoked: revoked ? [{ certificate: appointed }] : [],
      }),
    }));
    t.after(() => lists.close());
    const appointed: Issued = responder(root, {
      extensions: [],
      crl: `${lists.url}/responders.crl`,
    });
    const verdict = await outcome(t, (leaf) => ({ good: [leaf], responder: appointed }));
    assert.equal(verdict.result, revoked ? "unknown" : "ok");
  }
});

test("a responder that may not answer is not believed", async (t) => {
  const cases: Record<string, [Issued, RegExp]> = {
    "of another authority": [responder(authority()), /not appointed/],
    "without the key usage": [responder(root, { purposes: ["codeSigning"] }), /OCSPSigning/],
    "without any key usage": [responder(root, { purposes: null }), /OCSPSigning/],
    "that must not sign": [responder(root, { keyUsage: ["keyEncipherment"] }), /digitalSignature/],
    "that expired": [
      responder(root, { notBefore: new Date("2020-01-01"), notAfter: new Date("2021-01-01") }),
      /not valid now/,
    ],
    "that is a signer itself": [codeSigner(root), /OCSPSigning/],
  };
  for (const [title, [signer, reason]] of Object.entries(cases)) {
    await t.test(title, async (inner) => {
      const verdict = await outcome(inner, (leaf) => ({ good: [leaf], responder: signer }));
      assert.equal(verdict.result, "unknown");
      assert.match(verdict.reason, reason);
    });
  }
});

test("an old answer is not believed, nor one without an end", async (t) => {
  const replayed = await outcome(t, (leaf) => ({ good: [leaf], validMinutes: 5 }), {
    now: new Date(now.getTime() + 600_000),
  });
  assert.equal(replayed.result, "unknown");
  assert.match(replayed.reason, /out of date/);
  const early = await outcome(t, (leaf) => ({ good: [leaf] }), {
    now: new Date(now.getTime() - 3_600_000),
  });
  assert.match(early.reason, /from the future/);
  const endless = await outcome(t, (leaf) => ({ good: [leaf], validMinutes: undefined }));
  assert.equal(endless.result, "unknown");
  assert.match(endless.reason, /until when/);
});

test("an answer about another certificate, or of another issuer, is not believed", async (t) => {
  const other = codeSigner(root);
  const request = ocspRequest(parseCertificate(other.der), parseCertificate(root.der));
  const answer = await ocspReply({ authority: root, good: [other] }, request);
  const swapped = await check((await leafWith(t, async () => answer)).chain);
  assert.equal(swapped.result, "unknown");
  assert.match(swapped.reason, /another certificate/);

  const impostor = authority();
  const forged = await outcome(t, (leaf) => ({ good: [leaf], authority: impostor }));
  assert.equal(forged.result, "unknown");
});

test("a changed answer is not believed", async (t) => {
  const leaf = await leafWith(t, async (each, request) => {
    const answer = await ocspReply({ authority: root, revoked: [{ certificate: each }] }, request);
    const seconds = answer.indexOf(Buffer.from("180f3230", "hex")) + 2 + 13;
    answer.writeUInt8((answer[seconds] ?? 0) ^ 1, seconds);
    return answer;
  });
  const verdict = await check(leaf.chain);
  assert.equal(verdict.result, "unknown");
  assert.match(verdict.reason, /signature does not verify/);
});

test("what a responder does instead of answering tells nothing, and so a list is asked", async (t) => {
  const cases: Record<string, [() => Promise<Uint8Array | Answer | undefined>, RegExp]> = {
    garbage: [async () => Buffer.from("<html>"), /cannot be used/],
    nothing: [async () => Buffer.alloc(0), /ends too early/],
    "try later": [async () => Buffer.from("30030a0103", "hex"), /tryLater/],
    unauthorized: [async () => Buffer.from("30030a0106", "hex"), /unauthorized/],
    "a server error": [async () => ({ status: 503, body: Buffer.alloc(0) }), /status 503/],
    silence: [async () => undefined, /no answer/],
    "too much": [async () => Buffer.alloc(100_000, 0x30), /too large/],
  };
  for (const [title, [answer, reason]] of Object.entries(cases)) {
    await t.test(title, async (inner) => {
      const verdict = await check((await leafWith(inner, answer)).chain, {
        timeouts: { ocsp: 200 },
      });
      assert.equal(verdict.result, "unknown");
      assert.match(verdict.reason, reason);
      for (const revoked of [false, true]) {
        const leaf = await leafWith(
          inner,
          async (each, _, path) =>
            path === "/list.crl"
              ? {
                  body: await makeCrl({
                    authority: root,
                    revoked: revoked ? [{ certificate: each }] : [],
                  }),
                }
              : answer(),
          true,
        );
        assert.equal(
          (await check(leaf.chain, { timeouts: { ocsp: 200 } })).result,
          revoked ? "revoked" : "ok",
        );
      }
    });
  }
});

test("nobody listens: unknown, and quickly", async () => {
  const verdict = await check(codeSigner(root, { ocsp: "http://127.0.0.1:1/" }).chain);
  assert.equal(verdict.result, "unknown");
});

test("a nonce is sent when asked for, and another one coming back is refused", async (t) => {
  const nonce = Buffer.from("000102030405060708090a0b0c0d0e0f", "hex");
  const leaf = await leafWith(t, (each, request) => {
    assert.ok(request.includes(nonce));
    return ocspReply({ authority: root, good: [each] }, request);
  });
  assert.equal((await check(leaf.chain, { ocspNonce: () => nonce })).result, "ok");
  let turn = 0;
  const replayer = await leafWith(t, async (each, request) => {
    const stale = Buffer.from(request);
    stale.fill(0x55, stale.indexOf(nonce), stale.indexOf(nonce) + nonce.length);
    turn++;
    return ocspReply({ authority: root, good: [each] }, stale);
  });
  const verdict = await check(replayer.chain, { ocspNonce: () => nonce });
  assert.equal(verdict.result, "unknown");
  assert.match(verdict.reason, /nonce/);
  assert.equal(turn, 1);
});

test("an answer is kept for the next signature by the same certificate", async (t) => {
  let asked = 0;
  const leaf = await leafWith(t, (each, request) => {
    asked++;
    return ocspReply({ authority: root, good: [each] }, request);
  });
  const checker = revocationChecker({ fetch: httpFetch, timeouts: { ocsp: 5000 } });
  const once = () => checker.check(leaf.chain, { now: new Date(), purpose: "codeSigning" });
  assert.deepEqual(
    (await Promise.all([once(), once(), once()])).map(({ result }) => result),
    ["ok", "ok", "ok"],
  );
  assert.equal((await once()).result, "ok");
  assert.equal(asked, 1);
});

test("openssl's responder reads the request of every kind of key", async (t) => {
  for (const key of ["rsa-2048", "p-384"] as const) {
    const top = authority({ key });
    const good: Issued[] = [];
    const server = await ocspResponder({ authority: top, good });
    t.after(() => server.close());
    const leaf = codeSigner(top, { ocsp: server.url, serial: 0xff00ff00n });
    good.push(leaf);
    assert.equal((await check(leaf.chain)).result, "ok");
  }
});
