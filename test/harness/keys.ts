// SPDX-License-Identifier: Apache-2.0
import {
  constants,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  randomBytes,
  sign,
  X509Certificate,
  type KeyObject,
} from "node:crypto";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import * as der from "./der";
import { tempDir } from "./temp";
import { cacheFolder } from "./toolchain";

/**
 * Kinds of key. The Notary Project allows RSA from 2048 bits and the three curves; `rsa-1024`,
 * `ed25519` and `secp256k1` are for refusals.
 */
export type KeyKind =
  | "rsa-2048"
  | "rsa-3072"
  | "rsa-4096"
  | "p-256"
  | "p-384"
  | "p-521"
  | "rsa-1024"
  | "ed25519"
  | "secp256k1";

export const ALLOWED_KEYS: readonly KeyKind[] = [
  "rsa-2048",
  "rsa-3072",
  "rsa-4096",
  "p-256",
  "p-384",
  "p-521",
];

export interface KeyPair {
  publicKey: KeyObject;
  privateKey: KeyObject;
}

const RSA_KEPT = 12;
const rsaKeys = new Map<KeyKind, { turn: number; pairs: KeyPair[] }>();

/**
 * A fresh key; RSA keys, which take long to make, come from a dozen of a kind that tests on this
 * machine share, handed out in turn.
 */
export function keyPair(kind: KeyKind): KeyPair {
  if (kind.startsWith("rsa-")) return rsaKey(kind);
  if (kind === "ed25519") return generateKeyPairSync("ed25519");
  const namedCurve = {
    "p-256": "prime256v1",
    "p-384": "secp384r1",
    "p-521": "secp521r1",
    secp256k1: "secp256k1",
  }[kind as "p-256"];
  return generateKeyPairSync("ec", { namedCurve });
}

function rsaKey(kind: KeyKind): KeyPair {
  const kept = rsaKeys.get(kind) ?? { turn: 0, pairs: [] };
  rsaKeys.set(kind, kept);
  const place = kept.turn++ % RSA_KEPT;
  return (kept.pairs[place] ??= sharedKey(kind, place));
}

function sharedKey(kind: KeyKind, place: number): KeyPair {
  const file = join(cacheFolder("test-keys"), `${kind}-${place}.pem`);
  try {
    const privateKey = createPrivateKey(readFileSync(file));
    return { privateKey, publicKey: createPublicKey(privateKey) };
  } catch {
    const made = generateKeyPairSync("rsa", { modulusLength: Number(kind.slice(4)) });
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    writeFileSync(
      `${file}.${process.pid}`,
      made.privateKey.export({ type: "pkcs8", format: "pem" }),
      { mode: 0o600 },
    );
    renameSync(`${file}.${process.pid}`, file);
    return made;
  }
}

const EKU = {
  codeSigning: "1.3.6.1.5.5.7.3.3",
  timeStamping: "1.3.6.1.5.5.7.3.8",
  serverAuth: "1.3.6.1.5.5.7.3.1",
  clientAuth: "1.3.6.1.5.5.7.3.2",
  ocspSigning: "1.3.6.1.5.5.7.3.9",
  any: "2.5.29.37.0",
} as const;
export type Purpose = keyof typeof EKU;

const KEY_USAGE = [
  "digitalSignature",
  "nonRepudiation",
  "keyEncipherment",
  "dataEncipherment",
  "keyAgreement",
  "keyCertSign",
  "cRLSign",
] as const;
export type KeyUsage = (typeof KEY_USAGE)[number];

const NAME_PARTS = {
  C: "2.5.4.6",
  ST: "2.5.4.8",
  L: "2.5.4.7",
  O: "2.5.4.10",
  OU: "2.5.4.11",
  CN: "2.5.4.3",
  DC: "0.9.2342.19200300.100.1.25",
  EMAIL: "1.2.840.113549.1.9.1",
} as const;

/**
 * Attributes in the order in which they are encoded: the widest first, as in `{ C: "US", ST: "WA",
 * O: "Wabbit", CN: "…" }`.
 */
export type Name = Partial<Record<keyof typeof NAME_PARTS, string>>;

/** What a certificate says. Every field can be made wrong on purpose. */
export interface CertificateOptions {
  subject: Name;
  /** Attributes of the subject that share one relative name. */
  joined?: readonly (keyof Name)[];
  key?: KeyPair | KeyKind;
  /** Issuer; none makes it self-signed. */
  issuer?: Issued;
  notBefore?: Date;
  notAfter?: Date;
  /**
   * basicConstraints; `null` leaves the extension out. @default for an `authority` CA true,
   * critical; for others none
   */
  basicConstraints?: { ca: boolean; pathLength?: number; critical?: boolean } | null;
  /** keyUsage; `null` leaves it out. */
  keyUsage?: readonly KeyUsage[] | null;
  keyUsageCritical?: boolean;
  /** extendedKeyUsage; `null` leaves it out. */
  purposes?: readonly Purpose[] | null;
  purposesCritical?: boolean;
  /** Names and addresses of a TLS server. */
  hosts?: readonly string[];
  ocsp?: string;
  /** CRL distribution point. */
  crl?: string;
  caIssuers?: string;
  /** More extensions, whole and encoded. */
  extensions?: readonly Uint8Array[];
  serial?: bigint;
  version?: 1 | 3;
  /** Digest of the issuer's signature. @default what the issuer's key calls for */
  digest?: "sha1" | "sha256" | "sha384" | "sha512";
  /** Sign with RSASSA-PSS rather than PKCS #1 v1.5. */
  pss?: boolean;
}

/** A certificate with its private key and everything above it. */
export interface Issued {
  readonly key: KeyPair;
  readonly der: Buffer;
  readonly pem: string;
  readonly x509: X509Certificate;
  /** DER, this one first, the root last. */
  readonly chain: readonly Buffer[];
  readonly chainPem: string;
  readonly keyPem: string;
  readonly subject: Name;
}

const DAY = 86_400_000;

/**
 * The default validity is from ten days ago to a year from now, so that signing times a little in
 * the past are inside.
 */
export function issue(options: CertificateOptions): Issued {
  const key = typeof options.key === "object" ? options.key : keyPair(options.key ?? "p-256");
  const signer = options.issuer?.key ?? key;
  const algorithm = signatureAlgorithm(signer.privateKey, options);
  const now = Date.now();
  const body = der.sequence(
    ...(options.version === 1 ? [] : [der.context(0, der.integer(2))]),
    der.integer(options.serial ?? Buffer.concat([Buffer.from([0x4a]), randomBytes(15)])),
    algorithm.identifier,
    name(options.issuer?.subject ?? options.subject),
    der.sequence(
      der.time(options.notBefore ?? new Date(now - 10 * DAY)),
      der.time(options.notAfter ?? new Date(now + 365 * DAY)),
    ),
    name(options.subject, options.joined),
    key.publicKey.export({ type: "spki", format: "der" }),
    ...(options.version === 1 ? [] : [der.context(3, der.sequence(...extensions(options)))]),
  );
  const bytes = der.sequence(body, algorithm.identifier, der.bits(algorithm.sign(body)));
  const chain = [bytes, ...(options.issuer?.chain ?? [])];
  return {
    key,
    der: bytes,
    pem: der.pem("CERTIFICATE", bytes),
    x509: new X509Certificate(bytes),
    chain,
    chainPem: chain.map((each) => der.pem("CERTIFICATE", each)).join(""),
    keyPem: key.privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    subject: options.subject,
  };
}

/** RFC 5280 name: one attribute in each relative name, but for those that are joined in the last. */
export function name(parts: Name, joined: readonly (keyof Name)[] = []): Buffer {
  const text = (key: string, value: string): Buffer =>
    key === "C" ? der.printable(value) : der.utf8(value);
  const attribute = ([key, value]: [string, string]): Buffer =>
    der.sequence(der.oid(NAME_PARTS[key as "CN"]), text(key, value));
  const all = Object.entries(parts);
  const isJoined = ([key]: [string, string]): boolean => joined.some((each) => each === key);
  return der.sequence(
    ...all.filter((each) => !isJoined(each)).map((each) => der.set(attribute(each))),
    ...(joined.length === 0
      ? []
      : [der.set(...all.filter(isJoined).map(attribute).sort(Buffer.compare))]),
  );
}

export interface SignatureAlgorithm {
  identifier: Buffer;
  sign(bytes: Uint8Array): Buffer;
}

/** How an authority signs with this key: certificates, CRLs, OCSP answers. */
export function signatureAlgorithm(
  key: KeyObject,
  options: { digest?: "sha1" | "sha256" | "sha384" | "sha512"; pss?: boolean } = {},
): SignatureAlgorithm {
  if (key.asymmetricKeyType === "ed25519")
    return {
      identifier: der.sequence(der.oid("1.3.101.112")),
      sign: (bytes) => sign(null, bytes, key),
    };
  if (key.asymmetricKeyType === "ec") {
    const digest =
      options.digest ??
      { secp384r1: "sha384", secp521r1: "sha512" }[key.asymmetricKeyDetails?.namedCurve ?? ""] ??
      "sha256";
    const last = { sha1: "1", sha256: "3.2", sha384: "3.3", sha512: "3.4" }[digest as "sha256"];
    return {
      identifier: der.sequence(der.oid(`1.2.840.10045.4.${last}`)),
      sign: (bytes) => sign(digest, bytes, key),
    };
  }
  const digest = options.digest ?? "sha256";
  if (options.pss === true) return pssAlgorithm(key, digest);
  const last = { sha1: 5, sha256: 11, sha384: 12, sha512: 13 }[digest];
  return {
    identifier: der.sequence(der.oid(`1.2.840.113549.1.1.${last}`), der.nil()),
    sign: (bytes) => sign(digest, bytes, key),
  };
}

function pssAlgorithm(
  key: KeyObject,
  digest: "sha1" | "sha256" | "sha384" | "sha512",
): SignatureAlgorithm {
  const saltLength = { sha1: 20, sha256: 32, sha384: 48, sha512: 64 }[digest];
  const digestOid = {
    sha1: "1.3.14.3.2.26",
    sha256: "2.16.840.1.101.3.4.2.1",
    sha384: "2.16.840.1.101.3.4.2.2",
    sha512: "2.16.840.1.101.3.4.2.3",
  }[digest];
  const digestAlgorithm = der.sequence(der.oid(digestOid), der.nil());
  const mask = der.sequence(der.oid("1.2.840.113549.1.1.8"), digestAlgorithm);
  const parameters = der.sequence(
    der.context(0, digestAlgorithm),
    der.context(1, mask),
    der.context(2, der.integer(saltLength)),
  );
  const padding = constants.RSA_PKCS1_PSS_PADDING;
  return {
    identifier: der.sequence(der.oid("1.2.840.113549.1.1.10"), parameters),
    sign: (bytes) => sign(digest, bytes, { key, padding, saltLength }),
  };
}

export function extension(id: string, critical: boolean, value: Uint8Array): Buffer {
  return der.sequence(der.oid(id), ...(critical ? [der.boolean(true)] : []), der.octets(value));
}

function extensions(options: CertificateOptions): Buffer[] {
  const list: Buffer[] = [];
  const { basicConstraints, keyUsage, purposes, hosts } = options;
  if (basicConstraints) {
    const { ca, pathLength, critical = true } = basicConstraints;
    const content = [
      ...(ca ? [der.boolean(true)] : []),
      ...(pathLength === undefined ? [] : [der.integer(pathLength)]),
    ];
    list.push(extension("2.5.29.19", critical, der.sequence(...content)));
  }
  if (keyUsage)
    list.push(
      extension(
        "2.5.29.15",
        options.keyUsageCritical ?? true,
        der.namedBits(keyUsage.map((usage) => KEY_USAGE.indexOf(usage))),
      ),
    );
  if (purposes)
    list.push(
      extension(
        "2.5.29.37",
        options.purposesCritical ?? false,
        der.sequence(...purposes.map((purpose) => der.oid(EKU[purpose]))),
      ),
    );
  if (hosts) list.push(extension("2.5.29.17", false, der.sequence(...hosts.map(generalName))));
  const access = [
    ...(options.ocsp === undefined
      ? []
      : [der.sequence(der.oid("1.3.6.1.5.5.7.48.1"), uri(options.ocsp))]),
    ...(options.caIssuers === undefined
      ? []
      : [der.sequence(der.oid("1.3.6.1.5.5.7.48.2"), uri(options.caIssuers))]),
  ];
  if (access.length > 0) list.push(extension("1.3.6.1.5.5.7.1.1", false, der.sequence(...access)));
  if (options.crl !== undefined)
    list.push(
      extension(
        "2.5.29.31",
        false,
        der.sequence(der.sequence(der.context(0, der.context(0, uri(options.crl))))),
      ),
    );
  return [...list, ...(options.extensions ?? []).map((each) => Buffer.from(each))];
}

const uri = (text: string): Buffer => der.contextPrimitive(6, Buffer.from(text, "ascii"));

function generalName(host: string): Buffer {
  const octets = host.split(".").map(Number);
  const isAddress = octets.length === 4 && octets.every((octet) => Number.isInteger(octet));
  return isAddress
    ? der.contextPrimitive(7, Buffer.from(octets))
    : der.contextPrimitive(2, Buffer.from(host, "ascii"));
}

/** Files as `Signer` arguments and notation want them: a PKCS #8 key and the chain, leaf first. */
export function writeKeyFiles(
  issued: Issued,
  folder = tempDir("keys"),
): { keyFile: string; certificateChainFile: string; rootFile: string; folder: string } {
  const keyFile = join(folder, "signer.key");
  const certificateChainFile = join(folder, "signer.crt");
  const rootFile = join(folder, "root.crt");
  writeFileSync(keyFile, issued.keyPem, { mode: 0o600 });
  writeFileSync(certificateChainFile, issued.chainPem);
  writeFileSync(rootFile, der.pem("CERTIFICATE", issued.chain.at(-1) ?? issued.der));
  return { keyFile, certificateChainFile, rootFile, folder };
}
