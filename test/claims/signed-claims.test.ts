// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { effectiveClaims } from "../../provider/claims/effective/effective";
import { observeClaim } from "../../provider/claims/read-claim";
import { isClaim } from "../../provider/claims/recognise";
import type { MemoryStore } from "../../provider/content/memory";
import { pushArtifact } from "../../provider/content/pack";
import { packSignature } from "../../provider/notation/signature-manifest";
import { signEnvelope } from "../../provider/notation/envelope/sign-envelope";
import { keySigner } from "../../provider/notation/sign/signer";
import { parseTrustPolicy } from "../../provider/notation/trust/trust-policy";
import { resolveTrustPolicy } from "../../provider/notation/trust/trust-store";
import { verifyArtifact } from "../../provider/notation/verify";
import type { Descriptor } from "../../provider/oci/descriptor";
import { authority, codeSigner } from "../harness/certificates";
import type { Issued } from "../harness/keys";
import { predicates, pushClaim, storeWithArtifact } from "./builders";

const NOW = new Date();
const SCOPE = "registry.example/net-monitor";
const wabbit = codeSigner(authority());
const impostor = codeSigner(authority());

async function signAndPush(
  store: MemoryStore,
  subject: Descriptor,
  by: Issued,
  expiry?: Date,
): Promise<void> {
  const envelope = await signEnvelope({
    target: subject,
    signer: keySigner(by.key.privateKey, by.chain),
    signingTime: NOW,
    ...(expiry && { expiry }),
  });
  await pushArtifact(store, packSignature({ subject, envelope }));
}

async function judgeAll(
  store: MemoryStore,
  artifact: Descriptor,
  level: "strict" | "audit",
  now = NOW,
) {
  const policy = await resolveTrustPolicy(
    parseTrustPolicy({
      signatureVerification: { level, override: { revocation: "skip" } },
      roots: { ca: [wabbit.chainPem.slice(wabbit.chainPem.lastIndexOf("-----BEGIN"))] },
      trustedIdentities: ["*"],
    }),
    { baseDir: "/nonexistent", notationConfigDir: "/nonexistent" },
  );
  const claims = await Promise.all(
    (await store.referrers(artifact.digest)).filter(isClaim).map(async (descriptor) => ({
      claim: await observeClaim(store, descriptor, { subject: artifact.digest }),
      verdict: await verifyArtifact(store, descriptor, policy, {
        now: NOW,
        baseDir: "/nonexistent",
        scope: SCOPE,
      }),
    })),
  );
  return effectiveClaims({ subject: artifact.digest, now, claims });
}

for (const level of ["strict", "audit"] as const) {
  test(`real signatures under level ${level}: only the authenticated signer's claim counts`, async () => {
    const { store, artifact } = await storeWithArtifact();
    const claim = (result: string) =>
      pushClaim(store, {
        type: "test-result",
        subject: artifact,
        audience: "public",
        predicate: predicates.test(result),
      });
    const signed = (await claim("PASSED")).manifest.descriptor;
    const forged = (await claim("FAILED")).manifest.descriptor;
    const bare = (await claim("WARNED")).manifest.descriptor;
    await signAndPush(store, signed, wabbit, new Date(NOW.getTime() + 3_600_000));
    await signAndPush(store, forged, impostor);
    const result = await judgeAll(store, artifact, level);
    const status = ({ digest }: Descriptor) =>
      result.claims.find((one) => one.digest === digest)?.status;
    assert.deepEqual(
      [status(signed), status(forged), status(bare)],
      ["effective", "untrusted", "unsigned"],
    );
    assert.match(
      result.claims.find((one) => one.digest === signed.digest)?.issuer ?? "",
      /O=Wabbit Networks/,
    );
    const later = await judgeAll(store, artifact, level, new Date(NOW.getTime() + 7_200_000));
    assert.equal(later.claims.find((one) => one.digest === signed.digest)?.status, "expired");
  });
}
