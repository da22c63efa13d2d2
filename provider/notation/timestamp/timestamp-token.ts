// SPDX-License-Identifier: Apache-2.0
import * as asn1js from "asn1js";
import { createHash } from "node:crypto";
import * as pkijs from "pkijs";
import { ConsignError } from "../../errors";
import { parseCertificate } from "../x509/certificates";
import { HASHES, verifyX509Signature, type SecureHash } from "../x509/x509-signature";
import type { Certificate } from "../x509/certificate";

export const MAX_TOKEN_SIZE = 256 * 1024;

const BER_LIMITS = { maxDepth: 48, maxNodes: 20_000, maxContentLength: MAX_TOKEN_SIZE };
const MAX_CERTIFICATES = 20;
const OID = {
  signedData: "1.2.840.113549.1.7.2",
  tstInfo: "1.2.840.113549.1.9.16.1.4",
  contentType: "1.2.840.113549.1.9.3",
  messageDigest: "1.2.840.113549.1.9.4",
  /** Of RFC 3628; it promises one second where a token does not say. */
  baselinePolicy: "0.4.0.2023.1.1",
} as const;

/** An RFC 3161 token, read but not believed. */
export interface TimestampToken {
  hash: SecureHash;
  /** The digest of what was timestamped. */
  imprint: Uint8Array;
  time: Date;
  accuracyMs: number;
  nonce: Uint8Array | undefined;
  /** Certificates it brings, in no order; those that do not parse are left out. */
  certificates: Certificate[];
  signer: pkijs.SignerInfo;
  /** The signed attributes of the one signer, by object identifier, each with its one value. */
  attributes: ReadonlyMap<string, asn1js.BaseBlock>;
  content: Uint8Array;
}

/** Parses BER within bounds, with nothing after it. Throws a plain Error. */
export function parseBer(bytes: Uint8Array): asn1js.AsnType {
  const copy = Uint8Array.from(bytes);
  const parsed = asn1js.fromBER(copy, {
    ...BER_LIMITS,
    maxContentLength: Math.max(1, copy.byteLength),
  });
  if (parsed.offset !== copy.byteLength) throw new Error("it is not one ASN.1 value");
  return parsed.result;
}

/** @throws ConsignError `SIGNATURE_INVALID` */
export function parseTimestampToken(bytes: Uint8Array): TimestampToken {
  if (bytes.byteLength > MAX_TOKEN_SIZE)
    throw wrong(`it has ${bytes.byteLength} bytes; at most ${MAX_TOKEN_SIZE} are read`);
  try {
    return parse(bytes);
  } catch (cause) {
    if (cause instanceof ConsignError) throw cause;
    throw wrong((cause as Error).message, cause);
  }
}

function parse(bytes: Uint8Array): TimestampToken {
  const root = parseBer(bytes);
  const contentInfo = new pkijs.ContentInfo({ schema: root });
  if (contentInfo.contentType !== OID.signedData) throw new Error("it is not CMS signed data");
  const certificates = rawCertificates(root);
  const signedData = new pkijs.SignedData({ schema: contentInfo.content });
  const { eContentType, eContent } = signedData.encapContentInfo;
  if (eContentType !== OID.tstInfo || !(eContent instanceof asn1js.OctetString))
    throw new Error("it does not hold a TSTInfo");
  const [signer, ...others] = signedData.signerInfos;
  if (signer === undefined || others.length > 0) throw new Error("it must have one signer");
  const content = new Uint8Array(eContent.getValue());
  return {
    ...readInfo(content),
    certificates,
    signer,
    attributes: readAttributes(signer),
    content,
  };
}

function readInfo(
  content: Uint8Array,
): Pick<TimestampToken, "hash" | "imprint" | "time" | "accuracyMs" | "nonce"> {
  const info = new pkijs.TSTInfo({ schema: parseBer(content) });
  if (info.version !== 1) throw new Error("the version of its TSTInfo is not 1");
  const hash = HASHES[info.messageImprint.hashAlgorithm.algorithmId];
  if (hash === undefined)
    throw new Error("its message imprint is not made with SHA-256, SHA-384 or SHA-512");
  const unknown = info.extensions?.find(({ critical }) => critical);
  if (unknown !== undefined)
    throw new Error(`its critical extension ${unknown.extnID} is not known`);
  if (Number.isNaN(info.genTime.getTime())) throw new Error("its time is malformed");
  const { seconds = 0, millis = 0, micros = 0 } = info.accuracy ?? {};
  const stated = seconds * 1000 + millis + micros / 1000;
  if (!(stated >= 0 && stated < 366 * 86_400_000)) throw new Error("its accuracy is malformed");
  return {
    hash,
    imprint: info.messageImprint.hashedMessage.valueBlock.valueHexView,
    time: info.genTime,
    accuracyMs: stated === 0 && info.policy === OID.baselinePolicy ? 1000 : stated,
    nonce: info.nonce?.valueBlock.valueHexView,
  };
}

/** pkijs would encode them anew; hashes and comparisons need the bytes that came. */
function rawCertificates(root: asn1js.AsnType): Certificate[] {
  const signedData = children(children(root)[1])[0];
  const set = children(signedData).find(
    ({ idBlock }) => idBlock.tagClass === 3 && idBlock.tagNumber === 0,
  );
  const found = set === undefined ? [] : children(set);
  if (found.length > MAX_CERTIFICATES)
    throw new Error(`it has more than ${MAX_CERTIFICATES} certificates`);
  return found.flatMap(({ valueBeforeDecodeView }) => {
    try {
      return [parseCertificate(valueBeforeDecodeView)];
    } catch {
      return [];
    }
  });
}

function children(block: asn1js.BaseBlock | undefined): asn1js.BaseBlock[] {
  return block instanceof asn1js.Constructed ? block.valueBlock.value : [];
}

function readAttributes(signer: pkijs.SignerInfo): Map<string, asn1js.BaseBlock> {
  const attributes = new Map<string, asn1js.BaseBlock>();
  for (const { type, values } of signer.signedAttrs?.attributes ?? []) {
    const value: unknown = values[0];
    if (attributes.has(type) || values.length !== 1 || !(value instanceof asn1js.BaseBlock))
      throw new Error(`its signed attribute ${type} does not have one value`);
    attributes.set(type, value);
  }
  return attributes;
}

/**
 * Checks what binds content, attributes and signature together: the attributes name the content's
 * type and digest, and the certificate's key signed the attributes.
 * @throws ConsignError `SIGNATURE_INVALID`
 * @see https://www.rfc-editor.org/rfc/rfc5652#section-5.6
 */
export function checkTokenSignature(token: TimestampToken, certificate: Certificate): void {
  const { signer, attributes, content } = token;
  const digest = HASHES[signer.digestAlgorithm.algorithmId];
  const contentType = attributes.get(OID.contentType);
  const messageDigest = attributes.get(OID.messageDigest);
  if (digest === undefined) throw wrong("its signer does not use SHA-256, SHA-384 or SHA-512");
  if (signer.signedAttrs === undefined) throw wrong("it has no signed attributes");
  if (!(contentType instanceof asn1js.ObjectIdentifier) || contentType.getValue() !== OID.tstInfo)
    throw wrong("its signed attributes are of another content type");
  if (!(messageDigest instanceof asn1js.OctetString))
    throw wrong("its signed attributes have no message digest");
  if (
    Buffer.compare(
      new Uint8Array(messageDigest.getValue()),
      createHash(digest).update(content).digest(),
    ) !== 0
  )
    throw wrong("its content was changed");
  const signed = new Uint8Array(signer.signedAttrs.encodedValue);
  if (
    !verifyX509Signature(
      signer.signatureAlgorithm,
      certificate.x509.publicKey,
      signed,
      new Uint8Array(signer.signature.getValue()),
      digest,
    )
  ) {
    throw wrong("its signature does not verify");
  }
}

function wrong(why: string, cause?: unknown): ConsignError {
  return new ConsignError("SIGNATURE_INVALID", `the timestamp token is not good: ${why}`, {
    cause,
  });
}
