// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { generateKeyPairSync, sign, type KeyObject } from "node:crypto";
import { test } from "node:test";
import { fingerprint, preAuthEncoding } from "../../provider/claims/foreign/dsse";
import { foreignClaims } from "../../provider/claims/foreign/foreign";
import type { MemoryStore } from "../../provider/content/memory";
import { bytesBlob, packManifest, pushArtifact } from "../../provider/content/pack";
import { isConsignError } from "../../provider/errors";
import type { Annotations, Descriptor } from "../../provider/oci/descriptor";
import { digestOf, hexOf, type Digest } from "../../provider/oci/digest";
import { parseManifest } from "../../provider/oci/manifest";
import { MEDIA_TYPES } from "../../provider/oci/media-types";
import { storeWithArtifact } from "./builders";

const BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json";
const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const other = generateKeyPairSync("ed25519");

const statement = (subject: Digest, type = "https://slsa.dev/provenance/v0.2") =>
  Buffer.from(
    JSON.stringify({
      _type: "https://in-toto.io/Statement/v0.1",
      subject: [{ name: "x", digest: { sha256: hexOf(subject) } }],
      predicateType: type,
      predicate: { a: 1 },
    }),
  );
function envelope(payload: Buffer, key: KeyObject, payloadType: string = MEDIA_TYPES.statement) {
  const sig = sign(
    key.asymmetricKeyType === "ed25519" ? null : "sha256",
    preAuthEncoding(payloadType, payload),
    key,
  );
  return {
    payloadType,
    payload: payload.toString("base64"),
    signatures: [{ keyid: "", sig: sig.toString("base64") }],
  };
}
async function pushTagged(
  store: MemoryStore,
  tag: string,
  layers: { bytes: Buffer; mediaType: string; annotations?: Annotations }[],
) {
  const packed = packManifest({
    artifactType: "application/vnd.oci.image.config.v1+json",
    layers: layers.map(({ bytes, mediaType, annotations }) =>
      bytesBlob(bytes, mediaType, annotations),
    ),
  });
  await pushArtifact(store, packed);
  await store.tag(packed.manifest, tag);
}
async function pushBundle(store: MemoryStore, subject: Descriptor, value: object) {
  await pushArtifact(
    store,
    packManifest({
      artifactType: BUNDLE,
      layers: [bytesBlob(Buffer.from(JSON.stringify(value)), BUNDLE)],
      subject,
      annotations: { "dev.sigstore.bundle.predicateType": "https://announced.example/v1" },
    }),
  );
}

test("the pre-authentication encoding counts bytes", () => {
  assert.equal(
    Buffer.from(
      preAuthEncoding("http://example.com/HelloWorld", Buffer.from("hello world")),
    ).toString(),
    "DSSEv1 29 http://example.com/HelloWorld 11 hello world",
  );
});

test("cosign's attestation tag: verified only by a key that was given", async () => {
  const { store, artifact } = await storeWithArtifact();
  const bytes = Buffer.from(JSON.stringify(envelope(statement(artifact.digest), privateKey)));
  await pushTagged(store, `${artifact.digest.replace(":", "-")}.att`, [
    { bytes, mediaType: "application/vnd.dsse.envelope.v1+json" },
  ]);
  const statuses = async (...publicKeys: (KeyObject | string)[]) =>
    (await foreignClaims(store, artifact, { publicKeys })).map(
      ({ origin, status, audience, type }) => [origin, status, audience, type],
    );
  const row = (status: string) => [
    ["cosign-attestation", status, "internal", "https://slsa.dev/provenance/v0.2"],
  ];
  assert.deepEqual(await statuses(), row("unverified"));
  assert.deepEqual(await statuses(other.publicKey), row("unverified"));
  assert.deepEqual(
    await statuses(other.publicKey, publicKey.export({ type: "spki", format: "pem" }).toString()),
    row("verified-by-key"),
  );
  assert.deepEqual((await foreignClaims(store, artifact, { publicKeys: [publicKey] }))[0]?.keys, [
    fingerprint(publicKey),
  ]);
  await assert.rejects(foreignClaims(store, artifact, { publicKeys: ["nonsense"] }), (e) =>
    isConsignError(e, "KEY_UNREADABLE"),
  );
});

test("sigstore bundles: altered, about something else or senseless ones hide no good one", async () => {
  const { store, artifact } = await storeWithArtifact();
  const good = envelope(statement(artifact.digest), privateKey);
  await pushBundle(store, artifact, {
    mediaType: BUNDLE,
    verificationMaterial: {},
    dsseEnvelope: good,
  });
  await pushBundle(store, artifact, {
    mediaType: BUNDLE,
    dsseEnvelope: {
      ...good,
      payload: statement(artifact.digest, "https://evil.example/v1").toString("base64"),
    },
  });
  await pushBundle(store, artifact, {
    mediaType: BUNDLE,
    dsseEnvelope: envelope(statement(digestOf("other")), privateKey),
  });
  await pushBundle(store, artifact, {
    mediaType: BUNDLE,
    dsseEnvelope: envelope(Buffer.from("text"), privateKey, "text/plain"),
  });
  await pushBundle(store, artifact, { mediaType: BUNDLE, messageSignature: {} });
  await pushBundle(store, artifact, { nothing: true });
  const found = await foreignClaims(store, artifact, { publicKeys: [publicKey] });
  assert.deepEqual(found.map(({ status }) => status).sort(), [
    "broken",
    "broken",
    "broken",
    "unverified",
    "unverified",
    "verified-by-key",
  ]);
  assert.equal(
    found.find(({ status }) => status === "verified-by-key")?.type,
    "https://slsa.dev/provenance/v0.2",
  );
  assert.equal(found.find(({ type }) => type === "https://evil.example/v1")?.status, "unverified");
});

test("cosign's signature and SBOM tags", async () => {
  const { store, artifact } = await storeWithArtifact();
  const stem = artifact.digest.replace(":", "-");
  const payload = (digest: string) =>
    Buffer.from(
      JSON.stringify({
        critical: {
          identity: {},
          image: { "docker-manifest-digest": digest },
          type: "cosign container image signature",
        },
        optional: null,
      }),
    );
  const layer = (bytes: Buffer) => ({
    bytes,
    mediaType: "application/vnd.dev.cosign.simplesigning.v1+json",
    annotations: {
      "dev.cosignproject.cosign/signature": sign("sha256", bytes, privateKey).toString("base64"),
    },
  });
  await pushTagged(store, `${stem}.sig`, [
    layer(payload(artifact.digest)),
    layer(payload(digestOf("other"))),
  ]);
  await pushTagged(store, `${stem}.sbom`, [
    { bytes: Buffer.from("{}"), mediaType: "text/spdx+json" },
  ]);
  const found = await foreignClaims(store, artifact, { publicKeys: [publicKey] });
  assert.deepEqual(found.map(({ origin, status }) => `${origin} ${status}`).sort(), [
    "cosign-sbom unverified",
    "cosign-signature broken",
    "cosign-signature verified-by-key",
  ]);
  assert.equal(
    found.find(({ origin }) => origin === "cosign-sbom")?.type,
    "https://spdx.dev/Document/v2.3",
  );
});

test("BuildKit's attestations inside an index are about one of its manifests", async () => {
  const { store, artifact } = await storeWithArtifact();
  const attest = async (subject: Digest, about = subject): Promise<Descriptor> => {
    const packed = packManifest({
      artifactType: "application/vnd.docker.attestation.manifest.v1+json",
      layers: [
        bytesBlob(statement(about, "https://spdx.dev/Document"), MEDIA_TYPES.statement),
        bytesBlob(Buffer.from("?"), "text/plain"),
      ],
    });
    await pushArtifact(store, packed);
    return {
      ...packed.manifest.descriptor,
      annotations: {
        "vnd.docker.reference.type": "attestation-manifest",
        "vnd.docker.reference.digest": subject,
      },
    };
  };
  const manifests = [
    artifact,
    await attest(artifact.digest),
    await attest(artifact.digest, digestOf("other")),
    await attest(digestOf("no sibling")),
  ];
  const index = parseManifest(
    Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: MEDIA_TYPES.index, manifests })),
    MEDIA_TYPES.index,
  );
  await store.pushManifest(index);
  const found = await foreignClaims(store, index.descriptor, { publicKeys: [publicKey] });
  assert.deepEqual(found.map(({ origin, status, subject }) => [origin, status, subject]).sort(), [
    ["buildkit", "broken", artifact.digest],
    ["buildkit", "unverified", artifact.digest],
  ]);
});
