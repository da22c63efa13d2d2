// SPDX-License-Identifier: Apache-2.0

/**
 * Whoever can sign: a local key, or a notation plugin in front of a KMS or HSM. The private key
 * never leaves it.
 */
export interface Signer {
  /** DER, leaf first, root last. */
  readonly certificateChain: readonly Uint8Array[];
  /**
   * Signs the bytes (not their digest) with the algorithm that the leaf's key dictates. Resolves to
   * r‖s of fixed width, or a PSS signature.
   */
  sign(toBeSigned: Uint8Array): Promise<Uint8Array>;
}
