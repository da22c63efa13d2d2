// SPDX-License-Identifier: Apache-2.0
import { ConsignError } from "../errors";
import { identityNameOf, isSubsetName } from "./x509/distinguished-name";
import type { StoreType } from "./trust/trust-policy";
import type { ResolvedTrustPolicy } from "./trust/trust-store";
import type { SignatureEnvelope } from "./envelope/signature-envelope";
import type { Certificate } from "./x509/certificate";
import { leafOf } from "./envelope/signature-envelope";

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
    const root = envelope.certificateChain.at(-1)?.subject.text ?? "";
    const type = storeTypeFor(envelope);
    const { length } = policy.trusted[type];
    throw untrusted(
      `no certificate of its chain, which ends in "${root}", is among the ${length} trusted ones of type ${type} in policy "${policy.name}"`,
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
      `its subject "${subject.text}" has none of the trusted identities of policy "${policyName}"`,
    );
  }
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
