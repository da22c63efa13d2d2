// SPDX-License-Identifier: Apache-2.0
import * as asn1js from "asn1js";
import { createHash, randomBytes } from "node:crypto";
import * as pkijs from "pkijs";
import { ConsignError } from "../../errors";
import { sameInteger } from "../x509/der";
import type { HttpFetch } from "../revocation/http-fetch";
import { signerCertificate } from "./timestamp-signer";
import {
  checkTokenSignature,
  MAX_TOKEN_SIZE,
  parseBer,
  parseTimestampToken,
} from "./timestamp-token";
import { HASH_OIDS, type SecureHash } from "../x509/x509-signature";

export interface TimestampRequestContext {
  fetch: HttpFetch;
  /** Makes the answer unique to this request; 8 to 32 bytes. @default 16 random bytes */
  nonce?: Uint8Array;
  /** Milliseconds for the whole exchange. @default 15000 */
  timeoutMs?: number;
}

const DEFAULT_TIMEOUT_MS = 15_000;
const STATUSES = [
  "granted",
  "granted with modifications",
  "rejection",
  "waiting",
  "revocation warning",
  "revocation notification",
] as const;
const FAILURES: Readonly<Record<number, string>> = {
  0: "badAlg",
  2: "badRequest",
  5: "badDataFormat",
  14: "timeNotAvailable",
  15: "unacceptedPolicy",
  16: "unacceptedExtension",
  17: "addInfoNotAvailable",
  25: "systemFailure",
};

/**
 * Asks a timestamp authority for a token over a message. The token is checked to answer this
 * request (digest, nonce) and to carry the certificate that signed it; whether the authority is
 * trusted is for {@link verifyTimestamp}.
 * @param url http or https
 * @throws ConsignError `TIMESTAMP_FAILED`, `INPUT_INVALID`
 * @see https://www.rfc-editor.org/rfc/rfc3161#section-3.4
 */
export async function requestTimestamp(
  url: string,
  message: Uint8Array,
  digestAlgorithm: SecureHash,
  context: TimestampRequestContext,
): Promise<Uint8Array> {
  const protocol = URL.canParse(url) ? new URL(url).protocol : "";
  if (protocol !== "http:" && protocol !== "https:")
    throw new ConsignError(
      "INPUT_INVALID",
      `"${url}" is not the http or https address of a timestamp authority`,
    );
  const nonce = context.nonce ?? randomBytes(16);
  if (nonce.byteLength < 8 || nonce.byteLength > 32)
    throw new ConsignError(
      "INPUT_INVALID",
      "the nonce of a timestamp request must have 8 to 32 bytes",
    );
  const imprint = createHash(digestAlgorithm).update(message).digest();
  const body = await exchange(url, encodeRequest(imprint, digestAlgorithm, nonce), context);
  try {
    const bytes = readResponse(body);
    const token = parseTimestampToken(bytes);
    if (token.hash !== digestAlgorithm || Buffer.compare(token.imprint, imprint) !== 0)
      throw new Error("its token is about something else");
    if (token.nonce === undefined || !sameInteger(token.nonce, nonce))
      throw new Error("its token does not have the nonce that was sent, so it may be an old one");
    checkTokenSignature(token, signerCertificate(token));
    return bytes;
  } catch (cause) {
    throw new ConsignError(
      "TIMESTAMP_FAILED",
      `the timestamp authority at ${url} gave no usable token: ${(cause as Error).message}`,
      { cause, side: "authority" },
    );
  }
}

function encodeRequest(imprint: Uint8Array, hash: SecureHash, nonce: Uint8Array): Uint8Array {
  const request = new pkijs.TimeStampReq({
    version: 1,
    messageImprint: new pkijs.MessageImprint({
      hashAlgorithm: new pkijs.AlgorithmIdentifier({
        algorithmId: HASH_OIDS[hash],
        algorithmParams: new asn1js.Null(),
      }),
      hashedMessage: new asn1js.OctetString({ valueHex: Uint8Array.from(imprint) }),
    }),
    nonce: new asn1js.Integer({ valueHex: positiveInteger(nonce) }),
    certReq: true,
  });
  return new Uint8Array(request.toSchema().toBER());
}

/** Shortest form, with a zero in front where the first bit would make it negative. */
function positiveInteger(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  let start = 0;
  while (start < bytes.byteLength - 1 && bytes[start] === 0) start++;
  const shortest = bytes.subarray(start);
  return Uint8Array.from((shortest[0] ?? 0) >= 0x80 ? [0, ...shortest] : shortest);
}

async function exchange(
  url: string,
  request: Uint8Array,
  { fetch, timeoutMs = DEFAULT_TIMEOUT_MS }: TimestampRequestContext,
): Promise<Uint8Array> {
  const failed = (why: string, details: { cause?: unknown; status?: number } = {}) =>
    new ConsignError(
      "TIMESTAMP_FAILED",
      `the timestamp authority at ${url} did not answer: ${why}`,
      { ...details, side: "authority" },
    );
  const headers = {
    "content-type": "application/timestamp-query",
    accept: "application/timestamp-reply",
  };
  const response = await fetch({
    url,
    method: "POST",
    headers,
    body: request,
    timeoutMs,
    maxBytes: MAX_TOKEN_SIZE + 1024,
  }).catch((cause: unknown) => {
    throw failed(cause instanceof Error ? cause.message : String(cause), { cause });
  });
  if (response.status !== 200)
    throw failed(`status ${response.status}`, { status: response.status });
  const type = response.headers["content-type"] ?? "";
  if (!/^application\/timestamp-reply\s*(?:;|$)/i.test(type))
    throw failed(`its answer is of type "${type}", not application/timestamp-reply`, {
      status: 200,
    });
  return response.body;
}

/** The token's own bytes. Throws a plain Error. */
function readResponse(body: Uint8Array): Uint8Array {
  const parsed = parseBer(body);
  if (!(parsed instanceof asn1js.Sequence))
    throw new Error("its answer is not a timestamp response");
  const [statusInfo, token] = parsed.valueBlock.value;
  const status = new pkijs.PKIStatusInfo({ schema: statusInfo });
  if (status.status > 1) throw new Error(explain(status));
  if (token === undefined) throw new Error("its answer grants a token but has none");
  return Uint8Array.from(token.valueBeforeDecodeView);
}

function explain({ status, statusStrings, failInfo }: pkijs.PKIStatusInfo): string {
  const bits = failInfo?.valueBlock.valueHexView ?? new Uint8Array(0);
  const failures = Object.entries(FAILURES).flatMap(([bit, name]) =>
    ((bits[Number(bit) >> 3] ?? 0) & (0x80 >> (Number(bit) & 7))) === 0 ? [] : [name],
  );
  const words = (statusStrings ?? [])
    .map((text) => text.getValue())
    .join(" ")
    .replace(/[\p{Cc}\s]+/gu, " ")
    .slice(0, 300);
  return [`it answers "${STATUSES[status]}"`, failures.join(", "), words]
    .filter((part) => part !== "")
    .join(": ");
}
