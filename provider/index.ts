// SPDX-License-Identifier: Apache-2.0
/**
 * The library beneath the resources, for programs that need no Pulumi: `pulumi-consign/provider`.
 * Everything that is public is named here.
 */
export {
  ConsignError,
  ERROR_CODES,
  asConsignError,
  isConsignError,
  type ErrorCode,
  type ErrorDetails,
  type Side,
} from "./errors";

export type { Schema } from "./schema";

export { ANNOTATIONS } from "./oci/annotations";
export {
  annotationsSchema,
  descriptorSchema,
  plainDescriptor,
  sameContent,
  type Annotations,
  type Descriptor,
} from "./oci/descriptor";
export {
  digestOf,
  digestSchema,
  isDigest,
  parseDigest,
  type Digest,
  type DigestAlgorithm,
} from "./oci/digest";
export {
  MAX_MANIFEST_SIZE,
  artifactTypeOf,
  parseManifest,
  referrerDescriptor,
  successorsOf,
  type ImageIndex,
  type ImageManifest,
  type Manifest,
} from "./oci/manifest";
export { MEDIA_TYPES, isIndexType, isManifestType } from "./oci/media-types";
export {
  formatLocation,
  formatReference,
  isTag,
  parseLocation,
  parseReference,
  pinned,
  type Location,
  type Reference,
} from "./oci/reference";

export {
  MemoryStore,
  OciLayout,
  bytesBlob,
  copy,
  fileBlob,
  packManifest,
  pushArtifact,
  readSmall,
} from "./content";
export type {
  BlobSource,
  CallOptions,
  Content,
  CopyOptions,
  CopyProgress,
  CopyReport,
  OciLayoutOptions,
  PackOptions,
  PackedArtifact,
  PushArtifactOptions,
  PushOptions,
  PushReport,
  ReadStore,
  Store,
  TagOptions,
  TagOrDigest,
} from "./content";

export {
  DEFAULT_LIMITS,
  RegistryClient,
  Repository,
  httpFetch,
  parseRegistrySettings,
  registrySettingsSchema,
} from "./registry";
export type { Counters, Limits, RegistryClientOptions, RegistrySettings } from "./registry";

export type { CoseAlgorithm, Signer } from "./cose";
export {
  isSignature,
  keySigner,
  listSignatures,
  localSigner,
  notationConfigDir,
  packSignature,
  parseEnvelope,
  parseTrustPolicy,
  pluginSigner,
  policyFromNotation,
  requestTimestamp,
  resolveTrustPolicy,
  revocationChecker,
  signEnvelope,
  signerIdentity,
  trustPolicySchema,
  verifyArtifact,
  verifyEnvelope,
} from "./notation";
export type {
  ArtifactVerdict,
  Check,
  CheckName,
  EnvelopeSigner,
  HttpFetch,
  LocalSignerOptions,
  Outcome,
  PluginSignerOptions,
  ResolvedTrustPolicy,
  RevocationChecker,
  SignOptions,
  SignatureEnvelope,
  SignatureForm,
  SignatureOptions,
  SignatureVerdict,
  TrustPolicy,
  TrustPolicyInput,
  VerificationLevel,
  VerifyContext,
} from "./notation";

export {
  CLAIM_KINDS,
  audienceOf,
  claimTypeOf,
  compileCondition,
  denyEntrySchema,
  effectiveClaims,
  evaluateRequirements,
  foreignClaims,
  isClaim,
  makeStatement,
  matchesIdentity,
  observeClaim,
  packClaim,
  parseStatement,
  readClaim,
  requireEntrySchema,
  resolveType,
} from "./claims";
export type {
  Audience,
  BrokenClaim,
  ClaimContent,
  ClaimKind,
  ClaimStatus,
  ClaimVerdict,
  DenyEntry,
  EffectiveClaims,
  EffectiveInput,
  ForeignClaim,
  JudgedClaim,
  LifecycleIssuers,
  ObservedClaim,
  ReadClaim,
  RequireEntry,
  RequirementResult,
  Requirements,
  Statement,
  VexEntry,
} from "./claims";

export { mergeDigests, mergeTags, referrersIn, select, walk } from "./graph";
export type {
  Candidate,
  DigestMerge,
  Dropped,
  Graph,
  GraphNode,
  Selection,
  TagMerge,
  WalkOptions,
} from "./graph";

export {
  askArtifact,
  askClaims,
  askVerification,
  type ArtifactAnswer,
  type Asking,
  type ClaimAnswer,
  type VerificationAnswer,
} from "./report/functions";
export { askExposure } from "./exposure/ask";
export type { ExposureAnswer } from "./exposure/answer/answer";
export type { ExposureEntry, PlatformExposure } from "./exposure/answer/entry";
export {
  vulnerabilitiesFrom,
  type VulnerabilitiesPredicate,
} from "./exposure/answer/vulnerabilities";
export type { ExposureStatus, Finding } from "./exposure/findings";
export { observeArtifact } from "./report/collect";
export type {
  ClaimReport,
  ObserveOptions,
  ObservedArtifact,
  RelatedReport,
} from "./report/observation";
export { renderTree, type TreeOptions } from "./report/tree";
export { verificationOf, type VerificationReport } from "./report/verification";
export {
  Inspector,
  type InspectOptions,
  type InspectorOptions,
  type Located,
} from "./report/inspector";
export type { SignatureReport } from "./report/signature-report";
