// SPDX-License-Identifier: Apache-2.0
import { ConsignError, isConsignError } from "../errors";
import type { Descriptor } from "../oci/descriptor";
import { algorithmOf, digester, digestOf, type Digest } from "../oci/digest";
import { chunkSpent } from "./spent-chunks";
import type { CallOptions, Content, ReadStore } from "./storage";
import { WholeContent } from "./whole-content";

/**
 * The read boundary: passes content on chunk by chunk while it counts and digests it. Whoever
 * reaches the end has exactly the bytes that the descriptor names. Stops as soon as there are more
 * bytes than announced, and closes the underlying content whenever the reader stops early.
 * @throws ConsignError while iterating: `SIZE_MISMATCH`, `DIGEST_MISMATCH`
 * @see https://github.com/opencontainers/image-spec/blob/v1.1.1/descriptor.md#verification
 */
export async function* verified(
  content: Content,
  descriptor: Descriptor,
): AsyncGenerator<Uint8Array, void, undefined> {
  const actual = digester(algorithmOf(descriptor.digest));
  let size = 0;
  for await (const chunk of content) {
    size += chunk.byteLength;
    if (size > descriptor.size)
      throw sizeMismatch(descriptor, `there are more than ${descriptor.size} bytes`);
    actual.hash.update(chunk);
    yield chunk;
    chunkSpent(chunk.byteLength);
  }
  if (size < descriptor.size)
    throw sizeMismatch(descriptor, `it ends after ${size} of ${descriptor.size} bytes`);
  checkDigest(descriptor, actual.digest());
}

/**
 * As {@link verified}, for bytes that are all there already.
 * @param bytes undefined where there are more than announced
 * @throws ConsignError `SIZE_MISMATCH`, `DIGEST_MISMATCH`
 */
export function verifiedWhole(bytes: Uint8Array | undefined, descriptor: Descriptor): WholeContent {
  if (bytes === undefined || bytes.byteLength > descriptor.size)
    throw sizeMismatch(descriptor, `there are more than ${descriptor.size} bytes`);
  if (bytes.byteLength < descriptor.size)
    throw sizeMismatch(descriptor, `it ends after ${bytes.byteLength} of ${descriptor.size} bytes`);
  const digest = digestOf(bytes, algorithmOf(descriptor.digest));
  checkDigest(descriptor, digest);
  return new WholeContent(bytes, digest);
}

/**
 * Reads content whole and verifies it, for what is known to be small.
 * @param limit most bytes to hold in memory; a descriptor that announces more is refused before
 * anything is read
 * @throws ConsignError `SIZE_MISMATCH`, `DIGEST_MISMATCH`
 */
export async function readVerified(
  content: Content,
  descriptor: Descriptor,
  limit: number,
): Promise<Uint8Array> {
  checkLimit(descriptor, limit);
  if (
    content instanceof WholeContent &&
    content.digest === descriptor.digest &&
    content.bytes.byteLength === descriptor.size
  )
    return content.bytes;
  const chunks: Uint8Array[] = [];
  for await (const chunk of verified(content, descriptor)) chunks.push(chunk);
  return Buffer.concat(chunks, descriptor.size);
}

/**
 * Reads a blob whole, for what is known to be small.
 * @param limit most bytes to read; a larger blob is refused without asking the store for it
 * @throws ConsignError `BLOB_UNKNOWN`, `SIZE_MISMATCH`, `DIGEST_MISMATCH`
 */
export async function readSmall(
  store: ReadStore,
  descriptor: Descriptor,
  limit: number,
  options: CallOptions = {},
): Promise<Uint8Array> {
  checkLimit(descriptor, limit);
  return readVerified(await store.blob(descriptor, options), descriptor, limit);
}

/**
 * Whether content has the digest under which it is asked for, and another size than its descriptor
 * says: then the descriptor is wrong, and was when it was written. What is damaged on the way has
 * another digest.
 * @param limit most bytes to read
 */
export async function isMisdescribed(
  store: ReadStore,
  descriptor: Descriptor,
  limit: number,
): Promise<boolean> {
  const actual = digester(algorithmOf(descriptor.digest));
  try {
    for await (const chunk of await store.blob({ ...descriptor, size: limit }))
      actual.hash.update(chunk);
  } catch (error) {
    if (!isConsignError(error, "SIZE_MISMATCH", "DIGEST_MISMATCH")) throw error;
  }
  return actual.digest() === descriptor.digest;
}

function checkLimit(descriptor: Descriptor, limit: number): void {
  if (descriptor.size > limit)
    throw sizeMismatch(
      descriptor,
      `its ${descriptor.size} bytes are more than the ${limit} that are read here`,
    );
}

function checkDigest(descriptor: Descriptor, digest: Digest): void {
  if (digest === descriptor.digest) return;
  throw new ConsignError(
    "DIGEST_MISMATCH",
    `content asked for as ${descriptor.digest} has the digest ${digest}; what holds it is damaged or lies`,
  );
}

function sizeMismatch(descriptor: Descriptor, why: string): ConsignError {
  return new ConsignError(
    "SIZE_MISMATCH",
    `content ${descriptor.digest} does not have the right size: ${why}`,
  );
}
