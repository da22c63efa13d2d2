// SPDX-License-Identifier: Apache-2.0
export {
  ATTRIBUTES,
  PAYLOAD_TYPE,
  type SignedAttributes,
  type SigningScheme,
} from "./envelope/attributes";
export {
  checkCodeSigningChain,
  checkTimestampingChain,
  parseCertificate,
  parsePem,
} from "./x509/certificates";
export type { DistinguishedName, IdentityName } from "./x509/distinguished-name";
export { MAX_ENVELOPE_SIZE, parseEnvelope } from "./envelope/envelope";
export { signEnvelope, type SignOptions } from "./envelope/sign-envelope";
export type { HttpFetch, HttpRequest, HttpResponse } from "./revocation/http-fetch";
export {
  isEnvelopeSigner,
  pluginSigner,
  type EnvelopeSigner,
  type PluginSignerOptions,
} from "./sign/plugin";
export {
  revocationChecker,
  type RevocationChecker,
  type RevocationOptions,
  type RevocationVerdict,
} from "./revocation/revocation";
export {
  envelopeOf,
  isSignature,
  listSignatures,
  mayBeSignature,
  packSignature,
  saysNothing,
  type SignatureForm,
  type SignatureOptions,
} from "./signature-manifest";
export { keySigner, localSigner, signerIdentity, type LocalSignerOptions } from "./sign/signer";
export { notationKeySigner, type NotationKeyOptions } from "./sign/signing-keys";
export { requestTimestamp, verifyTimestamp } from "./timestamp/timestamp";
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
} from "./trust/trust-policy";
export { isInline, openTrust, trustSchema, type Trust } from "./trust/trust";
export { notationConfigDir } from "./trust/config-dir";
export { parsePolicyDocument, policyFromNotation } from "./trust/policy-document";
export {
  inlineRoots,
  resolveTrustPolicy,
  type ResolveOptions,
  type ResolvedTrustPolicy,
} from "./trust/trust-store";
export {
  verifyArtifact,
  verifyEnvelope,
  type ArtifactVerdict,
  type Check,
  type Outcome,
  type SignatureVerdict,
  type VerifyContext,
} from "./verify";
export { type SignatureEnvelope } from "./envelope/signature-envelope";
export { type Certificate, type KeyUsage } from "./x509/certificate";
