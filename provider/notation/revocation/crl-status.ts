// SPDX-License-Identifier: Apache-2.0
import { ConsignError } from "../../errors";
import { entriesFor, type Crl } from "./crl";
import { certificateExtensions } from "../x509/x509-extensions";
import { verifyX509Signature } from "../x509/x509-signature";
import type { Certificate } from "../x509/certificate";

/** How far an authority's clock may be ahead of ours. */
export const CLOCK_SKEW_MS = 5 * 60_000;

const FRESHEST_CRL = "2.5.29.46";
const REASON = { certificateHold: 6, removeFromCrl: 8 } as const;

/** What a list says about one certificate. */
export type CrlStatus = { revoked: false } | { revoked: true; at: Date };

/**
 * Checks that a list is the issuer's, in force, and of a kind whose every critical part is known.
 * @throws ConsignError `SIGNATURE_INCONCLUSIVE`
 */
export function checkCrl(crl: Crl, issuer: Certificate, now: Date): void {
  if (Buffer.compare(crl.issuer, issuer.subject.der) !== 0) throw doubt("it is another issuer's");
  if (issuer.keyUsage !== undefined && !issuer.keyUsage.bits.has("cRLSign"))
    throw doubt("its issuer's key usage lacks cRLSign");
  if (!verifyX509Signature(crl.algorithm, issuer.x509.publicKey, crl.tbs, crl.signature))
    throw doubt("its signature is not the issuer's");
  if (crl.unknownCritical !== undefined)
    throw doubt(`its critical extension ${crl.unknownCritical} is not known`);
  if (crl.nextUpdate === undefined) throw doubt("it does not say when the next one comes");
  if (crl.nextUpdate <= now) throw doubt(`it is out of date since ${crl.nextUpdate.toISOString()}`);
  if (crl.thisUpdate.getTime() > now.getTime() + CLOCK_SKEW_MS)
    throw doubt(`it is from the future, ${crl.thisUpdate.toISOString()}`);
}

/**
 * Checks that a complete list from one of the certificate's distribution points speaks about the
 * certificate. A list for another partition of the same authority is validly signed too, and would
 * be silent about it.
 * @throws ConsignError `SIGNATURE_INCONCLUSIVE`
 */
export function checkScope(crl: Crl, certificate: Certificate): void {
  if (crl.deltaOf !== undefined) throw doubt("it is a delta where a complete list must be");
  if (crl.freshest.length === 0 && certificateExtensions(certificate).has(FRESHEST_CRL)) {
    throw doubt(
      "the certificate names a delta list and the complete list does not, which is not supported",
    );
  }
  if (crl.scope === undefined) return;
  const { restrictions, urls } = crl.scope;
  const authority = certificate.basicConstraints?.ca === true;
  for (const restriction of restrictions) {
    if (restriction === "users" && !authority) continue;
    if (restriction === "authorities" && authority) continue;
    throw doubt(`it is limited (${restriction}), so it does not tell about the certificate`);
  }
  if (urls.length > 0 && !urls.some((url) => certificate.crlUrls.includes(url)))
    throw doubt("it is of another distribution point");
}

/**
 * Checks that a delta, itself a list that {@link checkCrl} allows, belongs to a complete list.
 * @throws ConsignError `SIGNATURE_INCONCLUSIVE`
 */
export function checkDelta(delta: Crl, base: Crl): void {
  if (delta.deltaOf === undefined) throw doubt("the delta list is not one");
  if (base.number === undefined || delta.number === undefined)
    throw doubt("it or its delta has no number");
  if (delta.deltaOf > base.number)
    throw doubt(`the delta list needs list ${delta.deltaOf}, but this is ${base.number}`);
  if (delta.number < base.number)
    throw doubt(
      `the delta list (${delta.number}) is older than the complete list (${base.number})`,
    );
  const none = new Uint8Array(0);
  if (Buffer.compare(delta.scope?.raw ?? none, base.scope?.raw ?? none) !== 0)
    throw doubt("the delta list has another scope");
}

/**
 * Looks a certificate up. It is not revoked either if it was used at `at`, a proven time, and its
 * key was safe until after that.
 * @throws ConsignError `SIGNATURE_INCONCLUSIVE`
 */
export function statusIn(
  base: Crl,
  delta: Crl | undefined,
  certificate: Certificate,
  at: Date | undefined,
): CrlStatus {
  const serial = serialBytes(certificate);
  let held: Date | undefined;
  for (const entry of [base, delta].flatMap((crl) =>
    crl === undefined ? [] : entriesFor(crl, serial),
  )) {
    if (entry.unknownCritical !== undefined)
      throw doubt(
        `its entry for the certificate has the critical extension ${entry.unknownCritical}, which is not known`,
      );
    if (at !== undefined && entry.invalidSince !== undefined && at < entry.invalidSince) continue;
    if (entry.reason === REASON.removeFromCrl) held = undefined;
    else if (entry.reason === REASON.certificateHold) held = entry.revokedAt;
    else return { revoked: true, at: entry.revokedAt };
  }
  return held === undefined ? { revoked: false } : { revoked: true, at: held };
}

/**
 * The serial number as it stands in lists and responses. @throws ConsignError
 * `SIGNATURE_INCONCLUSIVE`
 */
export function serialBytes({ serialNumber }: Certificate): Uint8Array {
  if (!/^(?:[0-9A-F]{2})+$/i.test(serialNumber))
    throw doubt("the certificate's serial number is negative");
  return Buffer.from(serialNumber, "hex");
}

function doubt(why: string): ConsignError {
  return new ConsignError(
    "SIGNATURE_INCONCLUSIVE",
    `the certificate revocation list cannot be used: ${why}`,
  );
}
