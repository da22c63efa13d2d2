// SPDX-License-Identifier: Apache-2.0
export type { Check, Outcome, SignatureVerdict } from "./verdict";
export { verifyArtifact, type ArtifactVerdict } from "./verify-artifact";
export { verifyEnvelope, type VerifyContext } from "./verify-envelope";
