// SPDX-License-Identifier: Apache-2.0
import { resolve } from "node:path";
import { z } from "zod";
import { ConsignError } from "../errors";
import { applicablePolicy, notationConfigDir, parseTrustPolicy, policyFromNotation, resolveTrustPolicy, type ResolvedTrustPolicy, type TrustPolicy } from "../notation";
import type { CommandName, Flags } from "./command-line";
import { readJsonFile } from "./json-file";
import type { World } from "./world";

const documentSchema = z.looseObject({ version: z.literal("1.0"), trustPolicies: z.array(z.unknown()).min(1).max(1_000) });

/**
 * The trust policy that the flags ask for. `verify` without any takes notation's own; for the other commands there is none then.
 * @param scope what the policy calls the repository
 * @throws ConsignError `TRUST_POLICY_INVALID`, `TRUST_POLICY_NOT_APPLICABLE`, `TRUST_STORE_INVALID`, `FILE_NOT_FOUND`, `FILE_UNREADABLE`
 */
export async function trustFrom(command: CommandName, flags: Flags, scope: string, world: World): Promise<ResolvedTrustPolicy | undefined> {
  const configDir = flags.configDir === undefined ? notationConfigDir(world.env) : resolve(world.cwd, flags.configDir);
  const policy = await policyFrom(command, flags, scope, configDir, world);
  return policy === undefined ? undefined : resolveTrustPolicy(policy, { baseDir: world.cwd, notationConfigDir: configDir });
}

async function policyFrom(command: CommandName, flags: Flags, scope: string, configDir: string, world: World): Promise<TrustPolicy | undefined> {
  if (flags.policy !== undefined) {
    const policy = applicablePolicy(await readPolicies(flags.policy, world), scope);
    return flags.roots.length === 0 ? policy : parseTrustPolicy({ ...policy, roots: { ...policy.roots, ca: [...(policy.roots?.ca ?? []), ...flags.roots] } });
  }
  if (flags.roots.length > 0) {
    world.tell("consign: no --policy: level strict, any identity with a certificate from the given roots");
    return parseTrustPolicy({ name: "--root", signatureVerification: { level: "strict" }, roots: { ca: flags.roots }, trustedIdentities: ["*"] });
  }
  return command === "verify" || flags.configDir !== undefined ? policyFromNotation(configDir, scope) : undefined;
}

/** One statement stands alone; notation's document has several, of which one applies. */
async function readPolicies(file: string, world: World): Promise<TrustPolicy[]> {
  const value = await readJsonFile(world.cwd, file, "TRUST_POLICY_INVALID");
  if (typeof value !== "object" || value === null || !("trustPolicies" in value)) return [parseTrustPolicy(value)];
  const document = documentSchema.safeParse(value);
  if (!document.success) throw invalid(file, 'a document needs "version": "1.0" and at least one statement in "trustPolicies"');
  const policies = document.data.trustPolicies.map((statement, index) => parseTrustPolicy(statement, `trustPolicies[${index}]`));
  const twice = <T>(values: readonly T[]) => values.find((each, index) => values.indexOf(each) !== index);
  const scope = twice(policies.flatMap(({ registryScopes }) => registryScopes));
  if (scope !== undefined) throw invalid(file, `two statements have the scope "${scope}"`);
  const name = twice(policies.map(({ name: each }) => each));
  if (name !== undefined) throw invalid(file, `two statements have the name "${name}"`);
  return policies;
}

function invalid(file: string, why: string): ConsignError {
  return new ConsignError("TRUST_POLICY_INVALID", `the trust policy ${file} is not valid: ${why}`);
}
