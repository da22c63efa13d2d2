// SPDX-License-Identifier: Apache-2.0
import type { KeyObject } from "node:crypto";
import { ConsignError } from "../errors";
import { algorithmFor, algorithmNamed, verifyBytes, type CoseAlgorithm } from "./algorithms";
import { Tag, decodeCbor, encodeCbor, type Headers, type Label } from "./cbor";

/**
 * Header labels that COSE or its extensions give a number. @see
 * https://www.iana.org/assignments/cose/cose.xhtml#header-parameters
 */
export const LABELS = {
  alg: 1,
  crit: 2,
  contentType: 3,
  cwtClaims: 15,
  x5chain: 33,
  x5t: 34,
  receipts: 394,
} as const;

const SIGN1_TAG = 18;
const MAX_PROTECTED_SIZE = 64 * 1024;

/**
 * A COSE_Sign1 message. `protectedBytes` are as received: the signature covers them, not a new
 * encoding of `protectedHeaders`.
 */
export interface Sign1 {
  readonly protectedBytes: Uint8Array;
  readonly protectedHeaders: Headers;
  readonly unprotectedHeaders: Headers;
  readonly payload: Uint8Array;
  readonly signature: Uint8Array;
}

/**
 * Decodes a tagged COSE_Sign1 message with its payload attached. No signature is checked.
 * @throws ConsignError `CBOR_INVALID`, `ENVELOPE_INVALID`
 * @see https://www.rfc-editor.org/rfc/rfc9052#section-4.2
 */
export function decodeSign1(bytes: Uint8Array, maxBytes: number): Sign1 {
  const message = decodeCbor(bytes, maxBytes);
  if (!(message instanceof Tag) || Number(message.tag) !== SIGN1_TAG)
    throw invalid("it is not tagged as COSE_Sign1 (18)");
  const parts: unknown = message.contents;
  if (!Array.isArray(parts) || parts.length !== 4)
    throw invalid("COSE_Sign1 must be an array of four");
  if (bytes[0] !== 0xd2 || bytes[1] !== 0x84)
    throw invalid("its tag and its array must be in their shortest form, as notation wants them");
  const [protectedBytes, unprotectedHeaders, payload, signature] = parts as unknown[];
  if (!(protectedBytes instanceof Uint8Array))
    throw invalid("the protected header must be a byte string");
  if (!(unprotectedHeaders instanceof Map)) throw invalid("the unprotected header must be a map");
  if (!(payload instanceof Uint8Array))
    throw invalid("the payload must be attached, as a byte string");
  if (!(signature instanceof Uint8Array) || signature.byteLength === 0)
    throw invalid("the signature must be a byte string");
  const protectedHeaders =
    protectedBytes.byteLength === 0 ? new Map() : decodeCbor(protectedBytes, MAX_PROTECTED_SIZE);
  if (!(protectedHeaders instanceof Map)) throw invalid("the protected header must hold a map");
  for (const label of unprotectedHeaders.keys()) {
    if (protectedHeaders.has(label))
      throw invalid(`the header ${JSON.stringify(label)} is both protected and unprotected`);
    if (label === LABELS.alg || label === LABELS.crit)
      throw invalid("alg and crit must be protected");
  }
  if (holdsTag([...unprotectedHeaders.values()]))
    throw invalid("the unprotected header must not hold a tag");
  return { protectedBytes, protectedHeaders, unprotectedHeaders, payload, signature };
}

/** Tags are for the message and for times that are signed; notation reads no others either. */
function holdsTag(value: unknown): boolean {
  if (value instanceof Map) return holdsTag([...value.values()]);
  return value instanceof Tag || (Array.isArray(value) && value.some(holdsTag));
}

/** Encodes a tagged COSE_Sign1 message around protected bytes that were signed before. */
export function encodeSign1(
  message: Pick<Sign1, "protectedBytes" | "unprotectedHeaders" | "payload" | "signature">,
): Uint8Array {
  const { protectedBytes, unprotectedHeaders, payload, signature } = message;
  return encodeCbor(
    new Tag(SIGN1_TAG, [
      plain(protectedBytes),
      unprotectedHeaders,
      plain(payload),
      plain(signature),
    ]),
  );
}

/** The encoder takes byte arrays only, not Buffers, which are a subclass. */
function plain(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/**
 * What a COSE_Sign1 signature covers: the Sig_structure, with no external data unless given. @see
 * https://www.rfc-editor.org/rfc/rfc9052#section-4.4
 */
export function toBeSigned(
  protectedBytes: Uint8Array,
  payload: Uint8Array,
  externalData: Uint8Array = new Uint8Array(0),
): Uint8Array {
  return encodeCbor(["Signature1", plain(protectedBytes), plain(externalData), plain(payload)]);
}

/**
 * The algorithm of a message, which only its protected header can tell. @throws ConsignError
 * `ENVELOPE_INVALID`
 */
export function algorithmOfSign1(message: Sign1): CoseAlgorithm {
  const algorithm = algorithmNamed(message.protectedHeaders.get(LABELS.alg));
  if (algorithm === undefined)
    throw invalid("its protected header names no algorithm, or one that is not allowed");
  return algorithm;
}

/**
 * The labels that `crit` lists. Absent gives none; present, it must be a list that is not empty, of
 * labels that are in the protected header, each once, none of them one that COSE itself defines for
 * everyone (0 to 8).
 * @throws ConsignError `ENVELOPE_INVALID`
 * @see https://www.rfc-editor.org/rfc/rfc9052#section-3.1
 */
export function criticalLabels(headers: Headers): Label[] {
  if (!headers.has(LABELS.crit)) return [];
  const list: unknown = headers.get(LABELS.crit);
  if (!Array.isArray(list) || list.length === 0)
    throw invalid("crit must be a list that is not empty");
  const labels = list.map((entry: unknown): Label => {
    const label = typeof entry === "bigint" ? Number(entry) : entry;
    if (typeof entry === "number" || (typeof label !== "string" && typeof label !== "number"))
      throw invalid("crit must list integers or text");
    if (typeof label === "number" && label >= 0 && label <= 8)
      throw invalid(`crit must not list ${label}`);
    if (!headers.has(label))
      throw invalid(`crit lists ${JSON.stringify(label)}, which is not in the protected header`);
    return label;
  });
  if (new Set(labels).size !== labels.length) throw invalid("crit lists a label twice");
  return labels;
}

/**
 * Verifies a signature with node:crypto. The message's algorithm must be the one that the key
 * dictates.
 * @throws ConsignError `SIGNATURE_INVALID`, `ENVELOPE_INVALID`, `KEY_UNSUPPORTED`
 */
export function verifySign1(message: Sign1, publicKey: KeyObject, externalData?: Uint8Array): void {
  const algorithm = algorithmOfSign1(message);
  const dictated = algorithmFor(publicKey);
  if (algorithm !== dictated) {
    throw new ConsignError(
      "SIGNATURE_INVALID",
      `the envelope says ${algorithm}, but the signer's key allows only ${dictated}`,
    );
  }
  if (
    !verifyBytes(
      publicKey,
      toBeSigned(message.protectedBytes, message.payload, externalData),
      message.signature,
    )
  ) {
    throw new ConsignError(
      "SIGNATURE_INVALID",
      `the ${algorithm} signature does not verify: the envelope was changed, or another key signed it`,
    );
  }
}

function invalid(why: string): ConsignError {
  return new ConsignError("ENVELOPE_INVALID", `the COSE envelope is not valid: ${why}`);
}
