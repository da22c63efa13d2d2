// SPDX-License-Identifier: Apache-2.0
import * as asn1js from "asn1js";
import { ConsignError, isConsignError } from "../../errors";

/**
 * One attribute of a name; `type` is the short name of RFC 4514 or of Go's `pkix.Name`, else the
 * dotted object identifier.
 */
export interface NameAttribute {
  readonly type: string;
  readonly value: string;
}

/** The subject or issuer of a certificate. */
export interface DistinguishedName {
  /**
   * RFC 4514 text: the most specific attribute first, special characters escaped, unknown
   * attributes as `1.2.3=#hex`.
   */
  readonly text: string;
  /**
   * The relative names in the order of the certificate; more than one attribute in one of them is a
   * multi-valued name.
   */
  readonly relativeNames: readonly (readonly NameAttribute[])[];
  /** The DER encoding: two names are the same when these bytes are. */
  readonly der: Uint8Array;
}

const SHORT_NAMES: Readonly<Record<string, string>> = {
  "2.5.4.3": "CN",
  "2.5.4.5": "SERIALNUMBER",
  "2.5.4.6": "C",
  "2.5.4.7": "L",
  "2.5.4.8": "ST",
  "2.5.4.9": "STREET",
  "2.5.4.10": "O",
  "2.5.4.11": "OU",
  "2.5.4.17": "POSTALCODE",
  "0.9.2342.19200300.100.1.1": "UID",
  "0.9.2342.19200300.100.1.25": "DC",
};

/** Reads the DER of a `Name`. Returns undefined when it is none. */
export function decodeName(der: Uint8Array): DistinguishedName | undefined {
  const parsed = parseBer(der);
  if (parsed?.offset !== der.byteLength || !(parsed.result instanceof asn1js.Sequence))
    return undefined;
  const relativeNames: NameAttribute[][] = [];
  for (const set of parsed.result.valueBlock.value) {
    if (!(set instanceof asn1js.Set)) return undefined;
    const attributes = set.valueBlock.value.map(decodeAttribute);
    if (attributes.length === 0 || !attributes.every((attribute) => attribute !== undefined))
      return undefined;
    relativeNames.push(attributes);
  }
  return { text: formatName(relativeNames), relativeNames, der };
}

/** The parser gives an error as a value, but throws on some broken texts and times. */
function parseBer(der: Uint8Array): asn1js.FromBerResult | undefined {
  try {
    return asn1js.fromBER(der, { maxDepth: 8, maxNodes: 1024 });
  } catch {
    return undefined;
  }
}

function decodeAttribute(item: asn1js.AsnType): NameAttribute | undefined {
  if (!(item instanceof asn1js.Sequence) || item.valueBlock.value.length !== 2) return undefined;
  const [type, value] = item.valueBlock.value;
  if (!(type instanceof asn1js.ObjectIdentifier) || value === undefined) return undefined;
  const oid = type.valueBlock.toString();
  const shortName = SHORT_NAMES[oid];
  const text: unknown = "value" in value.valueBlock ? value.valueBlock.value : undefined;
  return shortName !== undefined && typeof text === "string"
    ? { type: shortName, value: text }
    : { type: oid, value: `#${Buffer.from(value.toBER()).toString("hex")}` };
}

function formatName(relativeNames: readonly (readonly NameAttribute[])[]): string {
  return relativeNames
    .toReversed()
    .map((attributes) =>
      attributes
        .map(({ type, value }) => `${type}=${/^[0-9]/.test(type) ? value : escapeValue(value)}`)
        .join("+"),
    )
    .join(",");
}

/**
 * What a reader cannot see is written as its bytes, which says the same.
 * @see https://www.rfc-editor.org/rfc/rfc4514#section-2.4
 */
function escapeValue(value: string): string {
  return value
    .replace(/[\\"+,;<>]/g, "\\$&")
    .replace(/[\p{C}\p{Default_Ignorable_Code_Point}\u2028\u2029]/gu, (character) =>
      Buffer.from(character).toString("hex").replace(/../g, "\\$&"),
    )
    .replace(/^[ #]/, "\\$&")
    .replace(/(?<!\\) $/, "\\ ");
}

/** A name as a trusted identity is compared: attribute type (`S` read as `ST`) to value. */
export type IdentityName = ReadonlyMap<string, string>;

/**
 * Reads a name as the Notary Project's trusted identities are written: RFC 4514, with `C`, `ST` (or
 * `S`) and `O`, in capitals, no attribute twice, none multi-valued, none in hexadecimal.
 * @param kept "matched" refuses an attribute that notation never finds in a certificate; "matched or
 * not" reads it, as notation does
 * @throws ConsignError `TRUST_POLICY_INVALID`
 * @see
 * https://github.com/notaryproject/specifications/blob/v1.1.0/specs/trust-store-trust-policy.md#trusted-identities-constraints
 */
export function parseIdentityName(
  text: string,
  kept: "matched" | "matched or not" = "matched",
): IdentityName {
  if (text.length > 4096)
    throw unusable(text.slice(0, 64) + "…", "it is longer than 4096 characters");
  if (text.includes("=#")) throw unusable(text, "values in hexadecimal (=#) are not supported");
  return identityName(
    splitUnescaped(text, ",").map((relativeName) =>
      splitUnescaped(relativeName, "+").map((pair) => parsePair(pair, text)),
    ),
    text,
    kept,
  );
}

/**
 * All attributes of a name in the text of RFC 4514, whichever they are and however often each is
 * there. Undefined for what is no such text.
 */
export function attributesOf(text: string): readonly NameAttribute[] | undefined {
  try {
    return splitUnescaped(text, ",")
      .flatMap((relativeName) => splitUnescaped(relativeName, "+"))
      .map((pair) => parsePair(pair, text));
  } catch (error) {
    if (isConsignError(error, "TRUST_POLICY_INVALID")) return undefined;
    throw error;
  }
}

/** The number under which an attribute of this short name is written where its value is no text. */
export function numberOf(shortName: string): string | undefined {
  return Object.keys(SHORT_NAMES).find((oid) => SHORT_NAMES[oid] === shortName);
}

/**
 * The same view of a certificate's subject, under the same rules. @throws ConsignError
 * `TRUST_POLICY_INVALID`
 */
export function identityNameOf(name: DistinguishedName): IdentityName {
  if (name.text.includes("=#"))
    throw unusable(name.text, "values in hexadecimal (=#) are not supported");
  return identityName(name.relativeNames, name.text, "matched");
}

/**
 * Notation reads these from a certificate as numbers with a value in hexadecimal, so it trusts no
 * subject that has one by its name.
 */
const UNKNOWN_TO_NOTATION = new Set(["UID", "DC"]);

function identityName(
  relativeNames: readonly (readonly NameAttribute[])[],
  text: string,
  kept: "matched" | "matched or not",
): IdentityName {
  const found = new Map<string, string>();
  for (const attributes of relativeNames) {
    if (attributes.length > 1)
      throw unusable(text, "multi-valued relative names (with +) are not supported");
    for (const { type, value } of attributes) {
      if (kept === "matched") checkMatched(type, text);
      const key = type === "S" ? "ST" : type;
      if (found.has(key)) throw unusable(text, `it has ${key} more than once`);
      found.set(key, value);
    }
  }
  for (const required of ["C", "ST", "O"]) {
    if (!found.get(required))
      throw unusable(text, `it must have C, ST (or S) and O; ${required} is missing`);
  }
  return found;
}

function checkMatched(type: string, text: string): void {
  if (/^[0-9]/.test(type) || UNKNOWN_TO_NOTATION.has(type))
    throw unusable(text, `the attribute ${type} is not supported`);
  if (type !== type.toUpperCase())
    throw unusable(text, `write ${type.toUpperCase()} for ${type}, as notation wants it`);
}

function splitUnescaped(text: string, separator: string): string[] {
  const parts: string[] = [];
  let start = 0;
  for (let at = 0; at < text.length; at++) {
    if (text[at] === "\\") at++;
    else if (text[at] === separator) {
      parts.push(text.slice(start, at));
      start = at + 1;
    }
  }
  return [...parts, text.slice(start)];
}

function parsePair(pair: string, text: string): NameAttribute {
  const match = /^ *([A-Za-z][A-Za-z0-9-]*|[0-9]+(?:\.[0-9]+)+) *=(.*)$/su.exec(pair);
  if (match === null) throw unusable(text, `"${pair.trim()}" is not attribute=value`);
  const [, type = "", written = ""] = match;
  const value = written.replace(/^ +/, "").replace(/(?<!\\) +$/, "");
  if (/(?:^|[^\\])(?:\\\\)*["<>;]/.test(value))
    throw unusable(text, `one of " < > ; stands unescaped in the value of ${type}`);
  return { type, value: unescapeValue(value, text) };
}

function unescapeValue(value: string, text: string): string {
  // Most have nothing to unescape, and a verdict reads many thousand.
  if (!/[\\\p{Surrogate}]/u.test(value)) return value;
  const bytes: number[] = [];
  for (let at = 0; at < value.length;) {
    if (value[at] !== "\\") {
      const character = String.fromCodePoint(value.codePointAt(at) ?? 0);
      bytes.push(...Buffer.from(character));
      at += character.length;
      continue;
    }
    const hex = value.slice(at + 1, at + 3);
    if (/^[0-9a-fA-F]{2}$/.test(hex)) {
      bytes.push(Number.parseInt(hex, 16));
      at += 3;
    } else if (/^[ "#+,;<=>\\]/.test(hex)) {
      bytes.push(hex.charCodeAt(0));
      at += 2;
    } else throw unusable(text, "a backslash is followed by nothing that may be escaped");
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(Uint8Array.from(bytes));
  } catch {
    throw unusable(text, "an escaped value is not UTF-8");
  }
}

/** True when every attribute of `part` is in `whole` with the same value. */
export function isSubsetName(part: IdentityName, whole: IdentityName): boolean {
  return [...part].every(([type, value]) => whole.get(type) === value);
}

function unusable(text: string, why: string): ConsignError {
  return new ConsignError(
    "TRUST_POLICY_INVALID",
    `the distinguished name "${text}" cannot be used as an identity: ${why}`,
  );
}
