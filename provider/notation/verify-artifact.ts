// SPDX-License-Identifier: Apache-2.0
import type { ReadStore } from "../content/storage";
import { isMisdescribed, readSmall } from "../content/verify";
import { asConsignError, ConsignError, isConsignError, type ErrorCode } from "../errors";
import { ANNOTATIONS } from "../oci/annotations";
import type { Descriptor } from "../oci/descriptor";
import type { Digest } from "../oci/digest";
import { MAX_ENVELOPE_SIZE } from "./envelope/envelope";
import { MAX_MANIFEST_SIZE } from "../oci/manifest";
import { envelopeOf, isSignature, listMaybeSignatures } from "./signature-manifest";
import type { ResolvedTrustPolicy } from "./trust/trust-store";
import { Checklist, type Outcome, type SignatureVerdict } from "./verdict";
import { SKIPPED, requireApplicable, verifyEnvelope, type VerifyContext } from "./verify-envelope";

/**
 * The verdict on an artifact: that of the signature that verifies, else of the one that came
 * closest.
 */
export interface ArtifactVerdict extends SignatureVerdict {
  /** The verdict on each signature that was looked at. */
  signatures: SignatureVerdict[];
  /** Signatures that are there beyond those that are looked at. */
  unseen: number;
}

const MAX_SIGNATURES = 100;

/**
 * Verifies an artifact by its signatures in a store: verified as soon as one of them is, or, where
 * every signer is asked for, once all have been looked at. Signatures that name a trusted
 * certificate in their annotations are looked at first, so that others in front of a good one do
 * not use up `maxSignatures`; where none verifies and more are there than were looked at, the
 * outcome is at best inconclusive, and the reason says so.
 * @throws ConsignError `TRUST_POLICY_NOT_APPLICABLE`; what the store throws when it cannot be asked
 * and no other signature verifies, or every signer is asked for
 */
export async function verifyArtifact(
  store: ReadStore,
  artifact: Descriptor,
  policy: ResolvedTrustPolicy,
  context: VerifyContext,
): Promise<ArtifactVerdict> {
  requireApplicable(policy, context.scope);
  if (policy.actions.integrity === "skip")
    return {
      ...new Checklist(policy.actions).verdict({ reason: SKIPPED }),
      signatures: [],
      unseen: 0,
    };
  const found = likelyFirst(await listMaybeSignatures(store, artifact.digest), policy);
  const looked = found.slice(0, context.maxSignatures ?? MAX_SIGNATURES);
  const unseen = found.length - looked.length;
  const signatures: SignatureVerdict[] = [];
  let storeFailure: ConsignError | undefined;
  for (const descriptor of looked) {
    try {
      const verdict = await verifySignature(store, descriptor, artifact, policy, context);
      if (verdict === undefined) continue;
      signatures.push(verdict);
      if (verdict.outcome === "verified" && context.signers !== "every")
        return { ...verdict, signatures, unseen };
    } catch (error) {
      storeFailure ??= asConsignError(error, "INTERNAL", {
        reference: `${store.name}@${descriptor.digest}`,
      });
    }
  }
  if (storeFailure !== undefined) throw storeFailure;
  const [closest] = signatures.toSorted((a, b) => RANK[b.outcome] - RANK[a.outcome]);
  if (unseen > 0 && closest?.outcome !== "verified")
    return { ...tooMany(found.length, looked.length, policy, closest), signatures, unseen };
  if (closest === undefined) return { ...missing(store, artifact, policy), signatures, unseen };
  return { ...closest, signatures, unseen };
}

const RANK: Readonly<Record<Outcome, number>> = {
  missing: 0,
  invalid: 1,
  untrusted: 2,
  inconclusive: 3,
  verified: 4,
};

/** What makes a signature another thing than a good one, whoever looks: its bytes are what they are. */
const INVALID: readonly ErrorCode[] = [
  "MANIFEST_INVALID",
  "MANIFEST_TOO_LARGE",
  "ENVELOPE_INVALID",
  "ENVELOPE_UNSUPPORTED",
  "ENVELOPE_TOO_LARGE",
  "SIGNATURE_INVALID",
];
/** It is listed, and what was signed did not come: whose it is, and whether it is good, is not known. */
const LOST: readonly ErrorCode[] = [
  "MANIFEST_UNKNOWN",
  "BLOB_UNKNOWN",
  "DIGEST_MISMATCH",
  "SIZE_MISMATCH",
];

/** @returns undefined for what turns out to be something else than a signature */
async function verifySignature(
  store: ReadStore,
  listed: Descriptor,
  artifact: Descriptor,
  policy: ResolvedTrustPolicy,
  context: VerifyContext,
): Promise<(SignatureVerdict & { signature: Digest }) | undefined> {
  const { digest: signature } = listed;
  let envelope: { bytes: Uint8Array; mediaType: string };
  try {
    envelope = await readEnvelope(store, listed, artifact);
  } catch (error) {
    if (!isConsignError(error, ...INVALID, ...LOST)) throw error;
    // What is listed as small and comes as something huge is not what was listed.
    const isLost =
      isConsignError(error, ...LOST) ||
      (isConsignError(error, "MANIFEST_TOO_LARGE") && listed.size <= MAX_MANIFEST_SIZE);
    if (!isLost && !isSignature(listed)) return undefined;
    const list = new Checklist(policy.actions);
    await list.make("integrity", () =>
      Promise.reject(isLost ? lost(store, signature, error) : error),
    );
    return { ...list.verdict(), signature };
  }
  const { bytes, mediaType } = envelope;
  return { ...(await verifyEnvelope(bytes, mediaType, artifact, policy, context)), signature };
}

function lost(store: ReadStore, signature: Digest, { code, message }: ConsignError): ConsignError {
  return new ConsignError(
    "SIGNATURE_INCONCLUSIVE",
    `the signature ${signature} is listed and cannot be read, so whose it is cannot be told: ${message} (${code}); bring it back, or take it out of the list of ${store.name}`,
  );
}

/** By digest alone, as what a list says beside it is a hint. */
async function readEnvelope(
  store: ReadStore,
  { digest, size }: Descriptor,
  artifact: Descriptor,
): Promise<{ bytes: Uint8Array; mediaType: string }> {
  if (size > MAX_MANIFEST_SIZE)
    throw new ConsignError(
      "MANIFEST_TOO_LARGE",
      `signature manifest ${digest} is said to have ${size} bytes; at most ${MAX_MANIFEST_SIZE} are read`,
    );
  const layer = envelopeOf(await store.manifest(digest), artifact);
  try {
    return {
      bytes: await readSmall(store, layer, MAX_ENVELOPE_SIZE),
      mediaType: layer.mediaType,
    };
  } catch (error) {
    if (
      isConsignError(error, "SIZE_MISMATCH") &&
      (await isMisdescribed(store, layer, MAX_ENVELOPE_SIZE))
    )
      throw new ConsignError(
        "ENVELOPE_INVALID",
        `signature manifest ${digest} says that its envelope has ${layer.size} bytes, and it has others`,
      );
    throw error;
  }
}

/** The annotations are a hint that anyone can write; they only decide on the order. */
function likelyFirst(signatures: readonly Descriptor[], policy: ResolvedTrustPolicy): Descriptor[] {
  const trusted = Object.values(policy.trusted)
    .flat()
    .map(({ thumbprint }) => thumbprint);
  const isLikely = ({ annotations }: Descriptor) => {
    const thumbprints = annotations?.[ANNOTATIONS.thumbprints]?.toLowerCase();
    return (
      thumbprints !== undefined && trusted.some((thumbprint) => thumbprints.includes(thumbprint))
    );
  };
  return [
    ...signatures.filter(isLikely),
    ...signatures.filter((signature) => !isLikely(signature)),
  ];
}

function tooMany(
  found: number,
  looked: number,
  policy: ResolvedTrustPolicy,
  closest: SignatureVerdict | undefined,
): SignatureVerdict {
  const about = closest?.reason === undefined ? "" : `; of those, the closest: ${closest.reason}`;
  return {
    ...new Checklist(policy.actions).verdict({ checks: closest?.checks ?? [] }),
    outcome: "inconclusive",
    code: "SIGNATURE_INCONCLUSIVE",
    reason: `none of the ${looked} signatures looked at verifies, and ${found} are there: raise the bound, or remove what nobody trusts${about}`,
  };
}

function missing(
  store: ReadStore,
  artifact: Descriptor,
  policy: ResolvedTrustPolicy,
): SignatureVerdict {
  return {
    ...new Checklist(policy.actions).verdict({ checks: [] }),
    outcome: "missing",
    code: "SIGNATURE_MISSING",
    reason: `${store.name}@${artifact.digest} has no Notary Project signature: sign it, or copy it together with its signatures`,
  };
}
