// SPDX-License-Identifier: Apache-2.0
export { canonicalJson, MAX_JSON_DEPTH } from "./canonical-json";
export { packClaim } from "./claim";
export type { Audience, ClaimContent } from "./claim";
export {
  compileCondition,
  conditionSchema,
  CONDITION_TIMEOUT,
  MAX_CONDITION_LENGTH,
} from "./require/condition";
export type { Condition, ConditionContext, ConditionResult } from "./require/condition";
export { delaySchema, durationSchema, formatAge, parseDelay, parseDuration } from "./duration";
export { referrerMayForbid, typeMayForbid } from "./may-forbid";
export { effectiveClaims } from "./effective/effective";
export type { EffectiveClaims } from "./effective/effective";
export { foreignClaims, MAX_FOREIGN_CLAIMS } from "./foreign/foreign";
export type { ForeignOptions } from "./foreign/foreign";
export type { ForeignClaim, ForeignOrigin } from "./foreign/foreign-claim";
export {
  gatherClaims,
  MAX_CLAIM_BYTES,
  MAX_CLAIM_SIGNATURES,
  MAX_CLAIMS,
  mayBeClaim,
  turnsOutClaim,
} from "./gather";
export type { GatherOptions } from "./gather";
export {
  canonicalSubject,
  identitySchema,
  matchesIdentity,
  mayMatchIdentity,
} from "./effective/identity";
export {
  archivedSchema,
  contentPurgedSchema,
  dateSchema,
  dayOf,
  deploymentSchema,
  derivedFromSchema,
  endOfLifeSchema,
  parseTarget,
  redirectSchema,
  revocationSchema,
} from "./lifecycle";
export type {
  Archived,
  ContentPurged,
  Deployment,
  EndOfLife,
  Redirect,
  Revocation,
  Target,
} from "./lifecycle";
export { vulnerabilitiesSchema } from "./predicates";
export type { VerificationSummary, VexDocument, VexStatement } from "./predicates";
export {
  confirmContent,
  isAboutAnother,
  observeClaim,
  readClaim,
  readClaimHead,
  readContent,
} from "./read-claim";
export type { BrokenClaim, ClaimHead, ReadClaim, ReadClaimOptions } from "./read-claim";
export { audienceOf, claimTypeOf, isClaim } from "./recognise";
export {
  followRedirects,
  followRedirectsSchema,
  MAX_REDIRECTS,
  redirectRefused,
  redirectsIn,
} from "./require/redirect";
export { redirectDoubt } from "./require/redirect-doubt";
export type { Journey, RedirectClaim, Stop, Traveller, Visited } from "./require/redirect";
export { denyEntrySchema, evaluateRequirements, requireEntrySchema } from "./require/requirements";
export type { DenyEntry, RequireEntry, Requirements } from "./require/requirements";
export { mayForbid } from "./effective/unreadable";
export { forbids } from "./effective/lapsed";
export { combined, lapsedSignings, signerKey, together } from "./effective/signers";
export type { Doubt } from "./effective/signers";
export {
  makeStatement,
  MAX_DOCUMENT_SIZE,
  MAX_STATEMENT_SIZE,
  parseStatement,
  speaksAbout,
  statementSchema,
  STATEMENT_TYPE,
} from "./statement";
export type { Statement } from "./statement";
export {
  CLAIM_KINDS,
  kindOf,
  LIFECYCLE_ARTIFACT_TYPE,
  resolveType,
  sameType,
  typeKey,
} from "./types";
export type { ClaimKind } from "./types";
export { isTimeout, withinTime } from "./within-time";
export type { VexEntry } from "./effective/vex";
export type { ClaimIssuer, ClaimStatus, EffectiveInput, JudgedClaim } from "./effective/terms";
export type { ObservedClaim } from "./effective/terms";
export { issuersSchema, lifecycleIssuersSchema, names, partsOf } from "./effective/issuer-entry";
export type { IssuerEntry, KnownIssuer, LifecycleIssuers, Signer } from "./effective/issuer-entry";
export { readIssuers } from "./issuers";
export type { KnownIssuers, WrittenIssuers } from "./issuers";
export type { ClaimVerdict } from "./effective/claim-verdict";
export { CONTENT_THERE } from "./require/lifecycle-results";
export type { RequirementResult } from "./require/result";
