// SPDX-License-Identifier: Apache-2.0
import { z } from "zod";
import {
  LABELS,
  Tag,
  algorithmFor,
  COSE_ALGORITHMS,
  type CoseAlgorithm,
  type Label,
} from "../../cose/index";
import { ConsignError } from "../../errors";
import { MEDIA_TYPES } from "../../oci/media-types";
import { ATTRIBUTES, readSignedAttributes } from "./attributes";
import { decodePayload } from "./payload";
import { parseStrictJson } from "../../oci/strict-json";
import type { SignatureEnvelope } from "./signature-envelope";
import { leafOf } from "./signature-envelope";
import { parseChain } from "./chain";

const MAX_JWS_SIZE = 1024 * 1024;
const MAX_TIMESTAMP_SIZE = 256 * 1024;

const base64url = z
  .string()
  .regex(/^[A-Za-z0-9_-]+$/, "must be base64url without padding")
  .check(canonical("base64url"));
const base64 = z.base64().min(4).check(canonical("base64"));

/** Spare bits of the last character would make two texts of the same bytes. */
function canonical(encoding: "base64" | "base64url") {
  return (context: z.core.ParsePayload<string>) => {
    const { value } = context;
    if (Buffer.from(value, encoding).toString(encoding) !== value)
      context.issues.push({
        code: "custom",
        input: value,
        message: `must be canonical ${encoding}`,
      });
  };
}

const envelopeSchema = z.looseObject({
  payload: base64url,
  protected: base64url,
  signature: base64url,
  header: z.looseObject({
    x5c: z.array(base64).min(1),
    [ATTRIBUTES.signingAgent]: z.string().optional(),
    [ATTRIBUTES.timestampSignature]: z.base64().optional(),
  }),
  signatures: z
    .undefined({ error: "is of the general serialization; notation uses the flattened one" })
    .optional(),
});

const protectedSchema = z.looseObject({
  alg: z.enum(Object.keys(COSE_ALGORITHMS) as [CoseAlgorithm, ...CoseAlgorithm[]]),
  cty: z.string(),
  crit: z.array(z.string()).min(1),
  b64: z.undefined({ error: "is not allowed" }).optional(),
});

const TIMES: readonly string[] = [
  ATTRIBUTES.signingTime,
  ATTRIBUTES.authenticSigningTime,
  ATTRIBUTES.expiry,
];

/**
 * Reads a signature envelope in JWS, flattened JSON serialization, which is what `notation sign`
 * writes by default. It is held to the rules of the COSE form. No signature is verified and nothing
 * is trusted.
 * @throws ConsignError `ENVELOPE_TOO_LARGE`, `ENVELOPE_INVALID`, `CERTIFICATE_INVALID`
 * @see https://github.com/notaryproject/specifications/blob/v1.1.0/specs/signature-envelope-jws.md
 */
export function parseJwsEnvelope(bytes: Uint8Array): SignatureEnvelope {
  if (bytes.byteLength > MAX_JWS_SIZE) {
    throw new ConsignError(
      "ENVELOPE_TOO_LARGE",
      `the signature envelope has ${bytes.byteLength} bytes; at most ${MAX_JWS_SIZE} are read`,
    );
  }
  const jws = read(envelopeSchema, bytes, "it");
  const header = read(
    protectedSchema,
    Buffer.from(jws.protected, "base64url"),
    "its protected header",
  );
  const misplaced = Object.keys(jws.header).find(
    (name) => Object.hasOwn(header, name) || name === "crit",
  );
  if (misplaced !== undefined)
    throw invalid(`"${misplaced}" stands in its unprotected header, where it must not`);
  const token = jws.header[ATTRIBUTES.timestampSignature];
  const timestampToken =
    token === undefined || token === "" ? undefined : new Uint8Array(Buffer.from(token, "base64"));
  if (timestampToken !== undefined && timestampToken.byteLength > MAX_TIMESTAMP_SIZE)
    throw invalid(`its timestamp has more than ${MAX_TIMESTAMP_SIZE} bytes`);
  const signingAgent = jws.header[ATTRIBUTES.signingAgent];
  return {
    ...readSignedAttributes(asHeaders(header)),
    mediaType: MEDIA_TYPES.jws,
    algorithm: header.alg,
    certificateChain: parseChain(jws.header.x5c.map((text) => Buffer.from(text, "base64"))),
    payload: decodePayload(Buffer.from(jws.payload, "base64url")),
    ...(timestampToken === undefined ? {} : { timestampToken }),
    ...(signingAgent === undefined ? {} : { signingAgent: signingAgent.slice(0, 256) }),
    toBeSigned: Buffer.from(`${jws.protected}.${jws.payload}`, "latin1"),
    signature: new Uint8Array(Buffer.from(jws.signature, "base64url")),
    raw: bytes,
  };
}

/**
 * The COSE view of a JWS header, so that one set of rules serves both: labels for `crit` and `cty`,
 * times under tag 1.
 */
function asHeaders({
  alg: _,
  crit,
  cty,
  ...attributes
}: z.infer<typeof protectedSchema>): Map<Label, unknown> {
  const headers = new Map<Label, unknown>([
    [LABELS.crit, crit],
    [LABELS.contentType, cty],
  ]);
  for (const [name, value] of Object.entries(attributes))
    headers.set(name, TIMES.includes(name) ? new Tag(1, epochSeconds(name, value)) : value);
  return headers;
}

const RFC3339 = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/;

/** Fractions are cut off, as notation does. */
function epochSeconds(name: string, value: unknown): number {
  const [, date = "", time = "", zone = ""] =
    (typeof value === "string" ? RFC3339.exec(value) : undefined) ?? [];
  const local = new Date(`${date}T${time}Z`);
  const instant = new Date(`${date}T${time}${zone}`);
  // Date takes 30 February for 2 March; only a date that reads back as it was written is one.
  if (Number.isNaN(instant.getTime()) || local.toISOString() !== `${date}T${time}.000Z`)
    throw invalid(`${name} is not a time as in RFC 3339`);
  return instant.getTime() / 1000;
}

/**
 * Verifies the signature of a JWS envelope with the leaf's key and the one algorithm that this key
 * dictates.
 * @throws ConsignError `SIGNATURE_INVALID`, `KEY_UNSUPPORTED`
 */
export async function verifyJwsSignature(envelope: SignatureEnvelope): Promise<void> {
  const key = leafOf(envelope).x509.publicKey;
  const algorithm = algorithmFor(key);
  const [protectedText = "", payload = ""] = Buffer.from(envelope.toBeSigned)
    .toString("latin1")
    .split(".");
  const jws = {
    protected: protectedText,
    payload,
    signature: Buffer.from(envelope.signature).toString("base64url"),
  };
  // What a verification plugin is to understand is not this library's to refuse.
  const plugins = envelope.verificationPlugin === undefined ? [] : envelope.critical;
  const crit = Object.fromEntries(
    [...Object.values(ATTRIBUTES), ...plugins].map((name) => [name, true]),
  );
  // Loaded by the first JWS: most runs see none.
  const { flattenedVerify } = await import("jose");
  try {
    await flattenedVerify(jws, key, { algorithms: [algorithm], crit });
  } catch (cause) {
    throw new ConsignError(
      "SIGNATURE_INVALID",
      `the ${algorithm} signature of the JWS envelope does not verify: ${(cause as Error).message}`,
      { cause },
    );
  }
}

function read<T>(schema: z.ZodType<T>, bytes: Uint8Array, what: string): T {
  let value: unknown;
  try {
    value = parseStrictJson(bytes);
  } catch (cause) {
    throw invalid(`${what} is not JSON: ${(cause as Error).message}`);
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw invalid(`${what} breaks the form: ${issue?.path.join(".") || "(root)"}: ${issue?.message}`);
}

function invalid(why: string): ConsignError {
  return new ConsignError(
    "ENVELOPE_INVALID",
    `the JWS signature envelope breaks the Notary Project's format: ${why}`,
  );
}
