// SPDX-License-Identifier: Apache-2.0
import * as pulumi from "@pulumi/pulumi";
import type { Claim } from "./claim";
import type { MirrorPlan } from "./mirror-plan";
import { SignedArtifact } from "./signed-artifact";
import { ConsignResource, type Deep } from "./stub";
import type { Descriptor, Signer, TrustPolicy } from "./values";

export interface TagSelection {
  /** Tags or globs. @default every tag, unless `digests` are given */
  include?: string[];
  /** Tags or globs to leave out. */
  exclude?: string[];
  /**
   * Only tags in which this regular expression matches somewhere, as `"^v1\\.[0-9]+$"`. It is one
   * of RE2, whose time grows with the tag and no faster: without lookaround (`(?=`, `(?!`, `(?<=`)
   * and back references (`\\1`); a repetition counts to 1000.
   */
  matching?: string;
  /** Only tags that are a version in this range, as `">=1.2 <2"`. A leading `v` is allowed. */
  semver?: string;
  /**
   * Of what is left, the newest N. By `semver`, where tags that are no version are not taken; by
   * `created`, as the artifacts say themselves (annotation or image configuration), which takes a
   * look at each. @default by semver
   */
  newest?: number | { count: number; by?: "semver" | "created" };
  /** Artifacts to take along by digest, whether or not a tag points at them. */
  digests?: string[];
}

export interface ClaimSelection {
  /** Only these: short names, predicate type URIs, or artifact types. @default all */
  types?: string[];
  excludeTypes?: string[];
  /** `"public"`: only claims that are explicitly public. @default "any" */
  audience?: "public" | "any";
  /**
   * Only claims with these annotations. In a value, `*` stands for any text and `?` for one
   * character; all else stands for itself.
   */
  annotations?: Record<string, string>;
  /**
   * Only claims at most so many steps from the artifact: 1 for those about it, 2 for claims about
   * these. Signatures are not counted.
   */
  depth?: number;
  /**
   * Copy only claims that verify under this policy; what does not is listed in `plan.refused`, with
   * the reason.
   */
  trust?: TrustPolicy;
  /** Of those, only claims of these signers: `x509.subject: C=…, ST=…, O=…`. Needs `trust`. */
  issuers?: string[];
  /**
   * Tags `sha256-….sig`, `.att` and `.sbom`, as cosign wrote them before its third version. Where a
   * destination has something else under one of them, it stays, whatever `onConflict` says: it may
   * be a signature of its own. @default "include" where nothing else is selected here
   */
  cosignTags?: "include" | "exclude";
}

export interface PlatformSelection {
  /**
   * As `"linux/amd64"` or `"linux/arm/v7"`. An index in which nothing names a platform is taken
   * whole; one that names platforms, and none of these, is listed in `plan.refused`. A mirror of a
   * sparse mirror may name no more than that one holds.
   */
  only: string[];
  /**
   * `"sparse"`: the index stays byte for byte, with its digest and signatures, and other platforms'
   * images are not there; not every registry takes that. `"derived"`: a new index of what is left,
   * with a claim `derived-from`, signed by `signer`, that names the original; what is derived from
   * an index that this program is yet to push is not known in a preview.
   */
  index: "sparse" | "derived";
}

export interface MirrorArgs {
  /**
   * A location, or the resource whose artifacts are mirrored: then the first preview knows them
   * already. Another source replaces.
   */
  source: pulumi.Input<string> | SignedArtifact | Mirror;
  /**
   * Claims that this program attaches at the source: the mirror waits for them, and its preview
   * shows them.
   */
  sourceClaims?: Claim[];
  /**
   * Locations, each another place than the source and than the others, however they are written.
   * Each gets the same; one that fails does not hold up the others. Update: one that is taken out
   * keeps what it has, unless `onDelete` says otherwise.
   */
  destinations: pulumi.Input<pulumi.Input<string>[]>;
  /**
   * Tags or globs, or a selection. Tags of cosign's and lists of referrers (`sha256-…`) are no
   * artifacts and cannot be named. Update. @default every tag
   */
  tags?: Deep<string[] | TagSelection>;
  /**
   * Which claims go along. Signatures go with what they sign. A narrower selection takes away what
   * it no longer has. Update. @default everything that refers to an artifact, as `oras copy -r`
   */
  claims?: Deep<ClaimSelection>;
  /**
   * Which platforms of multi-platform artifacts go along. Fewer take away the images that are no
   * longer among them, unless something else holds them. Update. @default all
   */
  platforms?: Deep<PlatformSelection>;
  /** Who signs `derived-from` claims. Needed for `platforms.index: "derived"` only. */
  signer?: Deep<Signer>;
  /**
   * Copy only artifacts that verify under this policy; what does not is left out of the plan, with
   * the reason. What was mirrored before and does not verify any more stays as it is with
   * `withdrawn: "keep"`, and in any case while nobody can tell, as when a responder is down; a tag
   * that would move to what does not verify stays where it was. Update.
   */
  trust?: Deep<TrustPolicy>;
  /**
   * What happens to what was mirrored and is gone at the source: tags, digests that a tag has left,
   * claims, cosign's tags, and what no longer verifies. `"keep"`: it stays, for as long as the
   * selection takes its tag, goes on getting the claims that the source has about it, and is copied
   * to new destinations from the others. `"remove"`: it goes, once it has been looked for twice; a
   * source that shows nothing at all of what was mirrored removes nothing. Update.
   * @default "keep"
   */
  withdrawn?: pulumi.Input<"keep" | "remove">;
  /** Evidence that buildkit puts into an index. Update. @default "include" */
  attestations?: pulumi.Input<"include" | "exclude">;
  /**
   * What happens where an index names parts that the source does not have: it is refused, or goes
   * along without them, which `without` in the plan names. Not every registry takes that. Update.
   * @default "fail"
   */
  absent?: pulumi.Input<"fail" | "skip">;
  /**
   * What happens when something cannot be brought for a fault of its own, as a manifest that cannot
   * be read, a blob that is lost, or a type that a destination refuses: all else is brought, and it
   * is named in `plan.refused`, or in `status`, with the side and the reason. `"fail"`: then `up`
   * fails. A tag or digest that is named outright fails it in any case. What `trust`, `claims` and
   * `platforms` leave out is no such fault. Update. @default "warn"
   */
  onRefused?: pulumi.Input<"warn" | "fail">;
  /**
   * What happens when a destination's tag points at something this mirror did not put there: stop
   * there and name each, move it, or let it be, which `kept` shows. Update. @default "fail"
   */
  onConflict?: pulumi.Input<"fail" | "overwrite" | "keep">;
  /**
   * Whether destinations are filled at once or one after the other, in their order. @default
   * "parallel"
   */
  rollout?: pulumi.Input<"parallel" | "sequential">;
  /** A plan of more manifests than this is shown and recorded as a summary. @default 200 */
  summarizeAbove?: pulumi.Input<number>;
  /**
   * What `destroy` does at the destinations: nothing, remove this mirror's tags, or remove what it
   * put there. What was there before it stays, and so does what others still need. Tags that a registry cannot take away are named in a warning. @default "retain"
   */
  onDelete?: pulumi.Input<"retain" | "untag" | "purge">;
}

/**
 * Keeps destinations in step with a source. `plan` says, per tag and digest, what they are to hold;
 * a preview shows it line by line, and `up` does exactly that: nothing else is written, nothing
 * that others put at a destination is touched.
 *
 * A refresh compares each destination with the plan and shows what is missing or moved under
 * `status`, the images under an index included.
 *
 * Errors: `INPUT_INVALID`, `REFERENCE_INVALID`, `TRUST_*`, `MANIFEST_UNKNOWN` (a tag named outright
 * is not at the source), `TAG_MOVED`, `COPY_FAILED`, `READ_BACK_FAILED`, `REGISTRY_*`, with the
 * side.
 *
 * @example
 * ```ts
 * const mirror = new Mirror("net-monitor", {
 *   source: "registry.wabbit-networks.io/net-monitor",
 *   destinations: ["eu.acme-rockets.io/net-monitor", "us.acme-rockets.io/net-monitor"],
 *   tags: { semver: ">=1.2 <2", newest: 3 },
 *   claims: { audience: "public" },
 *   trust,
 * });
 * ```
 */
export class Mirror extends ConsignResource {
  declare readonly source: pulumi.Output<string>;
  declare readonly destinations: pulumi.Output<string[]>;
  declare readonly plan: pulumi.Output<MirrorPlan>;
  /** By tag, the artifact at the first destination. */
  declare readonly artifacts: pulumi.Output<
    Record<string, { reference: string; descriptor: Descriptor }>
  >;
  /**
   * By destination, one digest over what it holds of the plan: equal where the same is held. Tags
   * in `kept` do not count.
   */
  declare readonly parity: pulumi.Output<Record<string, string>>;
  /** By destination, what is not as planned; empty when all is. */
  declare readonly status: pulumi.Output<Record<string, Record<string, string>>>;
  /**
   * By destination, the tags that stay where others have them, as `onConflict` says or because they
   * are cosign's, and where that is.
   */
  declare readonly kept: pulumi.Output<Record<string, Record<string, string>>>;
  declare readonly ready: pulumi.Output<boolean>;
  /** What a destroy will remove, and what it will keep: its preview asks nobody. */
  declare readonly onDestroy: pulumi.Output<string[]>;

  constructor(name: string, args: MirrorArgs, options?: pulumi.CustomResourceOptions) {
    const { source, sourceClaims = [], ...rest } = args;
    super(
      "Mirror",
      name,
      { ...rest, ...sourceArguments(source, sourceClaims) },
      ["plan", "parity", "status", "kept", "ready", "onDestroy"],
      options,
    );
    if (source instanceof Mirror) upstream.set(this, source);
    // Not a property of its own: it follows from two that are, and state need not hold it.
    this.artifacts = pulumi
      .all([this.plan, this.destinations])
      .apply(([plan, [first]]) => artifactsOf(plan, first ?? ""));
  }

  /**
   * The artifact that a tag names, at the first destination: for {@link Claim.subject} and {@link
   * Verification.artifact}. A tag that the plan does not name ends the program there, with the
   * reason.
   */
  artifact(tag: string): pulumi.Output<{ reference: string; descriptor: Descriptor }> {
    return pulumi.all([this.artifacts, this.plan]).apply(([artifacts, plan]) => {
      const found = artifacts[tag];
      if (found === undefined)
        throw new pulumi.ResourceError(
          `the mirror does not bring ${tag}: ${absence(tag, plan)}`,
          this,
          true,
        );
      return found;
    });
  }
}

/** Why a plan names no such tag, and what to do about it. */
function absence(tag: string, { tags, refused = {}, missing = [], summary }: MirrorPlan): string {
  if (summary !== undefined)
    return "its plan is a summary and names no tags; raise summarizeAbove to name one";
  const refusal = refused[tag];
  if (refusal !== undefined) return refusal;
  if (missing.includes(tag)) return "the source has no such tag";
  const names = Object.keys(tags);
  return `\`tags\` selects ${names.length === 0 ? "nothing that the source has" : `${names.slice(0, 20).join(", ")}${names.length > 20 ? `, and ${names.length - 20} more` : ""}`}`;
}

const upstream = new WeakMap<Mirror, Mirror>();

/**
 * What a mirror is about to bring, as arguments of a resource that looks at its destinations;
 * `mirrorReady` is not known before it is there.
 */
export function arrivalArguments(mirror: Mirror): pulumi.Inputs {
  const sources: pulumi.Output<string>[] = [];
  for (let next: Mirror | undefined = mirror; next !== undefined; next = upstream.get(next))
    sources.push(next.source);
  return {
    mirror: { sources, destinations: mirror.destinations, plan: mirror.plan },
    mirrorReady: mirror.ready,
  };
}

function artifactsOf(
  plan: MirrorPlan,
  destination: string,
): Record<string, { reference: string; descriptor: Descriptor }> {
  return Object.fromEntries(
    Object.entries(plan.tags).flatMap(([tag, digest]) => {
      const artifact = plan.artifacts[digest];
      if (artifact === undefined) return [];
      return [
        [
          tag,
          {
            reference: `${destination}@${digest}`,
            descriptor: { mediaType: artifact.mediaType, digest, size: artifact.size },
          },
        ],
      ];
    }),
  );
}

function sourceArguments(source: MirrorArgs["source"], claims: readonly Claim[]): pulumi.Inputs {
  const own =
    source instanceof SignedArtifact
      ? artifactPlan(source)
      : source instanceof Mirror
        ? source.plan
        : pulumi.output(emptyPlan());
  const proofs: pulumi.Input<unknown>[] = claims.map(({ issuedAt }) => issuedAt);
  if (source instanceof SignedArtifact) proofs.push(source.signedReference);
  if (source instanceof Mirror) proofs.push(source.ready);
  const location =
    source instanceof SignedArtifact
      ? source.repository
      : source instanceof Mirror
        ? source.destinations.apply(([first]) => first)
        : source;
  if (proofs.length === 0) return { source: location };
  return {
    source: location,
    upcoming: pulumi
      .all([own, pulumi.all(claims.map(upcomingClaim))])
      .apply(([plan, added]) => withClaims(plan, added)),
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
  return pulumi
    .all([claim.about, claim.digest, claim.predicateType, claim.audience])
    .apply(([about, digest, type, audience]) => ({ about, digest, type, audience }));
}

interface UpcomingPlan {
  tags: Record<string, string>;
  artifacts: Record<
    string,
    {
      mediaType?: string;
      size?: number;
      related?: Record<string, string>;
      derivedFrom?: string;
      platforms?: string[];
    }
  >;
}

function emptyPlan(): UpcomingPlan {
  return { tags: {}, artifacts: {} };
}

function artifactPlan(artifact: SignedArtifact): pulumi.Output<UpcomingPlan> {
  return pulumi
    .all([artifact.tagged, artifact.descriptor])
    .apply(([tagged, { mediaType, size, digest }]) => ({
      tags: tagged,
      artifacts: { [digest]: { mediaType, size, related: {} } },
    }));
}

function withClaims(plan: UpcomingPlan, claims: readonly UpcomingClaim[]): UpcomingPlan {
  const artifacts: Record<
    string,
    UpcomingPlan["artifacts"][string] & { related: Record<string, string> }
  > = Object.fromEntries(
    Object.entries(plan.artifacts).map(([digest, artifact]) => [
      digest,
      { ...artifact, related: { ...artifact.related } },
    ]),
  );
  for (const { about, digest, type, audience } of claims) {
    const subject = about.slice(about.lastIndexOf("@") + 1);
    const line = `${type}${audience === "public" ? " public" : ""}`;
    const home =
      artifacts[subject] ??
      Object.values(artifacts).find(({ related }) => related[subject] !== undefined);
    if (home === undefined) artifacts[subject] = { related: { [digest]: line } };
    else home.related[digest] = artifacts[subject] === undefined ? `${line} of ${subject}` : line;
  }
  return { tags: plan.tags, artifacts };
}
