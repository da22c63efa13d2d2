// SPDX-License-Identifier: Apache-2.0
import type { ReadStore } from "../content/storage";
import { readSmall } from "../content/verify";
import { asConsignError, isConsignError, type ErrorCode } from "../errors";
import { MAX_ENVELOPE_SIZE, envelopeOf, listSignatures, parseEnvelope, verifyEnvelope, type ResolvedTrustPolicy, type SignatureVerdict } from "../notation";
import { ANNOTATIONS } from "../oci/annotations";
import type { Descriptor } from "../oci/descriptor";
import type { ResourceContext } from "./context";
import type { SignedBy } from "./signer";

/** More signatures by one certificate than this on one artifact are not looked at. */
const MAX_OWN_SIGNATURES = 20;

/** What makes a signature bad, rather than its store unreachable. */
const FAULTS: readonly ErrorCode[] = [
  "MANIFEST_UNKNOWN", "MANIFEST_INVALID", "MANIFEST_TOO_LARGE", "BLOB_UNKNOWN", "DIGEST_MISMATCH", "SIZE_MISMATCH",
  "ENVELOPE_INVALID", "ENVELOPE_UNSUPPORTED", "ENVELOPE_TOO_LARGE", "SIGNATURE_INVALID", "CBOR_INVALID", "CERTIFICATE_INVALID",
];

/**
 * The signatures on an artifact that are by this certificate, or were recorded as ours, each verified to the Notary Project's rules at level
 * strict. What is trusted is the certificate itself, by its digest: whether *others* trust it, their trust policy says.
 */
export async function ownSignatures(store: ReadStore, target: Descriptor, signedBy: SignedBy, recorded: readonly string[], context: ResourceContext): Promise<SignatureVerdict[]> {
  const candidates = (await listSignatures(store, target.digest))
    .filter((signature) => recorded.includes(signature.digest) || namesCertificate(signature, signedBy.thumbprint))
    .slice(0, MAX_OWN_SIGNATURES);
  const verdicts: SignatureVerdict[] = [];
  for (const signature of candidates) {
    const verdict = await verifyOwn(store, signature, target, signedBy, context);
    if (verdict !== undefined) verdicts.push({ ...verdict, signature: signature.digest });
  }
  return verdicts;
}

function namesCertificate({ annotations }: Descriptor, thumbprint: string): boolean {
  return thumbprint !== "" && (annotations?.[ANNOTATIONS.thumbprints]?.toLowerCase().includes(thumbprint) ?? false);
}

async function verifyOwn(store: ReadStore, signature: Descriptor, target: Descriptor, signedBy: SignedBy, context: ResourceContext): Promise<SignatureVerdict | undefined> {
  try {
    const layer = envelopeOf(await store.manifest(signature), target);
    const bytes = await readSmall(store, layer, MAX_ENVELOPE_SIZE);
    const { certificateChain } = parseEnvelope(bytes, layer.mediaType);
    const [leaf, root] = [certificateChain[0], certificateChain.at(-1)];
    if (leaf === undefined || root === undefined) return undefined;
    if (signedBy.thumbprint !== "" && leaf.thumbprint !== signedBy.thumbprint) return undefined;
    const policy: ResolvedTrustPolicy = {
      name: "own signature",
      registryScopes: ["*"],
      actions: { integrity: "enforce", authenticity: "enforce", expiry: "enforce", authenticTimestamp: "enforce", revocation: "enforce", pluginVerification: "enforce" },
      verifyTimestamp: "afterCertExpiry",
      trusted: { ca: [root], signingAuthority: [root], tsa: [] },
      identities: "any",
    };
    return await verifyEnvelope(bytes, layer.mediaType, target, policy, { now: context.now(), baseDir: context.baseDir, scope: store.name, revocation: context.revocation });
  } catch (error) {
    if (!isConsignError(error, ...FAULTS)) throw error;
    const { code, message } = asConsignError(error);
    return { outcome: "invalid", code, reason: message, checks: [] };
  }
}
