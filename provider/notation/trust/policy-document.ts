// SPDX-License-Identifier: Apache-2.0
import { lstat, readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { ConsignError } from "../../errors";
import { parseStrictJson } from "../envelope/strict-json";
import { applicablePolicy, parseTrustPolicy, type TrustPolicy } from "./trust-policy";

const documentSchema = z.looseObject({
  version: z.literal("1.0"),
  trustPolicies: z.array(z.unknown()).min(1).max(1_000),
});
const MAX_DOCUMENT_SIZE = 1024 * 1024;

/**
 * The statement of notation's own trust policy that applies to a repository: from
 * `trustpolicy.oci.json`, else `trustpolicy.json`.
 * @throws ConsignError `FILE_NOT_FOUND`, `FILE_UNREADABLE`, `TRUST_POLICY_INVALID`,
 * `TRUST_POLICY_NOT_APPLICABLE`
 */
export async function policyFromNotation(configDir: string, scope: string): Promise<TrustPolicy> {
  const { file, bytes } = await readDocument(configDir);
  return applicablePolicy(parsePolicyDocument(parseJson(bytes, file), file, "required"), scope);
}

async function readDocument(configDir: string): Promise<{ file: string; bytes: Uint8Array }> {
  for (const name of ["trustpolicy.oci.json", "trustpolicy.json"]) {
    const file = join(configDir, name);
    const entry = await lstat(file).catch((error: NodeJS.ErrnoException) =>
      error.code === "ENOENT" ? undefined : Promise.reject(unreadable(file, error)),
    );
    if (entry === undefined) continue;
    if (!entry.isFile())
      throw documentInvalid(file, "it is not a regular file; symbolic links are not followed");
    if (entry.size > MAX_DOCUMENT_SIZE)
      throw documentInvalid(file, `it is larger than ${MAX_DOCUMENT_SIZE} bytes`);
    return {
      file,
      bytes: await readFile(file).catch((error: unknown) =>
        Promise.reject(unreadable(file, error)),
      ),
    };
  }
  throw new ConsignError(
    "FILE_NOT_FOUND",
    `${configDir} holds no notation trust policy (trustpolicy.oci.json or trustpolicy.json)`,
  );
}

function parseJson(bytes: Uint8Array, file: string): unknown {
  try {
    return parseStrictJson(bytes);
  } catch (cause) {
    throw documentInvalid(file, `it is not JSON: ${(cause as Error).message}`, cause);
  }
}

/**
 * The statements of a trust policy document in notation's form.
 * @param members "required": each has a name and scopes, as notation itself wants it; "optional":
 * as in a policy that is given here
 * @param file what messages call it
 * @throws ConsignError `TRUST_POLICY_INVALID`
 */
export function parsePolicyDocument(
  value: unknown,
  file: string,
  members: "required" | "optional",
): TrustPolicy[] {
  const document = documentSchema.safeParse(value);
  if (!document.success)
    throw documentInvalid(
      file,
      `it needs "version": "1.0" and at least one statement in "trustPolicies"`,
    );
  const policies = document.data.trustPolicies.map((statement, index) => {
    const policy = parseTrustPolicy(statement, `trustPolicies[${index}]`);
    if (members === "required" && policy.name === undefined)
      throw documentInvalid(file, `trustPolicies[${index}] has no name`);
    if (members === "required" && !hasScopes(statement))
      throw documentInvalid(file, `trustPolicies[${index}] has no registryScopes`);
    return policy;
  });
  const repeatedName = repeated(policies.flatMap(({ name }) => name ?? []));
  if (repeatedName !== undefined)
    throw documentInvalid(file, `two statements have the name "${repeatedName}"`);
  const repeatedScope = repeated(policies.flatMap(({ registryScopes }) => registryScopes));
  if (repeatedScope !== undefined)
    throw documentInvalid(file, `two statements have the scope "${repeatedScope}"`);
  return policies;
}

/** Required in notation's own documents; a policy given here may leave them out. */
function hasScopes(statement: unknown): boolean {
  return typeof statement === "object" && statement !== null && "registryScopes" in statement;
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
