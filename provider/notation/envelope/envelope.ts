// SPDX-License-Identifier: Apache-2.0
import {
  LABELS,
  algorithmOfSign1,
  decodeSign1,
  toBeSigned,
  type CoseAlgorithm,
  type Sign1,
} from "../../cose/index";
import { ConsignError } from "../../errors";
import { MEDIA_TYPES } from "../../oci/media-types";
import { ATTRIBUTES, readSignedAttributes, type SignedAttributes } from "./attributes";
import { parseCertificate, type Certificate } from "../x509/certificates";
import { parseJwsEnvelope } from "./jws";
import { decodePayload, type Payload } from "./payload";

export { signEnvelope, type SignOptions } from "./sign-envelope";

/**
 * Notation reads up to 32 MiB; a signature with ten certificates and a timestamp has less than 100
 * KiB.
 */
export const MAX_ENVELOPE_SIZE = 1024 * 1024;
export const MAX_CHAIN_LENGTH = 10;
export const MAX_CHAIN_SIZE = 64 * 1024;
const MAX_TIMESTAMP_SIZE = 256 * 1024;

/** A signature envelope as it was read: nothing in it has been verified. */
export interface SignatureEnvelope extends SignedAttributes {
  mediaType: string;
  algorithm: CoseAlgorithm;
  /** Leaf first, root last. */
  certificateChain: Certificate[];
  payload: Payload;
  /** An RFC 3161 token over `signature`. */
  timestampToken?: Uint8Array;
  /** The software that signed, as it says itself. */
  signingAgent?: string;
  /** What `signature` covers. */
  toBeSigned: Uint8Array;
  signature: Uint8Array;
  raw: Uint8Array;
  /** The COSE message, where it is one. */
  sign1?: Sign1;
}

/**
 * Reads a signature envelope, COSE or JWS, and checks its form. No signature is verified and
 * nothing is trusted.
 * @throws ConsignError `ENVELOPE_TOO_LARGE`, `ENVELOPE_UNSUPPORTED`, `CBOR_INVALID`,
 * `ENVELOPE_INVALID`, `CERTIFICATE_INVALID`
 */
export function parseEnvelope(bytes: Uint8Array, mediaType: string): SignatureEnvelope {
  if (bytes.byteLength > MAX_ENVELOPE_SIZE) {
    throw new ConsignError(
      "ENVELOPE_TOO_LARGE",
      `the signature envelope has ${bytes.byteLength} bytes; at most ${MAX_ENVELOPE_SIZE} are read`,
    );
  }
  if (mediaType === MEDIA_TYPES.cose) return parseCoseEnvelope(bytes);
  if (mediaType === MEDIA_TYPES.jws) return parseJwsEnvelope(bytes);
  throw new ConsignError(
    "ENVELOPE_UNSUPPORTED",
    `a signature envelope of type "${mediaType}" is not known; ${MEDIA_TYPES.cose} and ${MEDIA_TYPES.jws} are`,
  );
}

function parseCoseEnvelope(bytes: Uint8Array): SignatureEnvelope {
  const sign1 = decodeSign1(bytes, MAX_ENVELOPE_SIZE);
  const attributes = readSignedAttributes(sign1.protectedHeaders);
  const timestampToken = sign1.unprotectedHeaders.get(ATTRIBUTES.timestampSignature);
  const signingAgent = sign1.unprotectedHeaders.get(ATTRIBUTES.signingAgent);
  if (
    timestampToken !== undefined &&
    !(timestampToken instanceof Uint8Array && timestampToken.byteLength <= MAX_TIMESTAMP_SIZE)
  ) {
    throw invalid(`its timestamp is not a byte string of at most ${MAX_TIMESTAMP_SIZE} bytes`);
  }
  return {
    ...attributes,
    mediaType: MEDIA_TYPES.cose,
    algorithm: algorithmOfSign1(sign1),
    certificateChain: readChain(sign1.unprotectedHeaders.get(LABELS.x5chain)),
    payload: decodePayload(sign1.payload),
    ...(timestampToken instanceof Uint8Array && timestampToken.byteLength > 0
      ? { timestampToken }
      : {}),
    ...(typeof signingAgent === "string" ? { signingAgent: signingAgent.slice(0, 256) } : {}),
    toBeSigned: toBeSigned(sign1.protectedBytes, sign1.payload),
    signature: sign1.signature,
    raw: bytes,
    sign1,
  };
}

/**
 * Always an array, also of one: notation reads no other form, although RFC 9360 wants a single
 * certificate bare.
 */
function readChain(value: unknown): Certificate[] {
  if (!Array.isArray(value) || !value.every((item) => item instanceof Uint8Array))
    throw invalid("its certificate chain must be an array of byte strings");
  return parseChain(value);
}

/**
 * Parses a chain within its bounds. @throws ConsignError `ENVELOPE_INVALID`, `CERTIFICATE_INVALID`
 */
export function parseChain(chain: readonly Uint8Array[]): Certificate[] {
  if (chain.length === 0 || chain.length > MAX_CHAIN_LENGTH) {
    throw invalid(
      `its certificate chain has ${chain.length} certificates; 1 to ${MAX_CHAIN_LENGTH} are allowed`,
    );
  }
  const size = chain.reduce((sum, der) => sum + der.byteLength, 0);
  if (size > MAX_CHAIN_SIZE)
    throw invalid(`its certificate chain has ${size} bytes; at most ${MAX_CHAIN_SIZE} are read`);
  return chain.map(parseCertificate);
}

function invalid(why: string): ConsignError {
  return new ConsignError(
    "ENVELOPE_INVALID",
    `the signature envelope breaks the Notary Project's format: ${why}`,
  );
}
