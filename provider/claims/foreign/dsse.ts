// SPDX-License-Identifier: Apache-2.0
import { constants, createHash, verify, type KeyObject } from "node:crypto";
import { z } from "zod";
import { ConsignError } from "../../errors";
import { parseJson } from "../canonical-json";

const base64Schema = z.base64();

/** @see https://github.com/secure-systems-lab/dsse/blob/v1.0.2/envelope.md */
export const dsseEnvelopeSchema = z.looseObject({
  payloadType: z.string().min(1).max(255),
  payload: base64Schema,
  signatures: z.array(z.looseObject({ sig: base64Schema, keyid: z.string().nullish() })).max(100),
});
export type DsseEnvelope = z.infer<typeof dsseEnvelopeSchema>;

/**
 * The parts of a sigstore bundle that are read. @see
 * https://github.com/sigstore/protobuf-specs/blob/v0.4.0/protos/sigstore_bundle.proto
 */
export const bundleSchema = z.looseObject({
  mediaType: z.string(),
  verificationMaterial: z.looseObject({}).optional(),
  dsseEnvelope: dsseEnvelopeSchema.optional(),
  messageSignature: z.looseObject({}).optional(),
});
export type SigstoreBundle = z.infer<typeof bundleSchema>;

/** @throws ConsignError `ENVELOPE_INVALID` */
export function parseDsse(bytes: Uint8Array): DsseEnvelope {
  return parseAs(dsseEnvelopeSchema, bytes, "a DSSE envelope");
}

/** @throws ConsignError `ENVELOPE_INVALID` */
export function parseBundle(bytes: Uint8Array): SigstoreBundle {
  return parseAs(bundleSchema, bytes, "a sigstore bundle");
}

function parseAs<S extends z.ZodType>(schema: S, bytes: Uint8Array, what: string): z.output<S> {
  const parsed = schema.safeParse(parseJson(bytes, what, "ENVELOPE_INVALID"));
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new ConsignError(
    "ENVELOPE_INVALID",
    `not ${what}: ${issue?.path.join(".") || "(root)"}: ${issue?.message}`,
  );
}

/**
 * The bytes that a DSSE signature signs. @see
 * https://github.com/secure-systems-lab/dsse/blob/v1.0.2/protocol.md#signature-definition
 */
export function preAuthEncoding(payloadType: string, payload: Uint8Array): Uint8Array {
  const type = Buffer.from(payloadType);
  return Buffer.concat([
    Buffer.from(`DSSEv1 ${type.byteLength} `),
    type,
    Buffer.from(` ${payload.byteLength} `),
    payload,
  ]);
}

/**
 * Fingerprints of the keys that verify one of the envelope's signatures. Key ids are hints that
 * anyone may write, and are ignored.
 */
export function keysThatSigned(envelope: DsseEnvelope, keys: readonly KeyObject[]): string[] {
  const signed = preAuthEncoding(envelope.payloadType, Buffer.from(envelope.payload, "base64"));
  return keys
    .filter((key) =>
      envelope.signatures.some(({ sig }) => verifiesWith(key, signed, Buffer.from(sig, "base64"))),
    )
    .map(fingerprint);
}

/**
 * Verifies as cosign signs: ECDSA in DER with the digest of the curve's size, Ed25519, RSA PKCS #1
 * v1.5 with SHA-256. Other keys verify nothing.
 */
export function verifiesWith(key: KeyObject, signed: Uint8Array, signature: Uint8Array): boolean {
  try {
    if (key.asymmetricKeyType === "ed25519") return verify(null, signed, key, signature);
    if (key.asymmetricKeyType === "rsa")
      return verify("sha256", signed, { key, padding: constants.RSA_PKCS1_PADDING }, signature);
    const digest =
      key.asymmetricKeyType === "ec"
        ? DIGEST_OF_CURVE[key.asymmetricKeyDetails?.namedCurve ?? ""]
        : undefined;
    return digest !== undefined && verify(digest, signed, { key, dsaEncoding: "der" }, signature);
  } catch {
    return false; // bytes that are no signature at all make OpenSSL throw
  }
}

const DIGEST_OF_CURVE: Readonly<Record<string, string>> = {
  prime256v1: "sha256",
  secp384r1: "sha384",
  secp521r1: "sha512",
};

/** SHA-256 of a public key's SubjectPublicKeyInfo, in hexadecimal. */
export function fingerprint(key: KeyObject): string {
  return createHash("sha256")
    .update(key.export({ type: "spki", format: "der" }))
    .digest("hex");
}
