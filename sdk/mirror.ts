// SPDX-License-Identifier: Apache-2.0
import * as pulumi from "@pulumi/pulumi";
import type { Claim } from "./claim";
import { SignedArtifact } from "./signed-artifact";
import { ConsignResource, type Deep } from "./stub";
import type { Descriptor, TrustPolicy } from "./values";

export interface TagSelection {
  /** Tags or globs. @default every tag */
  include?: string[];
  exclude?: string[];
  /** Only tags that are a version in this range, as `">=1.2 <2"`. A leading `v` is allowed. */
  semver?: string;
  /** Of what is left, the newest N by semantic version. */
  newest?: number;
}

export interface ClaimSelection {
  /** Only these types: short names or predicate type URIs. @default all */
  types?: string[];
  excludeTypes?: string[];
  /** `"public"`: only claims that are explicitly public. @default "any" */
  audience?: "public" | "any";
}

/** What destinations are to hold, and at whose word. */
export interface MirrorPlan {
  tags: Record<string, string>;
  artifacts: Record<string, { mediaType: string; size: number; related: Record<string, { type: string; audience?: "internal" | "public"; of?: string }> }>;
  withdrawn?: string[];
  refused?: Record<string, string>;
  missing?: string[];
}

export interface MirrorArgs {
  /** A location, or the resource whose artifacts are mirrored: then the first preview knows them already. Another source replaces. */
  source: pulumi.Input<string> | SignedArtifact | Mirror;
  /** Claims that this program attaches at the source: the mirror waits for them, and its preview shows them. */
  sourceClaims?: Claim[];
  /** Locations. Each gets the same. Update. */
  destinations: pulumi.Input<pulumi.Input<string>[]>;
  /** Tags or globs, or a selection. Update. @default every tag */
  tags?: Deep<string[] | TagSelection>;
  /** Which claims go along. Signatures go with what they sign. Update. @default everything that refers to an artifact, as `oras copy -r` */
  claims?: Deep<ClaimSelection>;
  /** Copy only artifacts that verify under this policy; what does not is left out of the plan, with the reason. Update. */
  trust?: Deep<TrustPolicy>;
  /** What happens to a tag or claim that was mirrored and is gone at the source. Update. @default "keep" */
  withdrawn?: pulumi.Input<"keep" | "remove">;
  /** What happens when a destination's tag points at something this mirror did not put there. Update. @default "fail" */
  onConflict?: pulumi.Input<"fail" | "overwrite">;
  /** What `destroy` does at the destinations: nothing, remove this mirror's tags, or remove what it put there. @default "retain" */
  onDelete?: pulumi.Input<"retain" | "untag" | "purge">;
}

/**
 * Keeps destinations in step with a source. `plan` says, per tag and digest, what they are to hold; a preview shows it line by line, and
 * `up` does exactly that: nothing else is written, nothing that others put at a destination is touched.
 *
 * A refresh compares each destination with the plan and shows what is missing or moved under `status`.
 *
 * Errors: `INPUT_INVALID`, `REFERENCE_INVALID`, `TRUST_*`, `MANIFEST_UNKNOWN` (a tag named outright is not at the source), `TAG_MOVED`,
 * `COPY_FAILED`, `READ_BACK_FAILED`, `REGISTRY_*`, with the side.
 */
export class Mirror extends ConsignResource {
  declare readonly destinations: pulumi.Output<string[]>;
  declare readonly plan: pulumi.Output<MirrorPlan>;
  /** By tag, the artifact at the first destination. */
  declare readonly artifacts: pulumi.Output<Record<string, { reference: string; descriptor: Descriptor }>>;
  /** By destination, what is not as planned; empty when all is. */
  declare readonly status: pulumi.Output<Record<string, Record<string, string>>>;
  declare readonly ready: pulumi.Output<boolean>;

  constructor(name: string, args: MirrorArgs, options?: pulumi.CustomResourceOptions) {
    const { source, sourceClaims = [], ...rest } = args;
    super("Mirror", name, { ...rest, ...sourceArguments(source, sourceClaims) }, ["plan", "artifacts", "status", "ready"], options);
  }

  /** The artifact that a tag names, at the first destination: for {@link Claim.subject} and {@link Verification.artifact}. */
  artifact(tag: string): pulumi.Output<{ reference: string; descriptor: Descriptor }> {
    return this.artifacts.apply((artifacts) => {
      const found = artifacts[tag];
      if (found === undefined) throw new Error(`this mirror's plan has no tag "${tag}"; it has ${Object.keys(artifacts).join(", ") || "none"}`);
      return found;
    });
  }
}

function sourceArguments(source: MirrorArgs["source"], claims: readonly Claim[]): pulumi.Inputs {
  const own = source instanceof SignedArtifact ? artifactPlan(source) : source instanceof Mirror ? source.plan : pulumi.output(emptyPlan());
  const proofs: pulumi.Input<unknown>[] = claims.map(({ issuedAt }) => issuedAt);
  if (source instanceof SignedArtifact) proofs.push(source.signedReference);
  if (source instanceof Mirror) proofs.push(source.ready);
  const location = source instanceof SignedArtifact ? source.repository : source instanceof Mirror ? source.destinations.apply(([first]) => first) : source;
  if (proofs.length === 0) return { source: location };
  return {
    source: location,
    upcoming: pulumi.all([own, pulumi.all(claims.map(upcomingClaim))]).apply(([plan, added]) => withClaims(plan, added)),
    upcomingReady: pulumi.all(proofs).apply(() => true),
  };
}

interface UpcomingClaim {
  about: string;
  digest: string;
  type: string;
  audience: "internal" | "public";
}

function upcomingClaim(claim: Claim): pulumi.Output<UpcomingClaim> {
  return pulumi.all([claim.about, claim.digest, claim.predicateType, claim.audience]).apply(([about, digest, type, audience]) => ({ about, digest, type, audience }));
}

interface UpcomingPlan {
  tags: Record<string, string>;
  artifacts: Record<string, { mediaType?: string; size?: number; related: Record<string, { type: string; audience?: "internal" | "public"; of?: string }> }>;
}

function emptyPlan(): UpcomingPlan {
  return { tags: {}, artifacts: {} };
}

function artifactPlan(artifact: SignedArtifact): pulumi.Output<UpcomingPlan> {
  return pulumi.all([artifact.tagged, artifact.descriptor]).apply(([tagged, { mediaType, size, digest }]) => ({
    tags: tagged,
    artifacts: { [digest]: { mediaType, size, related: {} } },
  }));
}

function withClaims(plan: UpcomingPlan, claims: readonly UpcomingClaim[]): UpcomingPlan {
  const artifacts = Object.fromEntries(Object.entries(plan.artifacts).map(([digest, artifact]) => [digest, { ...artifact, related: { ...artifact.related } }]));
  for (const { about, digest, type, audience } of claims) {
    const subject = about.slice(about.lastIndexOf("@") + 1);
    const home = artifacts[subject] ?? Object.values(artifacts).find(({ related }) => related[subject] !== undefined);
    if (home === undefined) artifacts[subject] = { related: { [digest]: { type, audience } } };
    else home.related[digest] = { type, audience, ...(artifacts[subject] === undefined ? { of: subject } : {}) };
  }
  return { tags: plan.tags, artifacts };
}
