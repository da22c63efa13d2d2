// SPDX-License-Identifier: Apache-2.0
export { ATTRIBUTES, PAYLOAD_TYPE, type SignedAttributes, type SigningScheme } from "./attributes";
export {
  checkCodeSigningChain,
  checkTimestampingChain,
  parseCertificate,
  parsePem,
  type Certificate,
  type KeyUsage,
} from "./certificates";
export type { DistinguishedName, IdentityName } from "./distinguished-name";
export {
  MAX_ENVELOPE_SIZE,
  parseEnvelope,
  signEnvelope,
  type SignOptions,
  type SignatureEnvelope,
} from "./envelope";
export type { HttpFetch, HttpRequest, HttpResponse } from "./http-fetch";
export {
  isEnvelopeSigner,
  pluginSigner,
  type EnvelopeSigner,
  type PluginSignerOptions,
} from "./plugin";
export {
  revocationChecker,
  type RevocationChecker,
  type RevocationOptions,
  type RevocationVerdict,
} from "./revocation";
export {
  envelopeOf,
  isSignature,
  listSignatures,
  packSignature,
  type SignatureForm,
  type SignatureOptions,
} from "./signature-manifest";
export { keySigner, localSigner, signerIdentity, type LocalSignerOptions } from "./signer";
export { notationKeySigner, type NotationKeyOptions } from "./signing-keys";
export { requestTimestamp, verifyTimestamp } from "./timestamp";
export {
  CHECKS,
  applicablePolicy,
  parseTrustPolicy,
  trustPolicySchema,
  type Action,
  type CheckName,
  type TrustPolicy,
  type TrustPolicyInput,
  type VerificationLevel,
} from "./trust-policy";
export { isInline, openTrust, trustSchema, type Trust } from "./trust";
export { notationConfigDir } from "./config-dir";
export { parsePolicyDocument, policyFromNotation } from "./policy-document";
export { resolveTrustPolicy, type ResolveOptions, type ResolvedTrustPolicy } from "./trust-store";
export {
  verifyArtifact,
  verifyEnvelope,
  type ArtifactVerdict,
  type Check,
  type Outcome,
  type SignatureVerdict,
  type VerifyContext,
} from "./verify";
