// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { OciLayout } from "../../provider/content/oci-layout";
import {
  bytesBlob,
  packManifest,
  pushArtifact,
  type PackedArtifact,
} from "../../provider/content/pack";
import {
  envelopeOf,
  packSignature,
  type SignatureForm,
} from "../../provider/notation/signature-manifest";
import { localSigner } from "../../provider/notation/sign/signer";
import { signEnvelope, type SignOptions } from "../../provider/notation/envelope/sign-envelope";
import { requestTimestamp } from "../../provider/notation/timestamp/timestamp";
import { verifyEnvelope } from "../../provider/notation/verify";
import { MEDIA_TYPES } from "../../provider/oci/media-types";
import { authority, codeSigner, intermediate, timestampSigner } from "../harness/certificates";
import { ALLOWED_KEYS, writeKeyFiles, type Issued, type KeyKind } from "../harness/keys";
import { httpFetch, timestampAuthority } from "../harness/pki";
import { registryMissing, startRegistry, type TestRegistry } from "../harness/registries";
import { tempDir } from "../harness/temp";
import { missing } from "../harness/toolchain";
import { resolve } from "../notation/arrange";
import { PlainRepository, addTrustStore, notation, notationConfig } from "./notation-cli";

const skip = missing("notation") || registryMissing("olareg");

describe("notation 1.3.2", { skip }, () => {
  let registry: TestRegistry;
  before(async () => {
    registry = await startRegistry("olareg");
  });
  after(() => registry.stop());

  let count = 0;
  async function pushed(): Promise<{
    repository: PlainRepository;
    artifact: PackedArtifact;
    reference: string;
  }> {
    const repository = new PlainRepository(registry.direct, `net-monitor/${++count}`);
    const artifact = packManifest({
      artifactType: "application/vnd.example.net-monitor",
      layers: [bytesBlob(Buffer.from(`net-monitor ${count}`), MEDIA_TYPES.octetStream)],
    });
    return { repository, artifact, reference: await repository.push(artifact) };
  }

  function signerWith(key: KeyKind): { root: Issued; leaf: Issued } {
    const root = authority();
    return { root, leaf: codeSigner(intermediate(root), { key }) };
  }

  async function signature(
    artifact: PackedArtifact,
    leaf: Issued,
    form: SignatureForm = "current",
    timestamp?: SignOptions["timestamp"],
  ): Promise<PackedArtifact> {
    const signer = await localSigner(writeKeyFiles(leaf));
    const subject = artifact.manifest.descriptor;
    const envelope = await signEnvelope({
      target: subject,
      signer,
      signingTime: new Date(),
      expiry: new Date(Date.now() + 3_600_000),
      userMetadata: { build: "42" },
      issuer: "https://wabbit.example",
      subject: "net-monitor",
      timestamp,
    });
    return packSignature({ subject, envelope, form });
  }

  for (const key of ALLOWED_KEYS) {
    test(`verifies what we sign with ${key}`, async () => {
      const { repository, artifact, reference } = await pushed();
      const { leaf } = signerWith(key);
      await repository.push(await signature(artifact, leaf));
      const { code, stdout, stderr } = await notation(
        notationConfig(leaf),
        "verify",
        "--insecure-registry",
        "--user-metadata",
        "build=42",
        reference,
      );
      assert.equal(code, 0, stderr);
      assert.match(stdout, /Successfully verified signature/);
    });

    for (const format of ["cose", "jws"]) {
      test(`signs with ${key} in ${format} and we verify it`, async () => {
        const { repository, artifact, reference } = await pushed();
        const { root, leaf } = signerWith(key);
        const made = await notation(
          notationConfig(leaf),
          "sign",
          "--insecure-registry",
          "--signature-format",
          format,
          "--force-referrers-tag=false",
          "--expiry",
          "24h",
          "--user-metadata",
          "build=42",
          reference,
        );
        assert.equal(made.code, 0, made.stderr);
        const verdict = await verdictFromRegistry(repository, artifact, root);
        assert.equal(verdict.outcome, "verified", verdict.reason);
        assert.deepEqual(verdict.userMetadata, { build: "42" });
        assert.match(verdict.signer?.subject ?? "", /^CN=Wabbit Networks Release,/);
      });
    }
  }

  async function verdictFromRegistry(
    repository: PlainRepository,
    artifact: PackedArtifact,
    root: Issued,
  ) {
    const { descriptor } = artifact.manifest;
    const [found, ...others] = await repository.referrers(descriptor.digest);
    assert.equal(others.length, 0);
    const layer = envelopeOf(await repository.manifest(found ?? ""), descriptor);
    const policy = await resolve({
      signatureVerification: { level: "strict" },
      roots: { ca: [root.pem] },
      trustedIdentities: ["x509.subject: C=US, ST=WA, O=Wabbit Networks"],
    });
    const scope = `${repository.host}/${repository.name}`;
    return verifyEnvelope(
      await repository.blob(layer.digest),
      layer.mediaType,
      descriptor,
      policy,
      { now: new Date(), baseDir: "/nonexistent", scope },
    );
  }

  test("verifies the legacy form of manifest", async () => {
    const { repository, artifact, reference } = await pushed();
    const { leaf } = signerWith("p-256");
    await repository.push(await signature(artifact, leaf, "legacy"));
    const { code, stderr } = await notation(
      notationConfig(leaf),
      "verify",
      "--insecure-registry",
      reference,
    );
    assert.equal(code, 0, stderr);
  });

  test("verifies the legacy form in an OCI layout", async () => {
    const { artifact } = await pushed();
    const { leaf } = signerWith("p-384");
    const folder = tempDir("layout");
    const layout = OciLayout.open(folder, { create: true });
    await pushArtifact(layout, artifact);
    await layout.tag(artifact.manifest, "v1");
    await pushArtifact(layout, await signature(artifact, leaf, "legacy"));
    const config = notationConfig(leaf);
    config.env.NOTATION_EXPERIMENTAL = "1";
    const { code, stderr } = await notation(
      config,
      "verify",
      "--oci-layout",
      "--scope",
      "local/net-monitor",
      `${folder}:v1`,
    );
    assert.equal(code, 0, stderr);
  });

  for (const key of ["rsa-3072", "p-256", "p-521"] as const) {
    test(`verifies our timestamped signature by ${key}, and so do we when the certificates are long gone`, async (context) => {
      const { repository, artifact, reference } = await pushed();
      const { root, leaf } = signerWith(key);
      const keepers = authority({
        subject: { C: "US", O: "Time Keepers", CN: "Time Keepers Root" },
        key: "rsa-2048",
      });
      const tsa = await timestampAuthority(timestampSigner(keepers, { key: "rsa-2048" }));
      context.after(() => tsa.close());
      const packed = await signature(artifact, leaf, "current", (bytes, digest) =>
        requestTimestamp(tsa.url, bytes, digest, { fetch: httpFetch }),
      );
      await repository.push(packed);
      const config = notationConfig(leaf, {
        trustStores: ["ca:wabbit", "tsa:keepers"],
        signatureVerification: { level: "strict", verifyTimestamp: "always" },
      });
      addTrustStore(config, "tsa/keepers", keepers.pem);
      const { code, stderr } = await notation(config, "verify", "--insecure-registry", reference);
      assert.equal(code, 0, stderr);

      const policy = await resolve({
        signatureVerification: { level: "strict", override: { expiry: "log" } },
        roots: { ca: [root.pem], tsa: [keepers.pem] },
        trustedIdentities: ["*"],
      });
      const layer = envelopeOf(packed.manifest, artifact.manifest.descriptor);
      const now = new Date(Date.now() + 5 * 365 * 86_400_000);
      const verdict = await verifyEnvelope(
        await repository.blob(layer.digest),
        layer.mediaType,
        artifact.manifest.descriptor,
        policy,
        { now, baseDir: "/nonexistent", scope: "registry.example/a" },
      );
      assert.equal(verdict.outcome, "verified", verdict.reason);
      assert.equal(verdict.checks.find(({ check }) => check === "expiry")?.result, "failed");
    });
  }

  test("shows the issuer, the subject and the thumbprint that make it a SCITT signed statement", async () => {
    const { repository, artifact, reference } = await pushed();
    const { leaf } = signerWith("p-256");
    await repository.push(await signature(artifact, leaf));
    const { code, stdout, stderr } = await notation(
      notationConfig(leaf),
      "inspect",
      "--insecure-registry",
      "--output",
      "json",
      reference,
    );
    assert.equal(code, 0, stderr);
    assert.match(stdout, /https:\/\/wabbit\.example/);
    assert.match(stdout, /consign\/\d/);
  });

  test("refuses what we sign when its identity is not trusted", async () => {
    const { repository, artifact, reference } = await pushed();
    const { leaf } = signerWith("p-256");
    await repository.push(await signature(artifact, leaf));
    const config = notationConfig(leaf, {
      trustedIdentities: ["x509.subject: C=US, ST=WA, O=ACME Rockets"],
    });
    const { code } = await notation(config, "verify", "--insecure-registry", reference);
    assert.notEqual(code, 0);
  });
});
