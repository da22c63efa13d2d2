// SPDX-License-Identifier: Apache-2.0
import { packClaim, type ClaimContent } from "../../provider/claims";
import { pushArtifact } from "../../provider/content/pack";
import type { Store } from "../../provider/content/storage";
import { packSignature, signEnvelope } from "../../provider/notation";
import { keySigner } from "../../provider/notation/sign/signer";
import type { Descriptor } from "../../provider/oci/descriptor";
import type { Digest } from "../../provider/oci/digest";
import type { Manifest } from "../../provider/oci/manifest";
import { pushImage } from "../harness/artifacts";
import { QUICK_KEY, authority, codeSigner } from "../harness/certificates";
import type { Issued } from "../harness/keys";
import { RegistryClient } from "../../provider/registry";

export const WABBIT = "x509.subject: C=US, ST=WA, O=Wabbit Networks";
export const ACME = "x509.subject: C=US, ST=NY, O=ACME Rockets";

export const wabbitRoot = authority();
export const wabbit = codeSigner(wabbitRoot, { key: QUICK_KEY });
export const acmeRoot = authority({
  subject: { C: "US", ST: "NY", O: "ACME Rockets", CN: "ACME Rockets Root CA" },
});
export const acme = codeSigner(acmeRoot, {
  key: QUICK_KEY,
  subject: { C: "US", ST: "NY", O: "ACME Rockets", CN: "ACME Rockets Release" },
});
/** Calls itself Wabbit, by a root that nobody trusts. */
export const impostor = codeSigner(authority(), { key: QUICK_KEY });

export interface Trust {
  signatureVerification: {
    level: "strict" | "permissive" | "audit";
    override?: { revocation: "enforce" | "skip" };
  };
  roots: { ca: string[] };
  trustedIdentities: string[];
  registryScopes: string[];
}

/** Trusts both. */
export function trust(overrides: Partial<Trust> = {}): Trust {
  return {
    signatureVerification: { level: "strict" },
    roots: { ca: [wabbitRoot.pem, acmeRoot.pem] },
    trustedIdentities: [WABBIT, ACME],
    registryScopes: ["*"],
    ...overrides,
  };
}

export const sbom = (name = "net-monitor"): ClaimContent["predicate"] => ({
  spdxVersion: "SPDX-2.3",
  SPDXID: "SPDXRef-DOCUMENT",
  name,
});
export const testResult = (result = "PASSED"): ClaimContent["predicate"] => ({
  result,
  configuration: [{ name: "unit" }],
});
export const scan = (finished: Date, ...scores: string[]): ClaimContent["predicate"] => ({
  scanner: {
    uri: "pkg:github/example/scanner@1.0.0",
    db: { lastUpdate: finished.toISOString() },
    result: scores.map((score, index) => ({
      id: `CVE-2026-${index}`,
      severity: [{ method: "nvd", score }],
    })),
  },
  metadata: { scanStartedOn: finished.toISOString(), scanFinishedOn: finished.toISOString() },
});

export interface SignedClaimOptions extends Partial<ClaimContent> {
  /** `null` leaves it unsigned. @default Wabbit */
  by?: Issued | null;
  signedAt?: Date;
  expiry?: Date;
}

/** What a publisher and others do in a repository, without Pulumi. */
export class World {
  constructor(readonly store: Store) {}

  /** A signed artifact under a tag; `seed` makes it another one. */
  async publish(tag = "v1", seed = "net-monitor", by: Issued | null = wabbit): Promise<Descriptor> {
    const { descriptor } = await this.image(seed, tag);
    if (by !== null) await this.sign(descriptor, by);
    return descriptor;
  }

  image(seed: string, tag?: string): Promise<Manifest> {
    return pushImage(this.store, { layers: [seed], ...(tag === undefined ? {} : { tag }) });
  }

  /** @returns the signature's manifest */
  async sign(
    target: Descriptor,
    by: Issued = wabbit,
    options: { signedAt?: Date; expiry?: Date } = {},
  ): Promise<Descriptor> {
    const { signedAt = new Date(), expiry } = options;
    const { mediaType, digest, size } = target;
    const subject = { mediaType, digest, size };
    const envelope = await signEnvelope({
      target: subject,
      signer: keySigner(by.key.privateKey, by.chain),
      signingTime: signedAt,
      ...(expiry === undefined ? {} : { expiry }),
    });
    const packed = packSignature({ subject, envelope });
    await pushArtifact(this.store, packed);
    return packed.manifest.descriptor;
  }

  async claim(
    subject: Descriptor,
    type: string,
    predicate: unknown,
    options: SignedClaimOptions = {},
  ): Promise<Descriptor> {
    const { by = wabbit, signedAt, expiry, ...content } = options;
    const packed = packClaim({
      type,
      subject,
      audience: "public",
      ...(content.document === undefined ? { predicate } : {}),
      ...content,
    });
    await pushArtifact(this.store, packed);
    const { descriptor } = packed.manifest;
    if (by !== null)
      await this.sign(descriptor, by, {
        ...(signedAt === undefined ? {} : { signedAt }),
        ...(expiry === undefined ? {} : { expiry }),
      });
    return descriptor;
  }

  remove(...targets: Descriptor[]): Promise<void> {
    return targets.reduce(
      (before, target) => before.then(() => this.store.deleteManifest(target)),
      Promise.resolve(),
    );
  }

  async signaturesOf(subject: Digest): Promise<Descriptor[]> {
    return (await this.store.referrers(subject)).filter(
      ({ artifactType }) => artifactType === "application/vnd.cncf.notary.signature",
    );
  }
}

/** A repository of a registry, by a client of its own. */
export function remoteWorld(
  host: string,
  repository = "net-monitor",
): { world: World; client: RegistryClient } {
  const client = new RegistryClient({ baseDir: "/nonexistent" });
  return { world: new World(client.repository(host, repository)), client };
}
