// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { packClaim } from "../../provider/claims/claim";
import { observeClaim, readClaim } from "../../provider/claims/read-claim";
import { audienceOf, claimTypeOf, isClaim } from "../../provider/claims/recognise";
import { kindOf, resolveType } from "../../provider/claims/types";
import { bytesBlob, packManifest, pushArtifact } from "../../provider/content/pack";
import { ANNOTATIONS } from "../../provider/oci/annotations";
import { digestOf } from "../../provider/oci/digest";
import { referrerDescriptor } from "../../provider/oci/manifest";
import { predicates, pushClaim, roundTrip, storeWithArtifact } from "./builders";

const STATEMENT = "application/vnd.in-toto+json";
const code = (expected: string, path?: string) => (error: unknown) => {
  assert.equal((error as { code: string }).code, expected, String(error));
  if (path !== undefined) assert.equal((error as { path?: string }).path, path);
  return true;
};

test("a claim packs to the same digest whatever the order of its members", async () => {
  const { artifact } = await storeWithArtifact();
  const a = packClaim({
    type: "test-result",
    subject: artifact,
    audience: "public",
    predicate: { result: "PASSED", configuration: [{ name: "a", uri: "b" }] },
  });
  const b = packClaim({
    type: "test-result",
    subject: artifact,
    audience: "public",
    predicate: { configuration: [{ uri: "b", name: "a" }], result: "PASSED" },
  });
  assert.equal(a.manifest.descriptor.digest, b.manifest.descriptor.digest);
  assert.equal(
    a.manifest.descriptor.digest,
    "sha256:65f741862ded343b20d71504022caf452e74491eb7cd4b9262d6d823abb24b1f",
  );
});

test("a claim comes back as it was packed", async () => {
  const { store, artifact } = await storeWithArtifact();
  const supersedes = [digestOf("b"), digestOf("a")];
  const claim = await roundTrip(
    {
      type: "vulnerabilities",
      subject: artifact,
      audience: "public",
      predicate: predicates.scan(),
      supersedes,
      annotations: { "org.example.run": "7" },
    },
    store,
  );
  assert.equal(claim.type, "https://in-toto.io/attestation/vulns/v0.2");
  assert.equal(claim.artifactType, STATEMENT);
  assert.equal(claim.audience, "public");
  assert.deepEqual(claim.supersedes, supersedes.toSorted());
  assert.equal(claim.subject.digest, artifact.digest);
  assert.deepEqual(claim.predicate, predicates.scan());
  assert.equal(claim.annotations["org.example.run"], "7");
  const [listed] = await store.referrers(artifact.digest);
  assert.ok(listed && isClaim(listed));
  assert.equal(claimTypeOf(listed), claim.type);
  assert.equal(audienceOf(listed), "public");
});

test("an SBOM document keeps its bytes and its artifact type", async () => {
  const { store, artifact } = await storeWithArtifact();
  const bytes = Buffer.from(
    '{ "spdxVersion": "SPDX-2.3",\n "SPDXID": "SPDXRef-DOCUMENT", "name": "x" }',
  );
  const claim = await roundTrip(
    {
      type: "sbom/spdx",
      subject: artifact,
      audience: "internal",
      document: { bytes, mediaType: "application/spdx+json" },
    },
    store,
  );
  assert.equal(claim.artifactType, "application/spdx+json");
  assert.equal(claim.document?.digest, digestOf(bytes));
  assert.equal(claim.statement, undefined);
  assert.equal((claim.predicate as { name: string }).name, "x");
});

test("an end of life is readable for tools that know only the lifecycle annotation", async () => {
  const { store, artifact } = await storeWithArtifact();
  const packed = await pushClaim(store, {
    type: "endOfLife",
    subject: artifact,
    audience: "public",
    predicate: { date: "2027-01-31T23:30:00-01:00", successor: "v2" },
  });
  assert.equal(packed.manifest.value.artifactType, "application/vnd.microsoft.artifact.lifecycle");
  assert.equal(packed.manifest.value.annotations?.[ANNOTATIONS.lifecycleEndOfLife], "2027-02-01");
  const claim = await readClaim(store, packed.manifest.descriptor);
  assert.equal(kindOf(claim.type)?.name, "endOfLife");
});

test("a lifecycle annotation without a statement is read as an end of life", async () => {
  const { store, artifact } = await storeWithArtifact();
  const packed = packManifest({
    artifactType: "application/vnd.microsoft.artifact.lifecycle",
    layers: [],
    subject: artifact,
    annotations: { [ANNOTATIONS.lifecycleEndOfLife]: "2026-05-01" },
  });
  await pushArtifact(store, packed);
  const claim = await readClaim(store, packed.manifest.descriptor);
  assert.equal(claim.type, resolveType("endOfLife"));
  assert.deepEqual(claim.predicate, { date: "2026-05-01" });
  assert.equal(claim.audience, "internal");
});

test("a predicate that does not fit is refused with its path", async () => {
  const { artifact } = await storeWithArtifact();
  const pack = (type: string, predicate: unknown) => () =>
    packClaim({ type, subject: artifact, audience: "internal", predicate });
  assert.throws(
    pack("test-result", { result: "PASSED" }),
    code("PREDICATE_INVALID", "configuration"),
  );
  assert.throws(
    pack("vulnerabilities", { ...predicates.scan(), metadata: {} }),
    code("PREDICATE_INVALID", "metadata.scanStartedOn"),
  );
  assert.throws(
    pack("vulnerabilities", {
      ...predicates.scan(),
      scanner: {
        uri: "u",
        db: { lastUpdate: "2026-01-01T00:00:00Z" },
        result: [{ id: "x", severity: [{ method: "nvd" }] }],
      },
    }),
    code("PREDICATE_INVALID", "scanner.result[0].severity[0].score"),
  );
  assert.throws(
    pack("vex", predicates.vex([{ vulnerability: { name: "CVE-1" }, status: "not_affected" }])),
    code("PREDICATE_INVALID", "statements[0]"),
  );
  assert.throws(pack("redirect", { to: "oci:/etc" }), code("PREDICATE_INVALID", "to"));
  assert.throws(
    pack("deployment", {
      environment: "p",
      from: "2026-02-01T00:00:00Z",
      until: "2026-01-01T00:00:00Z",
    }),
    code("PREDICATE_INVALID", "until"),
  );
  assert.throws(
    pack("https://example.com/own/v1", { at: new Date(0) }),
    code("PREDICATE_INVALID", "at"),
  );
  assert.throws(
    pack("https://example.com/own/v1", { a: [{ b: Number.NaN }] }),
    code("PREDICATE_INVALID", "a[0].b"),
  );
  assert.throws(pack("https://example.com/own/v1", "text"), code("PREDICATE_INVALID"));
});

test("what the caller may not write is refused", async () => {
  const { artifact } = await storeWithArtifact();
  const base = { type: "test-result", subject: artifact, audience: "internal" as const };
  assert.throws(
    () => packClaim({ ...base, type: "nonsense", predicate: {} }),
    code("INPUT_INVALID"),
  );
  assert.throws(() => packClaim(base), code("INPUT_INVALID", "predicate"));
  assert.throws(
    () =>
      packClaim({
        ...base,
        predicate: predicates.test(),
        annotations: { [ANNOTATIONS.claimAudience]: "public" },
      }),
    code("INPUT_INVALID"),
  );
  assert.throws(
    () =>
      packClaim({ ...base, document: { bytes: Buffer.from("{}"), mediaType: "application/json" } }),
    code("STATEMENT_INVALID"),
  );
});

const statement = (o: object) =>
  Buffer.from(
    JSON.stringify({
      _type: "https://in-toto.io/Statement/v1",
      predicateType: resolveType("test-result"),
      predicate: predicates.test(),
      ...o,
    }),
  );

test("the statement, not its name, must speak about the subject of the manifest", async () => {
  const { store, artifact } = await storeWithArtifact();
  const attach = async (bytes: Uint8Array, annotations = {}) => {
    const packed = packManifest({
      artifactType: STATEMENT,
      layers: [bytesBlob(bytes, STATEMENT)],
      subject: artifact,
      annotations,
    });
    await pushArtifact(store, packed);
    return packed.manifest.descriptor;
  };
  const right = { digest: { sha256: artifact.digest.slice(7) } };
  const other = await attach(
    statement({ subject: [{ name: artifact.digest, digest: { sha256: "0".repeat(64) } }] }),
  );
  await assert.rejects(readClaim(store, other), code("SUBJECT_MISMATCH"));
  const seen = await observeClaim(store, other);
  assert.ok("broken" in seen && seen.broken.code === "SUBJECT_MISMATCH");
  const disguised = await attach(statement({ subject: [right] }), {
    [ANNOTATIONS.claimType]: resolveType("vsa"),
  });
  await assert.rejects(readClaim(store, disguised), code("STATEMENT_INVALID"));
  await assert.rejects(
    readClaim(store, await attach(Buffer.from("{}"))),
    code("STATEMENT_INVALID"),
  );
  await assert.rejects(
    readClaim(store, await attach(statement({ subject: [right], predicate: {} }))),
    code("PREDICATE_INVALID"),
  );
  const deep = Buffer.from('{"a":'.repeat(200) + "1" + "}".repeat(200));
  await assert.rejects(readClaim(store, await attach(deep)), code("STATEMENT_INVALID"));
  const good = await attach(
    statement({ subject: [{ digest: { sha256: "1".repeat(64) } }, right] }),
  );
  assert.equal((await readClaim(store, good)).type, resolveType("test-result"));
  await assert.rejects(
    readClaim(store, good, { subject: digestOf("another") }),
    code("SUBJECT_MISMATCH"),
  );
});

test("only what cannot be told is an error of observing", async () => {
  const { store, artifact } = await storeWithArtifact();
  const missing = {
    ...artifact,
    digest: digestOf("nowhere"),
    artifactType: "application/spdx+json",
  };
  const seen = await observeClaim(store, missing);
  assert.ok(
    "broken" in seen &&
      seen.broken.code === "MANIFEST_UNKNOWN" &&
      seen.type === resolveType("sbom/spdx"),
  );
  const failing = {
    ...store,
    name: "x",
    manifest: async () => {
      throw Object.assign(new Error("down"), {});
    },
  };
  await assert.rejects(observeClaim(failing as never, missing), /down/);
});

test("foreign referrers are recognised, and never as public", () => {
  const descriptor = (artifactType: string, annotations = {}) => ({
    mediaType: "application/vnd.oci.image.manifest.v1+json",
    digest: digestOf("x"),
    size: 1,
    artifactType,
    annotations,
  });
  assert.equal(
    claimTypeOf(descriptor("application/vnd.cyclonedx+json; version=1.6")),
    "https://cyclonedx.org/bom",
  );
  assert.equal(
    claimTypeOf(
      descriptor("application/vnd.dev.sigstore.bundle.v0.3+json", {
        "dev.sigstore.bundle.predicateType": "https://x.example/v1",
      }),
    ),
    "https://x.example/v1",
  );
  assert.ok(isClaim(descriptor("application/vnd.in-toto.provenance+json")));
  assert.ok(
    !isClaim(
      descriptor("application/vnd.cncf.notary.signature", {
        [ANNOTATIONS.claimType]: "https://x.example/v1",
      }),
    ),
  );
  assert.ok(!isClaim(descriptor("application/vnd.example.thing")));
  assert.equal(audienceOf(descriptor("application/spdx+json")), "internal");
  assert.equal(
    audienceOf(descriptor("application/spdx+json", { [ANNOTATIONS.claimAudience]: "Public" })),
    "internal",
  );
});

test("a bundle is not taken for a claim of ours", async () => {
  const { store, artifact } = await storeWithArtifact();
  const type = "application/vnd.dev.sigstore.bundle.v0.3+json";
  const packed = packManifest({
    artifactType: type,
    layers: [bytesBlob(Buffer.from("{}"), type)],
    subject: artifact,
    annotations: { "dev.sigstore.bundle.predicateType": "https://x.example/v1" },
  });
  await pushArtifact(store, packed);
  await assert.rejects(
    readClaim(store, referrerDescriptor(packed.manifest)),
    code("ENVELOPE_UNSUPPORTED"),
  );
});
