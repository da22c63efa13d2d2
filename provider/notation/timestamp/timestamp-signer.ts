// SPDX-License-Identifier: Apache-2.0
import { createHash } from "node:crypto";
import * as asn1js from "asn1js";
import * as pkijs from "pkijs";
import { ConsignError } from "../../errors";
import { isIssuedBy } from "../x509/certificate-profile";
import { serialBytes } from "../revocation/crl-status";
import { DerReader, readOid, sameInteger, TAG } from "../x509/der";
import type { TimestampToken } from "./timestamp-token";
import { HASHES } from "../x509/x509-signature";
import type { Certificate } from "../x509/certificate";

const OID = {
  signingCertificate: "1.2.840.113549.1.9.16.2.12",
  signingCertificateV2: "1.2.840.113549.1.9.16.2.47",
} as const;
const SUBJECT_KEY_IDENTIFIER_TAG = 0;

/** How one signed attribute names the signer's certificate. */
interface CertificateId {
  hash: string;
  digest: Uint8Array;
  issuer?: { name: Uint8Array; serialNumber: Uint8Array };
}

/**
 * Finds the certificate that the token's signer says is its own. It says so in a signed attribute,
 * so that nobody can swap the certificate for another one with the same key; where the old
 * attribute (SHA-1) stands beside the new one, both must be right.
 * @throws ConsignError `SIGNATURE_INVALID`
 * @see https://www.rfc-editor.org/rfc/rfc5816 and
 * https://www.rfc-editor.org/rfc/rfc5035#section-5.4
 */
export function signerCertificate(token: TimestampToken): Certificate {
  const ids = [
    readId(token, OID.signingCertificateV2),
    readId(token, OID.signingCertificate),
  ].filter((id) => id !== undefined);
  if (ids.length === 0) throw wrong("its signed attributes do not name the signer's certificate");
  const found = token.certificates.find((certificate) =>
    ids.every((id) => isMeant(id, certificate)),
  );
  if (found === undefined)
    throw wrong("the certificate that its signed attributes name is not in it");
  if (!isSigner(token.signer, found))
    throw wrong("its signer and its signed attributes name two certificates");
  return found;
}

function readId({ attributes }: TimestampToken, oid: string): CertificateId | undefined {
  const attribute = attributes.get(oid);
  if (attribute === undefined) return undefined;
  try {
    return parseId(
      new DerReader(attribute.valueBeforeDecodeView),
      oid === OID.signingCertificateV2,
    );
  } catch (cause) {
    throw wrong(
      "its signed attributes name the signer's certificate in a way that cannot be read",
      cause,
    );
  }
}

/**
 * The first of the list is the signer's own. @see https://www.rfc-editor.org/rfc/rfc5035#section-3
 */
function parseId(attribute: DerReader, v2: boolean): CertificateId {
  const fields = attribute.enter(TAG.sequence).enter(TAG.sequence).enter(TAG.sequence);
  let hash: string | undefined = v2 ? "sha256" : "sha1";
  if (v2 && fields.peek() === TAG.sequence)
    hash = HASHES[readOid(fields.enter(TAG.sequence).next(TAG.oid).content)];
  if (hash === undefined) throw new Error("its hash is not known");
  const digest = fields.next(TAG.octetString).content;
  if (fields.done) return { hash, digest };
  const issuerSerial = fields.enter(TAG.sequence);
  const name = issuerSerial.enter(TAG.sequence).enter(0xa4).next(TAG.sequence).raw;
  return { hash, digest, issuer: { name, serialNumber: issuerSerial.next(TAG.integer).content } };
}

function isMeant({ hash, digest, issuer }: CertificateId, certificate: Certificate): boolean {
  if (Buffer.compare(createHash(hash).update(certificate.raw).digest(), digest) !== 0) return false;
  return (
    issuer === undefined ||
    (Buffer.compare(issuer.name, certificate.issuer.der) === 0 &&
      sameInteger(issuer.serialNumber, serialBytes(certificate)))
  );
}

function isSigner({ sid }: pkijs.SignerInfo, certificate: Certificate): boolean {
  const id: unknown = sid;
  if (id instanceof pkijs.IssuerAndSerialNumber) {
    const sameName =
      Buffer.compare(new Uint8Array(id.issuer.valueBeforeDecode), certificate.issuer.der) === 0;
    return (
      sameName && sameInteger(id.serialNumber.valueBlock.valueHexView, serialBytes(certificate))
    );
  }
  // A key identifier is what the certificate's authority chose; the hash in the signed attribute
  // has already said which certificate it is.
  return (
    id instanceof asn1js.BaseBlock &&
    id.idBlock.tagClass === 3 &&
    id.idBlock.tagNumber === SUBJECT_KEY_IDENTIFIER_TAG
  );
}

const MAX_CHAIN = 10;
const MAX_STEPS = 200;

/**
 * Builds a chain from a certificate to one of the roots, over the certificates that came with it;
 * undefined if there is none. Only certificates that `accept` allows take part.
 */
export function chainToRoot(
  leaf: Certificate,
  pool: readonly Certificate[],
  roots: readonly Certificate[],
  accept: (candidate: Certificate) => boolean,
): Certificate[] | undefined {
  let steps = 0;
  const extend = (chain: Certificate[]): Certificate[] | undefined => {
    const last = chain.at(-1);
    if (last === undefined || chain.length > MAX_CHAIN || !accept(last)) return undefined;
    if (roots.some(({ thumbprint }) => thumbprint === last.thumbprint)) return chain;
    for (const issuer of [...roots, ...pool]) {
      if (
        chain.some(({ thumbprint }) => thumbprint === issuer.thumbprint) ||
        ++steps > MAX_STEPS ||
        !isIssuedBy(last, issuer)
      )
        continue;
      const found = extend([...chain, issuer]);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return extend([leaf]);
}

function wrong(why: string, cause?: unknown): ConsignError {
  return new ConsignError("SIGNATURE_INVALID", `the timestamp token is not good: ${why}`, {
    cause,
  });
}
