// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { MemoryStore } from "../../provider/content/index";
import { isConsignError } from "../../provider/errors";
import type { Descriptor } from "../../provider/oci/descriptor";
import { digestOf } from "../../provider/oci/digest";
import { observeArtifact } from "../../provider/report/collect";
import type { ClaimReport } from "../../provider/report/observation";
import { faultsOf, verificationOf } from "../../provider/report/verification";
import { judge } from "../../provider/judging/judgement";
import type { ResourceContext } from "../../provider/world/context";
import { pushIndex } from "../harness/artifacts";
import { codeSigner } from "../harness/certificates";
import {
  acme,
  acmeRoot,
  now,
  observing,
  provenance,
  pushClaim,
  pushNetMonitor,
  pushSignature,
  pushWrongSignature,
  trusting,
  wabbit,
  wabbitRoot,
} from "./arrange";

const SCOPE = "registry.example/net-monitor";
const earlier = new Date(now.getTime() - 3_600_000);
const both = () => trusting({ roots: { ca: [wabbitRoot.pem, acmeRoot.pem] } });
const statuses = (claims: readonly ClaimReport[]) =>
  Object.fromEntries(claims.map(({ digest, status }) => [digest, status]));

/** One claim of every fate, among them a claim about a claim. */
async function manyClaims(store: MemoryStore) {
  const artifact = await pushNetMonitor(store);
  await pushSignature(store, artifact, wabbit);
  const note = (text: string) => ({
    type: "https://example.com/note",
    subject: artifact,
    predicate: { text },
  });
  const deployment = (environment: string) => ({
    type: "deployment",
    subject: artifact,
    predicate: { environment, from: "2026-01-01T00:00:00Z" },
  });
  const old = await pushClaim(
    store,
    { type: "provenance", subject: artifact, predicate: provenance },
    wabbit,
    earlier,
  );
  const fresh = await pushClaim(
    store,
    { type: "provenance", subject: artifact, predicate: { ...provenance, more: 1 } },
    wabbit,
  );
  const unsigned = await pushClaim(store, note("unsigned"));
  const ours = await pushClaim(store, deployment("production"), acme);
  const revoked = await pushClaim(store, deployment("staging"), wabbit);
  const revocation = await pushClaim(
    store,
    {
      type: "revocation",
      subject: revoked,
      predicate: { target: revoked.digest, reason: "a mistake" },
    },
    wabbit,
  );
  const tampered = await pushClaim(store, deployment("test"));
  await pushWrongSignature(store, tampered, artifact, wabbit);
  return { artifact, old, fresh, unsigned, ours, revoked, revocation, tampered };
}

describe("observing an artifact", () => {
  test("each claim has its status, its reason and its signatures", async () => {
    const store = new MemoryStore(SCOPE);
    const { artifact, old, fresh, unsigned, ours, revoked, revocation, tampered } =
      await manyClaims(store);
    const { claims, verdict, policy, reference } = await observeArtifact(
      store,
      artifact,
      observing({ trust: await trusting() }),
    );
    assert.equal(reference, `${store.name}@${artifact.digest}`);
    assert.deepEqual([policy, verdict?.outcome], ["wabbit", "verified"]);
    assert.deepEqual(statuses(claims), {
      [old.digest]: "superseded",
      [fresh.digest]: "effective",
      [unsigned.digest]: "unsigned",
      [ours.digest]: "untrusted",
      [revoked.digest]: "revoked",
      [tampered.digest]: "tampered",
    });
    const find = ({ digest }: Descriptor) => claims.find((claim) => claim.digest === digest);
    assert.equal(find(old)?.by, fresh.digest);
    assert.equal(find(revoked)?.by, revocation.digest);
    assert.deepEqual(
      find(revoked)?.claims.map(({ digest, status }) => [digest, status]),
      [[revocation.digest, "effective"]],
    );
    assert.deepEqual(
      find(fresh)?.signatures.map(({ status, signer }) => [status, signer?.subject.slice(0, 26)]),
      [["verified", "CN=Wabbit Networks Release"]],
    );
  });

  test("without a trust policy nothing is verified, effective or superseded, and what is broken is still said", async () => {
    const store = new MemoryStore(SCOPE);
    const { artifact, fresh, old, unsigned, tampered } = await manyClaims(store);
    const observed = await observeArtifact(store, artifact, observing());
    assert.deepEqual([observed.verdict, observed.policy], [undefined, undefined]);
    assert.deepEqual(
      observed.signatures.map(({ status, reason, checks }) => [status, reason, checks]),
      [["valid", "signer not checked against a policy", []]],
    );
    const found = statuses(observed.claims);
    assert.deepEqual(
      [fresh, old, unsigned, tampered].map(({ digest }) => found[digest]),
      ["unchecked", "unchecked", "unsigned", "tampered"],
    );
    assert.equal(verificationOf(observed, {}, now), undefined);
    const [fault = "", ...others] = faultsOf(observed);
    assert.deepEqual(
      [fault.slice(0, fault.indexOf(": the signature")), others],
      [`deployment ${tampered.digest}: tampered`, []],
    );
  });

  test("it agrees with what a Verification decides", async () => {
    const store = new MemoryStore(SCOPE);
    const { artifact } = await manyClaims(store);
    const context = {
      baseDir: "/nonexistent",
      now: () => now,
      revocation: { check: async () => ({ result: "unknown", reason: "not asked" }) },
    } as Partial<ResourceContext> as ResourceContext;
    for (const trust of [
      await trusting(),
      await both(),
      await trusting({ roots: { ca: [acmeRoot.pem] } }),
    ]) {
      for (const type of ["provenance", "deployment", "vex"]) {
        const question = { require: [{ type }] };
        const { verified, claims } = await judge(store, artifact, trust, question, context);
        const observed = await observeArtifact(
          store,
          artifact,
          observing({ trust, extent: "verdict" }),
        );
        assert.equal(verificationOf(observed, question, now)?.verified, verified ? "yes" : "no");
        for (const { digest, status } of observed.claims)
          if (claims[digest] !== undefined)
            assert.match(claims[digest].status, new RegExp(`^${status}\\b`));
      }
    }
  });

  test("the answer is plain data, and the same each time", async () => {
    const store = new MemoryStore(SCOPE);
    const { artifact } = await manyClaims(store);
    const options = observing({ trust: await both() });
    const first = await observeArtifact(store, artifact, options);
    assert.deepEqual(JSON.parse(JSON.stringify(first)), first);
    assert.deepEqual(await observeArtifact(store, artifact, options), first);
  });

  test("for a verdict one good signature is enough; else each is judged", async () => {
    const store = new MemoryStore(SCOPE);
    const artifact = await pushNetMonitor(store);
    for (const by of [wabbit, acme]) await pushSignature(store, artifact, by);
    const trust = await trusting();
    assert.deepEqual(
      (
        await observeArtifact(store, artifact, observing({ trust, extent: "verdict" }))
      ).signatures.map(({ status }) => status),
      ["verified"],
    );
    assert.deepEqual(
      (
        await observeArtifact(store, artifact, observing({ trust, extent: "claims" }))
      ).signatures.map(({ status }) => status),
      ["verified", "untrusted"],
    );
  });

  test("an index's members are observed with what refers to them", async () => {
    const store = new MemoryStore(SCOPE);
    const { index, images } = await pushIndex(store);
    const [image] = images;
    assert.ok(image);
    await pushSignature(store, image.descriptor, wabbit);
    const { manifests } = await observeArtifact(
      store,
      index.descriptor,
      observing({ trust: await trusting() }),
    );
    assert.deepEqual(
      manifests.map(({ platform, signatures }) => [
        platform,
        signatures.map(({ status }) => status),
      ]),
      [
        ["linux/amd64", ["verified"]],
        ["linux/arm64", []],
      ],
    );
    assert.deepEqual(
      (await observeArtifact(store, index.descriptor, observing({ extent: "claims" }))).manifests,
      [],
    );
  });

  test("a signature that has expired makes its claim expired", async () => {
    const store = new MemoryStore(SCOPE);
    const artifact = await pushNetMonitor(store);
    const claim = await pushClaim(store, {
      type: "provenance",
      subject: artifact,
      predicate: provenance,
    });
    await pushSignature(store, claim, wabbit, {
      at: earlier,
      expiry: new Date(now.getTime() - 60_000),
    });
    const { claims } = await observeArtifact(
      store,
      artifact,
      observing({ trust: await trusting() }),
    );
    assert.deepEqual(
      claims.map(({ status }) => status),
      ["expired"],
    );
  });

  test("an artifact that is not there, and a policy for elsewhere, are errors", async () => {
    const store = new MemoryStore(SCOPE);
    const artifact = await pushNetMonitor(store);
    const absent = { ...artifact, digest: digestOf("absent") };
    await assert.rejects(observeArtifact(store, absent, observing()), (error) =>
      isConsignError(error, "MANIFEST_UNKNOWN"),
    );
    const trust = await trusting({ registryScopes: ["registry.example/other"] });
    await assert.rejects(observeArtifact(store, artifact, observing({ trust })), (error) =>
      isConsignError(error, "TRUST_POLICY_NOT_APPLICABLE"),
    );
  });
});

describe("the verification's answer", () => {
  test("a requirement that only a claim of unknown standing could meet leaves it unknown", async () => {
    const store = new MemoryStore(SCOPE);
    const artifact = await pushNetMonitor(store);
    await pushSignature(store, artifact, wabbit);
    await pushClaim(
      store,
      { type: "provenance", subject: artifact, predicate: provenance },
      codeSigner(wabbitRoot, { crl: "http://127.0.0.1:9/list.crl" }),
    );
    const observed = await observeArtifact(store, artifact, observing({ trust: await trusting() }));
    assert.equal(
      verificationOf(observed, { require: [{ type: "provenance" }] }, now)?.verified,
      "unknown",
    );
    assert.equal(
      verificationOf(observed, { require: [{ type: "provenance" }, { type: "vex" }] }, now)
        ?.verified,
      "no",
    );
    assert.equal(verificationOf(observed, {}, now)?.verified, "yes");
  });
});
