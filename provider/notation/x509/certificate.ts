// SPDX-License-Identifier: Apache-2.0
import type { X509Certificate } from "node:crypto";
import type { DistinguishedName } from "./distinguished-name";

export const KEY_USAGES = [
  "digitalSignature",
  "nonRepudiation",
  "keyEncipherment",
  "dataEncipherment",
  "keyAgreement",
  "keyCertSign",
  "cRLSign",
  "encipherOnly",
  "decipherOnly",
] as const;

export type KeyUsage = (typeof KEY_USAGES)[number];

/**
 * What the Notary Project's rules need to know of an X.509 certificate. `node:crypto` tells none of
 * the criticalities and key usage bits.
 */
export interface Certificate {
  /** The DER encoding, as received. */
  readonly raw: Uint8Array;
  /** node:crypto's view: public key and signature verification. */
  readonly x509: X509Certificate;
  /** SHA-256 of `raw`, as lower-case hexadecimal digits. */
  readonly thumbprint: string;
  readonly subject: DistinguishedName;
  readonly issuer: DistinguishedName;
  /** Upper-case hexadecimal digits. */
  readonly serialNumber: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly keyUsage?: { readonly critical: boolean; readonly bits: ReadonlySet<KeyUsage> };
  readonly extendedKeyUsage?: { readonly critical: boolean; readonly oids: readonly string[] };
  readonly basicConstraints?: {
    readonly critical: boolean;
    readonly ca: boolean;
    readonly pathLength?: number;
  };
  /**
   * Object identifier of the algorithm of the issuer's signature, and the digest where RSASSA-PSS
   * parameters name it.
   */
  readonly signatureAlgorithm: string;
  readonly signaturePssDigest?: string;
  /** Critical extensions that RFC 5280 does not know, by object identifier. */
  readonly unknownCritical: readonly string[];
  readonly ocspUrls: readonly string[];
  readonly caIssuersUrls: readonly string[];
  readonly crlUrls: readonly string[];
}
