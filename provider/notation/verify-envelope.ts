// SPDX-License-Identifier: Apache-2.0
import { ConsignError } from "../errors";
import { sameContent, type Descriptor } from "../oci/descriptor";
import { checkAuthenticity, hasTrustedCertificate } from "./authenticity";
import { parseEnvelope } from "./envelope/envelope";
import type { HttpFetch } from "./revocation/http-fetch";
import { checkIntegrity } from "./envelope/integrity";
import { offlineRevocation } from "./revocation/offline-revocation";
import { revocationChecker, type RevocationChecker } from "./revocation/revocation";
import { checkExpiry, checkSigningTime } from "./timestamp/signing-time";
import { appliesTo } from "./trust/trust-policy";
import type { ResolvedTrustPolicy } from "./trust/trust-store";
import { Checklist, describeSignature, type SignatureVerdict } from "./verdict";
import type { SignatureEnvelope } from "./envelope/signature-envelope";

export interface VerifyContext {
  now: Date;
  /** What relative paths are relative to. */
  baseDir: string;
  /**
   * Where the artifact is: `host[:port]/repository`, or `oci:path`. The policy must apply to it.
   */
  scope: string;
  /** @default one that uses `fetch` */
  revocation?: RevocationChecker | undefined;
  /**
   * Without it, and without `revocation`, nobody is asked, and what a certificate says can be asked
   * for is inconclusive.
   */
  fetch?: HttpFetch | undefined;
  /** Signatures of an artifact that are looked at. @default 100 */
  maxSignatures?: number | undefined;
  /**
   * Whether more signatures of an artifact are looked at once one has verified: `every`, to know
   * all who have signed it. @default "first"
   */
  signers?: "first" | "every" | undefined;
}

/**
 * Verifies one signature envelope: integrity, authenticity, expiry, time, revocation, in this
 * order. The first enforced check that fails ends it. A bad signature is a verdict, never an
 * exception.
 * @throws ConsignError `TRUST_POLICY_NOT_APPLICABLE` only
 * @see
 * https://github.com/notaryproject/specifications/blob/v1.1.0/specs/trust-store-trust-policy.md#signature-evaluation
 */
export async function verifyEnvelope(
  bytes: Uint8Array,
  mediaType: string,
  artifact: Descriptor,
  policy: ResolvedTrustPolicy,
  context: VerifyContext,
): Promise<SignatureVerdict> {
  requireApplicable(policy, context.scope);
  const list = new Checklist(policy.actions);
  const envelope = await list.make("integrity", () =>
    readWhole(bytes, mediaType, artifact, policy),
  );
  if (envelope === undefined)
    return list.verdict(policy.actions.integrity === "skip" ? { reason: SKIPPED } : {});
  const revocation =
    context.revocation ??
    (context.fetch === undefined ? offlineRevocation : revocationChecker({ fetch: context.fetch }));
  const anchor = await list.make("authenticity", () => checkAuthenticity(envelope, policy));
  await list.make("expiry", () => checkExpiry(envelope, context.now));
  const timestamp = await list.make("authenticTimestamp", () =>
    checkSigningTime(envelope, policy, { now: context.now, revocation }),
  );
  await list.make("revocation", () =>
    checkRevocation(envelope, list.passed("authenticity"), revocation, context.now),
  );
  await list.make("pluginVerification", () => {
    refusePlugin(envelope);
    refuseUnknownExtensions(envelope);
  });
  return list.verdict(describeSignature(envelope, timestamp, anchor));
}

/** Said of whatever comes under a policy of level "skip". */
export const SKIPPED = `nothing was verified: the trust policy has the level "skip"`;

/** @throws ConsignError `TRUST_POLICY_NOT_APPLICABLE` */
export function requireApplicable(policy: ResolvedTrustPolicy, scope: string): void {
  if (appliesTo(policy, scope) !== "no") return;
  const message = `trust policy "${policy.name}" does not apply to ${scope}: add it to registryScopes`;
  throw new ConsignError("TRUST_POLICY_NOT_APPLICABLE", message, { reference: scope });
}

/**
 * Measured: cose-js takes 50 to 140 ms a signature on these two curves, node:crypto less than one.
 * Its opinion on them is asked when we sign, and not on each of the many envelopes that a refresh
 * reads; what is believed never depends on it.
 */
const SLOW_IN_COSE_JS: ReadonlySet<string> = new Set(["ES384", "ES512"]);

async function readWhole(
  bytes: Uint8Array,
  mediaType: string,
  artifact: Descriptor,
  policy: ResolvedTrustPolicy,
): Promise<SignatureEnvelope> {
  const envelope = parseEnvelope(bytes, mediaType);
  const worthAsking =
    policy.actions.authenticity !== "enforce" || hasTrustedCertificate(envelope, policy);
  await checkIntegrity(envelope, {
    askCoseJs: worthAsking && !SLOW_IN_COSE_JS.has(envelope.algorithm),
  });
  if (envelope.critical.length > 0 && envelope.verificationPlugin === undefined) {
    throw new ConsignError(
      "ENVELOPE_INVALID",
      `the signature has critical attributes that are not known here: ${envelope.critical.join(", ")}`,
    );
  }
  const { targetArtifact } = envelope.payload;
  if (!sameContent(targetArtifact, artifact)) {
    const target = `${targetArtifact.digest} (${targetArtifact.mediaType}, ${targetArtifact.size} bytes)`;
    throw new ConsignError(
      "SIGNATURE_INVALID",
      `the signature is for ${target}, not for ${artifact.digest}`,
    );
  }
  return envelope;
}

/**
 * The addresses to ask are in the certificates, so nobody is asked on behalf of a signer that is
 * not trusted.
 */
async function checkRevocation(
  envelope: SignatureEnvelope,
  trusted: boolean,
  checker: RevocationChecker,
  now: Date,
): Promise<void> {
  const { certificateChain, authenticSigningTime } = envelope;
  if (
    !certificateChain
      .slice(0, -1)
      .some(({ ocspUrls, crlUrls }) => ocspUrls.length + crlUrls.length > 0)
  )
    return;
  if (!trusted) throw unknown("the signer is not trusted, so nobody was asked");
  const chain = certificateChain.map(({ raw }) => raw);
  const at = authenticSigningTime === undefined ? {} : { at: authenticSigningTime };
  const { result, reason } = await checker.check(chain, { now, purpose: "codeSigning", ...at });
  if (result === "revoked")
    throw new ConsignError(
      "SIGNATURE_REVOKED",
      `a certificate of the signature is revoked: ${reason}`,
    );
  if (result === "unknown") throw unknown(reason);
}

function unknown(why: string): ConsignError {
  return new ConsignError(
    "SIGNATURE_INCONCLUSIVE",
    `whether the signature's certificates are revoked is not known: ${why}`,
  );
}

function refusePlugin({ verificationPlugin }: SignatureEnvelope): void {
  if (verificationPlugin === undefined) return;
  const message = `the signature asks to be verified by the notation plugin "${verificationPlugin}", which is not run here: verify it with notation`;
  throw new ConsignError("SIGNATURE_INCONCLUSIVE", message);
}

/**
 * It is inconclusive and not invalid, as its signer is trusted: a revocation that such a certificate
 * has signed must not be passed over.
 * @see https://www.rfc-editor.org/rfc/rfc5280#section-4.2
 */
function refuseUnknownExtensions({ certificateChain }: SignatureEnvelope): void {
  for (const { subject, unknownCritical } of certificateChain) {
    if (unknownCritical.length === 0) continue;
    const message = `the certificate of "${subject.text}" has a critical extension that is not known here, ${unknownCritical.join(", ")}: it may limit what the certificate is for`;
    throw new ConsignError("SIGNATURE_INCONCLUSIVE", message);
  }
}
