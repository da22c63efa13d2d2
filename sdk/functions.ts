// SPDX-License-Identifier: Apache-2.0
import * as pulumi from "@pulumi/pulumi";
import type { ExposureAnswer } from "../provider/exposure/answer/answer";
import type { VulnerabilitiesPredicate } from "../provider/exposure/answer/vulnerabilities";
import type { Digest } from "../provider/oci/digest";
import type {
  ArtifactAnswer,
  Asking,
  ClaimAnswer,
  VerificationAnswer,
} from "../provider/report/functions";
import type { Deep } from "./stub";
import type { IssuerEntry, TrustPolicy } from "./values";
import type { LifecycleIssuers, Requirement } from "./verification";

export interface GetArtifactArgs {
  /** `repository:tag` or `repository@digest`; the repository may be `oci:path`. */
  reference: string;
}

/** What a reference names now. Fits wherever an artifact is wanted as an argument. */
export type GetArtifactResult = ArtifactAnswer;

export interface GetClaimsArgs {
  artifact: string;
  /** Whose claims count. Without it no claim is `effective`; what is whole is `unchecked`. */
  trust?: TrustPolicy | { notationConfig: string };
  /** Only these types: short names or predicate type URIs. @default all */
  types?: string[];
  /** Whose claims win over whose: the first over the next. */
  precedence?: IssuerEntry[];
}

export type ClaimInfo = ClaimAnswer;

export interface VerifyArgs {
  /** `repository:tag` or `repository@digest`. */
  artifact: string;
  /**
   * A trust policy statement, or notation's configuration directory (`default`: where notation
   * keeps it).
   */
  trust: TrustPolicy | { notationConfig: string };
  /** Claims that must be there and effective. `anyOf`: one of several is enough. */
  require?: (Requirement | { anyOf: Requirement[] })[];
  /** Claims that must not be there. */
  deny?: Omit<Requirement, "maxAge">[];
  /** Whose claims win over whose: the first over the next. */
  precedence?: IssuerEntry[];
  /**
   * Who may say that the artifact is revoked, lies elsewhere, or ends. @default everyone the trust
   * policy trusts
   */
  lifecycleIssuers?: LifecycleIssuers;
  /**
   * `"verify"`: where the artifact is redirected, verify what it is redirected to and answer about
   * that, as the resource `Verification` does; `followed` then says from where. A redirect may name
   * another registry, so say in `lifecycleIssuers` whose word is taken. @default "never", a
   * redirect is a warning
   */
  followRedirects?: "never" | "verify";
}

/**
 * `reference`, pinned, is there only if `verified` is `yes`. `unknown` is to be treated as no. A
 * redirect that cannot be followed is a no, and why.
 */
export type VerifyResult = VerificationAnswer;

/** One thing is asked for: a vulnerability, a package, a claim, or all that `osv` knows. */
export interface ExposureQuestion {
  /** A name that advisories, scans and VEX use, as `CVE-2021-44228`. */
  vulnerability?: string;
  /** A package URL and a range of its versions: `pkg:npm/log4js@<2.1`, `pkg:pypi/django@>=3,<3.2.1`. */
  package?: string;
  /** Artifacts with such a claim that counts; `condition` is in CEL, as in a `Requirement`. */
  claim?: { type: string; condition?: string };
  /** Repositories and `oci:path`: everything there that has a tag, and what promotions lead to. */
  places: string[];
  /** Whose claims count. */
  trust: TrustPolicy | { notationConfig: string };
  /** Only what was there, as `deployment` claims and archives tell. @default wherever it was */
  environments?: string[];
  /** A day or time: only what was in an environment then or later. */
  from?: string;
  /** A day or time: only what was in an environment then or before. */
  until?: string;
  /** A folder of advisories in the OSV format, which SBOMs are held against. */
  osv?: string;
  precedence?: IssuerEntry[];
  lifecycleIssuers?: LifecycleIssuers;
}

export interface ExposureQuestionArgs extends ExposureQuestion {
  /**
   * A folder in which content is kept that was read; it may be deleted at any time. @default
   * pulumi-consign in `XDG_CACHE_HOME`, else in `~/.cache`
   */
  cache?: string;
}

/**
 * Per digest, `affected`, `not-affected`, `fixed` or `unknown`, why, and on whose word; where it
 * lies, and when it was in which environment. What cannot be read, judged or compared is `unknown`,
 * and never counts as clean. `status` is `some` if anything is affected, `none` only if all was read
 * and nothing is.
 */
export type ExposureResult = ExposureAnswer;

/**
 * Finds out what a tag or digest names, now and once. Registries are those of the stack
 * configuration `consign:registries`, else Docker's. Errors: `INPUT_INVALID`, `REFERENCE_INVALID`,
 * `MANIFEST_UNKNOWN`, `REGISTRY_*`.
 */
export async function getArtifact(args: GetArtifactArgs): Promise<GetArtifactResult> {
  return provider().askArtifact(args, asking());
}

/**
 * As {@link getArtifact}, for arguments that may be outputs. In a preview it is unknown while the
 * artifact does not exist.
 */
export function getArtifactOutput(args: Deep<GetArtifactArgs>): pulumi.Output<GetArtifactResult> {
  return asked(args, getArtifact);
}

/**
 * The claims about an artifact, sorted by type, time and digest, each with its status and why.
 * Errors: as {@link getArtifact}, `TRUST_*`.
 */
export async function getClaims(args: GetClaimsArgs): Promise<ClaimInfo[]> {
  return provider().askClaims(args, asking());
}

/**
 * As {@link getClaims}, for arguments that may be outputs. In a preview it is unknown while the
 * artifact does not exist.
 */
export function getClaimsOutput(args: Deep<GetClaimsArgs>): pulumi.Output<ClaimInfo[]> {
  return asked(args, getClaims);
}

/**
 * Decides whether an artifact may be used, as the resource `Verification` does, without recording
 * the answer in the stack. A no is an answer and fails nothing: look at `verified`, or use
 * `reference`. Errors: as {@link getArtifact}, `TRUST_*`.
 */
export async function verify(args: VerifyArgs): Promise<VerifyResult> {
  return provider().askVerification(args, asking());
}

/**
 * As {@link verify}, for arguments that may be outputs. In a preview it is unknown while the
 * artifact does not exist.
 */
export function verifyOutput(args: Deep<VerifyArgs>): pulumi.Output<VerifyResult> {
  return asked(args, verify);
}

/**
 * Which artifacts contain a package, are affected by a vulnerability, or have a claim, that are or
 * were at some places and in some environments. Reads only; no layer is read. Errors:
 * `INPUT_INVALID`, `CONDITION_INVALID`, `REFERENCE_INVALID`, `TRUST_*`, `FILE_*`,
 * `GRAPH_TOO_LARGE`; what a place does not answer is in `faults`.
 */
export async function exposure(args: ExposureQuestionArgs): Promise<ExposureResult> {
  return provider().askExposure(args, asking());
}

/** As {@link exposure}, for arguments that may be outputs. */
export function exposureOutput(args: Deep<ExposureQuestionArgs>): pulumi.Output<ExposureResult> {
  return asked(args, exposure);
}

/**
 * What an answer about vulnerabilities found of one digest, for `new Claim(…, { type:
 * "vulnerabilities", predicate })`. The same answer gives the same predicate. What cannot be told is
 * in `scanner.incomplete`. Errors: `INPUT_INVALID`.
 */
export function vulnerabilitiesClaim(
  answer: ExposureResult,
  digest: string,
): { type: "vulnerabilities"; predicate: VulnerabilitiesPredicate } {
  const { vulnerabilitiesFrom } = provider();
  return { type: "vulnerabilities", predicate: vulnerabilitiesFrom(answer, digest as Digest) };
}

/** Only programs that ask something load the library. */
function provider(): typeof import("../provider/index") {
  return require("../provider/index") as typeof import("../provider/index");
}

function asking(): Asking {
  return {
    registries: new pulumi.Config("consign").getObject("registries"),
    baseDir: process.cwd(),
    now: new Date(),
  };
}

function asked<Args extends object, Result>(
  args: Deep<Args>,
  ask: (args: Args) => Promise<Result>,
): pulumi.Output<Result> {
  return pulumi.output(args).apply<Result>(async (known) => {
    try {
      return await ask(known as Args);
    } catch (error) {
      if (pulumi.runtime.isDryRun() && isMissing(error)) return pulumi.unknown as Result;
      throw error;
    }
  });
}

function isMissing(error: unknown): boolean {
  return (
    typeof error === "object" &&
    error !== null &&
    "code" in error &&
    error.code === "MANIFEST_UNKNOWN"
  );
}
