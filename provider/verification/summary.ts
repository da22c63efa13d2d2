// SPDX-License-Identifier: Apache-2.0
import path from "node:path";
import { canonicalJson, type VerificationSummary } from "../claims/index";
import type { ResolvedTrustPolicy } from "../notation/index";
import { algorithmOf, digestOf, hexOf, type Digest } from "../oci/digest";
import type { Location } from "../oci/reference";
import type { JudgedClaimSummary, Question } from "../judging/judgement";

export type PolicyInputs = Question & { trust: ResolvedTrustPolicy };

const VERIFIER = "https://consign.dev/verifier/v1";
const POLICY = "https://consign.dev/policies/";

/**
 * A good verdict as the predicate of a SLSA verification summary, for a `Claim` of type `vsa`. It
 * follows from the artifact, the policy and the claims relied on alone: the schema lets
 * `timeVerified` out, and the time of the claim's signature stands for it, so that verifying again
 * tomorrow is no change. No SLSA level is evaluated, and that is what it says.
 *
 * `policy.uri` names the policy by its digest, so summaries under different policies stand side by
 * side.
 * @see https://slsa.dev/spec/v1.0/verification_summary
 */
export function verificationSummary(
  location: Location,
  artifact: Digest,
  policy: PolicyInputs,
  evidence: readonly Digest[],
  claims: Readonly<Record<string, JudgedClaimSummary>>,
): VerificationSummary {
  const digest = policyDigest(policy);
  return {
    verifier: { id: VERIFIER },
    resourceUri: packageUrl(location, artifact),
    policy: { uri: `${POLICY}${digest}`, digest: digestSet(digest) },
    inputAttestations: evidence.map((claim) => ({
      name: claims[claim]?.type ?? "claim",
      uri: packageUrl(location, claim),
      digest: digestSet(claim),
    })),
    verificationResult: "PASSED",
    verifiedLevels: ["SLSA_BUILD_LEVEL_UNEVALUATED"],
    slsaVersion: "1.0",
  };
}

/**
 * Of what decides, and not of how it is written: certificates by their digests and not by their
 * files, identities as attributes.
 */
export function policyDigest({
  trust,
  require = [],
  deny = [],
  precedence = [],
  lifecycleIssuers = {},
}: PolicyInputs): Digest {
  const { registryScopes, actions, verifyTimestamp, trusted, identities } = trust;
  const roots = Object.fromEntries(
    Object.entries(trusted).map(([type, certificates]) => [
      type,
      [...new Set(certificates.map(({ thumbprint }) => thumbprint))].sort(),
    ]),
  );
  const names =
    identities === "any" ? identities : identities.map((identity) => Object.fromEntries(identity));
  return digestOf(
    canonicalJson({
      trust: {
        registryScopes: [...registryScopes].sort(),
        actions,
        verifyTimestamp,
        roots,
        identities: names,
      },
      require,
      deny,
      precedence,
      lifecycleIssuers,
    }),
  );
}

/** @see https://github.com/package-url/purl-spec/blob/v1.0.0/types/oci-definition.json */
function packageUrl(location: Location, digest: Digest): string {
  const name =
    location.kind === "registry"
      ? location.repository.split("/").at(-1)
      : path.posix.basename(location.path.replaceAll("\\", "/"));
  const at =
    location.kind === "registry"
      ? `?repository_url=${location.registry}/${location.repository}`
      : "";
  return `pkg:oci/${encodeURIComponent((name ?? "artifact").toLowerCase())}@${encodeURIComponent(digest)}${at}`;
}

function digestSet(digest: Digest): Record<string, string> {
  return { [algorithmOf(digest)]: hexOf(digest) };
}
