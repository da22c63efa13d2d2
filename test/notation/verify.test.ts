// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import type { RevocationVerdict } from "../../provider/notation/revocation/revocation";
import type { SignatureVerdict } from "../../provider/notation/verify";
import { authority, codeSigner } from "../harness/certificates";
import { artifact, issuing, now, policy, root, sign, signerOf, verdictOn } from "./arrange";
import { at, authenticSigningTime, forge, scheme, signingTime } from "./envelope/forge";

const DAY = 86_400_000;
const later = (days: number) => ({ now: new Date(now.getTime() + days * DAY) });
const say = ({ outcome, code }: SignatureVerdict) => [outcome, code];
const results = ({ checks }: SignatureVerdict) =>
  checks.map(({ check, result }) => `${check} ${result}`);

test("says who signed what, when, and until when it counts", async () => {
  const expiry = new Date(now.getTime() + DAY);
  const verdict = await verdictOn(await sign({ expiry, userMetadata: { build: "42" } }));
  assert.deepEqual(say(verdict), ["verified", undefined]);
  assert.equal(
    verdict.signer?.issuer,
    "CN=Wabbit Networks Issuing CA,O=Wabbit Networks,L=Seattle,ST=WA,C=US",
  );
  assert.match(verdict.signer?.thumbprint ?? "", /^[0-9a-f]{64}$/);
  assert.equal(verdict.signedAt, `${now.toISOString().slice(0, 19)}Z`);
  assert.equal(verdict.expiresAt, `${expiry.toISOString().slice(0, 19)}Z`);
  assert.match(verdict.certificateExpiresAt ?? "", /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  assert.deepEqual(verdict.userMetadata, { build: "42" });
  assert.deepEqual(new Set(verdict.checks.map(({ result }) => result)), new Set(["passed"]));
});

test("trusts any certificate of the chain, byte for byte", async () => {
  const envelope = await sign();
  for (const pem of [root.pem, issuing.pem])
    assert.deepEqual(
      say(await verdictOn(envelope, { policy: await policy({ roots: { ca: [pem] } }) })),
      ["verified", undefined],
    );
  const namesake = authority();
  assert.deepEqual(
    say(await verdictOn(envelope, { policy: await policy({ roots: { ca: [namesake.pem] } }) })),
    ["untrusted", "SIGNATURE_UNTRUSTED"],
  );
});

test("a store of another type is not looked at", async () => {
  const verdict = await verdictOn(await sign(), {
    policy: await policy({ roots: { signingAuthority: [root.pem] } }),
  });
  assert.deepEqual(say(verdict), ["untrusted", "SIGNATURE_UNTRUSTED"]);
  assert.deepEqual(results(verdict).slice(0, 3), [
    "integrity passed",
    "authenticity failed",
    "expiry skipped",
  ]);
  assert.ok(verdict.signer);
});

test("the leaf's subject must have a trusted identity", async () => {
  const envelope = await sign();
  const on = async (...trustedIdentities: string[]) =>
    say(await verdictOn(envelope, { policy: await policy({ trustedIdentities }) }));
  assert.deepEqual(await on("x509.subject: C=US, ST=WA, O=Wabbit Networks"), [
    "verified",
    undefined,
  ]);
  assert.deepEqual(
    await on("x509.subject: C=US, S=WA, L=Seattle, O=Wabbit Networks, CN=Wabbit Networks Release"),
    ["verified", undefined],
  );
  assert.deepEqual(
    await on(
      "x509.subject: C=DE, ST=WA, O=Wabbit Networks",
      "x509.subject: C=US, ST=WA, O=Wabbit Networks",
    ),
    ["verified", undefined],
  );
  assert.deepEqual(await on("x509.subject: C=US, ST=WA, O=ACME Rockets"), [
    "untrusted",
    "SIGNATURE_UNTRUSTED",
  ]);
  assert.deepEqual(await on("x509.subject: C=US, ST=WA, O=Wabbit Networks, OU=Release"), [
    "untrusted",
    "SIGNATURE_UNTRUSTED",
  ]);
});

test("a subject without state or organization fits no identity but any", async () => {
  const odd = codeSigner(issuing, { subject: { C: "US", O: "Wabbit Networks" } });
  const envelope = await sign({ signer: signerOf(odd) });
  assert.deepEqual(say(await verdictOn(envelope)), ["verified", undefined]);
  const verdict = await verdictOn(envelope, {
    policy: await policy({ trustedIdentities: ["x509.subject: C=US, ST=WA, O=Wabbit Networks"] }),
  });
  assert.deepEqual(say(verdict), ["untrusted", "SIGNATURE_UNTRUSTED"]);
  assert.match(verdict.reason ?? "", /ST is missing/);
});

test("a signature ends with its own expiry", async () => {
  const envelope = await sign({ expiry: new Date(now.getTime() + DAY) });
  const second = new Date(Math.floor((now.getTime() + DAY) / 1000) * 1000);
  assert.deepEqual(
    say(await verdictOn(envelope, { context: { now: new Date(second.getTime() - 1) } })),
    ["verified", undefined],
  );
  assert.deepEqual(say(await verdictOn(envelope, { context: { now: second } })), [
    "untrusted",
    "SIGNATURE_EXPIRED",
  ]);
});

test("without a timestamp, a signature ends with its certificates", async () => {
  const envelope = await sign();
  assert.deepEqual(say(await verdictOn(envelope, { context: later(366) })), [
    "untrusted",
    "SIGNATURE_EXPIRED",
  ]);
  const early = await verdictOn(envelope, { context: later(-11) });
  assert.deepEqual(say(early), ["untrusted", "SIGNATURE_UNTRUSTED"]);
  assert.match(early.reason ?? "", /not yet valid/);
});

test("with trusted timestamp authorities a timestamp is needed, always or once a certificate has expired", async () => {
  const envelope = await sign();
  const roots = { ca: [root.pem], tsa: [authority().pem] };
  const always = await policy({ roots });
  assert.deepEqual(say(await verdictOn(envelope, { policy: always })), [
    "untrusted",
    "SIGNATURE_UNTRUSTED",
  ]);
  const after = await policy({
    roots,
    signatureVerification: { level: "strict", verifyTimestamp: "afterCertExpiry" },
  });
  assert.deepEqual(say(await verdictOn(envelope, { policy: after })), ["verified", undefined]);
  const expired = await verdictOn(envelope, { policy: after, context: later(366) });
  assert.deepEqual(say(expired), ["untrusted", "SIGNATURE_UNTRUSTED"]);
  assert.match(expired.reason ?? "", /no timestamp/);
  const junk = await forge({
    unprotected: { "io.cncf.notary.timestampSignature": Uint8Array.of(1, 2, 3) },
  });
  const verdict = await verdictOn(junk, { policy: always });
  assert.equal(verdict.outcome, "untrusted", verdict.reason);
});

test("a signing authority's time counts instead of now", async () => {
  const seconds = Math.floor(now.getTime() / 1000);
  const headers = (time: number) => ({
    [scheme]: "notary.x509.signingAuthority",
    crit: [scheme, authenticSigningTime],
    [signingTime]: undefined,
    [authenticSigningTime]: at(time),
  });
  const trusting = await policy({ roots: { signingAuthority: [root.pem] } });
  const good = await forge({ headers: headers(seconds) });
  assert.deepEqual(say(await verdictOn(good, { policy: trusting, context: later(4000) })), [
    "verified",
    undefined,
  ]);
  assert.deepEqual(say(await verdictOn(good)), ["untrusted", "SIGNATURE_UNTRUSTED"]);
  assert.deepEqual(
    say(
      await verdictOn(await forge({ headers: headers(seconds - 20 * 86_400) }), {
        policy: trusting,
      }),
    ),
    ["untrusted", "SIGNATURE_UNTRUSTED"],
  );
  assert.deepEqual(
    say(
      await verdictOn(await forge({ headers: headers(seconds + 400 * 86_400) }), {
        policy: trusting,
      }),
    ),
    ["untrusted", "SIGNATURE_EXPIRED"],
  );
});

test("revoked, unknown and nobody to ask are three answers", async () => {
  const revocable = codeSigner(issuing, { ocsp: "http://ocsp.example/" });
  const envelope = await sign({ signer: signerOf(revocable) });
  const asked: number[] = [];
  const answer = (result: RevocationVerdict["result"]) => ({
    revocation: {
      check: async (chain: readonly Uint8Array[]) => (
        asked.push(chain.length),
        { result, reason: "so it was said" }
      ),
    },
  });
  assert.deepEqual(say(await verdictOn(envelope, { context: answer("ok") })), [
    "verified",
    undefined,
  ]);
  assert.deepEqual(say(await verdictOn(envelope, { context: answer("revoked") })), [
    "untrusted",
    "SIGNATURE_REVOKED",
  ]);
  assert.deepEqual(say(await verdictOn(envelope, { context: answer("unknown") })), [
    "inconclusive",
    "SIGNATURE_INCONCLUSIVE",
  ]);
  assert.deepEqual(say(await verdictOn(envelope)), ["inconclusive", "SIGNATURE_INCONCLUSIVE"]);
  assert.deepEqual(asked, [3, 3, 3]);
  const unreachable = { fetch: async () => Promise.reject(new Error("no route")) };
  assert.deepEqual(say(await verdictOn(envelope, { context: unreachable })), [
    "inconclusive",
    "SIGNATURE_INCONCLUSIVE",
  ]);
  const skipping = await policy({
    signatureVerification: { level: "strict", override: { revocation: "skip" } },
  });
  assert.deepEqual(
    say(await verdictOn(envelope, { policy: skipping, context: answer("revoked") })),
    ["verified", undefined],
  );
  const permissive = await verdictOn(envelope, {
    policy: await policy({ signatureVerification: { level: "permissive" } }),
    context: answer("revoked"),
  });
  assert.deepEqual(say(permissive), ["verified", undefined]);
  assert.deepEqual(
    permissive.checks.find(({ check }) => check === "revocation"),
    {
      check: "revocation",
      action: "log",
      result: "failed",
      code: "SIGNATURE_REVOKED",
      reason: "a certificate of the signature is revoked: so it was said",
    },
  );
});

test("nobody is asked about a signer that is not trusted", async () => {
  const envelope = await sign({
    signer: signerOf(codeSigner(authority(), { ocsp: "http://ocsp.example/" })),
  });
  let asked = 0;
  const revocation = { check: async () => (asked++, { result: "ok" as const, reason: "" }) };
  const audit = await policy({ signatureVerification: { level: "audit" } });
  assert.deepEqual(say(await verdictOn(envelope, { policy: audit, context: { revocation } })), [
    "verified",
    undefined,
  ]);
  const enforcing = await policy({
    signatureVerification: { level: "audit", override: { revocation: "enforce" } },
  });
  assert.deepEqual(say(await verdictOn(envelope, { policy: enforcing, context: { revocation } })), [
    "inconclusive",
    "SIGNATURE_INCONCLUSIVE",
  ]);
  assert.equal(asked, 0);
});

test("a checker that breaks is inconclusive, not verified", async () => {
  const envelope = await sign({
    signer: signerOf(codeSigner(issuing, { crl: "http://crl.example/" })),
  });
  const revocation = { check: () => Promise.reject(new TypeError("bug")) };
  assert.deepEqual(say(await verdictOn(envelope, { context: { revocation } })), [
    "inconclusive",
    "INTERNAL",
  ]);
});

test("a signature that asks for a plugin is inconclusive, whatever the level", async () => {
  const plugin = "io.cncf.notary.verificationPlugin";
  const envelope = await forge({
    headers: {
      crit: [scheme, plugin, "com.example.x"],
      [plugin]: "com.example.plugin",
      "com.example.x": 1,
    },
  });
  for (const level of ["strict", "audit"] as const) {
    assert.deepEqual(
      say(
        await verdictOn(envelope, { policy: await policy({ signatureVerification: { level } }) }),
      ),
      ["inconclusive", "SIGNATURE_INCONCLUSIVE"],
    );
  }
});

test("audit lets an untrusted signer pass and says so, but not a broken signature", async () => {
  const audit = await policy({
    signatureVerification: { level: "audit" },
    roots: { ca: [authority().pem] },
  });
  const verdict = await verdictOn(await sign(), { policy: audit });
  assert.deepEqual(say(verdict), ["verified", undefined]);
  assert.deepEqual(results(verdict)[1], "authenticity failed");
  assert.deepEqual(
    say(await verdictOn(await forge({ key: codeSigner(issuing) }), { policy: audit })),
    ["invalid", "SIGNATURE_INVALID"],
  );
});

test("skip verifies nothing and says so", async () => {
  const skip = await policy({
    signatureVerification: { level: "skip" },
    roots: undefined,
    trustedIdentities: [],
    registryScopes: ["registry.example/net-monitor"],
  });
  const verdict = await verdictOn(Buffer.from("junk"), { policy: skip });
  assert.equal(verdict.outcome, "verified");
  assert.match(verdict.reason ?? "", /nothing was verified/);
  assert.deepEqual(new Set(verdict.checks.map(({ result }) => result)), new Set(["skipped"]));
});

test("a policy for another repository is not applied", async () => {
  const elsewhere = await policy({ registryScopes: ["registry.example/other"] });
  await assert.rejects(verdictOn(await sign(), { policy: elsewhere }), {
    code: "TRUST_POLICY_NOT_APPLICABLE",
  });
});

test("a signature for another artifact is invalid", async () => {
  const verdict = await verdictOn(await sign(), {
    artifact: { ...artifact, digest: `sha256:${"a".repeat(64)}` },
  });
  assert.deepEqual(say(verdict), ["invalid", "SIGNATURE_INVALID"]);
});
