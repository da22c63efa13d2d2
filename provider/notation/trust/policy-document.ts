// SPDX-License-Identifier: Apache-2.0
import { lstat, readFile } from "node:fs/promises";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import { ConsignError } from "../../errors";
import { parseStrictJson } from "../../oci/strict-json";
import { parseNotationStatement, refuseCase, type NotationStatement } from "./notation-statement";
import { applicablePolicy, parseTrustPolicy, type TrustPolicy } from "./trust-policy";

const documentSchema = z.looseObject({
  version: z.literal("1.0"),
  trustPolicies: z.array(z.unknown()).min(1).max(1_000),
});
const MAX_DOCUMENT_SIZE = 1024 * 1024;

/** What notation 1.3 reads. */
const READ = "trustpolicy.json";
/** What notation reads from its version 2 on, where it is there. */
const LATER = "trustpolicy.oci.json";

/**
 * The statement of notation's own trust policy that applies to a repository. It is the one of
 * `trustpolicy.json`, as notation 1.3 reads no other file. Later versions put
 * `trustpolicy.oci.json` first, so where both are there they must say the same.
 * @throws ConsignError `FILE_NOT_FOUND`, `FILE_UNREADABLE`, `TRUST_POLICY_INVALID`,
 * `TRUST_POLICY_NOT_APPLICABLE`
 */
export async function policyFromNotation(configDir: string, scope: string): Promise<TrustPolicy> {
  const file = join(configDir, READ);
  const later = join(configDir, LATER);
  const [value, other] = [await readDocument(file), await readDocument(later)];
  if (value === undefined)
    throw new ConsignError(
      "FILE_NOT_FOUND",
      `${configDir} holds no ${READ}${other === undefined ? "" : `; notation 1.3 does not read ${LATER}, so copy it to ${READ} if it is meant`}`,
    );
  if (other !== undefined && !isDeepStrictEqual(value.json, other.json))
    throw documentInvalid(
      file,
      `${LATER} beside it says something else, and which of them counts depends on notation's version; remove one, or make them the same`,
    );
  return applicablePolicy(parseNotationDocument(value.json, file), scope).policy();
}

async function readDocument(file: string): Promise<{ json: unknown } | undefined> {
  const entry = await lstat(file).catch((error: NodeJS.ErrnoException) =>
    error.code === "ENOENT" ? undefined : Promise.reject(unreadable(file, error)),
  );
  if (entry === undefined) return undefined;
  if (!entry.isFile())
    throw documentInvalid(file, "it is not a regular file; symbolic links are not followed");
  if (entry.size > MAX_DOCUMENT_SIZE)
    throw documentInvalid(file, `it is larger than ${MAX_DOCUMENT_SIZE} bytes`);
  const bytes = await readFile(file).catch((error: unknown) =>
    Promise.reject(unreadable(file, error)),
  );
  return { json: parseJson(bytes, file) };
}

function parseJson(bytes: Uint8Array, file: string): unknown {
  try {
    return parseStrictJson(bytes);
  } catch (cause) {
    throw documentInvalid(file, `it is not JSON: ${(cause as Error).message}`, cause);
  }
}

/**
 * The statements of notation's own document, each valid by notation's rules.
 * @throws ConsignError `TRUST_POLICY_INVALID`
 */
function parseNotationDocument(value: unknown, file: string): NotationStatement[] {
  refuseCase(value, Object.keys(documentSchema.shape), file);
  return distinct(
    statementsOf(value, file).map((statement, index) =>
      parseNotationStatement(statement, `trustPolicies[${index}]`),
    ),
    file,
  );
}

/**
 * The statements of a document in notation's form that is given here: names and scopes may be left
 * out, and certificates may be given inline.
 * @param file what messages call it
 * @throws ConsignError `TRUST_POLICY_INVALID`
 */
export function parsePolicyDocument(value: unknown, file: string): TrustPolicy[] {
  return distinct(
    statementsOf(value, file).map((statement, index) =>
      parseTrustPolicy(statement, `trustPolicies[${index}]`),
    ),
    file,
  );
}

function statementsOf(value: unknown, file: string): readonly unknown[] {
  const document = documentSchema.safeParse(value);
  if (document.success) return document.data.trustPolicies;
  throw documentInvalid(
    file,
    `it needs "version": "1.0" and at least one statement in "trustPolicies"`,
  );
}

interface Named {
  readonly name?: string | undefined;
  readonly registryScopes: readonly string[];
}

function distinct<T extends Named>(statements: T[], file: string): T[] {
  const repeatedName = repeated(statements.flatMap(({ name }) => name ?? []));
  if (repeatedName !== undefined)
    throw documentInvalid(file, `two statements have the name "${repeatedName}"`);
  const repeatedScope = repeated(statements.flatMap(({ registryScopes }) => registryScopes));
  if (repeatedScope !== undefined)
    throw documentInvalid(file, `two statements have the scope "${repeatedScope}"`);
  return statements;
}

function repeated<T>(values: readonly T[]): T | undefined {
  return values.find((value, index) => values.indexOf(value) !== index);
}

function unreadable(file: string, cause: unknown): ConsignError {
  return new ConsignError(
    "FILE_UNREADABLE",
    `the trust policy ${file} cannot be read: ${(cause as Error).message}`,
    { cause },
  );
}

function documentInvalid(file: string, why: string, cause?: unknown): ConsignError {
  return new ConsignError("TRUST_POLICY_INVALID", `the trust policy ${file} is not valid: ${why}`, {
    cause,
  });
}
