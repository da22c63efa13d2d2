// SPDX-License-Identifier: Apache-2.0
import { constants, sign, verify, type KeyObject, type SigningOptions } from "node:crypto";
import { promisify } from "node:util";
import { ConsignError } from "../errors";

/**
 * @see https://www.rfc-editor.org/rfc/rfc9053#section-2.1 and
 * https://www.rfc-editor.org/rfc/rfc8230#section-2
 */
export const COSE_ALGORITHMS = {
  ES256: { id: -7, digest: "sha256", signatureBytes: 64 },
  ES384: { id: -35, digest: "sha384", signatureBytes: 96 },
  ES512: { id: -36, digest: "sha512", signatureBytes: 132 },
  PS256: { id: -37, digest: "sha256", signatureBytes: 256 },
  PS384: { id: -38, digest: "sha384", signatureBytes: 384 },
  PS512: { id: -39, digest: "sha512", signatureBytes: 512 },
} as const;

export type CoseAlgorithm = keyof typeof COSE_ALGORITHMS;
export type SignatureDigest = (typeof COSE_ALGORITHMS)[CoseAlgorithm]["digest"];

const BY_CURVE: Readonly<Record<string, CoseAlgorithm>> = {
  prime256v1: "ES256",
  secp384r1: "ES384",
  secp521r1: "ES512",
};
const BY_MODULUS: Readonly<Record<number, CoseAlgorithm>> = {
  2048: "PS256",
  3072: "PS384",
  4096: "PS512",
};

/**
 * The one algorithm that the Notary Project allows for a key: RSA of exactly 2048, 3072 or 4096
 * bits, or a NIST curve.
 * @throws ConsignError `KEY_UNSUPPORTED`
 * @see
 * https://github.com/notaryproject/specifications/blob/v1.1.0/specs/signature-specification.md#algorithm-selection
 */
export function algorithmFor(key: KeyObject): CoseAlgorithm {
  const { namedCurve = "", modulusLength = 0 } = key.asymmetricKeyDetails ?? {};
  const found =
    key.asymmetricKeyType === "ec"
      ? BY_CURVE[namedCurve]
      : key.asymmetricKeyType === "rsa"
        ? BY_MODULUS[modulusLength]
        : undefined;
  if (found !== undefined) return found;
  const size = namedCurve || (modulusLength === 0 ? "" : `${modulusLength} bits`);
  const kind = `${key.asymmetricKeyType ?? key.type}${size === "" ? "" : ` (${size})`}`;
  throw new ConsignError(
    "KEY_UNSUPPORTED",
    `a key of type ${kind} cannot sign: use P-256, P-384, P-521, or RSA of exactly 2048, 3072 or 4096 bits`,
  );
}

/** The name of a COSE algorithm number, or undefined for one that is not allowed here. */
export function algorithmNamed(id: unknown): CoseAlgorithm | undefined {
  return (Object.keys(COSE_ALGORITHMS) as CoseAlgorithm[]).find(
    (name) => BigInt(COSE_ALGORITHMS[name].id) === id,
  );
}

function options(algorithm: CoseAlgorithm): SigningOptions {
  return algorithm.startsWith("ES")
    ? { dsaEncoding: "ieee-p1363" }
    : { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };
}

const signAsync = promisify<string, Uint8Array, { key: KeyObject } & SigningOptions, Buffer>(sign);

/**
 * Signs with the algorithm that the key dictates: r‖s of fixed width, or PSS with a salt as long as
 * the digest. @throws ConsignError `KEY_UNSUPPORTED`
 */
export async function signBytes(privateKey: KeyObject, bytes: Uint8Array): Promise<Uint8Array> {
  const algorithm = algorithmFor(privateKey);
  return Uint8Array.from(
    await signAsync(COSE_ALGORITHMS[algorithm].digest, bytes, {
      key: privateKey,
      ...options(algorithm),
    }),
  );
}

/**
 * Whether a signature by `publicKey` verifies, with the algorithm that this key dictates. @throws
 * ConsignError `KEY_UNSUPPORTED`
 */
export function verifyBytes(
  publicKey: KeyObject,
  bytes: Uint8Array,
  signature: Uint8Array,
): boolean {
  const algorithm = algorithmFor(publicKey);
  const { digest, signatureBytes } = COSE_ALGORITHMS[algorithm];
  if (signature.byteLength !== signatureBytes) return false;
  return verify(digest, bytes, { key: publicKey, ...options(algorithm) }, signature);
}
