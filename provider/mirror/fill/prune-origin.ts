// SPDX-License-Identifier: Apache-2.0
import type { Store } from "../../content/storage";
import { isConsignError } from "../../errors";
import { isSignature } from "../../notation/index";
import type { Descriptor } from "../../oci/descriptor";
import type { Digest } from "../../oci/digest";
import type { ResourceContext } from "../../world/context";
import { ownSignatures } from "../../signing/own-signatures";
import type { SignedBy } from "../../signing/signer";

/**
 * Finds the mirror's own signatures on a claim of its own that is to go; none where anything else
 * refers to the claim, which then stays, signed.
 */
export type OwnOrigins = (claim: Digest) => Promise<readonly Digest[]>;

/**
 * A mirror signs what it says about the origin of a derived index, and no plan names that
 * signature, as its digest is known only when it is made. So it is told by its certificate, and by
 * being good for this claim.
 */
export function ownOrigins(
  store: Store,
  signers: readonly (SignedBy | undefined)[],
  context: ResourceContext,
): OwnOrigins {
  // The certificate of a plugin that makes whole envelopes may not be known.
  const known = new Map(
    signers.flatMap((signedBy) =>
      signedBy === undefined || signedBy.thumbprint === ""
        ? []
        : [[signedBy.thumbprint, signedBy] as const],
    ),
  );
  return async (claim) => {
    const listed = await store.referrers(claim);
    const signatures = listed.filter(isSignature).map(({ digest }) => digest);
    const target =
      listed.length === 0 || signatures.length < listed.length
        ? undefined
        : await resolved(store, claim);
    if (target === undefined) return [];
    const own = new Set<string>();
    for (const signedBy of known.values())
      for (const digest of await madeBy(store, target, signedBy, context)) own.add(digest);
    return signatures.every((digest) => own.has(digest)) ? signatures : [];
  };
}

/** One that has ended since, or is revoked, was made by the same hand. */
async function madeBy(
  store: Store,
  target: Descriptor,
  signedBy: SignedBy,
  context: ResourceContext,
): Promise<string[]> {
  const found = await ownSignatures(
    store,
    target,
    { signedBy, recorded: [], tsa: [] },
    context,
    () => false,
  );
  return found.flatMap(({ signature, checks }) =>
    signature !== undefined &&
    checks.some(({ check, result }) => check === "integrity" && result === "passed")
      ? [signature]
      : [],
  );
}

async function resolved(store: Store, claim: Digest): Promise<Descriptor | undefined> {
  try {
    return await store.resolve(claim);
  } catch (error) {
    if (isConsignError(error, "MANIFEST_UNKNOWN")) return undefined;
    throw error;
  }
}
