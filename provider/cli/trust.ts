// SPDX-License-Identifier: Apache-2.0
import { resolve } from "node:path";
import { ConsignError, isConsignError } from "../errors";
import {
  applicablePolicy,
  notationConfigDir,
  parsePolicyDocument,
  parseTrustPolicy,
  policyFromNotation,
  resolveTrustPolicy,
  type ResolvedTrustPolicy,
  type TrustPolicy,
} from "../notation";
import type { Flags } from "./command-line";
import type { CommandName } from "./commands";
import { readJsonFile } from "./json-file";
import type { World } from "./world";

/**
 * The trust policy that the flags ask for. `verify` without any takes notation's own; for the other
 * commands there is none then.
 * @param scope what the policy calls the repository
 * @throws ConsignError `TRUST_POLICY_INVALID`, `TRUST_POLICY_NOT_APPLICABLE`,
 * `TRUST_STORE_INVALID`, `FILE_NOT_FOUND`, `FILE_UNREADABLE`
 */
export async function trustFrom(
  command: CommandName,
  flags: Flags,
  scope: string,
  world: World,
): Promise<ResolvedTrustPolicy | undefined> {
  const configDir =
    flags.configDir === undefined
      ? notationConfigDir(world.env)
      : resolve(world.cwd, flags.configDir);
  const policy = await policyFrom(command, flags, scope, configDir, world);
  return policy === undefined
    ? undefined
    : resolveTrustPolicy(policy, { baseDir: world.cwd, notationConfigDir: configDir });
}

async function policyFrom(
  command: CommandName,
  flags: Flags,
  scope: string,
  configDir: string,
  world: World,
): Promise<TrustPolicy | undefined> {
  if (flags.policy !== undefined) {
    const policy = applicablePolicy(await readPolicies(flags.policy, world), scope);
    return flags.roots.length === 0
      ? policy
      : parseTrustPolicy({
          ...policy,
          roots: { ...policy.roots, ca: [...(policy.roots?.ca ?? []), ...flags.roots] },
        });
  }
  if (flags.roots.length > 0) {
    world.tell(
      "consign: no --policy: level strict, any identity with a certificate from the given roots",
    );
    return parseTrustPolicy({
      name: "--root",
      signatureVerification: { level: "strict" },
      roots: { ca: flags.roots },
      trustedIdentities: ["*"],
    });
  }
  if (command !== "verify" && flags.configDir === undefined) return undefined;
  try {
    return await policyFromNotation(configDir, scope);
  } catch (error) {
    if (flags.configDir !== undefined || !isConsignError(error, "FILE_NOT_FOUND")) throw error;
    throw new ConsignError(
      "FILE_NOT_FOUND",
      `${error.message}: say whom to trust with --policy FILE or --root FILE`,
      { cause: error },
    );
  }
}

/** One statement stands alone; notation's document has several, of which one applies. */
async function readPolicies(file: string, world: World): Promise<TrustPolicy[]> {
  const value = await readJsonFile(world.cwd, file, "TRUST_POLICY_INVALID");
  if (typeof value !== "object" || value === null || !("trustPolicies" in value))
    return [parseTrustPolicy(value)];
  return parsePolicyDocument(value, file);
}
