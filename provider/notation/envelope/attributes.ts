// SPDX-License-Identifier: Apache-2.0
import {
  LABELS,
  Tag,
  buildHeaders,
  criticalLabels,
  registerLabels,
  type CoseAlgorithm,
  type Headers,
  type Label,
} from "../../cose/index";
import { ConsignError } from "../../errors";

export const PAYLOAD_TYPE = "application/vnd.cncf.notary.payload.v1+json";

/** The Notary Project's attributes, by their header labels. */
export const ATTRIBUTES = {
  expiry: "io.cncf.notary.expiry",
  signingTime: "io.cncf.notary.signingTime",
  signingScheme: "io.cncf.notary.signingScheme",
  verificationPlugin: "io.cncf.notary.verificationPlugin",
  authenticSigningTime: "io.cncf.notary.authenticSigningTime",
  verificationPluginMinVersion: "io.cncf.notary.verificationPluginMinVersion",
  signingAgent: "io.cncf.notary.signingAgent",
  timestampSignature: "io.cncf.notary.timestampSignature",
} as const;

export type SigningScheme = "notary.x509" | "notary.x509.signingAuthority";

/** The attributes that a signature covers, beside its payload. */
export interface SignedAttributes {
  signingScheme: SigningScheme;
  /** What the signer says; under `notary.x509` nobody vouches for it. */
  signingTime?: Date;
  /** What a signing authority vouches for. */
  authenticSigningTime?: Date;
  expiry?: Date;
  verificationPlugin?: string;
  /** Attributes that must be understood and are not. */
  critical: Label[];
  /**
   * CWT claims, which make a signature a SCITT signed statement. @see
   * https://www.rfc-editor.org/rfc/rfc9597
   */
  cwt?: { iss?: string; sub?: string };
}

registerLabels(Object.values(ATTRIBUTES));

const SHA256 = -16;

/** What goes into the protected header of a new signature. Times are cut to whole seconds. */
export interface NewAttributes {
  algorithm: CoseAlgorithm;
  signingTime: Date;
  expiry?: Date | undefined;
  /**
   * Names issuer and subject, and the leaf by its SHA-256: with them the signature is a SCITT
   * signed statement.
   */
  statement?: { iss: string; sub: string; leafThumbprint: Uint8Array } | undefined;
}

/**
 * @see
 * https://github.com/notaryproject/specifications/blob/v1.1.0/specs/signature-envelope-cose.md#protected-headers
 */
export function protectedHeadersFor({
  algorithm,
  signingTime,
  expiry,
  statement,
}: NewAttributes): Map<Label, unknown> {
  return buildHeaders({
    alg: algorithm,
    crit: [ATTRIBUTES.signingScheme, ...(expiry === undefined ? [] : [ATTRIBUTES.expiry])],
    content_type: PAYLOAD_TYPE,
    ...(statement === undefined
      ? {}
      : {
          cwt_claims: new Map([
            [CWT_ISSUER, statement.iss],
            [CWT_SUBJECT, statement.sub],
          ]),
          x5t: [SHA256, statement.leafThumbprint] as const,
        }),
    ...(expiry === undefined ? {} : { [ATTRIBUTES.expiry]: epochTime(expiry) }),
    [ATTRIBUTES.signingTime]: epochTime(signingTime),
    [ATTRIBUTES.signingScheme]: "notary.x509" satisfies SigningScheme,
  });
}

const EPOCH_TAG = 1;

function epochTime(time: Date): Tag {
  return new Tag(EPOCH_TAG, Math.floor(time.getTime() / 1000));
}

const ALWAYS_CRITICAL: readonly Label[] = [
  ATTRIBUTES.signingScheme,
  ATTRIBUTES.authenticSigningTime,
  ATTRIBUTES.expiry,
  ATTRIBUTES.verificationPlugin,
  ATTRIBUTES.verificationPluginMinVersion,
];
const UNDERSTOOD = new Set<Label>([...ALWAYS_CRITICAL, ATTRIBUTES.signingTime]);

/**
 * Reads and checks the protected header: everything required is there, of the right type, and
 * critical where it must be.
 * @throws ConsignError `ENVELOPE_INVALID`
 */
export function readSignedAttributes(headers: Headers): SignedAttributes {
  const critical = criticalLabels(headers);
  for (const label of ALWAYS_CRITICAL) {
    if (headers.has(label) && !critical.includes(label)) throw invalid(`${label} must be critical`);
  }
  if (headers.get(LABELS.contentType) !== PAYLOAD_TYPE)
    throw invalid(`its content type is not ${PAYLOAD_TYPE}`);
  const signingScheme = readScheme(headers);
  const authority = signingScheme === "notary.x509.signingAuthority";
  const signingTime = readTime(headers, ATTRIBUTES.signingTime);
  const authenticSigningTime = readTime(headers, ATTRIBUTES.authenticSigningTime);
  const signedAt = authority ? authenticSigningTime : signingTime;
  if (signedAt === undefined)
    throw invalid(
      `${authority ? ATTRIBUTES.authenticSigningTime : ATTRIBUTES.signingTime} is missing`,
    );
  if ((authority ? signingTime : authenticSigningTime) !== undefined)
    throw invalid(`it has a time that ${signingScheme} does not allow`);
  const expiry = readTime(headers, ATTRIBUTES.expiry);
  if (expiry !== undefined && expiry <= signedAt)
    throw invalid("its expiry is not after its signing time");
  const verificationPlugin = readText(headers, ATTRIBUTES.verificationPlugin);
  readText(headers, ATTRIBUTES.verificationPluginMinVersion);
  const cwt = readClaims(headers.get(LABELS.cwtClaims));
  return {
    signingScheme,
    ...(signingTime === undefined ? {} : { signingTime }),
    ...(authenticSigningTime === undefined ? {} : { authenticSigningTime }),
    ...(expiry === undefined ? {} : { expiry }),
    ...(verificationPlugin === undefined ? {} : { verificationPlugin }),
    critical: critical.filter((label) => !UNDERSTOOD.has(label)),
    ...(cwt === undefined ? {} : { cwt }),
  };
}

function readScheme(headers: Headers): SigningScheme {
  const scheme = headers.get(ATTRIBUTES.signingScheme);
  if (scheme === "notary.x509" || scheme === "notary.x509.signingAuthority") return scheme;
  throw invalid(`${ATTRIBUTES.signingScheme} is missing or not known`);
}

/**
 * Seconds since 1970 under tag 1; a floating-point number only if it is whole, as notation takes
 * it.
 */
function readTime(headers: Headers, label: string): Date | undefined {
  const value = headers.get(label);
  if (value === undefined && !headers.has(label)) return undefined;
  if (!(value instanceof Tag) || Number(value.tag) !== EPOCH_TAG)
    throw invalid(`${label} is not a time under tag 1`);
  const seconds = typeof value.contents === "bigint" ? Number(value.contents) : value.contents;
  if (typeof seconds !== "number" || !Number.isInteger(seconds) || Math.abs(seconds) > MAX_SECONDS)
    throw invalid(`${label} is not in whole seconds`);
  return new Date(seconds * 1000);
}

/** The end of the year 9999, the last that RFC 3339 can write. */
const MAX_SECONDS = 253_402_300_799;

function readText(headers: Headers, label: string): string | undefined {
  if (!headers.has(label)) return undefined;
  const value = headers.get(label);
  if (typeof value !== "string" || value.trim() === "")
    throw invalid(`${label} is not text, or empty`);
  return value;
}

const CWT_ISSUER = 1;
const CWT_SUBJECT = 2;

/** Not part of the Notary Project's format, so claims of another shape are passed over. */
function readClaims(claims: unknown): SignedAttributes["cwt"] {
  if (!(claims instanceof Map)) return undefined;
  const iss: unknown = claims.get(CWT_ISSUER);
  const sub: unknown = claims.get(CWT_SUBJECT);
  return {
    ...(typeof iss === "string" ? { iss } : {}),
    ...(typeof sub === "string" ? { sub } : {}),
  };
}

function invalid(why: string): ConsignError {
  return new ConsignError(
    "ENVELOPE_INVALID",
    `the signature envelope breaks the Notary Project's format: ${why}`,
  );
}
