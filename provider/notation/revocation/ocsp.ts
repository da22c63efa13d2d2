// SPDX-License-Identifier: Apache-2.0
import * as asn1js from "asn1js";
import { createHash } from "node:crypto";
import { ConsignError } from "../../errors";
import { parseCertificate } from "../x509/certificates";
import { isIssuedBy } from "../x509/certificate-profile";
import { CLOCK_SKEW_MS, serialBytes } from "./crl-status";
import { DerReader, parseTime, sameInteger, TAG } from "../x509/der";
import { parseOcspResponse, type OcspResponse, type SingleResponse } from "./ocsp-response";
import { certificateExtensions } from "../x509/x509-extensions";
import { HASHES as SECURE_HASHES, verifyX509Signature } from "../x509/x509-signature";
import type { Certificate } from "../x509/certificate";

/** What a responder, believed, says about one certificate. */
export interface OcspAnswer {
  status: "good" | "revoked" | "unknown";
  /** When the key is believed to have stopped being safe. */
  invalidSince: Date | undefined;
  nextUpdate: Date;
  /**
   * The certificate of a responder whose own revocation has still to be looked up in a list: it has
   * no `id-pkix-ocsp-nocheck`.
   */
  responder: Certificate | undefined;
}

const OID = {
  nonce: "1.3.6.1.5.5.7.48.1.2",
  noCheck: "1.3.6.1.5.5.7.48.1.5",
  ocspSigning: "1.3.6.1.5.5.7.3.9",
  invalidityDate: "2.5.29.24",
} as const;
const SHA1 = "1.3.14.3.2.26";
const HASHES: Readonly<Record<string, string>> = { ...SECURE_HASHES, [SHA1]: "sha1" };

/**
 * Writes the request for one certificate. It names the issuer by SHA-1, the one hash that every
 * responder understands; nothing is believed because of it, as the response is signed.
 * @see https://www.rfc-editor.org/rfc/rfc6960#section-4.1.1
 */
export function ocspRequest(
  certificate: Certificate,
  issuer: Certificate,
  nonce?: Uint8Array,
): Uint8Array {
  const serial = serialBytes(certificate);
  const positive = (serial[0] ?? 0) >= 0x80 ? Buffer.concat([new Uint8Array(1), serial]) : serial;
  const octets = (bytes: Uint8Array) =>
    new asn1js.OctetString({ valueHex: Uint8Array.from(bytes) });
  const id = new asn1js.Sequence({
    value: [
      new asn1js.Sequence({
        value: [new asn1js.ObjectIdentifier({ value: SHA1 }), new asn1js.Null()],
      }),
      octets(digest("sha1", issuer.subject.der)),
      octets(digest("sha1", publicKeyBits(issuer))),
      new asn1js.Integer({ valueHex: Uint8Array.from(positive) }),
    ],
  });
  const list = new asn1js.Sequence({ value: [new asn1js.Sequence({ value: [id] })] });
  const extension = (value: Uint8Array) =>
    new asn1js.Sequence({
      value: [
        new asn1js.ObjectIdentifier({ value: OID.nonce }),
        octets(new Uint8Array(octets(value).toBER())),
      ],
    });
  const extensions =
    nonce === undefined ? [] : [explicit(2, new asn1js.Sequence({ value: [extension(nonce)] }))];
  return new Uint8Array(
    new asn1js.Sequence({ value: [new asn1js.Sequence({ value: [list, ...extensions] })] }).toBER(),
  );
}

function explicit(tagNumber: number, value: asn1js.BaseBlock): asn1js.Constructed {
  return new asn1js.Constructed({ idBlock: { tagClass: 3, tagNumber }, value: [value] });
}

export interface OcspQuestion {
  certificate: Certificate;
  issuer: Certificate;
  now: Date;
  /**
   * What was sent; a response that has a nonce must have this one. Responders may leave it out, and
   * most do.
   */
  nonce?: Uint8Array | undefined;
}

/**
 * Checks a response: signed by the issuer or by a responder it appointed, about this certificate,
 * in force now.
 * @throws ConsignError `SIGNATURE_INCONCLUSIVE`
 * @see https://www.rfc-editor.org/rfc/rfc6960#section-3.2
 */
export function readOcspAnswer(bytes: Uint8Array, question: OcspQuestion): OcspAnswer {
  const response = parseOcspResponse(bytes);
  const { issuer, now } = question;
  const signer = findSigner(response, issuer, now);
  if (
    !verifyX509Signature(
      response.algorithm,
      signer.x509.publicKey,
      response.tbs,
      response.signature,
    )
  )
    throw doubt("its signature does not verify");
  checkNonce(response, question.nonce);
  if (isFuture(response.producedAt, now))
    throw doubt(`it is from the future, ${response.producedAt.toISOString()}`);
  const single = findSingle(response, question);
  if (isFuture(single.thisUpdate, now))
    throw doubt(`it is from the future, ${single.thisUpdate.toISOString()}`);
  if (single.nextUpdate === undefined) throw doubt("it does not say until when it holds");
  if (single.nextUpdate <= now)
    throw doubt(`it is out of date since ${single.nextUpdate.toISOString()}`);
  const delegated = signer !== issuer && !certificateExtensions(signer).has(OID.noCheck);
  return {
    status: single.status,
    invalidSince: invalidityDate(single),
    nextUpdate: single.nextUpdate,
    responder: delegated ? signer : undefined,
  };
}

function findSigner(response: OcspResponse, issuer: Certificate, now: Date): Certificate {
  if (isResponder(issuer, response)) return issuer;
  for (const der of response.certificates) {
    const candidate = parseOrSkip(der);
    if (candidate === undefined || !isResponder(candidate, response)) continue;
    if (candidate.thumbprint === issuer.thumbprint) return issuer;
    if (!isIssuedBy(candidate, issuer))
      throw doubt("its responder is not appointed by the certificate's issuer");
    if (candidate.extendedKeyUsage?.oids.includes(OID.ocspSigning) !== true)
      throw doubt("its responder's certificate lacks the key usage OCSPSigning");
    if (candidate.keyUsage?.bits.has("digitalSignature") === false)
      throw doubt("its responder's key usage lacks digitalSignature");
    if (now < candidate.notBefore || now > candidate.notAfter)
      throw doubt("its responder's certificate is not valid now");
    return candidate;
  }
  throw doubt("its responder's certificate is neither the issuer's nor among those it brings");
}

function parseOrSkip(der: Uint8Array): Certificate | undefined {
  try {
    return parseCertificate(der);
  } catch {
    return undefined;
  }
}

function isResponder(certificate: Certificate, { responder }: OcspResponse): boolean {
  if ("name" in responder) return Buffer.compare(responder.name, certificate.subject.der) === 0;
  return Buffer.compare(responder.keyHash, digest("sha1", publicKeyBits(certificate))) === 0;
}

function checkNonce(response: OcspResponse, sent: Uint8Array | undefined): void {
  const received = response.extensions.get(OID.nonce);
  for (const [oid, { critical }] of response.extensions)
    if (critical && oid !== OID.nonce) throw doubt(`its critical extension ${oid} is not known`);
  if (received === undefined || sent === undefined) return;
  if (Buffer.compare(new DerReader(received.value).next(TAG.octetString).content, sent) !== 0)
    throw doubt("its nonce is not the one that was sent");
}

/** With several answers about the certificate, the worst. */
function findSingle(response: OcspResponse, { certificate, issuer }: OcspQuestion): SingleResponse {
  const serial = serialBytes(certificate);
  const matching = response.responses.filter((single) => {
    const hash = HASHES[single.hashAlgorithm];
    if (hash === undefined || !sameInteger(single.serialNumber, serial)) return false;
    const sameName = Buffer.compare(single.issuerNameHash, digest(hash, issuer.subject.der)) === 0;
    return (
      sameName && Buffer.compare(single.issuerKeyHash, digest(hash, publicKeyBits(issuer))) === 0
    );
  });
  const found =
    matching.find(({ status }) => status === "revoked") ??
    matching.find(({ status }) => status === "unknown") ??
    matching[0];
  if (found === undefined) throw doubt("it is about another certificate");
  for (const [oid, { critical }] of found.extensions)
    if (critical && oid !== OID.invalidityDate)
      throw doubt(`its critical extension ${oid} is not known`);
  return found;
}

function invalidityDate({ extensions }: SingleResponse): Date | undefined {
  const extension = extensions.get(OID.invalidityDate);
  if (extension === undefined) return undefined;
  try {
    return parseTime(new DerReader(extension.value).next(TAG.generalizedTime));
  } catch {
    throw doubt("its invalidity date is malformed");
  }
}

function isFuture(time: Date, now: Date): boolean {
  return time.getTime() > now.getTime() + CLOCK_SKEW_MS;
}

function publicKeyBits({ x509 }: Certificate): Uint8Array {
  const key = new DerReader(x509.publicKey.export({ type: "spki", format: "der" })).enter(
    TAG.sequence,
  );
  key.next(TAG.sequence);
  return key.bitString();
}

function digest(algorithm: string, bytes: Uint8Array): Uint8Array {
  return createHash(algorithm).update(bytes).digest();
}

function doubt(why: string): ConsignError {
  return new ConsignError("SIGNATURE_INCONCLUSIVE", `the OCSP response cannot be used: ${why}`);
}
