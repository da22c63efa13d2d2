// SPDX-License-Identifier: Apache-2.0
import { forEachBounded } from "../../content/bounded";
import type { Survey } from "../../graph/index";
import type { ResolvedTrustPolicy } from "../../notation/index";
import type { Annotations } from "../../oci/descriptor";
import type { Digest } from "../../oci/digest";
import type { Manifest } from "../../oci/manifest";
import type { ResourceContext } from "../../world/context";
import { claimFilter, untrustedClaims, type ClaimSelection } from "./claims";
import { stays } from "./withdrawn";
import {
  selectRelated,
  SIGNATURE,
  type Related,
  type RelatedByDigest,
} from "../../upcoming/related";
import type { SourceView } from "./source-view";

const AT_ONCE = 32;

export interface ClaimContract {
  claims: ClaimSelection;
  /** The policy in `claims.trust`, read. */
  claimTrust: ResolvedTrustPolicy | undefined;
  withdrawn: "keep" | "remove";
}

/** A claim that is not copied, or stays although it would not be, and why. */
export type Refuse = (claim: Digest, reason: string) => void;

/**
 * Of what refers to an artifact, what a contract takes along.
 * @param found how it was found; undefined where nothing was asked for
 * @param mirrored what was mirrored before of what refers to the same artifact
 */
export async function chooseRelated(
  view: SourceView,
  contract: ClaimContract,
  context: ResourceContext,
  related: RelatedByDigest,
  found: Survey | undefined,
  mirrored: Readonly<RelatedByDigest>,
  refuse: Refuse,
): Promise<RelatedByDigest> {
  const { claims, claimTrust, withdrawn } = contract;
  const takes = claimFilter(claims, related, await annotationsIn(view, claims, related, found));
  const chosen = selectRelated(related, takes);
  for (const [digest, entry] of Object.entries(related) as [Digest, Related][])
    if (chosen[digest] === undefined && entry.type !== SIGNATURE && takes(entry, digest))
      refuse(
        digest,
        `${entry.type} is not copied: it is about ${entry.of}, which the selection leaves out`,
      );
  if (claimTrust === undefined) return chosen;
  const refused = await untrustedClaims(
    view.source,
    chosen,
    (digest) => view.descriptorOf(digest),
    claimTrust,
    claims.issuers,
    context,
  );
  const left = new Set<Digest>();
  const standing = new Set<Digest>();
  for (const [digest, refusal] of refused) {
    const isKept = mirrored[digest] !== undefined && stays(refusal, withdrawn);
    (isKept ? standing : left).add(digest);
    refuse(
      digest,
      `${chosen[digest]?.type} ${isKept ? "stays as it was mirrored before" : "is not copied"}: ${refusal.reason}`,
    );
  }
  const signatures = (Object.entries(mirrored) as [Digest, Related][]).filter(
    ([, { type, of }]) =>
      withdrawn === "keep" && type === SIGNATURE && of !== undefined && standing.has(of),
  );
  return selectRelated(
    { ...Object.fromEntries(signatures), ...chosen },
    (_related, digest) => !left.has(digest),
  );
}

/**
 * Lists may leave annotations out: before one is refused for what it does not have, its manifest is
 * asked.
 */
async function annotationsIn(
  view: SourceView,
  claims: ClaimSelection,
  related: RelatedByDigest,
  found: Survey | undefined,
): Promise<(digest: Digest) => Annotations | undefined> {
  const manifests = new Map<Digest, Manifest>();
  const annotationsOf = (digest: Digest): Annotations | undefined => {
    const listed = found?.referrers.get(digest);
    return listed === undefined
      ? undefined
      : (manifests.get(digest)?.value.annotations ?? listed.descriptor.annotations ?? {});
  };
  if (claims.annotations === undefined) return annotationsOf;
  const takes = claimFilter({ annotations: claims.annotations }, related, annotationsOf);
  const doubtful = (Object.entries(related) as [Digest, Related][]).filter(
    ([digest, entry]) => entry.type !== SIGNATURE && view.knows(digest) && !takes(entry, digest),
  );
  await forEachBounded(doubtful, AT_ONCE, async ([digest]) => {
    const manifest = await view.manifest(digest);
    if (manifest !== undefined) manifests.set(digest, manifest);
  });
  return annotationsOf;
}
