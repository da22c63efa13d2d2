// SPDX-License-Identifier: Apache-2.0
import { ConsignError } from "../errors";
import type { Digest } from "../oci/digest";
import { parseJson } from "./canonical-json";
import { baseMediaType, isStatementType } from "./recognise";
import {
  MAX_DOCUMENT_SIZE,
  MAX_STATEMENT_SIZE,
  parseStatement,
  speaksAbout,
  type Statement,
} from "./statement";
import { kindOf, sameType, type ClaimKind } from "./types";

/**
 * Judges the bytes of a claim's layer, when they are packed and when they are read: a statement
 * about the subject, of the announced type, with a fitting predicate; or a document of a kind that
 * has documents. Returns the statement, if it is one.
 * @throws ConsignError `STATEMENT_INVALID`, `PREDICATE_INVALID`, `SUBJECT_MISMATCH`
 */
export function checkLayer(
  bytes: Uint8Array,
  mediaType: string,
  subject: Digest,
  type: string | undefined,
  kind: ClaimKind | undefined,
): Statement | undefined {
  if (isStatementType(mediaType)) return checkStatement(bytes, subject, type, kind);
  if (kind !== undefined && kind.documentType === undefined) {
    const why = `a claim of type ${kind.name} is an in-toto statement, not a ${mediaType}; give its content as the predicate`;
    throw new ConsignError("STATEMENT_INVALID", why);
  }
  if (bytes.byteLength > MAX_DOCUMENT_SIZE) {
    throw new ConsignError(
      "STATEMENT_INVALID",
      `the document has ${bytes.byteLength} bytes; at most ${MAX_DOCUMENT_SIZE} are allowed`,
    );
  }
  if (isJson(mediaType)) kind?.check(parseJson(bytes, "the document", "PREDICATE_INVALID"));
  return undefined;
}

function checkStatement(
  bytes: Uint8Array,
  subject: Digest,
  type: string | undefined,
  kind: ClaimKind | undefined,
): Statement {
  const statement = parseStatement(bytes, statementLimit(kind));
  if (!speaksAbout(statement, subject)) {
    throw new ConsignError(
      "SUBJECT_MISMATCH",
      `the statement speaks about ${describeSubjects(statement)}, but its manifest refers to ${subject}`,
    );
  }
  if (type !== undefined && !sameType(statement.predicateType, type)) {
    throw new ConsignError(
      "STATEMENT_INVALID",
      `the claim is announced as ${type}, but its statement says ${statement.predicateType}`,
    );
  }
  kindOf(statement.predicateType)?.check(statement.predicate);
  return statement;
}

function describeSubjects(statement: Statement): string {
  const digests = statement.subject.flatMap(({ digest }) =>
    Object.entries(digest).map(([algorithm, value]) => `${algorithm}:${value}`),
  );
  return (
    digests
      .slice(0, 3)
      .map((digest) => digest.slice(0, 140))
      .join(", ") + (digests.length > 3 ? ` and ${digests.length - 3} more` : "")
  );
}

export function statementLimit(kind: ClaimKind | undefined): number {
  return kind?.documentType === undefined ? MAX_STATEMENT_SIZE : MAX_DOCUMENT_SIZE;
}

function isJson(mediaType: string): boolean {
  return /[/+]json$/.test(baseMediaType(mediaType));
}
