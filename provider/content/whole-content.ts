// SPDX-License-Identifier: Apache-2.0
import type { Digest } from "../oci/digest";

/**
 * Content that is there in one piece and has been verified: whoever wants it whole need not put it
 * together, nor digest it again.
 */
export class WholeContent implements AsyncIterable<Uint8Array> {
  /** @param digest what `bytes` were found to have, and not merely what somebody says of them */
  constructor(
    readonly bytes: Uint8Array,
    readonly digest: Digest,
  ) {}

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    if (this.bytes.byteLength > 0) yield this.bytes;
  }
}
