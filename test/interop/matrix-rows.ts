// SPDX-License-Identifier: Apache-2.0
// The table: what is wrong with an input, what we answer, and, where notation 1.3.2 accepts it, why
// we are stricter.
import { Tag } from "../../provider/cose";
import { encodePayload } from "../../provider/notation/envelope/payload";
import { MEDIA_TYPES } from "../../provider/oci/media-types";
import {
  authority,
  codeSigner,
  intermediate,
  selfSigned,
  wrongCodeSigners,
} from "../harness/certificates";
import { extension } from "../harness/keys";
import { issuing, leaf, root } from "../notation/arrange";
import { at, authenticSigningTime, expiry, scheme, signingTime } from "../notation/envelope/forge";
import {
  AUDIT,
  C,
  CBOR,
  CERT,
  FORM,
  GOOD,
  HEADER,
  J,
  KEY,
  OLD,
  REVOKED,
  TRUST,
  UNSURE,
  WRONG,
  acme,
  alone,
  authorityScheme,
  by,
  chain,
  deep,
  domain,
  edit,
  expiredLeaf,
  flipped,
  futureLeaf,
  hexLike,
  integer,
  json,
  longChain,
  multiValued,
  namesake,
  now,
  onlyAcme,
  parts,
  signature,
  signed5DaysAgo,
  spareBits,
  stamp,
  stateless,
  stranger,
  twin,
  unknownCritical,
  unprotectedEntry,
  type Make,
} from "./matrix-forgeries";
import {
  ago,
  keepers,
  stamped,
  tsaEnded,
  tsaForMore,
  tsaNotCritical,
  tsaOfAnother,
  tsaWithoutPurpose,
  tsaYoung,
} from "./matrix-services";
import { cose, jws, signatureManifest, type Answer, type Trust } from "./matrix-world";

export interface Row {
  input: string;
  /**
   * Our answer, with its exact code. Where it is `verified`, notation must accept as well; else it
   * must refuse, but for `stricter`.
   */
  ours: Answer;
  /** Notation accepts this. Why we do not. */
  stricter?: string;
  trust?: Trust;
  make: Make;
}

const HEADERS: Row[] = [
  { input: "no algorithm", ours: FORM, make: C({ headers: { alg: undefined } }) },
  { input: "the algorithm of another curve", ours: WRONG, make: C({ headers: { alg: -35 } }) },
  { input: "RS256", ours: FORM, make: C({ headers: { alg: -257 } }) },
  { input: "EdDSA", ours: FORM, make: C({ headers: { alg: -8 } }) },
  { input: "the algorithm as text", ours: FORM, make: C({ headers: { alg: "ES256" } }) },
  {
    input: "the algorithm only in the unprotected header",
    ours: FORM,
    make: C({ headers: { alg: undefined }, unprotected: { alg: -7 } }),
  },
  {
    input: "the algorithm in both headers",
    ours: FORM,
    stricter: "RFC 9052 §3 has a label once over both headers",
    make: C({ unprotected: { alg: -7 } }),
  },
  {
    input: "crit in the unprotected header",
    ours: FORM,
    make: C({ headers: { crit: undefined }, unprotected: { crit: [scheme] } }),
  },
  { input: "no crit", ours: FORM, make: C({ headers: { crit: undefined } }) },
  { input: "an empty crit", ours: FORM, make: C({ headers: { crit: [] } }) },
  { input: "a crit that is no list", ours: FORM, make: C({ headers: { crit: scheme } }) },
  {
    input: "a crit entry that is not there",
    ours: FORM,
    make: C({ headers: { crit: [scheme, "x"] } }),
  },
  {
    input: "a crit entry twice",
    ours: FORM,
    stricter: "RFC 9052 gives a repeated entry no meaning",
    make: C({ headers: { crit: [scheme, scheme] } }),
  },
  {
    input: "the algorithm in crit",
    ours: FORM,
    stricter: "RFC 9052 §3.1 keeps labels 0 to 7 out of crit",
    make: C({ headers: { crit: [scheme, 1] } }),
  },
  {
    input: "an unknown critical attribute",
    ours: FORM,
    stricter: "the specification fails what must be understood and is not",
    make: C({ headers: { crit: [scheme, "x"], x: 1 } }),
  },
  {
    input: "an unknown critical attribute with a number",
    ours: FORM,
    stricter: "as above: x5t is critical and not understood",
    make: C({ headers: { crit: [scheme, 34] } }),
  },
  { input: "no content type", ours: FORM, make: C({ headers: { cty: undefined } }) },
  { input: "another content type", ours: FORM, make: C({ headers: { cty: "application/json" } }) },
  {
    input: "no signing scheme",
    ours: FORM,
    make: C({ headers: { [scheme]: undefined, crit: [signingTime] } }),
  },
  {
    input: "an unknown signing scheme",
    ours: FORM,
    make: C({ headers: { [scheme]: "notary.x510" } }),
  },
  {
    input: "a signing scheme that is not critical",
    ours: FORM,
    make: C({ headers: { crit: [signingTime] } }),
  },
  { input: "no signing time", ours: FORM, make: C({ headers: { [signingTime]: undefined } }) },
  {
    input: "a signing time without tag 1",
    ours: FORM,
    make: C({ headers: { [signingTime]: now } }),
  },
  {
    input: "a signing time as text under tag 0",
    ours: FORM,
    make: C({ headers: { [signingTime]: new Tag(0, "2026-01-01T00:00:00Z") } }),
  },
  {
    input: "a signing time of half a second",
    ours: FORM,
    stricter: "the specification has whole seconds; two readers would round it to two times",
    make: C({ headers: { [signingTime]: new Tag(1, now - 60.5) } }),
  },
  {
    input: "a signing time under another tag",
    ours: FORM,
    make: C({ headers: { [signingTime]: new Tag(100, now - 60) } }),
  },
  {
    input: "a signing time beyond the year 9999",
    ours: FORM,
    stricter: "RFC 3339, in which times are reported, ends there",
    make: C({ headers: { [signingTime]: at(2 ** 40) } }),
  },
  {
    input: "a crit entry that is bytes",
    ours: FORM,
    make: C({ headers: { crit: [scheme, Uint8Array.of(1)] } }),
  },
  {
    input: "a verification plugin that is a number",
    ours: FORM,
    make: C({
      headers: {
        crit: [scheme, "io.cncf.notary.verificationPlugin"],
        "io.cncf.notary.verificationPlugin": 1,
      },
    }),
  },
  {
    input: "a verification plugin without a name",
    ours: FORM,
    make: C({
      headers: {
        crit: [scheme, "io.cncf.notary.verificationPlugin"],
        "io.cncf.notary.verificationPlugin": " ",
      },
    }),
  },
  {
    input: "a timestamp of 300 KiB",
    ours: FORM,
    stricter: "at most 256 KiB are read; nobody asked about it under this policy",
    make: C({ unprotected: { "io.cncf.notary.timestampSignature": new Uint8Array(300 * 1024) } }),
  },
  {
    input: "an expiry that is not critical",
    ours: FORM,
    make: C({ headers: { [expiry]: at(now + 600) } }),
  },
  {
    input: "an expiry at the signing time",
    ours: FORM,
    make: C({ headers: { [signingTime]: at(now), crit: [scheme, expiry], [expiry]: at(now) } }),
  },
  {
    input: "an expiry that lies ahead",
    ours: GOOD,
    make: C({ headers: { crit: [scheme, expiry], [expiry]: at(now + 600) } }),
  },
  {
    input: "a verification plugin with a critical attribute of its own",
    ours: UNSURE,
    make: C({
      headers: {
        crit: [scheme, "io.cncf.notary.verificationPlugin", "x"],
        "io.cncf.notary.verificationPlugin": "p",
        x: 1,
      },
    }),
  },
  {
    input: "an expiry that has passed",
    ours: OLD,
    make: C({
      headers: { [signingTime]: at(now - 600), crit: [scheme, expiry], [expiry]: at(now - 60) },
    }),
  },
  {
    input: "a signing authority's time under notary.x509",
    ours: FORM,
    stricter: "the two schemes' times exclude each other",
    make: C({ headers: { crit: [scheme, authenticSigningTime], [authenticSigningTime]: at(now) } }),
  },
  {
    input: "a signing authority without its time",
    ours: FORM,
    make: C({ headers: { [scheme]: "notary.x509.signingAuthority" } }),
  },
  {
    input: "a signing authority's time that is not critical",
    ours: FORM,
    make: C({ headers: { ...authorityScheme, crit: [scheme] } }),
  },
  {
    input: "a verification plugin that is not critical",
    ours: FORM,
    make: C({ headers: { "io.cncf.notary.verificationPlugin": "p" } }),
  },
  {
    input: "a verification plugin that is not there",
    ours: UNSURE,
    make: C({
      headers: {
        crit: [scheme, "io.cncf.notary.verificationPlugin"],
        "io.cncf.notary.verificationPlugin": "p",
      },
    }),
  },
  {
    input: "a timestamp that is text",
    ours: FORM,
    stricter: "notation takes it for none; the specification has a byte string",
    make: C({ unprotected: { "io.cncf.notary.timestampSignature": "x" } }),
  },
];

const CHAINS: Row[] = [
  { input: "no certificate chain", ours: FORM, make: C({ unprotected: { x5chain: undefined } }) },
  { input: "an empty chain", ours: FORM, make: C({ unprotected: { x5chain: [] } }) },
  {
    input: "a bare certificate for a chain",
    ours: FORM,
    make: C({ unprotected: { x5chain: Uint8Array.from(leaf.der) } }),
  },
  { input: "a chain of text", ours: FORM, make: C({ unprotected: { x5chain: ["x"] } }) },
  {
    input: "a chain in the protected header only",
    ours: FORM,
    make: C({
      headers: { x5chain: chain(leaf, issuing, root) },
      unprotected: { x5chain: undefined },
    }),
  },
  {
    input: "a chain in both headers",
    ours: FORM,
    stricter: "RFC 9052 §3 has a label once over both headers",
    make: C({ headers: { x5chain: chain(leaf, issuing, root) } }),
  },
  {
    input: "a certificate that is none",
    ours: CERT,
    make: C({ unprotected: { x5chain: [Uint8Array.of(1, 2, 3)] } }),
  },
  {
    input: "a certificate with a byte after it",
    ours: CERT,
    make: C({
      unprotected: {
        x5chain: chain(leaf, issuing, root).map((der) => Uint8Array.from([...der, 0])),
      },
    }),
  },
  { input: "the leaf alone", ours: CERT, make: C({ unprotected: { x5chain: chain(leaf) } }) },
  {
    input: "the chain without its root",
    ours: CERT,
    make: C({ unprotected: { x5chain: chain(leaf, issuing) } }),
  },
  {
    input: "the chain with its root first",
    ours: ["invalid", "SIGNATURE_INVALID"],
    make: C({ unprotected: { x5chain: chain(root, issuing, leaf) } }),
  },
  {
    input: "the chain with the authorities swapped",
    ours: CERT,
    make: C({ unprotected: { x5chain: chain(leaf, root, issuing) } }),
  },
  {
    input: "the chain with the leaf twice",
    ours: CERT,
    make: C({ unprotected: { x5chain: chain(leaf, leaf, issuing, root) } }),
  },
  {
    input: "the chain with its root twice",
    ours: CERT,
    make: C({ unprotected: { x5chain: chain(leaf, issuing, root, root) } }),
  },
  {
    input: "an authority of another name with the issuer's key",
    ours: CERT,
    make: C({ unprotected: { x5chain: chain(leaf, twin, root) } }),
  },
  {
    input: "a leaf with an extension twice",
    ours: CERT,
    make: C({
      by: codeSigner(issuing, {
        extensions: [extension("2.5.29.15", true, Buffer.from("03020780", "hex"))],
      }),
    }),
  },
  {
    input: "an authority whose key usage is not critical",
    ours: CERT,
    make: C({ by: codeSigner(intermediate(root, { keyUsageCritical: false })) }),
  },
  {
    input: "a trusted certificate after a stranger's chain",
    ours: CERT,
    make: C({ by: stranger, unprotected: { x5chain: [...chain(stranger, issuing, root)] } }),
  },
  {
    input: "the chain of another leaf",
    ours: WRONG,
    make: C({
      unprotected: { x5chain: codeSigner(issuing).chain.map((der) => Uint8Array.from(der)) },
    }),
  },
  {
    input: "a right chain of eleven",
    ours: FORM,
    stricter: "at most ten certificates are read, so that a hostile envelope costs little",
    make: C({ by: longChain(11) }),
  },
  { input: "a right chain of ten", ours: GOOD, make: C({ by: longChain(10) }) },
  {
    input: "a leaf signed with SHA-1",
    ours: CERT,
    make: C({ by: codeSigner(issuing, { digest: "sha1" }) }),
  },
  {
    input: "an authority that is none",
    ours: CERT,
    make: C({ by: codeSigner(intermediate(root, { basicConstraints: { ca: false } })) }),
  },
  {
    input: "an authority without basic constraints",
    ours: CERT,
    make: C({ by: codeSigner(intermediate(root, { basicConstraints: null })) }),
  },
  {
    input: "an authority whose basic constraints are not critical",
    ours: CERT,
    stricter: "the specification wants them critical",
    make: C({
      by: codeSigner(intermediate(root, { basicConstraints: { ca: true, critical: false } })),
    }),
  },
  {
    input: "an authority without keyCertSign",
    ours: CERT,
    make: C({ by: codeSigner(intermediate(root, { keyUsage: ["cRLSign"] })) }),
  },
  {
    input: "an authority below one with path length 0",
    ours: CERT,
    make: C({
      by: codeSigner(intermediate(issuing, { subject: { ...issuing.subject, CN: "Below" } })),
    }),
  },
  { input: "a self-signed leaf that is a CA", ours: CERT, make: C({ by: authority() }) },
  ...Object.entries(wrongCodeSigners(issuing))
    .map(([why, issued]): Row => ({
      input: `a leaf with ${why}`,
      ours: /key of|Ed25519|curve/.test(why) ? KEY : CERT,
      ...(why === "any extended key usage"
        ? { stricter: "the specification forbids anyExtendedKeyUsage" }
        : {}),
      make: C({ by: issued }),
    }))
    .map((row) => ({ ...row, ours: /Ed25519|1024|secp256k1/.test(row.input) ? KEY : row.ours })),
];

const BYTES: Row[] = [
  {
    input: "a signature in DER",
    ours: WRONG,
    make: C({
      signature: (good) =>
        Buffer.concat([
          Buffer.from("3044", "hex"),
          integer(good.subarray(0, 32)),
          integer(good.subarray(32)),
        ]),
    }),
  },
  { input: "an empty signature", ours: FORM, make: C({ signature: () => new Uint8Array(0) }) },
  {
    input: "a signature cut by a byte",
    ours: WRONG,
    make: C({ signature: (good) => good.subarray(1) }),
  },
  { input: "a signature of zeros", ours: WRONG, make: C({ signature: () => new Uint8Array(64) }) },
  {
    input: "a signature with r and s swapped",
    ours: WRONG,
    make: C({
      signature: (good) => Uint8Array.from([...good.subarray(32), ...good.subarray(0, 32)]),
    }),
  },
  { input: "a signature by another key", ours: WRONG, make: C({ key: codeSigner(issuing) }) },
  {
    input: "the payload changed after signing",
    ours: WRONG,
    make: edit((good) => flipped(good, good.indexOf('"digest":"sha256:') + 20)),
  },
  {
    input: "an array whose length is not the shortest",
    ours: FORM,
    make: edit((good) => Buffer.from([0xd2, 0x98, 4, ...good.subarray(2)])),
  },
  {
    input: "tag 18 in two bytes",
    ours: FORM,
    make: edit((good) => Buffer.from([0xd8, 18, ...good.subarray(1)])),
  },
  {
    input: "a number beyond 64 bits for a key",
    ours: CBOR,
    make: edit((good) => unprotectedEntry(good, "c249010000000000000000", "00")),
  },
  {
    input: "a key that is null",
    ours: CBOR,
    make: edit((good) => unprotectedEntry(good, "f6", "00")),
  },
  {
    input: "a key that is a floating-point number",
    ours: CBOR,
    make: edit((good) => unprotectedEntry(good, "f93c00", "00")),
  },
  {
    input: "a key that is bytes",
    ours: CBOR,
    make: edit((good) => unprotectedEntry(good, "4101", "00")),
  },
  {
    input: "the largest key of 64 bits",
    ours: CBOR,
    make: edit((good) => unprotectedEntry(good, "1bffffffffffffffff", "00")),
  },
  {
    input: "text that is not UTF-8",
    ours: CBOR,
    make: edit((good) => unprotectedEntry(good, "6161", "62c328")),
  },
  {
    input: "a value that is undefined",
    ours: GOOD,
    make: edit((good) => unprotectedEntry(good, "6161", "f7")),
  },
  {
    input: "a value that is a simple one",
    ours: CBOR,
    stricter: "nobody has given it a meaning",
    make: edit((good) => unprotectedEntry(good, "6161", "e0")),
  },
  {
    input: "a key twice, in two encodings",
    ours: CBOR,
    make: edit((good) => unprotectedEntry(good, "1821", "00")),
  },
  {
    input: "a key twice in a map of a value",
    ours: CBOR,
    make: edit((good) => unprotectedEntry(good, "6161", "a201000100")),
  },
  {
    input: "text of indefinite length",
    ours: CBOR,
    make: edit((good) => unprotectedEntry(good, "6161", "7f6161ff")),
  },
  {
    input: "a payload that is not attached",
    ours: FORM,
    make: edit((good) => parts(good, 2, null)),
  },
  {
    input: "a protected header that is not wrapped",
    ours: FORM,
    make: edit((good) => parts(good, 0, new Map([[1, -7]]))),
  },
  {
    input: "an unprotected header that is a list",
    ours: FORM,
    make: edit((good) => parts(good, 1, [])),
  },
  {
    input: "a signature that is text",
    ours: FORM,
    make: edit((good) => parts(good, 3, "x".repeat(64))),
  },
  { input: "three parts", ours: FORM, make: edit((good) => parts(good, 3)) },
  { input: "no tag", ours: FORM, make: edit((good) => good.subarray(1)) },
  { input: "tag 17", ours: FORM, make: edit((good) => Buffer.from([0xd1, ...good.subarray(1)])) },
  {
    input: "a byte after the envelope",
    ours: CBOR,
    make: edit((good) => Buffer.from([...good, 0])),
  },
  { input: "the last byte cut off", ours: CBOR, make: edit((good) => good.subarray(0, -1)) },
  { input: "half of it", ours: CBOR, make: edit((good) => good.subarray(0, good.byteLength >> 1)) },
  { input: "nothing", ours: CBOR, make: edit(() => Buffer.alloc(0)) },
  {
    input: "an array of indefinite length",
    ours: CBOR,
    make: edit((good) => Buffer.from([0xd2, 0x9f, ...good.subarray(2), 0xff])),
  },
  {
    input: "a protected header with a key twice",
    ours: CBOR,
    make: C({ protectedBytes: Buffer.from("a201260126", "hex") }),
  },
  {
    input: "a protected header that is no map",
    ours: FORM,
    make: C({ protectedBytes: Buffer.from("80", "hex") }),
  },
  {
    input: "an empty protected header",
    ours: FORM,
    make: C({ protectedBytes: new Uint8Array(0) }),
  },
  {
    input: "a tag in the unprotected header",
    ours: FORM,
    make: C({ unprotected: { note: new Tag(1, 1) } }),
  },
  {
    input: "a tag deep in the unprotected header",
    ours: FORM,
    make: C({ unprotected: { note: [new Map([["a", [new Tag(1, 1)]]])] } }),
  },
  {
    input: "a tag in a protected attribute",
    ours: GOOD,
    make: C({ headers: { note: new Tag(1, 1) } }),
  },
  {
    input: "18 levels in the unprotected header",
    ours: CBOR,
    stricter: "at most 16 levels are read",
    make: C({ unprotected: { note: deep } }),
  },
  {
    input: "more than 1 MiB",
    ours: ["invalid", "ENVELOPE_TOO_LARGE"],
    stricter: "notation reads 32 MiB; a real envelope has less than 100 KiB",
    make: C({ unprotected: { note: new Uint8Array(2 ** 20) } }),
  },
  {
    input: "20,000 items",
    ours: CBOR,
    stricter: "at most 10,000 items are read",
    make: C({ unprotected: { note: Array.from({ length: 20_000 }, () => 0) } }),
  },
  {
    input: "JSON in an envelope of type COSE",
    ours: CBOR,
    make: signature(async (target) => ({
      ...(await jws(target, { by: leaf })),
      mediaType: MEDIA_TYPES.cose,
    })),
  },
  {
    input: "COSE in an envelope of type JWS",
    ours: FORM,
    make: signature(async (target) => ({ ...(await cose(target)), mediaType: MEDIA_TYPES.jws })),
  },
  {
    input: "an envelope of an unknown type",
    ours: ["invalid", "ENVELOPE_UNSUPPORTED"],
    make: signature(async (target) => ({
      ...(await cose(target)),
      mediaType: "application/pgp-signature",
    })),
  },
];

const PAYLOADS: Row[] = [
  { input: "a payload that is no JSON", ours: FORM, make: C({ payload: Buffer.from("x") }) },
  { input: "a payload without a target", ours: FORM, make: C({ payload: Buffer.from("{}") }) },
  {
    input: "a payload whose size is text",
    ours: FORM,
    make: signature((target) =>
      cose(target, { payload: json({ targetArtifact: { ...target, size: String(target.size) } }) }),
    ),
  },
  {
    input: "a payload with two targets",
    ours: FORM,
    stricter: "which of two members counts depends on the reader",
    make: signature((target) =>
      cose(target, {
        payload: Buffer.from(`{"targetArtifact":{},"targetArtifact":${JSON.stringify(target)}}`),
      }),
    ),
  },
  {
    input: "a payload whose member is in another case",
    ours: FORM,
    stricter: "JSON is case-sensitive; Go's reader is not",
    make: signature((target) =>
      cose(target, { payload: Buffer.from(`{"TargetArtifact":${JSON.stringify(target)}}`) }),
    ),
  },
  {
    input: "the digest of another artifact",
    ours: WRONG,
    make: signature((target) =>
      cose(target, { payload: encodePayload({ ...target, digest: `sha256:${"0".repeat(64)}` }) }),
    ),
  },
  {
    input: "another size",
    ours: WRONG,
    make: signature((target) =>
      cose(target, { payload: encodePayload({ ...target, size: target.size + 1 }) }),
    ),
  },
  {
    input: "another media type",
    ours: WRONG,
    make: signature((target) =>
      cose(target, { payload: encodePayload({ ...target, mediaType: MEDIA_TYPES.index }) }),
    ),
  },
];

const MANIFESTS: Row[] = [
  { input: "no signature", ours: ["missing", "SIGNATURE_MISSING"], make: async () => undefined },
  {
    input: "a signature manifest with two layers",
    ours: FORM,
    make: async (target) => signatureManifest(target, [await cose(target), await cose(target)]),
  },
  {
    input: "a signature manifest without an envelope",
    ours: ["invalid", "ENVELOPE_UNSUPPORTED"],
    make: async (target) => signatureManifest(target, []),
  },
  {
    input: "a signature manifest of another type",
    ours: ["missing", "SIGNATURE_MISSING"],
    make: async (target) =>
      signatureManifest(target, [await cose(target)], { artifactType: "application/vnd.example" }),
  },
  {
    input: "a signature manifest with a config of another type",
    ours: GOOD,
    make: async (target) =>
      signatureManifest(target, [await cose(target)], { config: "application/vnd.example" }),
  },
  { input: "a good signature", ours: GOOD, make: C() },
];

const TRUSTED: Row[] = [
  { input: "a root that is not trusted", ours: TRUST, make: C({ by: stranger }) },
  { input: "a root of the same name that is not trusted", ours: TRUST, make: C({ by: namesake }) },
  {
    input: "a self-signed certificate that is not trusted",
    ours: TRUST,
    make: C({ by: selfSigned() }),
  },
  {
    input: "a self-signed certificate that is trusted",
    ours: GOOD,
    trust: { ca: [alone] },
    make: C({ by: alone }),
  },
  { input: "another identity", ours: TRUST, make: C({ by: acme }) },
  { input: "a subject without a state", ours: TRUST, make: C({ by: stateless }) },
  {
    input: "a subject without a state, with any identity trusted",
    ours: GOOD,
    trust: { identities: ["*"] },
    make: C({ by: stateless }),
  },
  {
    input: "a signing authority whose root is trusted as a ca only",
    ours: TRUST,
    make: C({ headers: authorityScheme }),
  },
  {
    input: "a signing authority that is trusted",
    ours: GOOD,
    trust: { ca: [], signingAuthority: [root] },
    make: C({ headers: authorityScheme }),
  },
  {
    input: "a signer whose root is trusted as a signing authority only",
    ours: TRUST,
    trust: { ca: [], signingAuthority: [root] },
    make: C(),
  },
  {
    input: "a policy for another repository",
    ours: ["error", "TRUST_POLICY_NOT_APPLICABLE"],
    trust: { scopes: ["registry.example/other"] },
    make: C(),
  },
  {
    input: "a trusted authority between leaf and root",
    ours: GOOD,
    trust: { ca: [issuing] },
    make: C(),
  },
  {
    input: "a leaf in the trust store",
    ours: ["error", "TRUST_STORE_INVALID"],
    trust: { ca: [leaf] },
    make: C(),
  },
  {
    input: "an identity with S for ST and escapes",
    ours: GOOD,
    trust: { identities: ["x509.subject: C=US, S=WA, O=Wabbit\\20Networks"] },
    make: C(),
  },
  {
    input: "an identity in lower case",
    ours: ["error", "TRUST_POLICY_INVALID"],
    trust: { identities: ["x509.subject: c=US, st=WA, o=Wabbit Networks"] },
    make: C(),
  },
  {
    input: "an identity with one attribute more than the subject",
    ours: TRUST,
    trust: { identities: ["x509.subject: C=US, ST=WA, O=Wabbit Networks, OU=Release"] },
    make: C(),
  },
  {
    input: "an organization in another case",
    ours: TRUST,
    trust: { identities: ["x509.subject: C=US, ST=WA, O=wabbit networks"] },
    make: C(),
  },
  {
    input: "an identity without an organization",
    ours: ["error", "TRUST_POLICY_INVALID"],
    trust: { identities: ["x509.subject: C=US, ST=WA"] },
    make: C(),
  },
  {
    input: "an identity in hexadecimal",
    ours: ["error", "TRUST_POLICY_INVALID"],
    trust: { identities: ["x509.subject: C=US, ST=WA, O=#1304"] },
    make: C(),
  },
  {
    input: "identities that overlap",
    ours: ["error", "TRUST_POLICY_INVALID"],
    trust: {
      identities: [
        "x509.subject: C=US, ST=WA, O=Wabbit Networks",
        "x509.subject: C=US, ST=WA, O=Wabbit Networks, CN=x",
      ],
    },
    make: C(),
  },
  {
    input: "a subject of one multi-valued relative name",
    ours: TRUST,
    stricter: "the specification has no multi-valued names; notation takes them apart",
    make: C({ by: multiValued }),
  },
  {
    input: "a subject of one multi-valued relative name, with any identity trusted",
    ours: GOOD,
    trust: { identities: ["*"] },
    make: C({ by: multiValued }),
  },
  {
    input: "a leaf with a critical extension that is not known",
    ours: UNSURE,
    stricter: "RFC 5280 §4.2 does not let what must be understood be passed over",
    make: C({ by: codeSigner(issuing, { extensions: [unknownCritical] }) }),
  },
  {
    input: "an authority with a critical extension that is not known",
    ours: UNSURE,
    stricter: "as above",
    make: C({ by: codeSigner(intermediate(root, { extensions: [unknownCritical] })) }),
  },
  {
    input: "a leaf with an extension that is not known and not critical",
    ours: GOOD,
    make: C({
      by: codeSigner(issuing, {
        extensions: [extension("1.2.3.4", false, Uint8Array.of(0x05, 0x00))],
      }),
    }),
  },
  {
    // Neither of us applies them: whose names count is what trusted identities say.
    input: "an authority whose name constraints leave its leaf's name out",
    ours: GOOD,
    make: C({ by: codeSigner(intermediate(root, { extensions: [onlyAcme] })) }),
  },
  { input: "a subject with a domain component", ours: TRUST, make: C({ by: domain }) },
  { input: "a subject with =# in a value", ours: TRUST, make: C({ by: hexLike }) },
  {
    input: "a subject with commas and pluses in its values",
    ours: GOOD,
    trust: { identities: ["x509.subject: C=US, ST=WA, O=Wabbit\\, Inc\\+"] },
    make: C({ by: codeSigner(issuing, { subject: { C: "US", ST: "WA", O: "Wabbit, Inc+" } }) }),
  },
  {
    input: "two statements, the strict one for this repository",
    ours: TRUST,
    trust: { scopes: ["HERE"], others: [AUDIT] },
    make: C({ by: acme }),
  },
  {
    input: "two statements for one scope",
    ours: ["error", "TRUST_POLICY_INVALID"],
    trust: { others: [AUDIT] },
    make: C(),
  },
  { input: "a policy for this repository", ours: GOOD, trust: { scopes: ["HERE"] }, make: C() },
];

const TIMES: Row[] = [
  { input: "an expired leaf", ours: OLD, make: C({ by: expiredLeaf, headers: signed5DaysAgo }) },
  { input: "a leaf that is not valid yet", ours: TRUST, make: C({ by: futureLeaf }) },
  {
    input: "an expired leaf with a timestamp from before",
    ours: GOOD,
    trust: { tsa: [keepers] },
    make: stamp({ by: expiredLeaf, headers: signed5DaysAgo }, { time: ago(5) }),
  },
  {
    input: "an expired leaf with a timestamp from after",
    ours: OLD,
    trust: { tsa: [keepers] },
    make: stamp({ by: expiredLeaf, headers: signed5DaysAgo }, { time: ago(0.5) }),
  },
  {
    input: "an expired leaf with a timestamp that may be from after",
    ours: OLD,
    trust: { tsa: [keepers] },
    make: stamp(
      { by: expiredLeaf, headers: signed5DaysAgo },
      { time: ago(2), accuracy: 2 * 86_400 },
    ),
  },
  {
    input: "an expired leaf with a timestamp, and no authority for it",
    ours: OLD,
    make: stamp({ by: expiredLeaf, headers: signed5DaysAgo }, { time: ago(5) }),
  },
  { input: "no timestamp where one is needed", ours: TRUST, trust: { tsa: [keepers] }, make: C() },
  {
    input: "no timestamp where only an expired certificate needs one",
    ours: GOOD,
    trust: { tsa: [keepers], verifyTimestamp: "afterCertExpiry" },
    make: C(),
  },
  {
    input: "an expired leaf without a timestamp, where it needs one",
    ours: TRUST,
    trust: { tsa: [keepers], verifyTimestamp: "afterCertExpiry" },
    make: C({ by: expiredLeaf, headers: signed5DaysAgo }),
  },
  {
    input: "a timestamp by an authority that is not trusted",
    ours: TRUST,
    trust: { tsa: [keepers] },
    make: stamp({}, { by: tsaOfAnother }),
  },
  {
    input: "a timestamp of something else",
    ours: ["untrusted", "SIGNATURE_INVALID"],
    trust: { tsa: [keepers] },
    make: stamp({}, { over: Buffer.from("else") }),
  },
  {
    input: "a timestamp by a leaf for code signing",
    ours: TRUST,
    trust: { tsa: [keepers] },
    make: stamp({}, { by: tsaWithoutPurpose }),
  },
  {
    input: "a timestamp by an authority whose certificate had ended",
    ours: TRUST,
    trust: { tsa: [keepers] },
    make: stamp({}, { by: tsaEnded }),
  },
  {
    input: "a timestamp from before the authority's certificate",
    ours: TRUST,
    trust: { tsa: [keepers] },
    make: stamp({}, { time: ago(9.5), by: tsaYoung }),
  },
  {
    input: "a timestamp with a critical extension that is not known",
    ours: ["untrusted", "SIGNATURE_INVALID"],
    stricter: "what is critical must be understood",
    trust: { tsa: [keepers] },
    make: stamp({}, { demand: true }),
  },
  {
    input: "a timestamp of version 2",
    ours: ["untrusted", "SIGNATURE_INVALID"],
    trust: { tsa: [keepers] },
    make: stamp({}, { version: 2 }),
  },
  {
    input: "a timestamp by a leaf with one more purpose",
    ours: TRUST,
    trust: { tsa: [keepers] },
    make: stamp({}, { by: tsaForMore }),
  },
  {
    input: "an empty timestamp where one is needed",
    ours: TRUST,
    trust: { tsa: [keepers] },
    make: C({ unprotected: { "io.cncf.notary.timestampSignature": new Uint8Array(0) } }),
  },
  {
    input: "a timestamp by a leaf whose purpose is not critical",
    ours: TRUST,
    trust: { tsa: [keepers] },
    make: stamp({}, { by: tsaNotCritical }),
  },
  {
    input: "a timestamp that is garbage",
    ours: ["untrusted", "SIGNATURE_INVALID"],
    trust: { tsa: [keepers] },
    make: C({ unprotected: { "io.cncf.notary.timestampSignature": Uint8Array.of(1, 2, 3) } }),
  },
  { input: "a good timestamp", ours: GOOD, trust: { tsa: [keepers] }, make: stamp({}, {}) },
  {
    input: "a timestamp by an authority whose certificate is revoked",
    ours: REVOKED,
    trust: { tsa: [keepers] },
    make: signature(async (target, { tsaRevoked }) =>
      stamped(await cose(target), { by: tsaRevoked }),
    ),
  },
  {
    input: "a timestamp by an authority of which nobody can say",
    ours: UNSURE,
    trust: { tsa: [keepers] },
    make: signature(async (target, { tsaUnsure }) =>
      stamped(await cose(target), { by: tsaUnsure }),
    ),
  },
  {
    input: "the same, where revocation of the signer is skipped",
    ours: REVOKED,
    trust: { tsa: [keepers], override: { revocation: "skip" } },
    make: signature(async (target, { tsaRevoked }) =>
      stamped(await cose(target), { by: tsaRevoked }),
    ),
  },
  {
    input: "an authority between in the trust store for timestamps",
    ours: ["error", "TRUST_STORE_INVALID"],
    trust: { tsa: [intermediate(keepers)] },
    make: stamp({}, {}),
  },
  {
    input: "a signing authority's time, where timestamps are needed",
    ours: GOOD,
    trust: { ca: [root], signingAuthority: [root], tsa: [keepers] },
    make: C({ headers: authorityScheme }),
  },
  {
    input: "an expired leaf at a signing authority's time from before",
    ours: GOOD,
    trust: { ca: [], signingAuthority: [root] },
    make: C({
      by: expiredLeaf,
      headers: { ...authorityScheme, [authenticSigningTime]: at(now - 5 * 86_400) },
    }),
  },
  {
    input: "an expired leaf at a signing authority's time from after",
    ours: OLD,
    trust: { ca: [], signingAuthority: [root] },
    make: C({
      by: expiredLeaf,
      headers: { ...authorityScheme, [authenticSigningTime]: at(now - 43_200) },
    }),
  },
  {
    input: "a timestamp from tomorrow",
    ours: ["untrusted", "SIGNATURE_INVALID"],
    trust: { tsa: [keepers] },
    stricter: "no clock that is right can have given it",
    make: stamp({}, { time: ago(-1) }),
  },
];

const REVOCATION: Row[] = [
  { input: "good by OCSP", ours: GOOD, make: by("ocspGood") },
  { input: "revoked by OCSP", ours: REVOKED, make: by("ocspRevoked") },
  { input: "not known to the OCSP responder", ours: UNSURE, make: by("ocspUnknown") },
  {
    input: "an OCSP answer by another authority of the same name",
    ours: UNSURE,
    make: by("ocspByAnother"),
  },
  { input: "an OCSP responder that is down", ours: UNSURE, make: by("ocspDown") },
  { input: "good by the revocation list", ours: GOOD, make: by("crlGood") },
  { input: "revoked by the revocation list", ours: REVOKED, make: by("crlRevoked") },
  { input: "a revocation list that is out of date", ours: UNSURE, make: by("crlStale") },
  {
    input: "a revocation list by another authority of the same name",
    ours: UNSURE,
    make: by("crlByAnother"),
  },
  { input: "a revocation list that is not there", ours: UNSURE, make: by("crlGone") },
  { input: "the responder down, good by the list", ours: GOOD, make: by("ocspDownCrlGood") },
  {
    input: "the responder down, revoked by the list",
    ours: REVOKED,
    make: by("ocspDownCrlRevoked"),
  },
  {
    input: "revoked, where revocation is skipped",
    ours: GOOD,
    trust: { override: { revocation: "skip" } },
    make: by("ocspRevoked"),
  },
  {
    input: "revoked, where revocation is only logged",
    ours: GOOD,
    trust: { override: { revocation: "log" } },
    make: by("ocspRevoked"),
  },
];

const LEVELS: Row[] = [
  {
    input: "permissive: an expiry that has passed",
    ours: GOOD,
    trust: { level: "permissive" },
    make: C({
      headers: { [signingTime]: at(now - 600), crit: [scheme, expiry], [expiry]: at(now - 60) },
    }),
  },
  {
    input: "permissive: an expired leaf",
    ours: GOOD,
    trust: { level: "permissive" },
    make: C({ by: expiredLeaf, headers: signed5DaysAgo }),
  },
  {
    input: "permissive: revoked",
    ours: GOOD,
    trust: { level: "permissive" },
    make: by("ocspRevoked"),
  },
  {
    input: "permissive: revoked, and revocation enforced",
    ours: REVOKED,
    trust: { level: "permissive", override: { revocation: "enforce" } },
    make: by("ocspRevoked"),
  },
  {
    input: "permissive: a root that is not trusted",
    ours: TRUST,
    trust: { level: "permissive" },
    make: C({ by: stranger }),
  },
  {
    input: "permissive: another identity",
    ours: TRUST,
    trust: { level: "permissive" },
    make: C({ by: acme }),
  },
  {
    input: "audit: a root that is not trusted",
    ours: GOOD,
    trust: { level: "audit" },
    make: C({ by: stranger }),
  },
  {
    input: "audit: another identity",
    ours: GOOD,
    trust: { level: "audit" },
    make: C({ by: acme }),
  },
  {
    input: "audit: an identity that is enforced",
    ours: TRUST,
    trust: { level: "audit", override: { authenticity: "enforce" } },
    make: C({ by: acme }),
  },
  {
    input: "audit: a signature by another key",
    ours: WRONG,
    trust: { level: "audit" },
    make: C({ key: codeSigner(issuing) }),
  },
  {
    input: "audit: the digest of another artifact",
    ours: WRONG,
    trust: { level: "audit" },
    make: signature((target) =>
      cose(target, { payload: encodePayload({ ...target, digest: `sha256:${"0".repeat(64)}` }) }),
    ),
  },
  {
    input: "strict: an expiry that has passed, only logged",
    ours: GOOD,
    trust: { override: { expiry: "log" } },
    make: C({
      headers: { [signingTime]: at(now - 600), crit: [scheme, expiry], [expiry]: at(now - 60) },
    }),
  },
  {
    input: "skip: garbage",
    ours: GOOD,
    trust: { level: "skip", scopes: ["HERE"], ca: [] },
    make: edit(() => Buffer.from("garbage")),
  },
];

const JWS: Row[] = [
  { input: "JWS: good", ours: GOOD, make: J() },
  { input: "JWS: the algorithm none", ours: FORM, make: J({ header: { alg: "none" } }) },
  { input: "JWS: HS256", ours: FORM, make: J({ header: { alg: "HS256" } }) },
  { input: "JWS: RS256", ours: FORM, make: J({ header: { alg: "RS256" } }) },
  {
    input: "JWS: the algorithm of another curve",
    ours: WRONG,
    make: J({ header: { alg: "ES384" } }),
  },
  { input: "JWS: no crit", ours: FORM, make: J({ header: { crit: undefined } }) },
  {
    input: "JWS: an unknown critical attribute",
    ours: WRONG,
    stricter: "the specification fails what must be understood and is not",
    make: J({ header: { crit: [scheme, "x"], x: 1 } }),
  },
  {
    input: "JWS: a verification plugin with a critical attribute of its own",
    ours: UNSURE,
    make: J({
      header: {
        crit: [scheme, "io.cncf.notary.verificationPlugin", "x"],
        "io.cncf.notary.verificationPlugin": "p",
        x: 1,
      },
    }),
  },
  {
    input: "JWS: an expiry that is not critical",
    ours: FORM,
    make: J({ header: { [expiry]: "2099-01-01T00:00:00Z" } }),
  },
  {
    input: "JWS: an expiry that has passed",
    ours: OLD,
    make: J({
      header: {
        crit: [scheme, expiry],
        [signingTime]: "2026-01-01T00:00:00Z",
        [expiry]: "2026-01-02T00:00:00Z",
      },
    }),
  },
  {
    input: "JWS: a time without a zone",
    ours: FORM,
    make: J({ header: { [signingTime]: "2026-01-01T00:00:00" } }),
  },
  {
    input: "JWS: another content type",
    ours: FORM,
    make: J({ header: { cty: "application/json" } }),
  },
  {
    input: "JWS: a time in lower case",
    ours: FORM,
    make: J({ header: { [signingTime]: "2026-01-01t00:00:00z" } }),
  },
  {
    input: "JWS: a time in another zone, with a fraction",
    ours: GOOD,
    make: J({
      header: {
        [signingTime]: new Date((now - 60) * 1000 + 7_200_500).toISOString().replace("Z", "+02:00"),
      },
    }),
  },
  { input: "JWS: a time as a number", ours: FORM, make: J({ header: { [signingTime]: now } }) },
  {
    input: "JWS: a member of the header twice",
    ours: FORM,
    stricter: "which of two members counts depends on the reader",
    make: signature((target) =>
      jws(target, { by: leaf, header: `{"alg":"PS256",${HEADER.slice(1)}` }),
    ),
  },
  {
    input: "JWS: the algorithm in both headers",
    ours: FORM,
    stricter: "RFC 7515 §7.2.1 has a name once over both headers",
    make: J({ unprotected: { alg: "ES256" } }),
  },
  {
    input: "JWS: crit in the unprotected header",
    ours: FORM,
    make: J({ header: { crit: undefined }, unprotected: { crit: [scheme] } }),
  },
  {
    input: "JWS: an unknown member of the unprotected header",
    ours: GOOD,
    make: J({ unprotected: { note: 1 } }),
  },
  {
    input: "JWS: an unknown protected attribute",
    ours: GOOD,
    make: J({ header: { note: { a: 1 } } }),
  },
  {
    input: "JWS: base64 with padding",
    ours: FORM,
    make: J({ members: (good) => ({ ...good, signature: `${String(good["signature"])}==` }) }),
  },
  {
    input: "JWS: a signing authority that is trusted",
    ours: GOOD,
    trust: { ca: [], signingAuthority: [root] },
    make: J({
      header: {
        [scheme]: "notary.x509.signingAuthority",
        [signingTime]: undefined,
        [authenticSigningTime]: new Date((now - 60) * 1000).toISOString(),
        crit: [scheme, authenticSigningTime],
      },
    }),
  },
  {
    input: "JWS: base64 with spare bits that are not zero",
    ours: FORM,
    stricter: "two texts would be one signature",
    make: J({ members: (good) => ({ ...good, signature: spareBits(String(good["signature"])) }) }),
  },
  {
    input: "JWS: the 30th of February",
    ours: FORM,
    make: J({ header: { [signingTime]: "2026-02-30T00:00:00Z" } }),
  },
  {
    input: "JWS: a timestamp of 300 KiB",
    ours: FORM,
    stricter: "at most 256 KiB are read; nobody asked about it under this policy",
    make: J({
      unprotected: {
        "io.cncf.notary.timestampSignature": Buffer.alloc(300 * 1024).toString("base64"),
      },
    }),
  },
  {
    input: "JWS: 65 levels",
    ours: FORM,
    stricter: "at most 64 levels are read",
    make: J({
      members: (good) =>
        `{"deep":${"[".repeat(65)}${"]".repeat(65)},${JSON.stringify(good).slice(1)}`,
    }),
  },
  { input: "JWS: no chain", ours: FORM, make: J({ unprotected: { x5c: undefined } }) },
  {
    input: "JWS: the chain in the protected header",
    ours: FORM,
    make: J({
      header: { x5c: leaf.chain.map((der) => der.toString("base64")) },
      unprotected: { x5c: undefined },
    }),
  },
  {
    input: "JWS: a signature in DER",
    ours: WRONG,
    make: J({
      signature: (good) =>
        Buffer.concat([
          Buffer.from("3044", "hex"),
          integer(good.subarray(0, 32)),
          integer(good.subarray(32)),
        ]),
    }),
  },
  {
    input: "JWS: a signature of zeros",
    ours: WRONG,
    make: J({ signature: () => new Uint8Array(64) }),
  },
  { input: "JWS: a root that is not trusted", ours: TRUST, make: J({ by: stranger }) },
  {
    input: "JWS: the digest of another artifact",
    ours: WRONG,
    make: signature((target) =>
      jws({ ...target, digest: `sha256:${"0".repeat(64)}` }, { by: leaf }),
    ),
  },
  {
    input: "JWS: a payload that is not encoded",
    ours: FORM,
    stricter: "RFC 7797 must be understood where it is used",
    make: J({ header: { b64: false } }),
  },
  {
    input: "JWS: the general serialization",
    ours: FORM,
    make: J({ members: ({ payload, ...rest }) => ({ payload, signatures: [rest] }) }),
  },
  {
    input: "JWS: the compact serialization",
    ours: FORM,
    make: J({
      members: (good) =>
        `${String(good["protected"])}.${String(good["payload"])}.${String(good["signature"])}`,
    }),
  },
  {
    input: "JWS: a payload twice",
    ours: FORM,
    stricter: "which of two members counts depends on the reader",
    make: J({ members: (good) => `{"payload":"e30",${JSON.stringify(good).slice(1)}` }),
  },
  {
    input: "JWS: something after it",
    ours: FORM,
    make: J({ members: (good) => `${JSON.stringify(good)}x` }),
  },
  {
    input: "JWS: cut short",
    ours: FORM,
    make: J({ members: (good) => JSON.stringify(good).slice(0, -5) }),
  },
];

export const ROWS: readonly Row[] = [
  ...HEADERS,
  ...CHAINS,
  ...BYTES,
  ...PAYLOADS,
  ...MANIFESTS,
  ...TRUSTED,
  ...TIMES,
  ...REVOCATION,
  ...LEVELS,
  ...JWS,
];
