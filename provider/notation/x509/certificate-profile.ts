// SPDX-License-Identifier: Apache-2.0
import { algorithmFor } from "../../cose/index";
import { ConsignError } from "../../errors";
import type { Certificate, KeyUsage } from "./certificate";

type Check = (certificate: Certificate) => void;

const SERVER_AUTH = "1.3.6.1.5.5.7.3.1";
const CLIENT_AUTH = "1.3.6.1.5.5.7.3.2";
const EMAIL_PROTECTION = "1.3.6.1.5.5.7.3.4";
const TIME_STAMPING = "1.3.6.1.5.5.7.3.8";
const OCSP_SIGNING = "1.3.6.1.5.5.7.3.9";
const ANY_USAGE = "2.5.29.37.0";
const NOT_FOR_CODE_SIGNING = new Set([
  SERVER_AUTH,
  CLIENT_AUTH,
  EMAIL_PROTECTION,
  TIME_STAMPING,
  OCSP_SIGNING,
  ANY_USAGE,
]);

const NOT_FOR_LEAF: readonly KeyUsage[] = [
  "keyEncipherment",
  "dataEncipherment",
  "keyAgreement",
  "keyCertSign",
  "cRLSign",
  "encipherOnly",
  "decipherOnly",
];

const RSASSA_PSS = "1.2.840.113549.1.1.10";
const SHA2 = new Set([
  "2.16.840.1.101.3.4.2.1",
  "2.16.840.1.101.3.4.2.2",
  "2.16.840.1.101.3.4.2.3",
]);
/**
 * RSA PKCS #1 and ECDSA with SHA-256, SHA-384, SHA-512, and Ed25519. What is not here, SHA-1 first
 * of all, is refused.
 */
const SIGNATURE_ALGORITHMS = new Set([
  "1.2.840.113549.1.1.11",
  "1.2.840.113549.1.1.12",
  "1.2.840.113549.1.1.13",
  "1.2.840.10045.4.3.2",
  "1.2.840.10045.4.3.3",
  "1.2.840.10045.4.3.4",
  "1.3.101.112",
]);

/**
 * Checks a signing chain, leaf first and root last, against the Notary Project's certificate
 * profile: complete, in order, each signed by the next, ending in a self-signed root, with the key
 * usages that signing needs. With `at`, each certificate must be valid at that time. A chain of one
 * is a self-signed certificate under the rules for a leaf. Whether the root is trusted is not asked
 * here.
 * @throws ConsignError `CERTIFICATE_INVALID`, `KEY_UNSUPPORTED`
 * @see
 * https://github.com/notaryproject/specifications/blob/v1.1.0/specs/signature-specification.md#certificate-requirements
 */
export function checkCodeSigningChain(chain: readonly Certificate[], at?: Date): void {
  checkChain(chain, codeSigningLeaf);
  for (const certificate of at === undefined ? [] : chain) {
    if (at === undefined || (at >= certificate.notBefore && at <= certificate.notAfter)) continue;
    const { notBefore, notAfter } = certificate;
    throw broken(
      certificate,
      `it was not valid at ${at.toISOString()}, but from ${notBefore.toISOString()} to ${notAfter.toISOString()}`,
    );
  }
}

/**
 * The same for the chain of a timestamp authority. @throws ConsignError `CERTIFICATE_INVALID`,
 * `KEY_UNSUPPORTED`
 */
export function checkTimestampingChain(chain: readonly Certificate[]): void {
  checkChain(chain, timestampingLeaf);
}

function checkChain(chain: readonly Certificate[], leafCheck: Check): void {
  const [leaf, ...authorities] = chain;
  if (leaf === undefined)
    throw new ConsignError(
      "CERTIFICATE_INVALID",
      "a certificate chain must have at least one certificate",
    );
  chain.forEach((certificate, index) => {
    checkSignatureAlgorithm(certificate);
    const issuer = chain[index + 1];
    if (issuer === undefined) {
      if (!isIssuedBy(certificate, certificate))
        throw broken(certificate, "it ends the chain but is not a self-signed root");
    } else {
      if (isIssuedBy(certificate, certificate))
        throw broken(certificate, "it is self-signed but others follow it in the chain");
      if (!isIssuedBy(certificate, issuer)) {
        throw broken(
          certificate,
          `it is not issued by the next one, "${issuer.subject.text}"; the chain goes from leaf to root`,
        );
      }
    }
  });
  leafCheck(leaf);
  authorities.forEach(checkAuthority);
}

/** The names match byte for byte and the signature verifies. */
export function isIssuedBy(certificate: Certificate, issuer: Certificate): boolean {
  if (Buffer.compare(certificate.issuer.der, issuer.subject.der) !== 0) return false;
  try {
    return certificate.x509.verify(issuer.x509.publicKey);
  } catch {
    return false;
  }
}

function codeSigningLeaf(leaf: Certificate): void {
  if (leaf.keyUsage?.critical === false) throw broken(leaf, "its key usage must be critical");
  checkLeaf(leaf);
  const refused = leaf.extendedKeyUsage?.oids.filter((oid) => NOT_FOR_CODE_SIGNING.has(oid)) ?? [];
  if (refused.length > 0)
    throw broken(leaf, `its extended key usage must not have ${refused.join(", ")}`);
}

function timestampingLeaf(leaf: Certificate): void {
  checkLeaf(leaf);
  const usage = leaf.extendedKeyUsage;
  if (usage?.critical !== true || usage.oids.length !== 1 || usage.oids[0] !== TIME_STAMPING) {
    throw broken(leaf, "its extended key usage must be critical and timeStamping alone");
  }
}

function checkLeaf(leaf: Certificate): void {
  if (leaf.basicConstraints?.ca === true)
    throw broken(leaf, "it is the leaf, so its basic constraints must not say CA");
  if (leaf.keyUsage === undefined) throw broken(leaf, "it has no key usage");
  const { bits } = leaf.keyUsage;
  if (!bits.has("digitalSignature")) throw broken(leaf, "its key usage lacks digitalSignature");
  const refused = NOT_FOR_LEAF.filter((usage) => bits.has(usage));
  if (refused.length > 0) throw broken(leaf, `its key usage must not have ${refused.join(", ")}`);
  algorithmFor(leaf.x509.publicKey);
}

function checkAuthority(authority: Certificate, authoritiesBelow: number): void {
  const { basicConstraints, keyUsage } = authority;
  if (basicConstraints?.ca !== true || !basicConstraints.critical) {
    throw broken(authority, "it issues others, so it needs critical basic constraints that say CA");
  }
  if (basicConstraints.pathLength !== undefined && basicConstraints.pathLength < authoritiesBelow) {
    throw broken(
      authority,
      `its path length is ${basicConstraints.pathLength}, but ${authoritiesBelow} authorities are below it`,
    );
  }
  if (keyUsage?.critical !== true || !keyUsage.bits.has("keyCertSign")) {
    throw broken(authority, "it issues others, so it needs a critical key usage with keyCertSign");
  }
}

function checkSignatureAlgorithm(certificate: Certificate): void {
  const { signatureAlgorithm, signaturePssDigest } = certificate;
  const allowed =
    signatureAlgorithm === RSASSA_PSS
      ? SHA2.has(signaturePssDigest ?? "")
      : SIGNATURE_ALGORITHMS.has(signatureAlgorithm);
  if (!allowed)
    throw broken(
      certificate,
      `it is signed with ${signatureAlgorithm}; SHA-256, SHA-384 or SHA-512 with RSA or ECDSA is needed`,
    );
}

function broken(certificate: Certificate, why: string): ConsignError {
  return new ConsignError(
    "CERTIFICATE_INVALID",
    `the certificate of "${certificate.subject.text}" breaks the Notary Project's certificate profile: ${why}`,
  );
}
