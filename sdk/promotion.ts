// SPDX-License-Identifier: Apache-2.0
import type * as pulumi from "@pulumi/pulumi";
import { ConsignResource, type Deep } from "./stub";
import {
  artifactArgument,
  type ArtifactInput,
  type ArtifactLike,
  type Descriptor,
  type IssuerEntry,
  type SignatureRecord,
  type Signer,
  type Timestamp,
  type TrustPolicy,
} from "./values";
import {
  questionOf,
  Verification,
  type Denial,
  type LifecycleIssuers,
  type Requirement,
  type Verdict,
} from "./verification";

type Trust = TrustPolicy | { notationConfig: string };

/** Which claims go along when an artifact is promoted. */
export interface CarrySelection {
  /**
   * Only these types: short names or predicate type URIs. @default all but `deployment`, which
   * speaks of one place
   */
  types?: string[];
  excludeTypes?: string[];
  /** `"public"`: only claims that are explicitly public. @default "any" */
  audience?: "public" | "any";
}

export interface PromotionArgs {
  /**
   * What is promoted, by digest. A {@link Verification} brings its trust and requirements along,
   * and they are checked again on what is promoted; with anything else give `trust`. An earlier
   * digest is a rollback. Update.
   */
  artifact: Verification | ArtifactInput;
  /** Name of the environment, as records and claims have it. A change replaces. */
  environment: pulumi.Input<string>;
  /**
   * Location at which the environment finds its artifacts. A change replaces; another spelling of
   * the same place is none.
   */
  to: pulumi.Input<string>;
  /**
   * The tag by which it finds the current one; moved last, and only from where the plan saw it. A
   * change replaces.
   */
  tag: pulumi.Input<string>;
  /**
   * Which claims go along; their signatures go with them. Update. @default all but claims of type
   * `deployment`
   */
  claims?: Deep<CarrySelection>;
  /**
   * Who signs the records. Must be trusted by `historyTrust`, or nobody would believe them later.
   */
  signer: Deep<Signer>;
  /**
   * A timestamp goes with each record's signature, so that records outlive the certificate.
   * @default none
   */
  timestamp?: Deep<Timestamp>;
  signatureForm?: pulumi.Input<"current" | "legacy">;
  /**
   * Whose signatures count on the artifact and its claims. Required unless `artifact` is a
   * Verification.
   */
  trust?: Deep<Trust>;
  /** Claims that must be there and effective. @default the Verification's, else none */
  require?: Deep<(Requirement | { anyOf: Requirement[] })[]>;
  deny?: Deep<Denial[]>;
  /** As {@link VerificationArgs.precedence}. @default the Verification's, else none */
  precedence?: Deep<IssuerEntry[]>;
  lifecycleIssuers?: Deep<LifecycleIssuers>;
  /** Whose promotion records count when history is read back. @default `trust` */
  historyTrust?: Deep<Trust>;
  /**
   * What `destroy`, and a replacement, does. `untag`: demotes, that is removes the tag and then
   * records the end of the stay. `purge`: removes the artifact as well, with all that this resource
   * has brought there and written, unless another tag, an index, or what others said about it still
   * needs it; what was there before stays. `retain`: leaves all as it is,
   * in production. Tag and artifact stay, with a warning, where another promotion has taken them
   * over: one of the program, another environment by the same tag, a later one by somebody else.
   * @default "untag"
   */
  onDelete?: pulumi.Input<"retain" | "untag" | "purge">;
  /**
   * When a promotion is said to begin, RFC 3339 or a day; by itself it changes nothing. It must be
   * after the promotion before, and not ahead of the clock. A stay ends by the clock, whatever this
   * says. @default when it is planned
   */
  asOf?: pulumi.Input<string>;
}

/** One stay in the slot, newest first; `until` is absent in the one that lasts. */
export interface Stay {
  /** The artifact. */
  digest: string;
  /** Digest of the promotion's record. */
  record: string;
  /** RFC 3339. */
  from: string;
  until?: string;
}

/**
 * The predicate of a promotion's record: a SLSA verification summary that also says where the
 * artifact came from and what it followed.
 */
export interface PromotionRecord {
  [member: string]: unknown;
  timeVerified: string;
  resourceUri: string;
  policy: { uri: string; digest: Record<string, string> };
  inputAttestations: { digest: Record<string, string> }[];
  lineage: {
    environment: string;
    from: { repository: string; digest: string };
    previous?: { record: string; digest: string };
    replaced?: string;
  };
}

/** A time in an environment, as other resources take it before the claims about it are written. */
export interface PlannedWindow {
  environment: string;
  resource: string;
  from: string;
  until?: string;
}

/**
 * Puts an artifact into an environment: copies it with its claims, writes a signed record, closes
 * the stay of what was there before, opens the new one, and moves the tag last, once it has asked
 * again whether the artifact is revoked. A preview shows the move, the record's digest, the claims
 * that go along, and how each requirement is met. A tag that is elsewhere is never as it should be,
 * and moves back only to what verifies now.
 *
 * One promotion has one record however often `up` runs, also after a run that was killed. `history`
 * is read from the records, so it survives the loss of the state. A race for the tag that is lost
 * is `TAG_MOVED`, and leaves no record. What was signed earlier is closed, never removed.
 *
 * Errors: `INPUT_INVALID` (not pinned, no trust, a signer that would not be believed, an `asOf`
 * that lies ahead or is not after the promotion before), `VERIFICATION_UNMET`, `TAG_MOVED`,
 * `PLAN_STALE`, `COPY_FAILED`, `READ_BACK_FAILED`, `TRUST_*`, `KEY_*`, `REGISTRY_*`.
 *
 * @example
 * ```ts
 * new Promotion("production", {
 *   artifact: gate,
 *   environment: "production",
 *   to: "registry.acme-rockets.io/production/net-monitor",
 *   tag: "current",
 *   signer,
 * });
 * ```
 */
export class Promotion extends ConsignResource implements ArtifactLike {
  declare readonly environment: pulumi.Output<string>;
  declare readonly to: pulumi.Output<string>;
  declare readonly tag: pulumi.Output<string>;
  declare readonly digest: pulumi.Output<string>;
  /** `to@sha256:…` */
  declare readonly reference: pulumi.Output<string>;
  declare readonly descriptor: pulumi.Output<Descriptor>;
  /** `production v1: sha256:a… → sha256:b…`: from where the tag is, or was when it was moved. */
  declare readonly move: pulumi.Output<string>;
  /** What it took the place of, pinned; undefined if nothing. */
  declare readonly previous: pulumi.Output<string | undefined>;
  /** Digest of the record, a claim of type `vsa` on the artifact. */
  declare readonly record: pulumi.Output<string>;
  declare readonly summary: pulumi.Output<PromotionRecord>;
  declare readonly promotedAt: pulumi.Output<string>;
  declare readonly history: pulumi.Output<Stay[]>;
  /** By digest, what goes along: a claim's type, or `signature`. */
  declare readonly carries: pulumi.Output<Record<string, string>>;
  /** How the requirements were met on the day. */
  declare readonly verdict: pulumi.Output<Verdict>;
  /**
   * By digest, what the environment runs although it is revoked, who says so and why; undefined
   * while there is none. As long as it is there, every preview is an update, and has a warning.
   */
  declare readonly revoked: pulumi.Output<Record<string, string> | undefined>;
  /** `promoted`, or what a refresh found. */
  declare readonly status: pulumi.Output<string>;
  /** By digest, the stay that this promotion begins, and the one that it ends. */
  declare readonly windows: pulumi.Output<Record<string, PlannedWindow>>;
  /** Of the record. Depend on this one to depend on the promotion. */
  declare readonly signatures: pulumi.Output<SignatureRecord[]>;
  /** What a destroy will remove, and what it will keep: its preview asks nobody. */
  declare readonly onDestroy: pulumi.Output<string[]>;

  constructor(name: string, args: PromotionArgs, options?: pulumi.CustomResourceOptions) {
    const outputs = [
      "digest",
      "reference",
      "descriptor",
      "move",
      "previous",
      "record",
      "summary",
      "promotedAt",
      "promotions",
      "history",
      "carries",
      "verdict",
      "verified",
      "unmet",
      "revoked",
      "tagged",
      "seen",
      "status",
      "windows",
      "signedBy",
      "signatures",
      "onDestroy",
    ];
    super("Promotion", name, { ...args, ...promoted(args) }, outputs, options);
  }
}

function promoted({
  artifact,
  trust,
  require,
  deny,
  precedence,
  lifecycleIssuers,
}: PromotionArgs): pulumi.Inputs {
  if (!(artifact instanceof Verification)) return { artifact: artifactArgument(artifact) };
  const asked = questionOf(artifact);
  return {
    artifact: artifact.reference,
    // Until there is a verified reference, the preview goes by what is about to be verified.
    upcoming: artifactArgument(asked.artifact),
    trust: trust ?? asked.trust,
    ...defined({
      require: require ?? asked.require,
      deny: deny ?? asked.deny,
      precedence: precedence ?? asked.precedence,
      lifecycleIssuers: lifecycleIssuers ?? asked.lifecycleIssuers,
    }),
  };
}

/**
 * An argument that is not given is not to be there: it would be taken for one that is not known
 * yet.
 */
function defined(inputs: pulumi.Inputs): pulumi.Inputs {
  return Object.fromEntries(Object.entries(inputs).filter(([, value]) => value !== undefined));
}
