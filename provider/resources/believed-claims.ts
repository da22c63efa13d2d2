// SPDX-License-Identifier: Apache-2.0
import { observeClaim, type BrokenClaim, type ReadClaim } from "../claims";
import type { ReadStore } from "../content/storage";
import { verifyArtifact, type ArtifactVerdict, type ResolvedTrustPolicy } from "../notation";
import type { Descriptor } from "../oci/descriptor";
import type { Digest } from "../oci/digest";
import type { ResourceContext } from "./context";

/** A claim with what its signatures are worth: `expired` had a good signature, `inconclusive` may have one. */
export interface WeighedClaim {
  claim: ReadClaim | BrokenClaim;
  worth: "believed" | "expired" | "unsigned" | "inconclusive" | "refused";
  reason: string;
  verdict: ArtifactVerdict;
}

/** Reads a claim and weighs it under a trust policy. A signer whom the policy does not authenticate could call itself anything, and is refused. */
export async function weighClaim(store: ReadStore, descriptor: Descriptor, subject: Digest, trust: ResolvedTrustPolicy, context: ResourceContext): Promise<WeighedClaim> {
  const claim = await observeClaim(store, descriptor, { subject });
  const verdict = await verifyArtifact(store, claim.descriptor, trust, { now: context.now(), baseDir: context.baseDir, scope: store.name, revocation: context.revocation });
  return { claim, ...worthOf(verdict), verdict };
}

function worthOf(verdict: ArtifactVerdict): Pick<WeighedClaim, "worth" | "reason"> {
  const reason = `${verdict.reason ?? verdict.outcome} [${verdict.code ?? "SIGNATURE_INVALID"}]`;
  if (verdict.outcome === "verified") {
    const authentic = verdict.checks.find(({ check }) => check === "authenticity")?.result === "passed";
    return authentic ? { worth: "believed", reason: `signed by ${verdict.signer?.subject ?? "a trusted signer"}` } : { worth: "refused", reason: "the trust policy does not authenticate its signer" };
  }
  if (verdict.outcome === "inconclusive") return { worth: "inconclusive", reason };
  if (verdict.outcome === "missing") return { worth: "unsigned", reason };
  return { worth: verdict.signatures.some(({ code }) => code === "SIGNATURE_EXPIRED") ? "expired" : "refused", reason };
}
