// SPDX-License-Identifier: Apache-2.0
import * as pulumi from "@pulumi/pulumi";
import { Claim, type ClaimArgs } from "./claim";
import type { ArtifactInput } from "./values";

/*
 * What becomes of an artifact after it was published. All three are claims like any other: signed,
 * stored beside their subject, carried along by mirrors, drift detected. They differ from `Claim`
 * in that the type is fixed, the predicate typed, and the audience public unless said otherwise,
 * since they are of use only where they arrive.
 *
 * | class | predicate type | `artifactType` of the manifest | layer |
 * |---|---|---|---|
 * | `Revocation` | `https://consign.dev/claims/revocation/v1` | `application/vnd.in-toto+json` | in-toto Statement v1 |
 * | `Redirect` | `https://consign.dev/claims/redirect/v1` | `application/vnd.in-toto+json` | in-toto Statement v1 |
 * | `EndOfLife` | `https://consign.dev/claims/endOfLife/v1` | `application/vnd.microsoft.artifact.lifecycle` | in-toto Statement v1 |
 *
 * The version is the last part of the URI. A member that readers may ignore can be added to a
 * version; one that changes what a claim means is a new version. The predicate type is also the
 * annotation `dev.consign.claim.type`, so a list of referrers tells what has arrived.
 */

type LifecycleClaimArgs = Omit<
  ClaimArgs,
  "subject" | "type" | "predicate" | "document" | "audience"
> & {
  /** Whether mirrors that publish only public claims take it along. Update. @default "public" */
  audience?: pulumi.Input<"internal" | "public">;
};

export interface RevocationArgs extends LifecycleClaimArgs {
  /**
   * What must not be used any more: an artifact, or a {@link Claim} about one. A reference must be
   * pinned, `repository@sha256:…`: a tag may name something else tomorrow. Another digest is an
   * update: what was revoked stays revoked.
   */
  subject: ArtifactInput;
  /** Why, for the people who read it where it arrives. Update. */
  reason: pulumi.Input<string>;
  /**
   * From when on, RFC 3339; may lie ahead, and warns until then. Update. @default from its signing
   * on
   */
  since?: pulumi.Input<string>;
}

/**
 * Takes an artifact, or a claim, out of use. Where it arrives, every `Verification` of the artifact
 * turns bad under `lifecycle.revocation`, and every `Promotion` refuses it; a revoked claim does
 * not count any more. It outlives its resource. To lift it, revoke it by a `Revocation` of its own,
 * which also reaches the places that have it already, and those that have lost what it says; or set
 * `onDelete: "purge"`, run `up`, and then take it out of the program.
 *
 * With `validFor` it ends when that is over. Without, it does not end with its signer's
 * certificate: from then on whether it still holds cannot be told, and nothing is verified until it
 * is signed again, or revoked. A `timestamp` lets it outlive the certificate.
 *
 * It holds only where its signer may revoke: `Verification.lifecycleIssuers`. A claim may be
 * revoked by its own issuer, and by one that ranks above it in `precedence`.
 *
 * Errors: as {@link Claim}; `INPUT_INVALID` for a subject without a digest.
 *
 * @example
 * ```ts
 * new Revocation("CVE-2026-1234", {
 *   subject: "registry.wabbit-networks.io/net-monitor@sha256:…",
 *   reason: "CVE-2026-1234: use v2",
 *   signer,
 * });
 * ```
 */
export class Revocation extends Claim {
  constructor(name: string, args: RevocationArgs, options?: pulumi.CustomResourceOptions) {
    const { reason, since, ...rest } = args;
    super(
      name,
      {
        ...rest,
        audience: args.audience ?? "public",
        type: "revocation",
        predicate: predicate({ target: digestOf(args.subject), reason, since }),
      },
      options,
    );
  }
}

export interface RedirectArgs extends LifecycleClaimArgs {
  /** The artifact that should not be used from here. Update. */
  subject: ArtifactInput;
  /**
   * What to use instead: a successor's digest or a tag, in the same repository; a repository, where
   * the same artifact lies; or `registry/repository[:tag][@digest]`. Never an `oci:` path, as it is
   * read on another machine. Update.
   */
  to: pulumi.Input<string>;
  reason?: pulumi.Input<string>;
}

/**
 * Points from an artifact to what should be used instead. A `Verification` warns of it and goes on,
 * unless it is told to follow (`followRedirects: "verify"`); then both ends have to verify.
 *
 * It holds only where its signer may redirect: `Verification.lifecycleIssuers`. Of one issuer, the
 * latest holds. Errors: as {@link Claim}.
 *
 * @example
 * ```ts
 * new Redirect("moved", {
 *   subject: netMonitor,
 *   to: "registry.wabbit-networks.io/net-monitor:v2",
 *   reason: "v1 is not built any more",
 *   signer,
 * });
 * ```
 */
export class Redirect extends Claim {
  constructor(name: string, args: RedirectArgs, options?: pulumi.CustomResourceOptions) {
    const { to, reason, ...rest } = args;
    super(
      name,
      {
        ...rest,
        audience: args.audience ?? "public",
        type: "redirect",
        predicate: predicate({ to, reason }),
      },
      options,
    );
  }
}

export interface EndOfLifeArgs extends LifecycleClaimArgs {
  /** The artifact. Update. */
  subject: ArtifactInput;
  /** First day (`2027-06-30`, in UTC) or moment (RFC 3339) without support. Update. */
  date: pulumi.Input<string>;
  reason?: pulumi.Input<string>;
  /** What to use instead, as {@link RedirectArgs.to}; for people. */
  successor?: pulumi.Input<string>;
}

/**
 * Says until when an artifact is supported. Until then a `Verification` warns with the date, from
 * then on it turns bad under `lifecycle.endOfLife`. Tools that know
 * `application/vnd.microsoft.artifact.lifecycle` find the date in the annotation
 * `vnd.microsoft.artifact.lifecycle.end-of-life.date`; here it is signed as well. Of one issuer,
 * the latest holds.
 *
 * Errors: as {@link Claim}.
 *
 * @example
 * ```ts
 * new EndOfLife("end-of-v1", { subject: netMonitor, date: "2027-06-30", signer });
 * ```
 */
export class EndOfLife extends Claim {
  constructor(name: string, args: EndOfLifeArgs, options?: pulumi.CustomResourceOptions) {
    const { date, reason, successor, ...rest } = args;
    super(
      name,
      {
        ...rest,
        audience: args.audience ?? "public",
        type: "endOfLife",
        predicate: predicate({ date, reason, successor }),
      },
      options,
    );
  }
}

type Members = Record<string, pulumi.Input<string> | undefined>;

/** Without the members that were not given: canonical JSON has no undefined. */
function predicate(members: Members): pulumi.Output<Record<string, unknown>> {
  return pulumi
    .output(members)
    .apply((known) =>
      Object.fromEntries(Object.entries(known).filter(([, value]) => value !== undefined)),
    );
}

/** Known in a preview wherever the subject's digest is. */
function digestOf(subject: ArtifactInput): pulumi.Output<string> {
  if (typeof subject === "object" && "descriptor" in subject)
    return (subject as { descriptor: pulumi.Output<{ digest: string }> }).descriptor.apply(
      ({ digest }) => digest,
    );
  return pulumi
    .output(subject as pulumi.Input<string | { descriptor: { digest: string } }>)
    .apply((known) => {
      if (typeof known !== "string") return known.descriptor.digest;
      // What has no digest goes on as it is: the provider refuses it at `predicate.target`, where
      // an error thrown here would have no place.
      return /@(sha(?:256:[0-9a-f]{64}|512:[0-9a-f]{128}))$/.exec(known)?.[1] ?? known;
    });
}
