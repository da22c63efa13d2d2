// SPDX-License-Identifier: Apache-2.0
import { AlgorithmIdentifier } from "pkijs";
import { ConsignError } from "../../errors";
import { DerReader, parseTime, readOid, TAG } from "../x509/der";
import { readExtensions, type Extension } from "../x509/x509-extensions";

/**
 * A basic OCSP response, read but not believed. @see
 * https://www.rfc-editor.org/rfc/rfc6960#section-4.2.1
 */
export interface OcspResponse {
  tbs: Uint8Array;
  algorithm: AlgorithmIdentifier;
  signature: Uint8Array;
  responder: { name: Uint8Array } | { keyHash: Uint8Array };
  producedAt: Date;
  responses: SingleResponse[];
  extensions: ReadonlyMap<string, Extension>;
  certificates: Uint8Array[];
}

export interface SingleResponse {
  hashAlgorithm: string;
  issuerNameHash: Uint8Array;
  issuerKeyHash: Uint8Array;
  serialNumber: Uint8Array;
  status: "good" | "revoked" | "unknown";
  thisUpdate: Date;
  nextUpdate: Date | undefined;
  extensions: ReadonlyMap<string, Extension>;
}

const BASIC = "1.3.6.1.5.5.7.48.1.1";
const STATUSES: Readonly<Record<number, string>> = {
  1: "malformedRequest",
  2: "internalError",
  3: "tryLater",
  5: "sigRequired",
  6: "unauthorized",
};
const CERT_STATUSES: Readonly<Record<number, SingleResponse["status"]>> = {
  0x80: "good",
  0xa1: "revoked",
  0x82: "unknown",
};
const MAX_CERTIFICATES = 10;

/** @throws ConsignError `SIGNATURE_INCONCLUSIVE` */
export function parseOcspResponse(bytes: Uint8Array): OcspResponse {
  try {
    return parse(bytes);
  } catch (cause) {
    throw new ConsignError(
      "SIGNATURE_INCONCLUSIVE",
      `the OCSP response cannot be used: ${(cause as Error).message}`,
      { cause },
    );
  }
}

function parse(bytes: Uint8Array): OcspResponse {
  const outer = new DerReader(bytes);
  const response = outer.enter(TAG.sequence);
  outer.finish();
  const status = response.next(TAG.enumerated).content[0] ?? 0;
  if (status !== 0) throw new Error(`the responder says ${STATUSES[status] ?? status}`);
  const body = response.enter(0xa0).enter(TAG.sequence);
  if (readOid(body.next(TAG.oid).content) !== BASIC) throw new Error("it is not a basic response");
  return parseBasic(body.next(TAG.octetString).content);
}

function parseBasic(bytes: Uint8Array): OcspResponse {
  const outer = new DerReader(bytes);
  const basic = outer.enter(TAG.sequence);
  outer.finish();
  const tbs = basic.next(TAG.sequence);
  const algorithm = AlgorithmIdentifier.fromBER(basic.next(TAG.sequence).raw);
  const signature = basic.bitString();
  const certificates: Uint8Array[] = [];
  const list = basic.peek() === 0xa0 ? basic.enter(0xa0).enter(TAG.sequence) : undefined;
  while (list?.done === false) certificates.push(list.next(TAG.sequence).raw);
  if (certificates.length > MAX_CERTIFICATES)
    throw new Error(`it has more than ${MAX_CERTIFICATES} certificates`);
  basic.finish();

  const data = new DerReader(tbs.content);
  if (data.peek() === 0xa0 && data.enter(0xa0).integer() !== 0n)
    throw new Error("its version is not 1");
  const id = data.next();
  if (id.tag !== 0xa1 && id.tag !== 0xa2) throw new Error("it does not say who the responder is");
  const responder =
    id.tag === 0xa1
      ? { name: id.content }
      : { keyHash: new DerReader(id.content).next(TAG.octetString).content };
  const producedAt = parseTime(data.next(TAG.generalizedTime));
  const responses: SingleResponse[] = [];
  const singles = data.enter(TAG.sequence);
  while (!singles.done) responses.push(readSingle(singles.enter(TAG.sequence)));
  const extensions =
    data.peek() === 0xa1 ? readExtensions(data.next().content) : new Map<string, Extension>();
  data.finish();
  return {
    tbs: tbs.raw,
    algorithm,
    signature,
    responder,
    producedAt,
    responses,
    extensions,
    certificates,
  };
}

function readSingle(fields: DerReader): SingleResponse {
  const id = fields.enter(TAG.sequence);
  const hashAlgorithm = readOid(id.enter(TAG.sequence).next(TAG.oid).content);
  const issuerNameHash = id.next(TAG.octetString).content;
  const issuerKeyHash = id.next(TAG.octetString).content;
  const serialNumber = id.next(TAG.integer).content;
  const status = CERT_STATUSES[fields.next().tag];
  if (status === undefined) throw new Error("it has a certificate status that is not known");
  const thisUpdate = parseTime(fields.next(TAG.generalizedTime));
  const nextUpdate =
    fields.peek() === 0xa0 ? parseTime(fields.enter(0xa0).next(TAG.generalizedTime)) : undefined;
  const extensions =
    fields.peek() === 0xa1 ? readExtensions(fields.next().content) : new Map<string, Extension>();
  fields.finish();
  return {
    hashAlgorithm,
    issuerNameHash,
    issuerKeyHash,
    serialNumber,
    status,
    thisUpdate,
    nextUpdate,
    extensions,
  };
}
