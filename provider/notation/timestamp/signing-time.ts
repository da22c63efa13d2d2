// SPDX-License-Identifier: Apache-2.0
import { ConsignError } from "../../errors";
import type { RevocationChecker } from "../revocation/revocation";
import { formatTime } from "../signature-manifest";
import { verifyTimestamp } from "./timestamp";
import type { ResolvedTrustPolicy } from "../trust/trust-store";
import type { SignatureEnvelope } from "../envelope/signature-envelope";
import type { Certificate } from "../x509/certificate";

/**
 * Fails from the moment of a signature's own expiry on. @throws ConsignError `SIGNATURE_EXPIRED`
 */
export function checkExpiry({ expiry }: SignatureEnvelope, now: Date): void {
  if (expiry !== undefined && now >= expiry)
    throw new ConsignError(
      "SIGNATURE_EXPIRED",
      `the signature expired at ${formatTime(expiry)}: sign again`,
    );
}

/**
 * Checks that the certificates were valid when it counts: now; or, with trusted timestamp
 * authorities, at a timestamp's time; or at the time that a signing authority vouches for. With
 * `afterCertExpiry` a timestamp is only looked at once a certificate has expired.
 * @returns the timestamp's time, where one was verified
 * @throws ConsignError `SIGNATURE_EXPIRED`, `SIGNATURE_UNTRUSTED`, and what the timestamp's
 * verification throws
 * @see
 * https://github.com/notaryproject/specifications/blob/v1.1.0/specs/trust-store-trust-policy.md#authentic-timestamp-verification
 */
export async function checkSigningTime(
  envelope: SignatureEnvelope,
  policy: ResolvedTrustPolicy,
  context: { now: Date; revocation: RevocationChecker },
): Promise<Date | undefined> {
  const { certificateChain, authenticSigningTime, timestampToken } = envelope;
  const { now } = context;
  if (envelope.signingScheme === "notary.x509.signingAuthority") {
    if (authenticSigningTime === undefined)
      throw untrusted("the signing authority vouches for no time");
    checkWindow(certificateChain, authenticSigningTime, 0, "when it was signed");
    return undefined;
  }
  const expired = certificateChain.some(({ notAfter }) => now > notAfter);
  if (
    policy.trusted.tsa.length === 0 ||
    (policy.verifyTimestamp === "afterCertExpiry" && !expired)
  ) {
    checkWindow(certificateChain, now, 0, "now");
    return undefined;
  }
  if (timestampToken === undefined)
    throw untrusted(
      `it has no timestamp, and policy "${policy.name}" trusts timestamp authorities, so one is needed`,
    );
  const { time, accuracyMs } = await verifyTimestamp(
    timestampToken,
    envelope.signature,
    policy.trusted.tsa.map(({ raw }) => raw),
    context,
  );
  checkWindow(certificateChain, time, accuracyMs, "at its timestamp");
  return time;
}

/** The present is not written out: what is said of a signature is the same tomorrow. */
function checkWindow(
  chain: readonly Certificate[],
  time: Date,
  accuracyMs: number,
  when: string,
): void {
  const then = when === "now" ? when : `${when} (${formatTime(time)})`;
  for (const { subject, notBefore, notAfter } of chain) {
    if (time.getTime() - accuracyMs < notBefore.getTime()) {
      throw untrusted(
        `the certificate of "${subject.text}" was not yet valid ${then}; it is from ${formatTime(notBefore)}`,
      );
    }
    if (time.getTime() + accuracyMs > notAfter.getTime()) {
      const until = `it was valid until ${formatTime(notAfter)}`;
      throw new ConsignError(
        "SIGNATURE_EXPIRED",
        `the certificate of "${subject.text}" had expired ${then}; ${until}`,
      );
    }
  }
}

function untrusted(why: string): ConsignError {
  return new ConsignError("SIGNATURE_UNTRUSTED", `the signature's time is not proven: ${why}`);
}
