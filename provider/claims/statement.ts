// SPDX-License-Identifier: Apache-2.0
import { z } from "zod";
import { ConsignError } from "../errors";
import { algorithmOf, hexOf, type Digest } from "../oci/digest";
import { canonicalJson, parseJson } from "./canonical-json";

/** Statements are read whole, so they are bounded: 4 MiB. */
export const MAX_STATEMENT_SIZE = 4 * 1024 * 1024;
/** SBOM documents, and statements that hold one, may be larger: 64 MiB. */
export const MAX_DOCUMENT_SIZE = 64 * 1024 * 1024;

export const STATEMENT_TYPE = "https://in-toto.io/Statement/v1";
/** What BuildKit and older cosign write; same members, so it is read as well, and never written. */
const OLD_STATEMENT_TYPE = "https://in-toto.io/Statement/v0.1";

const digestSetSchema = z.record(z.string().min(1), z.string().min(1));

/**
 * What a claim says: a predicate, of a type, about subjects that are named by their digests. `name`
 * is for people only.
 * @see https://github.com/in-toto/attestation/blob/v1.1.1/spec/v1/statement.md
 */
export const statementSchema = z.looseObject({
  _type: z.enum([STATEMENT_TYPE, OLD_STATEMENT_TYPE]),
  subject: z
    .array(z.looseObject({ name: z.string().optional(), digest: digestSetSchema }))
    .min(1)
    .max(10_000),
  predicateType: z.string().min(1).max(1024),
  predicate: z.record(z.string(), z.unknown()).optional(),
});
export type Statement = z.infer<typeof statementSchema>;

/**
 * The bytes of a statement about one artifact, in canonical JSON: same content, same bytes.
 * @throws ConsignError `PREDICATE_INVALID` with `path`, if the predicate is no JSON object
 */
export function makeStatement(o: {
  subject: Digest;
  subjectName?: string | undefined;
  predicateType: string;
  predicate: unknown;
}): Uint8Array {
  if (typeof o.predicate !== "object" || o.predicate === null || Array.isArray(o.predicate)) {
    throw new ConsignError("PREDICATE_INVALID", "a predicate must be an object", { path: "" });
  }
  canonicalJson(o.predicate); // so that an error's path starts at the predicate
  const text = canonicalJson({
    _type: STATEMENT_TYPE,
    subject: [{ name: o.subjectName, digest: { [algorithmOf(o.subject)]: hexOf(o.subject) } }],
    predicateType: o.predicateType,
    predicate: o.predicate,
  });
  const bytes = new TextEncoder().encode(text);
  if (bytes.byteLength > MAX_DOCUMENT_SIZE) {
    const why = `the predicate has ${bytes.byteLength} bytes; at most ${MAX_DOCUMENT_SIZE} are allowed`;
    throw new ConsignError("PREDICATE_INVALID", why, { path: "" });
  }
  return bytes;
}

/**
 * Parses a statement, without judging its predicate.
 * @param limit in bytes, by default {@link MAX_STATEMENT_SIZE}
 * @throws ConsignError `STATEMENT_INVALID`
 */
export function parseStatement(bytes: Uint8Array, limit = MAX_STATEMENT_SIZE): Statement {
  if (bytes.byteLength > limit) {
    throw new ConsignError(
      "STATEMENT_INVALID",
      `the statement has ${bytes.byteLength} bytes; at most ${limit} are read`,
    );
  }
  const parsed = statementSchema.safeParse(parseJson(bytes, "the statement", "STATEMENT_INVALID"));
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new ConsignError(
    "STATEMENT_INVALID",
    `not an in-toto statement: ${issue?.path.join(".") || "(root)"}: ${issue?.message}`,
  );
}

/** Whether one of the statement's subjects is this digest. Names never count. */
export function speaksAbout(statement: Statement, digest: Digest): boolean {
  const algorithm = algorithmOf(digest);
  return statement.subject.some(
    (subject) =>
      Object.hasOwn(subject.digest, algorithm) && subject.digest[algorithm] === hexOf(digest),
  );
}
