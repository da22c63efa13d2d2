// SPDX-License-Identifier: Apache-2.0
import { AlgorithmIdentifier } from "pkijs";
import { ConsignError } from "../../errors";
import { DerReader, parseTime, sameInteger, TAG } from "../x509/der";
import {
  distributionPointUrls,
  pointNameUrls,
  readExtensions,
  type Extension,
} from "../x509/x509-extensions";

/**
 * A certificate revocation list, read but not believed. Its entries stay in `entries` unread: there
 * may be a million.
 */
export interface Crl {
  raw: Uint8Array;
  tbs: Uint8Array;
  algorithm: AlgorithmIdentifier;
  signature: Uint8Array;
  /** DER of the issuer's name. */
  issuer: Uint8Array;
  thisUpdate: Date;
  nextUpdate: Date | undefined;
  number: bigint | undefined;
  /** The number of the complete list that this one is a delta of; undefined for a complete list. */
  deltaOf: bigint | undefined;
  scope: CrlScope | undefined;
  /** Where the list says deltas of it are. */
  freshest: string[];
  unknownCritical: string | undefined;
  entries: Uint8Array;
}

/**
 * Issuing distribution point: which certificates the list speaks of. @see
 * https://www.rfc-editor.org/rfc/rfc5280#section-5.2.5
 */
export interface CrlScope {
  raw: Uint8Array;
  urls: string[];
  restrictions: ReadonlySet<Restriction>;
}

/**
 * Only user certificates, only CA certificates, only some reasons, of other issuers too, only
 * attribute certificates.
 */
export type Restriction = "users" | "authorities" | "reasons" | "indirect" | "attributes";

export interface CrlEntry {
  revokedAt: Date;
  /** @see https://www.rfc-editor.org/rfc/rfc5280#section-5.3.1 */
  reason: number;
  /** When the key is believed to have stopped being safe. */
  invalidSince: Date | undefined;
  unknownCritical: string | undefined;
}

const OID = {
  number: "2.5.29.20",
  reason: "2.5.29.21",
  invalidityDate: "2.5.29.24",
  delta: "2.5.29.27",
  scope: "2.5.29.28",
  freshest: "2.5.29.46",
} as const;
const RESTRICTIONS: Readonly<Record<number, Restriction>> = {
  0x81: "users",
  0x82: "authorities",
  0x83: "reasons",
  0x84: "indirect",
  0x85: "attributes",
};

/** @throws ConsignError `SIGNATURE_INCONCLUSIVE` */
export function parseCrl(bytes: Uint8Array): Crl {
  try {
    return parse(bytes);
  } catch (cause) {
    throw new ConsignError(
      "SIGNATURE_INCONCLUSIVE",
      `it is not a certificate revocation list: ${(cause as Error).message}`,
      { cause },
    );
  }
}

function parse(bytes: Uint8Array): Crl {
  const outer = new DerReader(bytes);
  const list = outer.enter(TAG.sequence);
  outer.finish();
  const tbs = list.next(TAG.sequence);
  const algorithm = list.next(TAG.sequence);
  const signature = list.bitString();
  list.finish();

  const fields = new DerReader(tbs.content);
  if (fields.peek() === TAG.integer && fields.integer() !== 1n)
    throw new Error("its version is not 2");
  const inner = fields.next(TAG.sequence);
  if (Buffer.compare(inner.raw, algorithm.raw) !== 0)
    throw new Error("it names two signature algorithms");
  const issuer = fields.next(TAG.sequence);
  const thisUpdate = parseTime(fields.next());
  const isTime = fields.peek() === TAG.utcTime || fields.peek() === TAG.generalizedTime;
  const nextUpdate = isTime ? parseTime(fields.next()) : undefined;
  const entries = fields.peek() === TAG.sequence ? fields.next().content : new Uint8Array(0);
  const extensions =
    fields.peek() === 0xa0 ? readExtensions(fields.next().content) : new Map<string, Extension>();
  fields.finish();
  return {
    raw: bytes,
    tbs: tbs.raw,
    algorithm: AlgorithmIdentifier.fromBER(algorithm.raw),
    signature,
    issuer: issuer.raw,
    thisUpdate,
    nextUpdate,
    number: integerIn(extensions.get(OID.number)),
    deltaOf: integerIn(extensions.get(OID.delta)),
    scope: scopeIn(extensions.get(OID.scope)),
    freshest: distributionPointUrls(extensions.get(OID.freshest)?.value),
    unknownCritical: unknownCritical(extensions, [OID.number, OID.delta, OID.scope]),
    entries,
  };
}

function integerIn(extension: Extension | undefined): bigint | undefined {
  return extension === undefined ? undefined : new DerReader(extension.value).integer();
}

function scopeIn(extension: Extension | undefined): CrlScope | undefined {
  if (extension === undefined) return undefined;
  const fields = new DerReader(extension.value).enter(TAG.sequence);
  const urls = fields.peek() === 0xa0 ? pointNameUrls(fields.enter(0xa0)) : [];
  const restrictions = new Set<Restriction>();
  while (!fields.done) {
    const { tag, content } = fields.next();
    const restriction = RESTRICTIONS[tag];
    if (restriction === undefined)
      throw new Error("its issuing distribution point has an unknown field");
    if (restriction === "reasons" || content[0] !== 0) restrictions.add(restriction);
  }
  return { raw: extension.value, urls, restrictions };
}

function unknownCritical(
  extensions: ReadonlyMap<string, Extension>,
  known: readonly string[],
): string | undefined {
  for (const [oid, { critical }] of extensions) if (critical && !known.includes(oid)) return oid;
  return undefined;
}

/**
 * Every entry for a serial number, in the order of the list. @throws ConsignError
 * `SIGNATURE_INCONCLUSIVE`
 */
export function entriesFor(crl: Crl, serialNumber: Uint8Array): CrlEntry[] {
  const found: CrlEntry[] = [];
  try {
    const entries = new DerReader(crl.entries);
    while (!entries.done) {
      const entry = entries.enter(TAG.sequence);
      if (sameInteger(entry.next(TAG.integer).content, serialNumber)) found.push(readEntry(entry));
    }
  } catch (cause) {
    throw new ConsignError(
      "SIGNATURE_INCONCLUSIVE",
      `an entry of the certificate revocation list cannot be read: ${(cause as Error).message}`,
      { cause },
    );
  }
  return found;
}

function readEntry(entry: DerReader): CrlEntry {
  const revokedAt = parseTime(entry.next());
  const extensions = entry.done
    ? new Map<string, Extension>()
    : readExtensions(entry.next(TAG.sequence).raw);
  entry.finish();
  const reason = extensions.get(OID.reason);
  const invalidity = extensions.get(OID.invalidityDate);
  return {
    revokedAt,
    reason:
      reason === undefined ? 0 : (new DerReader(reason.value).next(TAG.enumerated).content[0] ?? 0),
    invalidSince:
      invalidity === undefined
        ? undefined
        : parseTime(new DerReader(invalidity.value).next(TAG.generalizedTime)),
    unknownCritical: unknownCritical(extensions, [OID.reason, OID.invalidityDate]),
  };
}
