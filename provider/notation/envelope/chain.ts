// SPDX-License-Identifier: Apache-2.0
import { invalidEnvelope } from "./invalid-envelope";
import { parseCertificate } from "../x509/certificates";
import type { Certificate } from "../x509/certificate";

export const MAX_CHAIN_LENGTH = 10;

export const MAX_CHAIN_SIZE = 64 * 1024;

/**
 * Always an array, also of one: notation reads no other form, although RFC 9360 wants a single
 * certificate bare.
 */
export function readChain(value: unknown): Certificate[] {
  if (!Array.isArray(value) || !value.every((item) => item instanceof Uint8Array))
    throw invalidEnvelope("its certificate chain must be an array of byte strings");
  return parseChain(value);
}

/**
 * Parses a chain within its bounds. @throws ConsignError `ENVELOPE_INVALID`, `CERTIFICATE_INVALID`
 */
export function parseChain(chain: readonly Uint8Array[]): Certificate[] {
  if (chain.length === 0 || chain.length > MAX_CHAIN_LENGTH) {
    throw invalidEnvelope(
      `its certificate chain has ${chain.length} certificates; 1 to ${MAX_CHAIN_LENGTH} are allowed`,
    );
  }
  const size = chain.reduce((sum, der) => sum + der.byteLength, 0);
  if (size > MAX_CHAIN_SIZE)
    throw invalidEnvelope(
      `its certificate chain has ${size} bytes; at most ${MAX_CHAIN_SIZE} are read`,
    );
  return chain.map(parseCertificate);
}
