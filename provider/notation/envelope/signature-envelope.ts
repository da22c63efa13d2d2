// SPDX-License-Identifier: Apache-2.0
import { ConsignError } from "../../errors";

import type { CoseAlgorithm, Sign1 } from "../../cose/index";
import type { SignedAttributes } from "./attributes";
import type { Payload } from "./payload";
import type { Certificate } from "../x509/certificate";

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

/** The signer's own certificate. */
export function leafOf({
  certificateChain: [leaf],
}: Pick<SignatureEnvelope, "certificateChain">): SignatureEnvelope["certificateChain"][number] {
  if (leaf === undefined)
    throw new ConsignError("ENVELOPE_INVALID", "the signature envelope has no certificate chain");
  return leaf;
}
