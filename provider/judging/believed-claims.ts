// SPDX-License-Identifier: Apache-2.0
import {
  observeClaim,
  together,
  type BrokenClaim,
  type ReadClaim,
  type Signer,
} from "../claims/index";
import type { ReadStore } from "../content/storage";
import {
  verifyArtifact,
  type ArtifactVerdict,
  type ResolvedTrustPolicy,
  type SignatureVerdict,
} from "../notation/index";
import type { Descriptor } from "../oci/descriptor";
import type { Digest } from "../oci/digest";
import type { ResourceContext } from "../world/context";

/**
 * A claim with what its signatures are worth: `expired` had a good signature, `inconclusive` may
 * have one.
 */
export interface WeighedClaim {
  claim: ReadClaim | BrokenClaim;
  worth: "believed" | "expired" | "unsigned" | "inconclusive" | "refused";
  reason: string;
  verdict: ArtifactVerdict;
  /** Subjects of those whose word it is, where it is believed. */
  signers: string[];
  /** The same, each with the root under which he is trusted. */
  words: Signer[];
  /** Whether it may be the word of others too. */
  openEnded: boolean;
}

/**
 * Reads a claim and weighs it under a trust policy. A signer whom the policy does not authenticate
 * could call itself anything, and is refused.
 */
export async function weighClaim(
  store: ReadStore,
  descriptor: Descriptor,
  subject: Digest,
  trust: ResolvedTrustPolicy,
  context: ResourceContext,
): Promise<WeighedClaim> {
  const claim = await observeClaim(store, descriptor, { subject });
  const verdict = await verifyArtifact(store, claim.descriptor, trust, {
    now: context.now(),
    baseDir: context.baseDir,
    scope: store.name,
    revocation: context.revocation,
    signers: "every",
  });
  const words = verdict.signatures
    .filter(isAuthentic)
    .flatMap(({ signer }) => signer ?? [])
    .map(({ subject: name, root }): Signer => ({ subject: name, root }));
  const signers = [...new Set(words.map(({ subject: name }) => name))];
  const openEnded =
    verdict.unseen > 0 || verdict.signatures.some(({ outcome }) => outcome === "inconclusive");
  return { claim, ...worthOf(verdict, signers), verdict, signers, words, openEnded };
}

function isAuthentic({ outcome, checks }: SignatureVerdict): boolean {
  return (
    outcome === "verified" &&
    checks.find(({ check }) => check === "authenticity")?.result === "passed"
  );
}

function worthOf(
  verdict: ArtifactVerdict,
  signers: readonly string[],
): Pick<WeighedClaim, "worth" | "reason"> {
  const reason = `${verdict.reason ?? verdict.outcome} [${verdict.code ?? "SIGNATURE_INVALID"}]`;
  if (verdict.outcome === "verified") {
    return signers.length > 0
      ? { worth: "believed", reason: `signed by ${together(signers)}` }
      : { worth: "refused", reason: "the trust policy does not authenticate its signer" };
  }
  if (verdict.outcome === "inconclusive") return { worth: "inconclusive", reason };
  if (verdict.outcome === "missing") return { worth: "unsigned", reason };
  return {
    worth: verdict.signatures.some(({ code }) => code === "SIGNATURE_EXPIRED")
      ? "expired"
      : "refused",
    reason,
  };
}
