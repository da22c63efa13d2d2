// SPDX-License-Identifier: Apache-2.0
import { createHash, hash, type Hash } from "node:crypto";
import { z } from "zod";
import { ConsignError } from "../errors";

const HEX_LENGTH = { sha256: 64, sha512: 128 } as const;

export type DigestAlgorithm = keyof typeof HEX_LENGTH;

/**
 * The identity of content: `sha256:` and 64, or `sha512:` and 128, lower-case hexadecimal digits.
 * @see https://github.com/opencontainers/image-spec/blob/v1.1.1/descriptor.md#digests
 */
export type Digest = `${DigestAlgorithm}:${string}`;

const PATTERN = /^(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/;

export const digestSchema = z.custom<Digest>((value) => isDigest(value), {
  message: "must be sha256:<64 hexadecimal digits> or sha512:<128>, in lower case",
});

export function isDigest(value: unknown): value is Digest {
  return typeof value === "string" && PATTERN.test(value);
}

/** @throws ConsignError `DIGEST_INVALID` */
export function parseDigest(text: string): Digest {
  if (isDigest(text)) return text;
  throw new ConsignError(
    "DIGEST_INVALID",
    `"${text}" is not a digest: write sha256:<64 hexadecimal digits> or sha512:<128>, in lower case`,
  );
}

export function algorithmOf(digest: Digest): DigestAlgorithm {
  return digest.slice(0, digest.indexOf(":")) as DigestAlgorithm;
}

export function hexOf(digest: Digest): string {
  return digest.slice(digest.indexOf(":") + 1);
}

export function digestOf(
  bytes: Uint8Array | string,
  algorithm: DigestAlgorithm = "sha256",
): Digest {
  return `${algorithm}:${hash(algorithm, bytes, "hex")}`;
}

/** For content that streams: update the hash chunk by chunk, then ask for the digest once. */
export function digester(algorithm: DigestAlgorithm = "sha256"): { hash: Hash; digest(): Digest } {
  const hash = createHash(algorithm);
  return { hash, digest: () => `${algorithm}:${hash.digest("hex")}` };
}
