// SPDX-License-Identifier: Apache-2.0
import type * as pulumi from "@pulumi/pulumi";
import { arrivalArguments, type Mirror } from "./mirror";
import { ConsignResource, type Deep } from "./stub";
import {
  artifactArgument,
  type ArtifactInput,
  type ClaimType,
  type IssuerEntry,
  type TrustPolicy,
} from "./values";

/** A claim that has to be there. */
export interface Requirement {
  /** Short name or predicate type URI. */
  type: ClaimType;
  /**
   * Who must have signed it: `x509.subject: C=…, ST=…, O=…`, one or several; whoever has signed it
   * too makes no difference, and `maxAge` counts from this issuer's signature. @default anyone the
   * trust policy trusts
   */
  issuer?: string | string[];
  /**
   * Not older than this, as `"7d"`: from its signing or, where the predicate tells an earlier time
   * (the end of a scan), from that.
   */
  maxAge?: string;
  /**
   * A CEL expression over `predicate`, `claimType`, `issuer`, `issuedAt`, `subject`, `now` and
   * `vex`, as `predicate.result == "PASSED"`. Its syntax is checked in the preview. A member that
   * is missing is no answer, and no answer is not met: ask `has(predicate.member)` first. A
   * document is read as JSON up to 32 MiB (SBOMs: 64 MiB), and CycloneDX in XML as its JSON; of
   * anything else in `predicate` there is no answer.
   */
  condition?: string;
}

/**
 * A claim that must not be there, whoever has signed it too. A condition that gives no answer
 * counts as if it were.
 */
export type Denial = Omit<Requirement, "maxAge">;

/**
 * Who may say that the artifact is revoked, lies elsewhere, or ends. A kind without a list is open
 * to everyone the trust policy trusts.
 */
export interface LifecycleIssuers {
  /**
   * Who may revoke the artifact, and the claims of those who do not rank above him; theirs that are
   * under another root only as an entry that names its roots.
   */
  revocation?: IssuerEntry[];
  redirect?: IssuerEntry[];
  endOfLife?: IssuerEntry[];
}

export interface VerificationArgs {
  /**
   * What is verified. A tag is resolved once, in the plan; everything after speaks of that digest.
   * Update.
   */
  artifact: ArtifactInput;
  /**
   * Whose signatures count, on the artifact and on its claims: a trust policy statement, or
   * notation's configuration directory (`"default"`: where notation keeps its own), of which the
   * statement for the artifact's repository applies. Update.
   */
  trust: Deep<TrustPolicy | { notationConfig: string }>;
  /**
   * Claims that must be there and effective. `anyOf`: one of several is enough. At most 100.
   * Update.
   */
  require?: Deep<(Requirement | { anyOf: Requirement[] })[]>;
  /** Claims that must not be there. At most 100. Update. */
  deny?: Deep<Denial[]>;
  /**
   * Whose claims win over whose: the first over the next. Where it cannot be told whether one wins
   * over another, as under different roots that the entry does not name, the other's claim does not
   * count and is not gone either: it meets nothing, and is denied. @default none wins over another.
   * Update.
   */
  precedence?: Deep<IssuerEntry[]>;
  /** @default everyone the trust policy trusts. Update. */
  lifecycleIssuers?: Deep<LifecycleIssuers>;
  /**
   * `"verify"`: where the artifact is redirected, verify what it is redirected to and use that; at
   * most 5 times, and never in a circle. Both ends have to verify: the first its signature and the
   * redirect, the last everything that is asked here. A redirect may name another registry, so say
   * in `lifecycleIssuers` whose word is taken. @default "never", a redirect is a warning. Update.
   */
  followRedirects?: pulumi.Input<"never" | "verify">;
  /**
   * The mirror of this program that fills the artifact's repository. The verification comes after
   * it, and the preview in which the mirror first shows a revocation, or an end of life that has
   * passed, shows the verdict that this leads to as well: such a claim is verified where it will be
   * copied from. It can only make the preview's verdict worse. @default a preview verifies what is
   * there already
   */
  mirror?: Mirror;
}

/**
 * Why the artifact may be used, or not. There is no time in it: the same world gives the same
 * verdict tomorrow.
 */
export interface Verdict {
  /** What `artifact` names. Absent if it names nothing. */
  digest?: string;
  /**
   * `verified: by …`, or `missing`, `invalid`, `untrusted`, `inconclusive` and why, with the
   * error's code.
   */
  signature: string;
  /**
   * By the argument's path (`require[0]`, `deny[1]`), `met`, or `unmet: ` and what was asked and
   * why not. An artifact that is revoked or past its end of life is `lifecycle.revocation` or
   * `lifecycle.endOfLife`; while it is neither, these are not there. A redirect that was to be
   * followed and cannot be is `lifecycle.redirect`, with `REDIRECT_LOOP` or `REDIRECT_UNUSABLE`.
   */
  requirements: Record<string, string>;
}

/**
 * A claim that has to do with what is asked: of a required or denied type, or about the artifact's
 * lifecycle.
 */
export interface VerifiedClaim {
  /** Short name, or predicate type URI. */
  type: string;
  /**
   * `effective: by …`, with all who have signed it, or why it does not count: `superseded by
   * sha256:…`, `revoked by sha256:…`, `expired`, `untrusted`, `unsigned`, `tampered`, `malformed`,
   * `inconclusive`, each with the reason.
   */
  status: string;
}

/**
 * Predicate of a SLSA verification summary. @see https://slsa.dev/spec/v1.0/verification_summary
 */
export interface VerificationSummary {
  [member: string]: unknown;
  verifier: { id: string };
  resourceUri: string;
  policy: { uri: string; digest: Record<string, string> };
  inputAttestations: { name: string; uri: string; digest: Record<string, string> }[];
  verificationResult: "PASSED";
  verifiedLevels: string[];
}

/**
 * Decides whether an artifact may be used: its signature and its claims, under a trust policy.
 * `reference` exists only if it may. A requirement that is not met shows in the preview, with the
 * reason and a warning; `up` fails there, and nothing downstream moves.
 *
 * A refresh verifies again. Each thing that has changed is one line: a claim that is gone, new, or
 * does not count any more under `claims`, the requirement that this breaks or mends under
 * `verdict.requirements`, the signature under `verdict.signature`, a tag that was moved under
 * `verdict.digest`; `reference` goes when the verdict turns bad.
 *
 * What was said against the artifact is remembered in the state, and counts until it is gone, also
 * where a list of referrers leaves it out later.
 *
 * An `up` that fails here leaves the bad verdict in the resource's state, and no `reference`. The
 * outputs of the *stack* are those of its last run that ended well: Pulumi does not touch them when a
 * run fails. So another stack must not take a reference from there as verified; it takes it as a
 * name, and verifies again:
 *
 * ```ts
 * const image = new pulumi.StackReference("build").requireOutput("image");
 * const gate = new Verification("gate", { artifact: image, trust, deny });
 * deploy(gate.reference);
 * ```
 *
 * There is no `reference` either where there is nothing to use: the artifact's manifest is gone, all
 * manifests of an index are, or somebody who is trusted says that its content was purged. Manifests
 * of an index that are not there, as in a mirror of some platforms, are a warning.
 *
 * Errors: `VERIFICATION_UNMET`, `PLAN_STALE`, `TRUST_*`, `CONDITION_INVALID`, `INPUT_INVALID`,
 * `GRAPH_TOO_LARGE`, `REGISTRY_*`.
 *
 * @example
 * ```ts
 * const gate = new Verification("gate", {
 *   artifact: "registry.acme-rockets.io/net-monitor:v1",
 *   trust,
 *   require: [
 *     { type: "sbom/spdx" },
 *     { type: "vulnerabilities", maxAge: "7d", condition: "predicate.scanner.result.size() == 0" },
 *   ],
 * });
 * export const image = gate.reference;
 * ```
 */
export class Verification extends ConsignResource {
  /** `repository@sha256:…` of what was verified. */
  declare readonly reference: pulumi.Output<string>;
  declare readonly verdict: pulumi.Output<Verdict>;
  /**
   * Where redirects were followed: pinned references, from what `artifact` names to the one that
   * `verdict` and `reference` are about.
   */
  declare readonly followed: pulumi.Output<string[] | undefined>;
  /** By digest. */
  declare readonly claims: pulumi.Output<Record<string, VerifiedClaim>>;
  /**
   * What the last `up` found, for `new Claim(…, { type: "vsa", predicate: gate.summary })`: which
   * artifact, under which policy (its digest), on the strength of which claims. It has no time of
   * its own; when it was so is when that claim was signed.
   */
  declare readonly summary: pulumi.Output<VerificationSummary>;

  constructor(name: string, args: VerificationArgs, options?: pulumi.CustomResourceOptions) {
    const { mirror, ...asked } = args;
    super(
      "Verification",
      name,
      {
        ...asked,
        artifact: artifactArgument(args.artifact),
        ...(mirror === undefined ? {} : arrivalArguments(mirror)),
      },
      ["reference", "verdict", "claims", "summary", "followed"],
      options,
    );
    questions.set(this, args);
  }
}

const questions = new WeakMap<Verification, VerificationArgs>();

/**
 * What a verification was asked. As arguments, not as outputs: an output that has no value is
 * unknown in a preview.
 */
export function questionOf(verification: Verification): VerificationArgs {
  const args = questions.get(verification);
  if (args === undefined)
    throw new Error("this verification was made by another copy of pulumi-consign");
  return args;
}
