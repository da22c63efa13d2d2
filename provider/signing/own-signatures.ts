// SPDX-License-Identifier: Apache-2.0
import type { ReadStore } from "../content/storage";
import { readSmall } from "../content/verify";
import { asConsignError, isConsignError, type ErrorCode } from "../errors";
import {
  MAX_ENVELOPE_SIZE,
  envelopeOf,
  listSignatures,
  parseEnvelope,
  verifyEnvelope,
  verifyTimestamp,
  type Certificate,
  type ResolvedTrustPolicy,
  type SignatureEnvelope,
  type SignatureForm,
  type SignatureVerdict,
} from "../notation/index";
import { ANNOTATIONS } from "../oci/annotations";
import type { Descriptor } from "../oci/descriptor";
import { MEDIA_TYPES } from "../oci/media-types";
import type { ResourceContext } from "../world/context";
import type { SignedBy } from "./signer";

/**
 * More signatures by one certificate than this on one artifact are not looked at; recorded ones
 * come first, as the date that orders the others is anyone's to write.
 */
const MAX_OWN_SIGNATURES = 20;

/** What makes a signature bad, rather than its store unreachable. */
const FAULTS: readonly ErrorCode[] = [
  "MANIFEST_UNKNOWN",
  "MANIFEST_INVALID",
  "MANIFEST_TOO_LARGE",
  "BLOB_UNKNOWN",
  "DIGEST_MISMATCH",
  "SIZE_MISMATCH",
  "ENVELOPE_INVALID",
  "ENVELOPE_UNSUPPORTED",
  "ENVELOPE_TOO_LARGE",
  "SIGNATURE_INVALID",
  "CBOR_INVALID",
  "CERTIFICATE_INVALID",
];

/** The verdict on a signature of ours, and what is in it. */
export interface OwnSignature extends SignatureVerdict {
  form?: SignatureForm;
  envelope?: { bytes: Uint8Array; mediaType: string };
  /** From its signing time to its own expiry. */
  lifetimeMs?: number;
  /**
   * `trusted`: by an authority that the arguments name, so the certificate's end is not the
   * signature's.
   */
  timestamp: "none" | "present" | "trusted";
  /** The chain's last certificate. */
  root?: Certificate;
}

export interface OwnSigner {
  signedBy: SignedBy;
  /** Manifests of signatures that the resource made or adopted before. */
  recorded: readonly string[];
  /** Roots of the timestamp authority. */
  tsa: readonly Certificate[];
}

/**
 * The signatures on an artifact that are by this certificate, or were recorded as ours, the newest
 * first, each verified to the Notary Project's rules at level strict. What is trusted is the
 * certificate itself, by its digest: whether *others* trust it, their trust policy says. Where it
 * cannot be told whether the certificate is revoked there is a warning: what is known stays.
 * @param enough of the first one that it is true for, no older ones are looked at
 */
export async function ownSignatures(
  store: ReadStore,
  target: Descriptor,
  signer: OwnSigner,
  context: ResourceContext,
  enough: (signature: OwnSignature) => boolean,
): Promise<OwnSignature[]> {
  const candidates = (await listSignatures(store, target.digest))
    .filter(
      (signature) =>
        signer.recorded.includes(signature.digest) ||
        namesCertificate(signature, signer.signedBy.thumbprint),
    )
    .sort(
      (a, b) =>
        Number(signer.recorded.includes(b.digest)) - Number(signer.recorded.includes(a.digest)) ||
        (createdAt(a) < createdAt(b) ? 1 : -1),
    )
    .slice(0, MAX_OWN_SIGNATURES);
  const found: OwnSignature[] = [];
  for (const signature of candidates) {
    const own = await readOwn(store, signature, target, signer, context);
    if (own === undefined) continue;
    const one = { ...own, signature: signature.digest };
    found.push(one);
    if (enough(one)) break;
  }
  return found;
}

function namesCertificate({ annotations }: Descriptor, thumbprint: string): boolean {
  return (
    thumbprint !== "" &&
    (annotations?.[ANNOTATIONS.thumbprints]?.toLowerCase().includes(thumbprint) ?? false)
  );
}

function createdAt({ annotations }: Descriptor): string {
  return annotations?.[ANNOTATIONS.created] ?? "";
}

async function readOwn(
  store: ReadStore,
  signature: Descriptor,
  target: Descriptor,
  signer: OwnSigner,
  context: ResourceContext,
): Promise<OwnSignature | undefined> {
  try {
    const manifest = await store.manifest(signature);
    const layer = envelopeOf(manifest, target);
    const envelope = {
      bytes: await readSmall(store, layer, MAX_ENVELOPE_SIZE),
      mediaType: layer.mediaType,
    };
    const own = await judgeOwn(envelope, target, signer, store.name, context);
    const form =
      manifest.kind === "manifest" && manifest.value.artifactType === MEDIA_TYPES.notarySignature
        ? "current"
        : "legacy";
    return own === undefined ? undefined : { ...own, form };
  } catch (error) {
    if (!isConsignError(error, ...FAULTS)) throw error;
    const { code, message } = asConsignError(error);
    return { outcome: "invalid", code, reason: message, checks: [], timestamp: "none" };
  }
}

/**
 * Verifies an envelope as {@link ownSignatures} does, wherever it is; `undefined` if it is by
 * another certificate.
 */
export async function judgeOwn(
  envelope: { bytes: Uint8Array; mediaType: string },
  target: Descriptor,
  { signedBy, tsa }: OwnSigner,
  scope: string,
  context: ResourceContext,
): Promise<OwnSignature | undefined> {
  const parsed = parseEnvelope(envelope.bytes, envelope.mediaType);
  const [leaf, root] = [parsed.certificateChain[0], parsed.certificateChain.at(-1)];
  if (leaf === undefined || root === undefined) return undefined;
  if (signedBy.thumbprint !== "" && leaf.thumbprint !== signedBy.thumbprint) return undefined;
  const verdict = await verifyEnvelope(
    envelope.bytes,
    envelope.mediaType,
    target,
    policyFor([root], tsa),
    {
      now: context.now(),
      baseDir: context.baseDir,
      scope,
      revocation: context.revocation,
    },
  );
  const signedAt = parsed.authenticSigningTime ?? parsed.signingTime;
  return {
    ...withRevocation(verdict, scope, target, context),
    envelope,
    root,
    timestamp: await timestampOf(parsed, tsa, context),
    ...(parsed.expiry === undefined || signedAt === undefined
      ? {}
      : { lifetimeMs: parsed.expiry.getTime() - signedAt.getTime() }),
  };
}

/**
 * Trust in what these roots vouch for, as strict as the Notary Project has it, but for revocation,
 * which {@link withRevocation} judges.
 */
export function policyFor(
  roots: readonly Certificate[],
  tsa: readonly Certificate[],
): ResolvedTrustPolicy {
  return {
    name: "own signature",
    registryScopes: ["*"],
    actions: {
      integrity: "enforce",
      authenticity: "enforce",
      expiry: "enforce",
      authenticTimestamp: "enforce",
      revocation: "log",
      pluginVerification: "enforce",
    },
    verifyTimestamp: "afterCertExpiry",
    trusted: { ca: roots, signingAuthority: roots, tsa },
    identities: "any",
  };
}

function withRevocation(
  verdict: SignatureVerdict,
  scope: string,
  target: Descriptor,
  context: ResourceContext,
): SignatureVerdict {
  const revocation = verdict.checks.find(({ check }) => check === "revocation");
  if (
    verdict.outcome !== "verified" ||
    revocation === undefined ||
    revocation.result === "passed" ||
    revocation.result === "skipped"
  )
    return verdict;
  const reason = revocation.reason ?? "no reason given";
  if (revocation.result === "failed")
    return { ...verdict, outcome: "untrusted", code: "SIGNATURE_REVOKED", reason };
  context.warn(`the signature on ${scope}@${target.digest} is taken as before: ${reason}`);
  return verdict;
}

async function timestampOf(
  { timestampToken, signature }: SignatureEnvelope,
  tsa: readonly Certificate[],
  context: ResourceContext,
): Promise<OwnSignature["timestamp"]> {
  if (timestampToken === undefined) return "none";
  if (tsa.length === 0) return "present";
  try {
    await verifyTimestamp(
      timestampToken,
      signature,
      tsa.map(({ raw }) => raw),
      { now: context.now(), revocation: context.revocation },
    );
    return "trusted";
  } catch (error) {
    if (!isConsignError(error)) throw error;
    return "present";
  }
}
