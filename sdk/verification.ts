// SPDX-License-Identifier: Apache-2.0
import type * as pulumi from "@pulumi/pulumi";
import { ConsignResource, type Deep } from "./stub";
import { artifactArgument, type ArtifactInput, type TrustPolicy } from "./values";

/** A claim that has to be there. */
export interface Requirement {
  /** Short name or predicate type URI. */
  type: string;
  /** Who must have signed it: `x509.subject: C=…, ST=…, O=…`, one or several. @default anyone the trust policy trusts */
  issuer?: string | string[];
  /** Not older than this, as `"7d"`, by its signing time. */
  maxAge?: string;
  /** A CEL expression over `predicate`, `type`, `issuer`, `issuedAt`, as `predicate.result == "PASSED"`. */
  condition?: string;
}

export interface VerificationArgs {
  /** What is verified. A tag is resolved once, in the plan; everything after speaks of that digest. Update. */
  artifact: ArtifactInput;
  /** Whose signatures count, on the artifact and on its claims. Update. */
  trust: Deep<TrustPolicy>;
  /** Claims that must be there and effective. `anyOf`: one of several is enough. Update. */
  require?: Deep<(Requirement | { anyOf: Requirement[] })[]>;
  /** Claims that must not be there. Update. */
  deny?: Deep<Requirement[]>;
  /** Whose claims win over whose: identities, the first over the next. Update. */
  precedence?: Deep<string[]>;
}

export interface Verdict {
  verified: boolean;
  digest?: string;
  /** `verified`, or why not. */
  signature: string;
  /** Per requirement, `met` or why not. */
  requirements: Record<string, string>;
  warnings?: string[];
}

/**
 * Decides whether an artifact may be used: its signature and its claims, under a trust policy. `reference` exists only if it may. A
 * requirement that is not met shows in the preview, with the reason; `up` fails there, and nothing downstream moves.
 *
 * Errors: `VERIFICATION_UNMET`, `TRUST_*`, `CONDITION_INVALID`, `INPUT_INVALID`, `REGISTRY_*`.
 */
export class Verification extends ConsignResource {
  /** `repository@sha256:…` of what was verified. */
  declare readonly reference: pulumi.Output<string>;
  declare readonly verdict: pulumi.Output<Verdict>;
  /** By digest, each claim's type, issuer and status. */
  declare readonly claims: pulumi.Output<Record<string, { type: string; issuer?: string; status: string; by?: string }>>;

  constructor(name: string, args: VerificationArgs, options?: pulumi.CustomResourceOptions) {
    super("Verification", name, { ...args, artifact: artifactArgument(args.artifact) }, ["reference", "verdict", "claims"], options);
  }
}
