// SPDX-License-Identifier: Apache-2.0
import { forEachBounded } from "../content/bounded";
import type { ReadStore } from "../content/storage";
import { ConsignError } from "../errors";
import { verifyArtifact, type ResolvedTrustPolicy, type VerifyContext } from "../notation";
import type { Descriptor } from "../oci/descriptor";
import type { Digest } from "../oci/digest";
import type { ObservedClaim } from "./admission";
import { observeClaim } from "./read-claim";
import { isClaim } from "./recognise";

/** Claims of one artifact that are looked at, claims about claims included. */
export const MAX_CLAIMS = 10_000;

export interface GatherOptions {
  /** Claims under way at once. @default 8 */
  concurrency?: number | undefined;
}

/**
 * Reads every claim about an artifact, and every claim about those (which is how a claim is revoked), with the verdict on its signatures.
 * Sorted by digest.
 * @throws ConsignError `GRAPH_TOO_LARGE` beyond {@link MAX_CLAIMS}: a claim that is not looked at could be the one that forbids; and what the store
 * throws where it cannot be asked
 */
export async function gatherClaims(store: ReadStore, artifact: Descriptor, policy: ResolvedTrustPolicy, context: VerifyContext, options: GatherOptions = {}): Promise<ObservedClaim[]> {
  const found = new Map<Digest, ObservedClaim>();
  let level: { descriptor: Descriptor; subject: Digest }[] = await claimsAbout(store, artifact.digest);
  while (level.length > 0) {
    if (found.size + level.length > MAX_CLAIMS) {
      throw new ConsignError("GRAPH_TOO_LARGE", `more than ${MAX_CLAIMS} claims refer to ${artifact.digest}: not all can be looked at, so nothing is said of it`, { reference: store.name });
    }
    const next: { descriptor: Descriptor; subject: Digest }[] = [];
    await forEachBounded(level, options.concurrency ?? 8, async ({ descriptor, subject }) => {
      const claim = await observeClaim(store, descriptor, { subject });
      const verdict = await verifyArtifact(store, claim.descriptor, policy, context);
      found.set(descriptor.digest, { claim, verdict });
      next.push(...(await claimsAbout(store, descriptor.digest)));
    });
    level = next.filter(({ descriptor }) => !found.has(descriptor.digest));
  }
  return [...found.values()].sort((a, b) => (a.claim.digest < b.claim.digest ? -1 : 1));
}

async function claimsAbout(store: ReadStore, subject: Digest): Promise<{ descriptor: Descriptor; subject: Digest }[]> {
  return (await store.referrers(subject)).filter(isClaim).map((descriptor) => ({ descriptor, subject }));
}
