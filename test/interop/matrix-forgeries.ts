// SPDX-License-Identifier: Apache-2.0
// What the rows of the table are made of: who signs, and how an envelope is spoiled.
import type { PackedArtifact } from "../../provider/content/pack";
import { Tag, decodeSign1, encodeCbor } from "../../provider/cose";
import type { Descriptor } from "../../provider/oci/descriptor";
import { authority, codeSigner, intermediate, selfSigned } from "../harness/certificates";
import { extension, name, type Issued } from "../harness/keys";
import * as der from "../harness/der";
import { issuing, leaf, root } from "../notation/arrange";
import { at, authenticSigningTime, scheme, signingTime } from "../notation/envelope/forge";
import { ago, bytes, stamped, type Revocation, type Stamp } from "./matrix-services";
import {
  JWS_HEADER,
  cose,
  jws,
  signatureManifest,
  type Answer,
  type Envelope,
  type JwsForgery,
} from "./matrix-world";

/** Who signs and stamps where somebody can be asked about it. */
export type Signers = Revocation["signers"] & Pick<Revocation, "tsaRevoked" | "tsaUnsure">;
export type Change = Parameters<typeof cose>[1];
type MakeEnvelope = (target: Descriptor, signers: Signers) => Promise<Envelope>;
/** What refers to an artifact in the registry; nothing, where nothing is to. */
export type Make = (target: Descriptor, signers: Signers) => Promise<PackedArtifact | undefined>;

export const signature =
  (make: MakeEnvelope): Make =>
  async (target, revocation) =>
    signatureManifest(target, [await make(target, revocation)]);
export const C = (
  change: Change = {},
  then: (envelope: Envelope) => Envelope | Promise<Envelope> = (e) => e,
) => signature(async (target) => then(await cose(target, change)));
export const J = (change: Partial<JwsForgery> = {}) =>
  signature((target) => jws(target, { by: leaf, ...change }));
export const by = (signer: keyof Revocation["signers"]): Make =>
  signature((target, signers) => cose(target, { by: signers[signer] }));
export const stamp = (change: Change, o: Stamp) => C(change, (envelope) => stamped(envelope, o));
export const edit = (change: (good: Buffer) => Uint8Array) => C({}, bytes(change));

export const FORM: Answer = ["invalid", "ENVELOPE_INVALID"];
export const CBOR: Answer = ["invalid", "CBOR_INVALID"];
export const WRONG: Answer = ["invalid", "SIGNATURE_INVALID"];
export const CERT: Answer = ["invalid", "CERTIFICATE_INVALID"];
export const KEY: Answer = ["invalid", "KEY_UNSUPPORTED"];
export const TRUST: Answer = ["untrusted", "SIGNATURE_UNTRUSTED"];
export const OLD: Answer = ["untrusted", "SIGNATURE_EXPIRED"];
export const REVOKED: Answer = ["untrusted", "SIGNATURE_REVOKED"];
export const UNSURE: Answer = ["inconclusive", "SIGNATURE_INCONCLUSIVE"];
export const GOOD: Answer = ["verified"];

export const now = Math.floor(Date.now() / 1000);
export const chain = (...issued: Issued[]) => issued.map(({ der }) => Uint8Array.from(der));
export const json = (value: unknown) => Buffer.from(JSON.stringify(value));

export const expiredLeaf = codeSigner(issuing, { notAfter: ago(1) });
export const futureLeaf = codeSigner(issuing, { notBefore: ago(-1) });
export const stranger = codeSigner(intermediate(authority()));
export const namesake = codeSigner(intermediate(authority({ subject: root.subject })));
export const stateless = codeSigner(issuing, {
  subject: { C: "US", O: "Wabbit Networks", CN: "No state" },
});
/** O and CN share one relative name. */
export const multiValued = codeSigner(issuing, {
  subject: { C: "US", ST: "WA", O: "Wabbit Networks", CN: "Release" },
  joined: ["O", "CN"],
});
export const unknownCritical = extension("1.2.3.4", true, Uint8Array.of(0x05, 0x00));
/** Only names of ACME are permitted. */
export const onlyAcme = extension(
  "2.5.29.30",
  true,
  der.sequence(
    der.context(0, der.sequence(der.context(4, name({ C: "US", ST: "WA", O: "ACME Rockets" })))),
  ),
);
/** A certificate that signs itself. */
export const alone = selfSigned();
export const acme = codeSigner(issuing, {
  subject: { C: "US", ST: "WA", O: "ACME Rockets", CN: "Release" },
});
export const signed5DaysAgo = { [signingTime]: at(now - 5 * 86_400) };
export const authorityScheme = {
  [scheme]: "notary.x509.signingAuthority",
  [signingTime]: undefined,
  [authenticSigningTime]: at(now),
  crit: [scheme, authenticSigningTime],
};
export const deep = Array.from({ length: 18 }).reduce<unknown>((inner) => [inner], 1);

export const twin = intermediate(root, {
  key: issuing.key,
  subject: { ...issuing.subject, CN: "Twin" },
});
export const domain = codeSigner(issuing, {
  subject: { DC: "example", C: "US", ST: "WA", O: "Wabbit Networks" },
});
export const hexLike = codeSigner(issuing, {
  subject: { C: "US", ST: "WA", O: "Wabbit Networks", CN: "a=#b" },
});
export const HEADER = JSON.stringify({
  ...JWS_HEADER,
  [signingTime]: new Date(now * 1000).toISOString(),
});
export const AUDIT = {
  name: "audit",
  registryScopes: ["*"],
  signatureVerification: { level: "audit" },
  trustStores: ["ca:store"],
  trustedIdentities: ["*"],
};

/** A chain of so many certificates, all of them right. */
export function longChain(length: number): Issued {
  let issuer = root;
  for (let index = length - 2; index > 0; index--)
    issuer = intermediate(issuer, {
      subject: { ...issuing.subject, CN: `CA ${index}` },
      basicConstraints: { ca: true },
    });
  return codeSigner(issuer);
}

/** Another value for one of the four parts, or only those before it. */
export function parts(good: Buffer, index: number, value?: unknown): Uint8Array {
  const { protectedBytes, unprotectedHeaders, payload, signature } = decodeSign1(good, 2 ** 20);
  const all: unknown[] = [protectedBytes, unprotectedHeaders, payload, signature];
  return encodeCbor(
    new Tag(18, value === undefined ? all.slice(0, index) : all.with(index, value)),
  );
}

/** Another hexadecimal digit. */
export function flipped(good: Buffer, at: number): Buffer {
  good[at] = good[at] === 0x30 ? 0x31 : 0x30;
  return good;
}

/** Puts one more entry in front of the unprotected header's. */
export function unprotectedEntry(good: Buffer, key: string, value: string): Buffer {
  const { protectedBytes } = decodeSign1(good, 2 ** 20);
  const at = good.indexOf(protectedBytes) + protectedBytes.byteLength;
  return Buffer.concat([
    good.subarray(0, at),
    Buffer.from([(good[at] ?? 0) + 1]),
    Buffer.from(key + value, "hex"),
    good.subarray(at + 1),
  ]);
}

export function integer(bytes: Uint8Array): Buffer {
  const padded = (bytes[0] ?? 0) >= 0x80 ? Buffer.from([0, ...bytes]) : Buffer.from(bytes);
  return Buffer.concat([Buffer.from([2, padded.byteLength]), padded]);
}

/** The last character of 64 bytes in base64url has four bits that say nothing. */
export function spareBits(signature: string): string {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  return signature.slice(0, -1) + alphabet.charAt(alphabet.indexOf(signature.slice(-1)) + 1);
}
