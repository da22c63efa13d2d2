// SPDX-License-Identifier: Apache-2.0
import { ConsignError } from "../errors";
import { isEnvelopeSigner, parseCertificate, type ResolvedTrustPolicy } from "../notation/index";
import { identityNameOf, isSubsetName } from "../notation/x509/distinguished-name";
import type { ResourceContext } from "../world/context";
import { openSigner, type SignerArgument } from "./signer";

/**
 * Refuses a signer whose records would not count when they are read back. A plugin that only makes
 * whole envelopes does not show its certificate beforehand, so of it nothing is said.
 * @throws ConsignError `INPUT_INVALID` at `signer`
 */
export async function requireTrustedSigner(
  signer: SignerArgument,
  trust: ResolvedTrustPolicy,
  trustProperty: string,
  context: ResourceContext,
): Promise<void> {
  const open = await openSigner(signer, context);
  if (isEnvelopeSigner(open)) return;
  const chain = open.certificateChain.map(parseCertificate);
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
