// SPDX-License-Identifier: Apache-2.0
import type { ReadStore } from "../content/storage";
import {
  mayBeSignature,
  verifyArtifact,
  type ArtifactVerdict,
  type Check,
  type ResolvedTrustPolicy,
  type SignatureVerdict,
} from "../notation";
import type { Descriptor } from "../oci/descriptor";
import type { Digest } from "../oci/digest";
import type { ObserveOptions } from "./observation";
import { showing } from "./showing";
import type { SignatureReport } from "./signature-report";

export interface SignatureFindings {
  /**
   * Under the trust policy; without one, what {@link verifyArtifact} says when only integrity
   * counts, which is never to be called verified.
   */
  verdict: ArtifactVerdict;
  reports: SignatureReport[];
}

/** Without a trust policy: is it whole, and about this artifact. */
const INTEGRITY_ONLY: ResolvedTrustPolicy = {
  name: "integrity only",
  registryScopes: ["*"],
  actions: {
    integrity: "enforce",
    authenticity: "skip",
    expiry: "skip",
    authenticTimestamp: "skip",
    revocation: "skip",
    pluginVerification: "skip",
  },
  verifyTimestamp: "always",
  trusted: { ca: [], signingAuthority: [], tsa: [] },
  identities: "any",
};

const UNCHECKED = "signer not checked against a policy";

const MAX_SIGNATURES = 100;

/**
 * Judges the signatures among an artifact's referrers. The verdict is that of {@link
 * verifyArtifact}; signatures that it had no need to look at are judged each on its own, up to the
 * bound, unless the extent is `verdict`.
 * @throws ConsignError `TRUST_POLICY_NOT_APPLICABLE`, and whatever the store answers
 */
export async function observeSignatures(
  store: ReadStore,
  artifact: Descriptor,
  referrers: readonly Descriptor[],
  o: ObserveOptions,
): Promise<SignatureFindings> {
  const listed = referrers.filter(mayBeSignature);
  const policy = o.trust ?? INTEGRITY_ONLY;
  const verdict = await verifyArtifact(showing(store, listed), artifact, policy, o);
  const judges = policy.actions.integrity !== "skip";
  const shown = judges ? policy : INTEGRITY_ONLY;
  const reports = new Map(
    verdict.signatures.flatMap((each) =>
      each.signature === undefined
        ? []
        : [[each.signature, report(each.signature, each, o.trust !== undefined)]],
    ),
  );
  if (o.extent !== "verdict") {
    const others = listed
      .filter(({ digest }) => !reports.has(digest))
      .slice(0, Math.max(0, (o.maxSignatures ?? MAX_SIGNATURES) - reports.size));
    for (const other of others) {
      const alone = await verifyArtifact(showing(store, [other]), artifact, shown, o);
      reports.set(other.digest, report(other.digest, alone, o.trust !== undefined && judges));
    }
  }
  return { verdict, reports: [...reports.values()].sort(bestFirst) };
}

function report(digest: Digest, verdict: SignatureVerdict, trusted: boolean): SignatureReport {
  const {
    outcome,
    code,
    reason,
    signer,
    signedAt,
    expiresAt,
    certificateExpiresAt,
    userMetadata,
    checks,
  } = verdict;
  const status =
    outcome === "missing" ? "inconclusive" : outcome === "verified" && !trusted ? "valid" : outcome;
  const said = status === "valid" ? UNCHECKED : reason;
  return {
    digest,
    status,
    ...(code === undefined ? {} : { code }),
    ...(said === undefined ? {} : { reason: said }),
    ...(signer === undefined ? {} : { signer }),
    ...(signedAt === undefined ? {} : { signedAt }),
    ...(expiresAt === undefined ? {} : { expiresAt }),
    ...(certificateExpiresAt === undefined ? {} : { certificateExpiresAt }),
    ...(userMetadata === undefined ? {} : { userMetadata }),
    checks: trusted ? checks : [],
  };
}

const ORDER: readonly SignatureReport["status"][] = [
  "verified",
  "valid",
  "inconclusive",
  "untrusted",
  "invalid",
];

function bestFirst(a: SignatureReport, b: SignatureReport): number {
  return ORDER.indexOf(a.status) - ORDER.indexOf(b.status) || (a.digest < b.digest ? -1 : 1);
}

/** Checks that the policy only logs, and that did not pass. */
export function loggedFailures(checks: readonly Check[]): string[] {
  return checks
    .filter(({ action, result }) => action === "log" && result !== "passed" && result !== "skipped")
    .map(({ check, reason }) => `${check} is not enforced and did not pass: ${reason}`);
}
