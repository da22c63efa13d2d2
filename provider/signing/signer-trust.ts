// SPDX-License-Identifier: Apache-2.0
import { ConsignError } from "../errors";
import type { ResolvedTrustPolicy } from "../notation/index";
import { identityNameOf, isSubsetName } from "../notation/x509/distinguished-name";
import type { ResourceContext } from "../world/context";
import type { Properties } from "../world/reconciler";
import { plannedCertificates } from "./planned-signer";
import type { SignerArgument } from "./signer";

/**
 * Refuses a signer whose records would not count when they are read back. A plugin that only makes
 * whole envelopes does not show its certificate beforehand, and one that was asked when it was new
 * is not asked again: of these nothing is said.
 * @param previous the recorded properties
 * @throws ConsignError `INPUT_INVALID` at `signer`
 */
export async function requireTrustedSigner(
  { signer, previous }: { signer: SignerArgument; previous: Properties | undefined },
  trust: ResolvedTrustPolicy,
  trustProperty: string,
  context: ResourceContext,
): Promise<void> {
  const chain = await plannedCertificates(signer, previous, context);
  if (chain.length === 0) return;
  const roots = new Set(trust.trusted.ca.map(({ thumbprint }) => thumbprint));
  const leaf = chain[0];
  const name = leaf === undefined ? undefined : identityNameOf(leaf.subject);
  const rooted = chain.some(({ thumbprint }) => roots.has(thumbprint));
  const identified =
    trust.identities === "any" ||
    (name !== undefined && trust.identities.some((identity) => isSubsetName(identity, name)));
  if (rooted && identified && trust.actions.authenticity !== "skip") return;
  throw new ConsignError(
    "INPUT_INVALID",
    `records signed by "${leaf?.subject.text ?? ""}" would not be believed under ${trustProperty}: trust this signer there, or sign with one that is trusted`,
    { path: "signer" },
  );
}
