// SPDX-License-Identifier: Apache-2.0
import { constants, verify, type KeyObject } from "node:crypto";
import { AlgorithmIdentifier, RSASSAPSSParams } from "pkijs";

export type SecureHash = "sha256" | "sha384" | "sha512";

/** The hash functions that count as evidence; SHA-1 and older are not among them. */
export const HASHES: Readonly<Record<string, SecureHash>> = {
  "2.16.840.1.101.3.4.2.1": "sha256",
  "2.16.840.1.101.3.4.2.2": "sha384",
  "2.16.840.1.101.3.4.2.3": "sha512",
};

export const HASH_OIDS: Readonly<Record<SecureHash, string>> = {
  sha256: "2.16.840.1.101.3.4.2.1",
  sha384: "2.16.840.1.101.3.4.2.2",
  sha512: "2.16.840.1.101.3.4.2.3",
};

const RSA_ENCRYPTION = "1.2.840.113549.1.1.1";
const RSA_PSS = "1.2.840.113549.1.1.10";
const MGF1 = "1.2.840.113549.1.1.8";
const RSA_PKCS1: Readonly<Record<string, SecureHash>> = {
  "1.2.840.113549.1.1.11": "sha256",
  "1.2.840.113549.1.1.12": "sha384",
  "1.2.840.113549.1.1.13": "sha512",
};
const ECDSA: Readonly<Record<string, SecureHash>> = {
  "1.2.840.10045.4.3.2": "sha256",
  "1.2.840.10045.4.3.3": "sha384",
  "1.2.840.10045.4.3.4": "sha512",
};

/**
 * Checks a signature as X.509 objects (CRLs, OCSP responses, CMS) carry it. False for a wrong
 * signature, and for an algorithm that is not RSA PKCS#1 v1.5, RSA-PSS or ECDSA with SHA-2, or does
 * not fit the key.
 * @param digest what CMS says beside `rsaEncryption`, whose identifier names no hash
 */
export function verifyX509Signature(
  algorithm: AlgorithmIdentifier,
  key: KeyObject,
  data: Uint8Array,
  signature: Uint8Array,
  digest?: SecureHash,
): boolean {
  const oid = algorithm.algorithmId;
  const rsa = key.asymmetricKeyType === "rsa" || key.asymmetricKeyType === "rsa-pss";
  try {
    if (key.asymmetricKeyType === "ec") {
      const hash = ECDSA[oid];
      return hash !== undefined && verify(hash, data, { key, dsaEncoding: "der" }, signature);
    }
    if (!rsa) return false;
    if (oid === RSA_PSS) return verifyPss(algorithm, key, data, signature);
    const hash = oid === RSA_ENCRYPTION ? digest : RSA_PKCS1[oid];
    if (hash === undefined || key.asymmetricKeyType === "rsa-pss") return false;
    return verify(hash, data, { key, padding: constants.RSA_PKCS1_PADDING }, signature);
  } catch {
    return false;
  }
}

function verifyPss(
  algorithm: AlgorithmIdentifier,
  key: KeyObject,
  data: Uint8Array,
  signature: Uint8Array,
): boolean {
  const parameters = new RSASSAPSSParams({ schema: algorithm.algorithmParams });
  const hash = HASHES[parameters.hashAlgorithm.algorithmId];
  const mask: unknown = parameters.maskGenAlgorithm.algorithmParams;
  if (
    hash === undefined ||
    parameters.maskGenAlgorithm.algorithmId !== MGF1 ||
    parameters.trailerField !== 1
  )
    return false;
  if (!sameHash(mask, parameters.hashAlgorithm.algorithmId)) return false;
  return verify(
    hash,
    data,
    { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: parameters.saltLength },
    signature,
  );
}

function sameHash(mask: unknown, oid: string): boolean {
  return new AlgorithmIdentifier({ schema: mask }).algorithmId === oid;
}
