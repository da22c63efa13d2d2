// SPDX-License-Identifier: Apache-2.0
import path from "node:path";
import { z } from "zod";
import { ConsignError } from "../../errors";
import { notationConfigDir } from "./config-dir";
import { policyFromNotation } from "./policy-document";
import { parseTrustPolicy, trustPolicySchema, type TrustPolicyInput } from "./trust-policy";
import { resolveTrustPolicy, type ResolvedTrustPolicy } from "./trust-store";

const notationSchema = z.strictObject({ notationConfig: z.string().min(1) });

/**
 * A trust policy statement given outright, or a notation configuration directory; `"default"` is
 * where notation keeps its own.
 */
export type Trust = TrustPolicyInput | z.infer<typeof notationSchema>;

/** Which form it is, is decided first, so that what is wrong is reported where it stands. */
export const trustSchema = z.custom<Trust>().check((context) => {
  const { value } = context;
  const parsed = (isNotation(value) ? notationSchema : trustPolicySchema).safeParse(value);
  for (const issue of parsed.error?.issues ?? []) {
    const found =
      issue.code === "unrecognized_keys"
        ? issue.keys.map((key) => ({
            message: "there is no such member",
            path: [...issue.path, key],
          }))
        : [issue];
    for (const { message, path: where } of found)
      context.issues.push({
        code: "custom",
        input: value,
        message,
        path: [...where],
        params: { code: "TRUST_POLICY_INVALID" },
      });
  }
});

function isNotation(trust: Trust): trust is z.infer<typeof notationSchema> {
  return typeof trust === "object" && trust !== null && "notationConfig" in trust;
}

/** Whether a trust policy can be opened before it is known for which repository. */
export function isInline(trust: Trust): boolean {
  return !isNotation(trust);
}

/**
 * Loads what a trust policy names. Of a notation configuration directory it is the statement that
 * applies to `scope`, `host[:port]/repository` or `oci:path`.
 * @param baseDir what relative paths are relative to
 * @throws ConsignError `TRUST_*`, `FILE_*`; what is wrong in notation's files has the path
 * `notationConfig`
 */
export async function openTrust(
  trust: Trust,
  scope: string,
  baseDir: string,
): Promise<ResolvedTrustPolicy> {
  if (!isNotation(trust)) return resolveTrustPolicy(parseTrustPolicy(trust), { baseDir });
  const directory =
    trust.notationConfig === "default"
      ? notationConfigDir()
      : path.resolve(baseDir, trust.notationConfig);
  try {
    return await resolveTrustPolicy(await policyFromNotation(directory, scope), {
      baseDir,
      notationConfigDir: directory,
    });
  } catch (error) {
    throw inNotation(error);
  }
}

function inNotation(error: unknown): unknown {
  if (!(error instanceof ConsignError)) return error;
  const { code, message, reference, cause } = error;
  return new ConsignError(code, message, { path: "notationConfig", reference, cause });
}
