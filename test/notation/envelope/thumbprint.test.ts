// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { Tag, decodeCbor, encodeCbor } from "../../../provider/cose/index";
import { parseTrustPolicy, signEnvelope, verifyEnvelope } from "../../../provider/notation/index";
import { keySigner } from "../../../provider/notation/sign/signer";
import { resolveTrustPolicy } from "../../../provider/notation/trust/trust-store";
import { authority, codeSigner } from "../../harness/certificates";

const DAY = 86_400_000;
const X5CHAIN = 33;
const target = {
  mediaType: "application/vnd.oci.image.manifest.v1+json",
  digest: `sha256:${"ab".repeat(32)}` as const,
  size: 10,
};

test("a chain that is swapped for another certificate of the same key is not what the signature's x5t names", async () => {
  const now = new Date(Math.floor(Date.now() / 1000) * 1000);
  const root = authority();
  const old = codeSigner(root, {
    notBefore: new Date(now.getTime() - 9 * DAY),
    notAfter: new Date(now.getTime() - DAY),
  });
  const renewed = codeSigner(root, {
    key: old.key,
    notBefore: new Date(now.getTime() - 2 * DAY),
    notAfter: new Date(now.getTime() + 90 * DAY),
  });
  const envelope = await signEnvelope({
    target,
    signer: keySigner(old.key.privateKey, old.chain),
    signingTime: new Date(now.getTime() - 8 * DAY),
  });
  const policy = await resolveTrustPolicy(
    parseTrustPolicy({
      signatureVerification: { level: "strict" },
      roots: { ca: [root.pem] },
      trustedIdentities: ["*"],
    }),
    { baseDir: "/" },
  );
  const context = { now, baseDir: "/", scope: "registry.example/app" };
  assert.equal(
    (await verifyEnvelope(envelope, "application/cose", target, policy, context)).code,
    "SIGNATURE_EXPIRED",
  );

  const message = decodeCbor(envelope, 1 << 20) as Tag;
  const [protectedBytes, , payload, signature] = message.contents as [
    Uint8Array,
    Map<number, unknown>,
    Uint8Array,
    Uint8Array,
  ];
  const swapped = encodeCbor(
    new Tag(18, [
      Uint8Array.from(protectedBytes),
      new Map([[X5CHAIN, renewed.chain.map((der) => Uint8Array.from(der))]]),
      Uint8Array.from(payload),
      Uint8Array.from(signature),
    ]),
  );
  const verdict = await verifyEnvelope(swapped, "application/cose", target, policy, context);
  assert.equal(verdict.outcome, "invalid", JSON.stringify(verdict.signer));
});
