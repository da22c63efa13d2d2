// SPDX-License-Identifier: Apache-2.0
import type { Signer } from "../../provider/cose/index";
import { signEnvelope, type SignOptions } from "../../provider/notation/envelope/sign-envelope";
import { keySigner } from "../../provider/notation/sign/signer";
import {
  parseTrustPolicy,
  type TrustPolicyInput,
} from "../../provider/notation/trust/trust-policy";
import {
  resolveTrustPolicy,
  type ResolvedTrustPolicy,
} from "../../provider/notation/trust/trust-store";
import {
  verifyEnvelope,
  type SignatureVerdict,
  type VerifyContext,
} from "../../provider/notation/verify";
import type { Descriptor } from "../../provider/oci/descriptor";
import { digestOf } from "../../provider/oci/digest";
import { MEDIA_TYPES } from "../../provider/oci/media-types";
import { authority, codeSigner, intermediate } from "../harness/certificates";
import type { Issued } from "../harness/keys";

export const SCOPE = "registry.example/net-monitor";
export const now = new Date();

/** One hierarchy for the whole file: root, issuing CA, leaf. */
export const root = authority();
export const issuing = intermediate(root);
export const leaf = codeSigner(issuing);

export const artifact: Descriptor = {
  mediaType: MEDIA_TYPES.manifest,
  digest: digestOf("net-monitor:v1"),
  size: 528,
};

export function signerOf(issued: Issued): Signer {
  return keySigner(issued.key.privateKey, issued.chain);
}

export function sign(options: Partial<SignOptions> = {}): Promise<Uint8Array> {
  return signEnvelope({ target: artifact, signer: signerOf(leaf), signingTime: now, ...options });
}

export function policy(overrides: Partial<TrustPolicyInput> = {}): Promise<ResolvedTrustPolicy> {
  return resolve({
    signatureVerification: { level: "strict" },
    roots: { ca: [root.pem] },
    trustedIdentities: ["*"],
    ...overrides,
  });
}

export function resolve(input: TrustPolicyInput): Promise<ResolvedTrustPolicy> {
  return resolveTrustPolicy(parseTrustPolicy(input), {
    baseDir: "/nonexistent",
    notationConfigDir: "/nonexistent",
  });
}

export const context: VerifyContext = { now, baseDir: "/nonexistent", scope: SCOPE };

/** Verifies as COSE, for the usual artifact, under the usual policy unless told otherwise. */
export async function verdictOn(
  envelope: Uint8Array,
  o: { policy?: ResolvedTrustPolicy; context?: Partial<VerifyContext>; artifact?: Descriptor } = {},
): Promise<SignatureVerdict> {
  return verifyEnvelope(
    envelope,
    MEDIA_TYPES.cose,
    o.artifact ?? artifact,
    o.policy ?? (await policy()),
    { ...context, ...o.context },
  );
}
