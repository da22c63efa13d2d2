// SPDX-License-Identifier: Apache-2.0
import { packClaim, type ClaimContent } from "../../provider/claims/index";
import { bytesBlob, packManifest, pushArtifact, type Store } from "../../provider/content/index";
import {
  keySigner,
  packSignature,
  parseTrustPolicy,
  resolveTrustPolicy,
  signEnvelope,
  type ResolvedTrustPolicy,
  type TrustPolicyInput,
} from "../../provider/notation/index";
import type { Descriptor } from "../../provider/oci/descriptor";
import { MEDIA_TYPES } from "../../provider/oci/media-types";
import type { ObserveOptions } from "../../provider/report/observation";
import { authority, codeSigner } from "../harness/certificates";
import type { Issued } from "../harness/keys";

export const now = new Date();

const name = (O: string, CN: string) => ({ C: "US", ST: "WA", O, CN });

export const wabbitRoot = authority({
  subject: name("Wabbit Networks", "Wabbit Networks Root CA"),
});
export const wabbit = codeSigner(wabbitRoot, {
  subject: name("Wabbit Networks", "Wabbit Networks Release"),
});
export const acmeRoot = authority({ subject: name("ACME Rockets", "ACME Rockets Root CA") });
export const acme = codeSigner(acmeRoot, { subject: name("ACME Rockets", "ACME Rockets Intake") });

export async function trusting(
  overrides: Partial<TrustPolicyInput> = {},
): Promise<ResolvedTrustPolicy> {
  const policy = parseTrustPolicy({
    name: "wabbit",
    signatureVerification: { level: "strict" },
    roots: { ca: [wabbitRoot.pem] },
    trustedIdentities: ["*"],
    ...overrides,
  });
  return resolveTrustPolicy(policy, { baseDir: "/nonexistent", notationConfigDir: "/nonexistent" });
}

export function observing(overrides: Partial<ObserveOptions> = {}): ObserveOptions {
  return { now, baseDir: "/nonexistent", scope: "registry.example/net-monitor", ...overrides };
}

export async function pushNetMonitor(store: Store, tag = "v1"): Promise<Descriptor> {
  const layer = bytesBlob(Buffer.from("#!/bin/sh\n"), "text/x-shellscript", {
    "org.opencontainers.image.title": "net-monitor.sh",
  });
  const packed = packManifest({
    artifactType: "application/vnd.wabbit.net-monitor.v1",
    layers: [layer],
  });
  await pushArtifact(store, packed);
  await store.tag(packed.manifest, tag);
  return packed.manifest.descriptor;
}

export async function pushSignature(
  store: Store,
  subject: Descriptor,
  by: Issued,
  o: { at?: Date; expiry?: Date } = {},
): Promise<Descriptor> {
  const envelope = await signEnvelope({
    target: subject,
    signer: keySigner(by.key.privateKey, by.chain),
    signingTime: o.at ?? now,
    ...(o.expiry === undefined ? {} : { expiry: o.expiry }),
  });
  const packed = packSignature({ subject, envelope });
  await pushArtifact(store, packed);
  return packed.manifest.descriptor;
}

/** A signature manifest in good form whose envelope signs something else. */
export async function pushWrongSignature(
  store: Store,
  subject: Descriptor,
  other: Descriptor,
  by: Issued,
): Promise<Descriptor> {
  const envelope = await signEnvelope({
    target: other,
    signer: keySigner(by.key.privateKey, by.chain),
    signingTime: now,
  });
  const packed = packManifest({
    artifactType: MEDIA_TYPES.notarySignature,
    layers: [bytesBlob(envelope, MEDIA_TYPES.cose)],
    subject,
  });
  await pushArtifact(store, packed);
  return packed.manifest.descriptor;
}

export async function pushClaim(
  store: Store,
  content: Pick<ClaimContent, "type" | "subject" | "predicate"> & Partial<ClaimContent>,
  by?: Issued,
  at?: Date,
): Promise<Descriptor> {
  const packed = packClaim({ audience: "public", ...content });
  await pushArtifact(store, packed);
  if (by !== undefined)
    await pushSignature(store, packed.manifest.descriptor, by, at === undefined ? {} : { at });
  return packed.manifest.descriptor;
}

export const provenance = {
  buildDefinition: { buildType: "https://wabbit.example/builds/v1", externalParameters: {} },
  runDetails: { builder: { id: "https://wabbit.example/builder" } },
};
