// SPDX-License-Identifier: Apache-2.0
import { openTrust as open, type ResolvedTrustPolicy, type Trust } from "../notation/index";
import { at, type ResourceContext } from "../world/context";

export { isInline, trustSchema, type Trust } from "../notation/index";

/**
 * Loads what a trust policy names, for a repository. @throws ConsignError `TRUST_*`, `FILE_*`,
 * under `trust`
 */
export async function openTrust(
  trust: Trust,
  scope: string,
  context: Pick<ResourceContext, "baseDir">,
): Promise<ResolvedTrustPolicy> {
  return at("trust", async () => open(trust, scope, context.baseDir));
}
