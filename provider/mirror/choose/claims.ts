// SPDX-License-Identifier: Apache-2.0
import { z } from "zod";
import {
  audienceOf,
  claimTypeOf,
  identitySchema,
  forbids,
  matchesIdentity,
  mayMatchIdentity,
  resolveType,
  together,
  typeKey,
} from "../../claims/index";
import { forEachBounded } from "../../content/bounded";
import type { ReadStore } from "../../content/storage";
import { isConsignError } from "../../errors";
import {
  isSignature,
  verifyArtifact,
  trustPolicySchema,
  type ResolvedTrustPolicy,
} from "../../notation/index";
import type { Annotations, Descriptor } from "../../oci/descriptor";
import type { Digest } from "../../oci/digest";
import { mediaTypeSchema } from "../../oci/media-types";
import type { ResourceContext } from "../../world/context";
import type { Refusal } from "./withdrawn";
import { distanceOf, SIGNATURE, type Related, type RelatedByDigest } from "../../upcoming/related";
import { fitsPattern } from "../../oci/value-pattern";

/** A claim's short name, a predicate type, or an artifact type. */
const typeSchema = z
  .string()
  .min(1)
  .max(1024)
  .refine(
    isType,
    "is no claim type: write a short name as sbom/spdx, a predicate type's URI, or an artifact type",
  );

export const claimSelectionSchema = z.strictObject({
  /** Only these types (default: all). */
  types: z.array(typeSchema).min(1).optional(),
  /** Not these. */
  excludeTypes: z.array(typeSchema).min(1).optional(),
  /** `public`: only what is explicitly public. Default `any`. */
  audience: z.enum(["public", "any"]).optional(),
  /**
   * Only claims with these annotations; in a value, `*` stands for any text and `?` for one
   * character.
   */
  annotations: z
    .record(
      z.string().min(1).max(1024),
      z.string().min(1, "must not be empty: * stands for any value").max(1024),
    )
    .optional(),
  /**
   * Only claims up to so many steps away from the artifact; signatures go with what they sign and
   * are not counted.
   */
  depth: z.number().int().min(1).max(32).optional(),
  /** Only claims whose signature verifies under this policy. */
  trust: trustPolicySchema.optional(),
  /**
   * Of those, only claims of these signers. Needs `trust`: a name that is not verified says
   * nothing.
   */
  issuers: z.array(identitySchema).min(1).max(100).optional(),
  /**
   * Cosign's `.sig`, `.att` and `.sbom` tags of what is mirrored. Default: included where all
   * claims are.
   */
  cosignTags: z.enum(["include", "exclude"]).optional(),
});
export type ClaimSelection = z.infer<typeof claimSelectionSchema>;

function isType(text: string): boolean {
  try {
    return mediaTypeSchema.safeParse(text).success || resolveType(text) !== "";
  } catch {
    return false;
  }
}

export function takesCosignTags(claims: ClaimSelection): boolean {
  const { cosignTags, ...others } = claims;
  return cosignTags === undefined
    ? Object.values(others).every((value) => value === undefined || value === "any")
    : cosignTags === "include";
}

/**
 * What a selection says of a claim from what is written on it, where that is known; whether it is
 * signed as wanted is another question.
 */
export function claimFilter(
  selection: ClaimSelection,
  all: Readonly<RelatedByDigest>,
  annotationsOf: (digest: Digest) => Annotations | undefined,
): (related: Related, digest: Digest) => boolean {
  const { types, excludeTypes, audience, annotations, depth } = selection;
  const included = types === undefined ? undefined : new Set(types.map(typeKey));
  const excluded = new Set((excludeTypes ?? []).map(typeKey));
  const wanted = Object.entries(annotations ?? {});
  return ({ type, audience: told }, digest) => {
    const key = typeKey(type);
    if ((included !== undefined && !included.has(key)) || excluded.has(key)) return false;
    if (audience === "public" && told !== "public") return false;
    if (depth !== undefined && distanceOf(all, digest) > depth) return false;
    const own = annotationsOf(digest);
    return (
      own === undefined ||
      wanted.every(([name, pattern]) => own[name] !== undefined && fitsPattern(own[name], pattern))
    );
  };
}

/**
 * Whether a referrer that cannot be read would stay behind in any case, going by how it is listed.
 * One that does not say its type would not.
 */
export function leavesOut(selection: ClaimSelection, listed: Descriptor): boolean {
  const { types, excludeTypes, audience } = selection;
  const type = claimTypeOf(listed) ?? (listed.artifactType || undefined);
  if (type === undefined || isSignature(listed)) return false;
  const described: Related = { type, audience: audienceOf(listed) };
  return !claimFilter(
    { types, excludeTypes, audience },
    {},
    () => undefined,
  )(described, listed.digest);
}

/**
 * Which of the selected claims must stay behind because their signature is not as wanted, and why.
 * Signatures themselves are not judged.
 */
export async function untrustedClaims(
  store: ReadStore,
  related: Readonly<RelatedByDigest>,
  descriptorOf: (digest: Digest) => Promise<Descriptor>,
  trust: ResolvedTrustPolicy,
  issuers: readonly string[] | undefined,
  context: ResourceContext,
): Promise<Map<Digest, Refusal>> {
  const refused = new Map<Digest, Refusal>();
  const claims = (Object.entries(related) as [Digest, Related][]).filter(
    ([, { type }]) => type !== SIGNATURE,
  );
  await forEachBounded(claims, 8, async ([digest, { type }]) => {
    const { now, baseDir, revocation, fetch } = context;
    const descriptor = await ifThere(() => descriptorOf(digest));
    // What is not there yet is judged when it is.
    if (descriptor === undefined) return;
    const verdict = await verifyArtifact(store, descriptor, trust, {
      now: now(),
      baseDir,
      scope: store.name,
      revocation,
      fetch,
      signers: issuers === undefined ? "first" : "every",
    });
    const verified = [verdict, ...verdict.signatures].filter(
      ({ outcome }) => outcome === "verified",
    );
    const signers = [...new Set(verified.map(({ signer }) => signer?.subject ?? ""))];
    if (verdict.outcome !== "verified")
      refused.set(digest, {
        reason: `${verdict.outcome}: ${verdict.reason ?? "no reason given"} [${verdict.code ?? "SIGNATURE_INVALID"}]`,
        certain: verdict.outcome !== "inconclusive",
      });
    else if (
      issuers !== undefined &&
      !issuers.some((issuer) => signers.some((signer) => isOf(issuer, signer, type)))
    ) {
      refused.set(digest, {
        reason: `signed by ${together(signers) || "nobody"}, who is none of the issuers asked for`,
        certain:
          verdict.unseen === 0 &&
          verdict.signatures.every(({ outcome }) => outcome !== "inconclusive"),
      });
    }
  });
  return refused;
}

async function ifThere<Found>(look: () => Promise<Found>): Promise<Found | undefined> {
  try {
    return await look();
  } catch (error) {
    if (isConsignError(error, "MANIFEST_UNKNOWN")) return undefined;
    throw error;
  }
}

/** What forbids goes along also where an issuer may be meant: it is judged where it arrives. */
function isOf(issuer: string, signer: string, type: string): boolean {
  return forbids(type)
    ? mayMatchIdentity(issuer, signer) !== "no"
    : matchesIdentity(issuer, signer);
}
