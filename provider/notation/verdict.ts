// SPDX-License-Identifier: Apache-2.0
import { asConsignError, type ErrorCode } from "../errors";
import type { Digest } from "../oci/digest";
import { formatTime } from "./signature-manifest";
import { CHECKS, type Action, type CheckName } from "./trust/trust-policy";
import type { Certificate } from "./x509/certificate";
import type { SignatureEnvelope } from "./envelope/signature-envelope";
import { leafOf } from "./envelope/signature-envelope";

/**
 * What a verification says. `invalid`: broken, or about something else. `untrusted`: whole, but its
 * signer is not trusted, or not any more. `inconclusive`: a check could not be made, so it may be
 * good. `missing`: there is no signature.
 */
export type Outcome = "verified" | "invalid" | "untrusted" | "inconclusive" | "missing";

export interface Check {
  check: CheckName;
  action: Action;
  result: "passed" | "failed" | "inconclusive" | "skipped";
  code?: ErrorCode;
  reason?: string;
}

export interface SignatureVerdict {
  outcome: Outcome;
  /** Why it is not verified; the same as in the check that ended the verification. */
  code?: ErrorCode;
  reason?: string;
  /** Every check, in the order in which they are made. */
  checks: Check[];
  /** The signature manifest, where the signature came from a store. */
  signature?: Digest;
  /** Who signed; only set once the signature is known to be whole. */
  signer?: {
    subject: string;
    issuer: string;
    /** SHA-256 of the leaf certificate, lower-case hexadecimal digits. */ thumbprint: string;
    /** The same of the chain's trust anchor; only where the signer is authentic. */
    root?: string;
  };
  /** RFC 3339, UTC: a timestamp authority's time where one was verified, else the signer's own. */
  signedAt?: string;
  /** Set where it is a timestamp authority's time, or a signing authority's. */
  signedAtProven?: true;
  /** The signature's own expiry. */
  expiresAt?: string;
  /** When the first certificate of the chain ends. */
  certificateExpiresAt?: string;
  userMetadata?: Record<string, string>;
}

/**
 * Makes checks one after the other, and remembers what they said. After one that is enforced has
 * failed, the others are not made.
 */
export class Checklist {
  readonly #actions: Readonly<Record<CheckName, Action>>;
  readonly #made = new Map<CheckName, Check>();
  #failure: Check | undefined;

  constructor(actions: Readonly<Record<CheckName, Action>>) {
    this.#actions = actions;
  }

  /**
   * Makes a check: it fails by throwing. Resolves to what it returned, or undefined when it failed
   * or was not made.
   */
  async make<T>(check: CheckName, run: () => T | Promise<T>): Promise<T | undefined> {
    const action = this.#actions[check];
    if (this.#failure !== undefined || action === "skip") return undefined;
    try {
      const value = await run();
      this.#made.set(check, { check, action, result: "passed" });
      return value;
    } catch (error) {
      const { code, message } = asConsignError(error);
      const made: Check = {
        check,
        action,
        result: UNSURE.has(code) ? "inconclusive" : "failed",
        code,
        reason: message,
      };
      this.#made.set(check, made);
      if (action === "enforce") this.#failure = made;
      return undefined;
    }
  }

  /** Whether a check was made and passed. */
  passed(check: CheckName): boolean {
    return this.#made.get(check)?.result === "passed";
  }

  verdict(details: Partial<SignatureVerdict> = {}): SignatureVerdict {
    const failure = this.#failure;
    return {
      outcome: failure === undefined ? "verified" : outcomeOf(failure),
      ...(failure?.code === undefined ? {} : { code: failure.code }),
      ...(failure?.reason === undefined ? {} : { reason: failure.reason }),
      checks: CHECKS.map((check) => this.#made.get(check) ?? this.#notMade(check)),
      ...details,
    };
  }

  #notMade(check: CheckName): Check {
    const action = this.#actions[check];
    const reason =
      action === "skip"
        ? "the trust policy skips it"
        : `not made after ${this.#failure?.check ?? "an earlier check"} failed`;
    return { check, action, result: "skipped", reason };
  }
}

const UNSURE: ReadonlySet<ErrorCode> = new Set(["SIGNATURE_INCONCLUSIVE", "INTERNAL"]);

function outcomeOf({ check, result }: Check): Outcome {
  if (result === "inconclusive") return "inconclusive";
  return check === "integrity" ? "invalid" : "untrusted";
}

/** What an envelope that is known to be whole says about itself. */
export function describeSignature(
  envelope: SignatureEnvelope,
  timestamp: Date | undefined,
  anchor: Certificate | undefined,
): Partial<SignatureVerdict> {
  const leaf = leafOf(envelope);
  const proven = timestamp ?? envelope.authenticSigningTime;
  const signedAt = proven ?? envelope.signingTime;
  const certificateEnd = Math.min(
    ...envelope.certificateChain.map(({ notAfter }) => notAfter.getTime()),
  );
  const { annotations } = envelope.payload.targetArtifact;
  return {
    signer: {
      subject: leaf.subject.text,
      issuer: leaf.issuer.text,
      thumbprint: leaf.thumbprint,
      ...(anchor === undefined ? {} : { root: anchor.thumbprint }),
    },
    ...(signedAt === undefined ? {} : { signedAt: formatTime(signedAt) }),
    ...(proven === undefined ? {} : { signedAtProven: true }),
    ...(envelope.expiry === undefined ? {} : { expiresAt: formatTime(envelope.expiry) }),
    certificateExpiresAt: formatTime(new Date(certificateEnd)),
    ...(annotations === undefined ? {} : { userMetadata: { ...annotations } }),
  };
}
