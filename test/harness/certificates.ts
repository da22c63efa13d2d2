// SPDX-License-Identifier: Apache-2.0
import { issue, type CertificateOptions, type Issued, type Name } from "./keys";

type Overrides = Partial<CertificateOptions>;

const WABBIT: Name = { C: "US", ST: "WA", L: "Seattle", O: "Wabbit Networks" };

/** A root for signing or timestamping, as the Notary Project's profile wants it. */
export function authority(overrides: Overrides = {}): Issued {
  return issue({
    subject: { ...WABBIT, CN: "Wabbit Networks Root CA" },
    basicConstraints: { ca: true },
    keyUsage: ["keyCertSign", "cRLSign"],
    ...overrides,
  });
}

export function intermediate(issuer: Issued, overrides: Overrides = {}): Issued {
  return issue({
    subject: { ...WABBIT, CN: "Wabbit Networks Issuing CA" },
    issuer,
    basicConstraints: { ca: true, pathLength: 0 },
    keyUsage: ["keyCertSign", "cRLSign"],
    ...overrides,
  });
}

/**
 * What notation makes by default. cose-js, which checks each signature too, takes a tenth of the
 * time that it does for an elliptic curve.
 */
export const QUICK_KEY = "rsa-2048";

/** A leaf that may sign artifacts. */
export function codeSigner(issuer: Issued, overrides: Overrides = {}): Issued {
  return issue({
    subject: { ...WABBIT, CN: "Wabbit Networks Release" },
    issuer,
    keyUsage: ["digitalSignature"],
    purposes: ["codeSigning"],
    ...overrides,
  });
}

/** A self-signed certificate that is leaf and root at once; the profile allows it for signing. */
export function selfSigned(overrides: Overrides = {}): Issued {
  return issue({
    subject: { ...WABBIT, CN: "Wabbit Networks Self-Signed" },
    keyUsage: ["digitalSignature"],
    purposes: ["codeSigning"],
    ...overrides,
  });
}

/** A leaf that may stamp times: extended key usage is timeStamping alone, and critical. */
export function timestampSigner(issuer: Issued, overrides: Overrides = {}): Issued {
  const defaults = {
    keyUsage: ["digitalSignature"],
    purposes: ["timeStamping"],
    purposesCritical: true,
  } as const;
  return issue({
    subject: { C: "US", O: "Time Keepers", CN: "Time Keepers TSA" },
    issuer,
    ...defaults,
    ...overrides,
  });
}

/** A TLS server's certificate, for loopback unless told otherwise. */
export function tlsServer(issuer: Issued, overrides: Overrides = {}): Issued {
  const defaults = {
    hosts: ["127.0.0.1", "localhost"],
    keyUsage: ["digitalSignature"],
    purposes: ["serverAuth"],
  } as const;
  return issue({
    subject: { O: "Consign tests", CN: "localhost" },
    issuer,
    ...defaults,
    ...overrides,
  });
}

export function tlsClient(issuer: Issued, overrides: Overrides = {}): Issued {
  return issue({
    subject: { O: "Consign tests", CN: "client" },
    issuer,
    keyUsage: ["digitalSignature"],
    purposes: ["clientAuth"],
    ...overrides,
  });
}

/**
 * Leaves that break the code-signing profile, each in one way. All verify as certificates, so only
 * a check of the profile refuses them.
 * @see
 * https://github.com/notaryproject/specifications/blob/v1.1.0/specs/signature-specification.md#certificate-requirements
 */
export function wrongCodeSigners(issuer: Issued): Record<string, Issued> {
  return {
    "no key usage": codeSigner(issuer, { keyUsage: null }),
    "key usage not critical": codeSigner(issuer, { keyUsageCritical: false }),
    "no digitalSignature": codeSigner(issuer, { keyUsage: ["nonRepudiation"] }),
    "keyCertSign beside digitalSignature": codeSigner(issuer, {
      keyUsage: ["digitalSignature", "keyCertSign"],
    }),
    "keyEncipherment beside digitalSignature": codeSigner(issuer, {
      keyUsage: ["digitalSignature", "keyEncipherment"],
    }),
    "extended key usage without codeSigning": codeSigner(issuer, { purposes: ["clientAuth"] }),
    "serverAuth beside codeSigning": codeSigner(issuer, {
      purposes: ["codeSigning", "serverAuth"],
    }),
    "any extended key usage": codeSigner(issuer, { purposes: ["any"] }),
    "timeStamping beside codeSigning": codeSigner(issuer, {
      purposes: ["codeSigning", "timeStamping"],
    }),
    "a leaf that is a CA": codeSigner(issuer, { basicConstraints: { ca: true } }),
    "an RSA key of 1024 bits": codeSigner(issuer, { key: "rsa-1024" }),
    "an Ed25519 key": codeSigner(issuer, { key: "ed25519" }),
    "the curve secp256k1": codeSigner(issuer, { key: "secp256k1" }),
  };
}
