// SPDX-License-Identifier: Apache-2.0
import type * as pulumi from "@pulumi/pulumi";

/**
 * Who signs: a key file with its certificate chain, a key of notation's `signingkeys.json`, or a notation plugin (which is how key
 * management services and HSMs come in). Names and paths only: private keys never enter state. A changed path is no change as long as
 * the signing certificate is the same.
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
  | { plugin: string; keyId: string; pluginConfig?: Record<string, string> };

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

/** What points at content. @see https://github.com/opencontainers/image-spec/blob/v1.1.1/descriptor.md */
export interface Descriptor {
  mediaType: string;
  digest: string;
  /** In bytes. */
  size: number;
}

/** An artifact with all that a plan needs to know of it before it is pushed. Every class of this package that makes one is one. */
export interface ArtifactLike {
  /** `repository@sha256:…` */
  readonly reference: pulumi.Output<string>;
  readonly descriptor: pulumi.Output<Descriptor>;
}

/** A pinned reference to something that exists, or something that this program makes. */
export type ArtifactInput = pulumi.Input<string> | ArtifactLike | pulumi.Output<{ reference: string; descriptor: Descriptor }>;

/** A notation trust policy statement, with roots given inline where that is handier than a trust store. */
export interface TrustPolicy {
  name?: string;
  /** `host/repository` or `*`. @default ["*"] */
  registryScopes?: string[];
  signatureVerification: {
    level: "strict" | "permissive" | "audit" | "skip";
    override?: Partial<Record<"authenticity" | "authenticTimestamp" | "expiry" | "revocation", "enforce" | "log" | "skip">>;
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
  if (typeof artifact === "object" && artifact !== null && "descriptor" in artifact && "reference" in artifact) {
    const { reference, descriptor } = artifact as ArtifactLike;
    return { reference, descriptor };
  }
  return artifact;
}
