// SPDX-License-Identifier: Apache-2.0
import path from "node:path";
import { z } from "zod";
import { ConsignError } from "../errors";
import { notationConfigDir, policyFromNotation, resolveTrustPolicy, trustPolicySchema, type ResolvedTrustPolicy } from "../notation";
import { parseTrustPolicy, type TrustPolicyInput } from "../notation/trust-policy";
import { at, type ResourceContext } from "./context";

const notationSchema = z.strictObject({ notationConfig: z.string().min(1) });

/** A trust policy statement given outright, or a notation configuration directory. */
export type Trust = TrustPolicyInput | z.infer<typeof notationSchema>;

/** Which form it is, is decided first, so that what is wrong is reported where it stands. */
export const trustSchema = z.custom<Trust>().check((context) => {
  const { value } = context;
  const parsed = (isNotation(value) ? notationSchema : trustPolicySchema).safeParse(value);
  for (const { message, path: where } of parsed.error?.issues ?? []) {
    context.issues.push({ code: "custom", input: value, message, path: [...where], params: { code: "TRUST_POLICY_INVALID" } });
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
 * Loads what a trust policy names. Of a notation configuration directory (`"default"`: where notation keeps its own) it is the statement that
 * applies to `scope`, `host[:port]/repository` or `oci:path`.
 * @throws ConsignError `TRUST_*`, `FILE_*`, under `trust`
 */
export async function openTrust(trust: Trust, scope: string, context: Pick<ResourceContext, "baseDir">): Promise<ResolvedTrustPolicy> {
  return at("trust", async () => {
    if (!isNotation(trust)) return resolveTrustPolicy(parseTrustPolicy(trust), { baseDir: context.baseDir });
    const directory = trust.notationConfig === "default" ? notationConfigDir() : path.resolve(context.baseDir, trust.notationConfig);
    try {
      return await resolveTrustPolicy(await policyFromNotation(directory, scope), { baseDir: context.baseDir, notationConfigDir: directory });
    } catch (error) {
      throw inNotation(error);
    }
  });
}

/** What is wrong is in notation's files and not among the arguments. */
function inNotation(error: unknown): unknown {
  if (!(error instanceof ConsignError)) return error;
  const { code, message, reference, cause } = error;
  return new ConsignError(code, message, { path: "notationConfig", reference, cause });
}
