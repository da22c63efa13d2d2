// SPDX-License-Identifier: Apache-2.0
import { LABELS, algorithmOfSign1, decodeSign1, toBeSigned } from "../../cose/index";
import { ConsignError } from "../../errors";
import { MEDIA_TYPES } from "../../oci/media-types";
import { ATTRIBUTES, readSignedAttributes } from "./attributes";
import { readChain } from "./chain";
import { invalidEnvelope } from "./invalid-envelope";
import { parseJwsEnvelope } from "./jws";
import { decodePayload } from "./payload";
import type { SignatureEnvelope } from "./signature-envelope";

/**
 * Notation reads up to 32 MiB; a signature with ten certificates and a timestamp has less than 100
 * KiB.
 */
export const MAX_ENVELOPE_SIZE = 1024 * 1024;
const MAX_TIMESTAMP_SIZE = 256 * 1024;

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
    throw invalidEnvelope(
      `its timestamp is not a byte string of at most ${MAX_TIMESTAMP_SIZE} bytes`,
    );
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
