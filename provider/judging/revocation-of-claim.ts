// SPDX-License-Identifier: Apache-2.0
import {
  claimTypeOf,
  isAboutAnother,
  isClaim,
  names,
  partsOf,
  revocationSchema,
  signerKey,
  typeKey,
  type KnownIssuer,
} from "../claims/index";
import type { ReadStore } from "../content/storage";
import { saysNothing, type ResolvedTrustPolicy } from "../notation/index";
import type { Descriptor } from "../oci/descriptor";
import type { Digest } from "../oci/digest";
import { weighClaim, type WeighedClaim } from "./believed-claims";
import type { ResourceContext } from "../world/context";

/** Revocations of revocations are followed so far; what lies deeper leaves it open. */
const MAX_DEPTH = 8;

/**
 * Whether a claim about an artifact is revoked: for sure, by its own issuer, by each where several
 * have signed it, or by one who may revoke for others, and in force; or possibly, as somebody who
 * is trusted, or may be, says so. `undefined`: nobody does.
 * @param issuers who may revoke the claims of others
 */
export async function revocationOfClaim(
  store: ReadStore,
  target: WeighedClaim,
  artifact: Digest,
  { trust, issuers }: { trust: ResolvedTrustPolicy; issuers: readonly KnownIssuer[] | undefined },
  context: ResourceContext,
  depth = 0,
): Promise<"revoked" | "possibly" | undefined> {
  let found: "possibly" | undefined;
  const unanswered = new Set(target.words.map(signerKey));
  for (const subject of [target.claim.digest, artifact]) {
    for (const descriptor of (await store.referrers(subject)).filter(mayRevoke)) {
      const revocation = await weighClaim(store, descriptor, subject, trust, context);
      const { claim, worth } = revocation;
      if (worth === "refused" || worth === "unsigned" || isAboutAnother(claim)) continue;
      if (claim.type !== undefined && typeKey(claim.type) !== "revocation") continue;
      const said = "broken" in claim ? undefined : revocationSchema.safeParse(claim.predicate).data;
      if (said !== undefined && said.target !== target.claim.digest) continue;
      // Of what cannot be read, nobody can say that it is not about this claim.
      found = "possibly";
      const answered = answeredBy(revocation, target, issuers);
      if (worth !== "believed" || said === undefined || answered.length === 0) continue;
      if (said.since !== undefined && Date.parse(said.since) > context.now().getTime()) continue;
      if (
        depth >= MAX_DEPTH ||
        (await revocationOfClaim(
          store,
          revocation,
          artifact,
          { trust, issuers },
          context,
          depth + 1,
        )) !== undefined
      )
        continue;
      for (const signer of answered) unanswered.delete(signer);
      if (unanswered.size === 0 && !target.openEnded) return "revoked";
    }
  }
  return found;
}

/** By the list alone: says that it revokes something, or does not say what it is. */
function mayRevoke(descriptor: Descriptor): boolean {
  const type = claimTypeOf(descriptor);
  if (type === undefined) return isClaim(descriptor) || saysNothing(descriptor);
  return typeKey(type) === "revocation";
}

/**
 * Whose word a revocation takes back, of those who have signed a claim: anyone's, by one who may
 * revoke for others; else that of its own signers. To take back is to open, so a namesake under
 * another root is somebody else, unless the entry names the roots.
 */
function answeredBy(
  { words: revokers }: WeighedClaim,
  target: WeighedClaim,
  issuers: readonly KnownIssuer[] | undefined,
): string[] {
  const own = new Set(revokers.map(signerKey));
  return target.words
    .filter(
      (word) =>
        (word.root !== undefined && own.has(signerKey(word))) ||
        revokers.some((revoker) =>
          (issuers ?? []).some(
            (entry) =>
              names(entry, revoker) &&
              (partsOf(entry).thumbprints !== undefined ||
                (revoker.root !== undefined && revoker.root === word.root)),
          ),
        ),
    )
    .map(signerKey);
}
