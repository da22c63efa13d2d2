// SPDX-License-Identifier: Apache-2.0
import { ConsignError } from "../errors";
import { identityNameOf, isSubsetName, type IdentityName } from "./x509/distinguished-name";
import type { StoreType } from "./trust/trust-policy";
import type { ResolvedTrustPolicy } from "./trust/trust-store";
import type { SignatureEnvelope } from "./envelope/signature-envelope";
import type { Certificate } from "./x509/certificate";
import { leafOf } from "./envelope/signature-envelope";

/** What is trusted is told up to this many. */
const MAX_LISTED = 3;

/**
 * Checks that the signer is trusted: some certificate of the chain is, byte for byte, in a trust
 * store of the kind that the signing scheme calls for, and the leaf's subject has one of the
 * trusted identities.
 * @returns the chain's trust anchor: of its trusted certificates the one closest to its end
 * @throws ConsignError `SIGNATURE_UNTRUSTED`
 * @see
 * https://github.com/notaryproject/specifications/blob/v1.1.0/specs/trust-store-trust-policy.md#signature-verification-details
 */
export function checkAuthenticity(
  envelope: SignatureEnvelope,
  policy: ResolvedTrustPolicy,
): Certificate {
  const anchor = trustedCertificate(envelope, policy);
  if (anchor === undefined) {
    const type = storeTypeFor(envelope);
    throw untrusted(
      `no certificate of its chain, which ends in ${listed(envelope.certificateChain.slice(-1).map(named))}, is among the trusted ones of type ${type} in policy "${policy.name}": ${listed(policy.trusted[type].map(named))}`,
    );
  }
  if (policy.identities !== "any") checkIdentity(envelope, policy.identities, policy.name);
  return anchor;
}

export function hasTrustedCertificate(
  envelope: SignatureEnvelope,
  policy: ResolvedTrustPolicy,
): boolean {
  return trustedCertificate(envelope, policy) !== undefined;
}

function trustedCertificate(
  envelope: SignatureEnvelope,
  policy: ResolvedTrustPolicy,
): Certificate | undefined {
  const trusted = new Set(
    policy.trusted[storeTypeFor(envelope)].map(({ thumbprint }) => thumbprint),
  );
  return envelope.certificateChain.findLast(({ thumbprint }) => trusted.has(thumbprint));
}

function storeTypeFor({ signingScheme }: SignatureEnvelope): StoreType {
  return signingScheme === "notary.x509" ? "ca" : "signingAuthority";
}

function checkIdentity(
  envelope: SignatureEnvelope,
  identities: Exclude<ResolvedTrustPolicy["identities"], "any">,
  policyName: string,
): void {
  const { subject } = leafOf(envelope);
  const name = readable(subject);
  if (!identities.some((identity) => isSubsetName(identity, name))) {
    throw untrusted(
      `its subject "${subject.text}" has none of the trusted identities of policy "${policyName}": ${listed(identities.map(identityText))}`,
    );
  }
}

/** Roots of one name may be two, as where one was renewed. */
function named({ subject, thumbprint }: Certificate): string {
  return `"${subject.text}" (SHA-256 ${thumbprint.slice(0, 16)}…)`;
}

function identityText(identity: IdentityName): string {
  return `"x509.subject: ${[...identity].map(([type, value]) => `${type}=${value}`).join(", ")}"`;
}

function listed(texts: readonly string[]): string {
  const more = texts.length - MAX_LISTED;
  return texts.length === 0
    ? "none"
    : `${texts.slice(0, MAX_LISTED).join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}

function readable(
  subject: ReturnType<typeof leafOf>["subject"],
): ReturnType<typeof identityNameOf> {
  try {
    return identityNameOf(subject);
  } catch (cause) {
    throw untrusted((cause as Error).message, cause);
  }
}

function untrusted(why: string, cause?: unknown): ConsignError {
  return new ConsignError("SIGNATURE_UNTRUSTED", `the signer is not trusted: ${why}`, { cause });
}
