// SPDX-License-Identifier: Apache-2.0
import { createHash } from "node:crypto";
import { ConsignError, isConsignError } from "../../errors";
import { checkTimestampingChain, parseCertificate } from "../x509/certificates";
import { CLOCK_SKEW_MS } from "../revocation/crl-status";
import type { RevocationChecker } from "../revocation/revocation";
import { chainToRoot, signerCertificate } from "./timestamp-signer";
import { checkTokenSignature, parseTimestampToken } from "./timestamp-token";
import type { Certificate } from "../x509/certificate";

export { requestTimestamp, type TimestampRequestContext } from "./timestamp-request";

export interface TimestampContext {
  now: Date;
  /**
   * Asked about the authority's chain. Without it nobody is, so give one whenever a policy is
   * enforced.
   */
  revocation?: RevocationChecker | undefined;
}

/** A time that an authority vouches for. */
export interface VerifiedTimestamp {
  time: Date;
  /** The true time is at most this many milliseconds before or after. */
  accuracyMs: number;
  /** DER, leaf first, root last. */
  tsaChain: Uint8Array[];
}

/**
 * Verifies an RFC 3161 token over a message (for a signature envelope: the signature's bytes): the
 * token is about this message, its signature is good, and its signer's chain ends in one of the
 * roots, keeps the Notary Project's profile for timestamp authorities, was valid at the token's
 * time and is not revoked now.
 * @param tsaRoots DER of the roots that are trusted for timestamps
 * @throws ConsignError `SIGNATURE_INVALID`, `SIGNATURE_UNTRUSTED`, `SIGNATURE_REVOKED`,
 * `SIGNATURE_INCONCLUSIVE`
 * @see
 * https://github.com/notaryproject/specifications/blob/v1.1.0/specs/trust-store-trust-policy.md#steps
 */
export async function verifyTimestamp(
  token: Uint8Array,
  message: Uint8Array,
  tsaRoots: readonly Uint8Array[],
  context: TimestampContext,
): Promise<VerifiedTimestamp> {
  const parsed = parseTimestampToken(token);
  const { hash, imprint, time, accuracyMs, certificates } = parsed;
  if (Buffer.compare(createHash(hash).update(message).digest(), imprint) !== 0) {
    throw new ConsignError(
      "SIGNATURE_INVALID",
      "the timestamp token is not good: it is about something else",
    );
  }
  const leaf = signerCertificate(parsed);
  checkTokenSignature(parsed, leaf);
  if (time.getTime() - accuracyMs > context.now.getTime() + CLOCK_SKEW_MS) {
    throw new ConsignError(
      "SIGNATURE_INVALID",
      `the timestamp token is not good: it is from the future, ${time.toISOString()}`,
    );
  }
  const chain = trustedChain(leaf, certificates, tsaRoots.map(parseCertificate), time);
  const tsaChain = chain.map(({ raw }) => raw);
  await requireUnrevoked(tsaChain, context);
  return { time, accuracyMs, tsaChain };
}

function trustedChain(
  leaf: Certificate,
  pool: readonly Certificate[],
  roots: readonly Certificate[],
  time: Date,
): Certificate[] {
  const authority = `the timestamp authority "${leaf.subject.text}"`;
  const chain = chainToRoot(
    leaf,
    pool,
    roots,
    ({ notBefore, notAfter }) => notBefore <= time && time <= notAfter,
  );
  if (chain === undefined) {
    const known = chainToRoot(leaf, pool, roots, () => true) !== undefined;
    const why = known
      ? `has a certificate in its chain that was not valid at ${time.toISOString()}`
      : "is not trusted: its chain does not end in a root of a tsa trust store";
    throw new ConsignError("SIGNATURE_UNTRUSTED", `${authority} ${why}`);
  }
  try {
    checkTimestampingChain(chain);
  } catch (cause) {
    if (!isConsignError(cause)) throw cause;
    throw new ConsignError("SIGNATURE_UNTRUSTED", `${authority} is not trusted: ${cause.message}`, {
      cause,
    });
  }
  return chain;
}

async function requireUnrevoked(
  chain: readonly Uint8Array[],
  { now, revocation }: TimestampContext,
): Promise<void> {
  if (revocation === undefined) return;
  const { result, reason } = await revocation.check(chain, { now, purpose: "timestamping" });
  if (result === "revoked")
    throw new ConsignError(
      "SIGNATURE_REVOKED",
      `a certificate of the timestamp authority is revoked: ${reason}`,
    );
  if (result === "unknown")
    throw new ConsignError(
      "SIGNATURE_INCONCLUSIVE",
      `it cannot be told whether the timestamp authority is revoked: ${reason}`,
    );
}
