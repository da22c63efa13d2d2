// SPDX-License-Identifier: Apache-2.0
export { Claim, type ClaimArgs } from "./claim";
export {
  getArtifact,
  getArtifactOutput,
  getClaims,
  getClaimsOutput,
  verify,
  verifyOutput,
  type ClaimInfo,
  type GetArtifactArgs,
  type GetArtifactResult,
  type GetClaimsArgs,
  type VerifyArgs,
  type VerifyResult,
} from "./functions";
export { Mirror, type ClaimSelection, type MirrorArgs, type MirrorPlan, type TagSelection } from "./mirror";
export { SignedArtifact, type SignedArtifactArgs, type SignedArtifactFile } from "./signed-artifact";
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
export type { ArtifactInput, ArtifactLike, Descriptor, SignatureRecord, Signer, TrustPolicy } from "./values";
