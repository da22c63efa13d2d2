// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { MemoryStore } from "../../provider/content/memory";
import {
  bytesBlob,
  packManifest,
  pushArtifact,
  type BlobSource,
  type PackedArtifact,
} from "../../provider/content/pack";
import type { ReadStore } from "../../provider/content/storage";
import { ConsignError, type ErrorCode } from "../../provider/errors";
import {
  envelopeOf,
  isSignature,
  listSignatures,
  packSignature,
} from "../../provider/notation/signature-manifest";
import { verifyArtifact } from "../../provider/notation/verify";
import { ANNOTATIONS } from "../../provider/oci/annotations";
import { parseManifest } from "../../provider/oci/manifest";
import { MEDIA_TYPES } from "../../provider/oci/media-types";
import { authority, codeSigner, selfSigned } from "../harness/certificates";
import type { RevocationChecker, VerifyContext } from "../../provider/notation/index";
import { context, now, policy, root, sign, signerOf } from "./arrange";

const image = packManifest({
  artifactType: "application/vnd.example.net-monitor",
  layers: [bytesBlob(Buffer.from("net-monitor"), MEDIA_TYPES.octetStream)],
});
const subject = image.manifest.descriptor;

let store: MemoryStore;
beforeEach(async () => {
  store = new MemoryStore();
  await pushArtifact(store, image);
});

async function attach(artifact: PackedArtifact): Promise<string> {
  await pushArtifact(store, artifact);
  return artifact.manifest.descriptor.digest;
}

async function attachSignature(
  options: Parameters<typeof sign>[0] = {},
  form?: "current" | "legacy",
): Promise<string> {
  const envelope = await sign({ target: subject, ...options });
  return attach(packSignature({ subject, envelope, form }));
}

function attachAsSignature(layers: BlobSource[], annotations = {}): Promise<string> {
  return attach(
    packManifest({ artifactType: MEDIA_TYPES.notarySignature, layers, subject, annotations }),
  );
}

const verify = async (o: { from?: ReadStore; maxSignatures?: number; signers?: "every" } = {}) =>
  verifyArtifact(o.from ?? store, subject, await policy(), {
    ...context,
    maxSignatures: o.maxSignatures,
    signers: o.signers,
  });

test("the manifest of a signature is the same for the same envelope, in either form", async () => {
  const envelope = await sign({ target: subject });
  const packed = packSignature({ subject, envelope });
  assert.equal(
    packed.manifest.descriptor.digest,
    packSignature({ subject, envelope }).manifest.descriptor.digest,
  );
  assert.ok(packed.manifest.kind === "manifest");
  assert.equal(packed.manifest.value.artifactType, MEDIA_TYPES.notarySignature);
  assert.deepEqual(packed.manifest.value.config, {
    mediaType: MEDIA_TYPES.empty,
    digest: "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
    size: 2,
  });
  assert.deepEqual(
    packed.manifest.value.layers.map(({ mediaType }) => mediaType),
    [MEDIA_TYPES.cose],
  );
  assert.equal(
    packed.manifest.value.annotations?.[ANNOTATIONS.created],
    `${now.toISOString().slice(0, 19)}Z`,
  );
  assert.match(
    packed.manifest.value.annotations?.[ANNOTATIONS.thumbprints] ?? "",
    /^\["[0-9a-f]{64}","[0-9a-f]{64}","[0-9a-f]{64}"\]$/,
  );
  const legacy = packSignature({ subject, envelope, form: "legacy" });
  assert.ok(legacy.manifest.kind === "manifest");
  assert.equal(legacy.manifest.value.artifactType, undefined);
  assert.equal(legacy.manifest.value.config.mediaType, MEDIA_TYPES.notarySignature);
  assert.deepEqual(legacy.manifest.value.annotations, packed.manifest.value.annotations);
});

test("an envelope is not packed for another subject", async () => {
  const envelope = await sign();
  assert.throws(() => packSignature({ subject, envelope }), { code: "SIGNATURE_INVALID" });
});

test("lists signatures in both forms and nothing else", async () => {
  const expected = [await attachSignature(), await attachSignature({}, "legacy")].sort();
  await attach(packManifest({ artifactType: "application/vnd.example.sbom", layers: [], subject }));
  const found = await listSignatures(store, subject.digest);
  assert.deepEqual(found.map(({ digest }) => digest).sort(), expected);
  assert.ok(found.every(isSignature));
});

test("an artifact without signatures is missing them", async () => {
  const verdict = await verify();
  assert.deepEqual(
    [verdict.outcome, verdict.code, verdict.signatures],
    ["missing", "SIGNATURE_MISSING", []],
  );
});

for (const form of ["current", "legacy"] as const) {
  test(`is verified by one signature in the ${form} form`, async () => {
    const signature = await attachSignature({}, form);
    const verdict = await verify();
    assert.deepEqual([verdict.outcome, verdict.signature], ["verified", signature]);
  });
}

test("junk does not hide a good signature, in whatever order", async () => {
  const other = authority();
  const good = await attachSignature();
  await attachSignature({ signer: signerOf(codeSigner(other)) });
  await attachAsSignature([]);
  await attachAsSignature([bytesBlob(Buffer.from("junk"), MEDIA_TYPES.cose)]);
  await attachAsSignature([bytesBlob(Buffer.from("{}"), MEDIA_TYPES.jws)]);
  await attachAsSignature([bytesBlob(Buffer.from("junk"), "application/pgp-signature")]);
  await attachAsSignature([bytesBlob(Buffer.alloc(2 ** 20 + 1), MEDIA_TYPES.cose)]);
  await attachAsSignature([1, 2].map((part) => bytesBlob(Buffer.of(part), MEDIA_TYPES.cose)));
  await attachAsSignature([bytesBlob(await sign(), MEDIA_TYPES.cose)]);
  const verdict = await verify();
  assert.deepEqual([verdict.outcome, verdict.signature], ["verified", good]);
});

test("each kind of junk has its code, and the closest signature tells the reason", async () => {
  const codes: Record<string, string> = {
    [await attachAsSignature([])]: "ENVELOPE_UNSUPPORTED",
    [await attachAsSignature([bytesBlob(Buffer.from("junk"), MEDIA_TYPES.cose)])]: "CBOR_INVALID",
    [await attachAsSignature([bytesBlob(Buffer.from("{}"), MEDIA_TYPES.jws)])]: "ENVELOPE_INVALID",
    [await attachAsSignature([bytesBlob(Buffer.from("junk"), "application/pgp-signature")])]:
      "ENVELOPE_UNSUPPORTED",
    [await attachAsSignature([bytesBlob(Buffer.alloc(2 ** 20 + 1), MEDIA_TYPES.cose)])]:
      "ENVELOPE_TOO_LARGE",
    [await attachAsSignature([1, 2].map((part) => bytesBlob(Buffer.of(part), MEDIA_TYPES.cose)))]:
      "ENVELOPE_INVALID",
    [await attachAsSignature([bytesBlob(await sign(), MEDIA_TYPES.cose)])]: "SIGNATURE_INVALID",
  };
  const invalid = await verify();
  assert.equal(invalid.outcome, "invalid");
  assert.deepEqual(
    Object.fromEntries(invalid.signatures.map(({ signature, code }) => [signature, code])),
    codes,
  );
  const untrusted = await attachSignature({ signer: signerOf(selfSigned()) });
  const verdict = await verify();
  assert.deepEqual(
    [verdict.outcome, verdict.code, verdict.signature],
    ["untrusted", "SIGNATURE_UNTRUSTED", untrusted],
  );
});

test("signatures that name a trusted certificate are looked at first, and the bound is told", async () => {
  for (let count = 0; count < 5; count++)
    await attachAsSignature([bytesBlob(Buffer.of(count), MEDIA_TYPES.cose)]);
  const bounded = await verify({ maxSignatures: 3 });
  assert.deepEqual(
    [bounded.outcome, bounded.code, bounded.signatures.length],
    ["inconclusive", "SIGNATURE_INCONCLUSIVE", 3],
  );
  assert.match(
    bounded.reason ?? "",
    /none of the 3 signatures looked at verifies, and 5 are there/,
  );
  const good = await attachSignature();
  const verdict = await verify({ maxSignatures: 1 });
  assert.deepEqual([verdict.outcome, verdict.signature], ["verified", good]);
});

test("every signer is told where all are asked for: one that verifies hides no other, nor does one that is unsure, and what lies behind the bound is counted", async () => {
  const other = authority({
    subject: { C: "US", ST: "NY", O: "ACME Rockets", CN: "ACME Rockets Root CA" },
  });
  const acme = codeSigner(other, {
    subject: { C: "US", ST: "NY", O: "ACME Rockets", CN: "ACME Rockets Release" },
  });
  const both = await policy({ roots: { ca: [root.pem, other.pem] }, trustedIdentities: ["*"] });
  const revocable = codeSigner(root, { ocsp: "http://ocsp.example" });
  const fine: RevocationChecker = { check: async () => ({ result: "ok", reason: "" }) };
  const away: RevocationChecker = {
    check: async () => ({ result: "unknown", reason: "no answer" }),
  };
  const asking = async (more: Partial<VerifyContext>) => {
    const { outcome, signatures, unseen } = await verifyArtifact(store, subject, both, {
      ...context,
      revocation: fine,
      ...more,
    });
    return {
      outcome,
      unseen,
      found: Object.fromEntries(signatures.map((each) => [each.signature, each.outcome])),
    };
  };
  const [wabbits, acmes] = [
    await attachSignature({ signer: signerOf(revocable) }),
    await attachSignature({ signer: signerOf(acme) }),
  ];
  assert.deepEqual(await asking({ signers: "every" }), {
    outcome: "verified",
    unseen: 0,
    found: { [wabbits]: "verified", [acmes]: "verified" },
  });
  assert.equal(Object.keys((await asking({})).found).length, 1);
  assert.deepEqual(await asking({ signers: "every", revocation: away }), {
    outcome: "verified",
    unseen: 0,
    found: { [wabbits]: "inconclusive", [acmes]: "verified" },
  });
  const bounded = await asking({ signers: "every", maxSignatures: 1 });
  assert.deepEqual([bounded.outcome, bounded.unseen], ["verified", 1]);
});

/** The same store, but with something else in place of one of its verbs. */
function failing(
  verb: "referrers" | "manifest" | "blob",
  code: ErrorCode,
  times = Infinity,
): ReadStore {
  let left = times;
  return new Proxy(store, {
    get(target, property) {
      if (property === verb && left-- > 0)
        return () => Promise.reject(new ConsignError(code, "no answer"));
      const value: unknown = Reflect.get(target, property);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

test("a store that cannot be asked is an error, unless another signature verifies and no more is asked for", async () => {
  await attachSignature();
  await assert.rejects(verify({ from: failing("referrers", "REGISTRY_UNREACHABLE") }), {
    code: "REGISTRY_UNREACHABLE",
  });
  await assert.rejects(verify({ from: failing("blob", "REGISTRY_UNREACHABLE") }), {
    code: "REGISTRY_UNREACHABLE",
  });
  await attachSignature({ subject: "another signature" });
  assert.equal(
    (await verify({ from: failing("blob", "REGISTRY_UNREACHABLE", 1) })).outcome,
    "verified",
  );
  await assert.rejects(
    verify({ from: failing("blob", "REGISTRY_UNREACHABLE", 1), signers: "every" }),
    { code: "REGISTRY_UNREACHABLE" },
  );
});

test("a signature that is listed, and is gone or has other bytes, may be anybody's", async () => {
  await attachSignature();
  for (const [verb, code] of [
    ["manifest", "MANIFEST_UNKNOWN"],
    ["manifest", "DIGEST_MISMATCH"],
    ["manifest", "MANIFEST_TOO_LARGE"],
    ["blob", "BLOB_UNKNOWN"],
    ["blob", "DIGEST_MISMATCH"],
  ] as const) {
    const { outcome, code: said, signer } = await verify({ from: failing(verb, code) });
    assert.deepEqual(
      [outcome, said, signer],
      ["inconclusive", "SIGNATURE_INCONCLUSIVE", undefined],
    );
  }
  const unread = await verify({ from: failing("manifest", "MANIFEST_INVALID") });
  assert.deepEqual([unread.outcome, unread.code], ["invalid", "MANIFEST_INVALID"]);
});

test("a signature manifest must refer to the artifact itself", async () => {
  const { manifest } = packSignature({ subject, envelope: await sign({ target: subject }) });
  assert.equal(envelopeOf(manifest, subject).mediaType, MEDIA_TYPES.cose);
  for (const wrong of [
    { ...subject, size: subject.size + 1 },
    { ...subject, mediaType: MEDIA_TYPES.index },
  ]) {
    assert.throws(() => envelopeOf(manifest, wrong), { code: "SIGNATURE_INVALID" });
  }
  assert.throws(() => envelopeOf(image.manifest, subject), { code: "ENVELOPE_INVALID" });
  const index = parseManifest(
    Buffer.from(JSON.stringify({ schemaVersion: 2, manifests: [], subject })),
    MEDIA_TYPES.index,
  );
  assert.throws(() => envelopeOf(index, subject), { code: "ENVELOPE_INVALID" });
});

test("a policy that skips asks no store", async () => {
  const skip = await policy({
    signatureVerification: { level: "skip" },
    roots: undefined,
    trustedIdentities: [],
    registryScopes: ["registry.example/net-monitor"],
  });
  const verdict = await verifyArtifact(
    failing("referrers", "REGISTRY_UNREACHABLE"),
    subject,
    skip,
    context,
  );
  assert.equal(verdict.outcome, "verified");
  assert.match(verdict.reason ?? "", /nothing was verified/);
});
