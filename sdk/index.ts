// SPDX-License-Identifier: Apache-2.0
export {
  ArchivePolicy,
  type ArchivePolicyArgs,
  type Retention,
  type RetentionDecision,
  type RetentionEntry,
  type RetentionState,
} from "./archive-policy";
export { Claim, type ClaimArgs } from "./claim";
export { Exposure, type ExposureArgs } from "./exposure";
export {
  exposure,
  exposureOutput,
  getArtifact,
  getArtifactOutput,
  getClaims,
  getClaimsOutput,
  verify,
  verifyOutput,
  vulnerabilitiesClaim,
  type ClaimInfo,
  type ExposureQuestion,
  type ExposureQuestionArgs,
  type ExposureResult,
  type GetArtifactArgs,
  type GetArtifactResult,
  type GetClaimsArgs,
  type VerifyArgs,
  type VerifyResult,
} from "./functions";
export {
  EndOfLife,
  Redirect,
  Revocation,
  type EndOfLifeArgs,
  type RedirectArgs,
  type RevocationArgs,
} from "./lifecycle";
export {
  Mirror,
  type ClaimSelection,
  type MirrorArgs,
  type PlatformSelection,
  type TagSelection,
} from "./mirror";
export type { MirrorPlan } from "./mirror-plan";
export {
  Promotion,
  type CarrySelection,
  type PlannedWindow,
  type PromotionArgs,
  type PromotionRecord,
  type Stay,
} from "./promotion";
export {
  SignedArtifact,
  type SignedArtifactArgs,
  type SignedArtifactFile,
} from "./signed-artifact";
export {
  Verification,
  type Denial,
  type LifecycleIssuers,
  type Requirement,
  type Verdict,
  type VerificationArgs,
  type VerificationSummary,
  type VerifiedClaim,
} from "./verification";
export type {
  ArtifactInput,
  ArtifactLike,
  ClaimType,
  Descriptor,
  IssuerEntry,
  KnownClaimType,
  SignatureRecord,
  Signer,
  SigningArgs,
  Timestamp,
  TrustPolicy,
} from "./values";
