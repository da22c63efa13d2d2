// SPDX-License-Identifier: Apache-2.0
import type * as pulumi from "@pulumi/pulumi";
import type { Deep } from "./stub";

/** The short names of types of claims that are known here. */
export type KnownClaimType =
  | "sbom/spdx"
  | "sbom/cyclonedx"
  | "provenance"
  | "vulnerabilities"
  | "test-result"
  | "vex"
  | "vsa"
  | "deployment"
  | "revocation"
  | "redirect"
  | "endOfLife"
  | "derived-from"
  | "archived"
  | "content-purged";

/** A short name, or any predicate type's URI. */
export type ClaimType = KnownClaimType | (string & {});

/**
 * Who signs: a key file with its certificate chain, a key of notation's `signingkeys.json`, or a
 * notation plugin (which is how key management services and HSMs come in). Names and paths only:
 * private keys never enter state. A preview and a refresh need the certificate alone; a key that is
 * not there is a warning of the preview in which something is to be signed. A changed path is no change as long as the signing certificate is
 * the same.
 */
export type Signer =
  | {
      /** PEM: PKCS#8, SEC1 or PKCS#1; relative to the Pulumi project's folder. */
      keyFile: string;
      /** PEM, the signing certificate first, the root last. */
      certificateChainFile: string;
      /** Name of the environment variable with an encrypted key's passphrase. */
      passphraseEnv?: string;
    }
  | {
      notationKey: string;
      /** @default notation's own configuration directory */
      configDir?: string;
    }
  | {
      plugin: string;
      keyId: string;
      /** Passed to the plugin as it is. Recorded in state: give a secret as `pulumi.secret`. */
      pluginConfig?: Record<string, string>;
      /**
       * PEM. Saves asking the plugin; a plugin that makes whole envelopes needs it to have its
       * signatures recognised.
       */
      certificateChainFile?: string;
    };

/**
 * How something is signed. Every change but that of a path, an address or `renewBefore` signs
 * again, by an update.
 */
export interface SigningArgs {
  /**
   * Who signs. Another certificate is an update that signs again; another path to the same
   * certificate is no change.
   */
  signer: Deep<Signer>;
  /** How long a signature holds from its signing, as `"30d"`. @default without end */
  validFor?: pulumi.Input<string>;
  /**
   * How long before a signature's end it is made anew, as `"14d"`; shorter than `validFor`. The
   * plan shows it as `renewal`. Where the certificate's end is the limit, that takes a `timestamp`
   * with `roots`. @default never
   */
  renewBefore?: pulumi.Input<string>;
  /**
   * An RFC 3161 timestamp goes with the signature, so that it outlives its certificate. @default
   * none
   */
  timestamp?: Deep<Timestamp>;
  /** Signed along with the artifact, and shown by who verifies it. */
  userMetadata?: pulumi.Input<Record<string, pulumi.Input<string>>>;
  /**
   * How signatures are stored: as the Notary Project has it since 2025, or as `notation` 1.3 writes
   * them, which is the only form that it finds in an OCI layout. @default "current"; what is there
   * in the other form stays unless this is given
   */
  signatureForm?: pulumi.Input<"current" | "legacy">;
}

/** A timestamp authority. */
export interface Timestamp {
  /** http or https, without user name and password: it is recorded as it is. */
  url: string;
  /**
   * Its roots, PEM text or paths: with them each timestamp is verified before it is stored, and
   * counts after the certificate has ended.
   */
  roots?: string[];
}

/** A signature as it was read back and verified. */
export interface SignatureRecord {
  /** Digest of the signature's manifest. */
  digest: string;
  /** Distinguished name of the signing certificate. */
  subject: string;
  /** SHA-256 of the signing certificate, in hexadecimal digits. */
  thumbprint: string;
  signedAt?: string;
  expiresAt?: string;
}

/**
 * What points at content. @see
 * https://github.com/opencontainers/image-spec/blob/v1.1.1/descriptor.md
 */
export interface Descriptor {
  mediaType: string;
  digest: string;
  /** In bytes. */
  size: number;
}

/**
 * An artifact with all that a plan needs to know of it before it is pushed. Every class of this
 * package that makes one is one.
 */
export interface ArtifactLike {
  /** `repository@sha256:…` */
  readonly reference: pulumi.Output<string>;
  readonly descriptor: pulumi.Output<Descriptor>;
}

/** A pinned reference to something that exists, or something that this program makes. */
export type ArtifactInput =
  | pulumi.Input<string>
  | ArtifactLike
  | pulumi.Output<{ reference: string; descriptor: Descriptor }>;

/**
 * A notation trust policy statement, with roots given inline where that is handier than a trust
 * store.
 */
export interface TrustPolicy {
  name?: string;
  /** `host/repository` or `*`. @default ["*"] */
  registryScopes?: string[];
  signatureVerification: {
    level: "strict" | "permissive" | "audit" | "skip";
    override?: Partial<
      Record<
        "authenticity" | "authenticTimestamp" | "expiry" | "revocation",
        "enforce" | "log" | "skip"
      >
    >;
    verifyTimestamp?: "always" | "afterCertExpiry";
  };
  /** Names in notation's trust store, as `ca:wabbit`. */
  trustStores?: string[];
  /** PEM text or paths of PEM files. */
  roots?: { ca?: string[]; signingAuthority?: string[]; tsa?: string[] };
  /** `*`, or `x509.subject: C=…, ST=…, O=…` */
  trustedIdentities: string[];
}

/** Turns an {@link ArtifactInput} into what crosses to the provider. */
export function artifactArgument(artifact: ArtifactInput): pulumi.Input<unknown> {
  if (
    typeof artifact === "object" &&
    artifact !== null &&
    "descriptor" in artifact &&
    "reference" in artifact
  ) {
    const { reference, descriptor } = artifact;
    return { reference, descriptor };
  }
  return artifact;
}

/**
 * Names an issuer in `precedence` and `lifecycleIssuers`: an identity, as `"x509.subject: C=US,
 * ST=WA, O=Wabbit Networks"`, or `"*"`. To replace or take back what was said under another root,
 * which could be a namesake's, an entry has to name the roots under which it is meant, as PEM text
 * or as the path of a file: several authorities, or the old and the new root while one is rolled
 * over. To forbid, as to revoke the artifact, the identity alone is enough.
 *
 * @example
 * precedence: [
 *   { identity: "x509.subject: C=US, ST=WA, O=Wabbit Networks", roots: ["old-root.pem", "new-root.pem"] },
 *   "x509.subject: C=US, ST=NY, O=ACME Rockets",
 * ]
 */
export type IssuerEntry = string | { identity: string; roots: string[] };
