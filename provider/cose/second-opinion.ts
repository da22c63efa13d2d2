// SPDX-License-Identifier: Apache-2.0
import type cose from "cose-js";
import type { KeyObject } from "node:crypto";
import { ConsignError } from "../errors";
import type { CoseAlgorithm } from "./algorithms";
import { Tag, encodeCbor, type Headers, type Label } from "./cbor";
import { encodeSign1, type Sign1 } from "./sign1";

/*
 * cose-js builds headers and checks signatures a second time. It never sees a private key: its
 * ECDSA, elliptic, has CVE-2025-14505, which can reveal one, with no release that repairs it. Nor
 * does its verdict alone accept anything: it reads `alg` from the unprotected header and ignores
 * `crit`, both of which `sign1` has settled before.
 */
interface CoseJs {
  common: {
    HeaderParameters: Record<string, Label>;
    TranslateHeaders(named: Record<string, unknown>): Map<Label, unknown>;
  };
  sign: { verifySync(message: Buffer, verifier: { key: PublicKey }): Buffer };
}

type PublicKey = { x: Buffer; y: Buffer } | { n: Buffer; e: number };

/** What @types/cose-js 0.8 does not know: the table of labels, header translation, and RSA keys. */
type Library = typeof cose & CoseJs;

/** Labels beyond those that cose-js knows. */
const extraLabels: Record<string, Label> = { cwt_claims: 15, x5t: 34, receipts: 394 };

let loaded: Library | undefined;

/**
 * Loaded with the first envelope that is signed or verified: its dependencies are a third of what a
 * process without signatures would load.
 */
function library(): Library {
  loaded ??= require("cose-js") as Library;
  Object.assign(loaded.common.HeaderParameters, extraLabels);
  return loaded;
}

/**
 * Headers by name, as cose-js takes them; text labels stand for themselves once they are
 * registered.
 */
export interface NamedHeaders {
  alg: CoseAlgorithm;
  crit?: readonly Label[];
  content_type?: string;
  cwt_claims?: ReadonlyMap<number, string>;
  x5t?: readonly [number, Uint8Array];
  [label: string]: unknown;
}

/**
 * Lets text labels be used as header names. cose-js keeps one table a process, so it is only ever
 * added to.
 */
export function registerLabels(labels: readonly string[]): void {
  for (const label of labels) extraLabels[label] = label;
}

/**
 * Builds a header map through cose-js's table. @throws ConsignError `INTERNAL` for a name that is
 * not registered
 */
export function buildHeaders(named: NamedHeaders): Map<Label, unknown> {
  try {
    return library().common.TranslateHeaders(named);
  } catch (cause) {
    throw new ConsignError(
      "INTERNAL",
      `cose-js does not know a header: ${(cause as Error).message}`,
      { cause },
    );
  }
}

/**
 * Asks cose-js whether a message verifies that node:crypto has verified. "inapplicable" where it
 * cannot tell: it encodes the protected header anew before it verifies, so it has no say on a
 * header that it would encode differently. It takes about 10 ms for PS*, and 20, 60 and 140 ms for
 * ES256, ES384 and ES512 on a slow machine (its test measures): cheap enough to be asked about all
 * that is emitted or accepted, too dear for whatever anyone can push.
 */
export function secondOpinion(
  message: Sign1,
  publicKey: KeyObject,
): "agrees" | "disagrees" | "inapplicable" {
  if (!survivesReencoding(message)) return "inapplicable";
  const bare = encodeSign1({ ...message, unprotectedHeaders: new Map() });
  try {
    library().sign.verifySync(Buffer.from(bare), { key: publicKeyOf(publicKey) });
    return "agrees";
  } catch {
    return "disagrees";
  }
}

function survivesReencoding({ protectedBytes, protectedHeaders }: Sign1): boolean {
  return (
    [...protectedHeaders.values()].every(isPlain) &&
    Buffer.compare(encodeCbor(protectedHeaders), protectedBytes) === 0
  );
}

/**
 * Values that cose-js's own codec is known to give back as they were: no nested text-keyed maps,
 * dates only in whole seconds.
 */
function isPlain(value: unknown): boolean {
  if (value instanceof Tag)
    return Number(value.tag) === 1 && isSmallInteger(value.contents) && Number(value.contents) >= 0;
  if (value instanceof Map)
    return (
      value.size > 0 &&
      [...(value as Headers)].every(([key, item]) => typeof key === "number" && isPlain(item))
    );
  if (Array.isArray(value)) return value.every(isPlain);
  return (
    isSmallInteger(value) ||
    typeof value === "string" ||
    typeof value === "boolean" ||
    value instanceof Uint8Array
  );
}

function isSmallInteger(value: unknown): boolean {
  return typeof value === "bigint" && value >= -0x8000_0000n && value < 0x1_0000_0000n;
}

function publicKeyOf(publicKey: KeyObject): PublicKey {
  const { x, y, n, e } = publicKey.export({ format: "jwk" });
  const bytes = (text: string | undefined) => Buffer.from(text ?? "", "base64url");
  return publicKey.asymmetricKeyType === "ec"
    ? { x: bytes(x), y: bytes(y) }
    : { n: bytes(n), e: Number(`0x${bytes(e).toString("hex")}`) };
}
