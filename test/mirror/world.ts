// SPDX-License-Identifier: Apache-2.0
import type { TestContext } from "node:test";
import { packClaim } from "../../provider/claims/index";
import { pushArtifact, type Store } from "../../provider/content/index";
import { packSignature, signEnvelope } from "../../provider/notation/index";
import { localSigner } from "../../provider/notation/index";
import type { Descriptor } from "../../provider/oci/descriptor";
import type { Manifest } from "../../provider/oci/manifest";
import { RegistryClient, type Repository } from "../../provider/registry/index";
import { issue, type Issued } from "../harness/keys";
import {
  startRegistry,
  type RegistryKind,
  type RegistryOptions,
  type TestRegistry,
} from "../harness/registries";
import { tempDir } from "../harness/temp";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

/** Registries that end with the test, and a way to them that is not counted. */
export class World {
  readonly #client = new RegistryClient({ baseDir: "/", env: {} });

  constructor(private readonly context: TestContext) {
    context.after(() => this.#client.close());
  }

  async registry(kind: RegistryKind, options?: RegistryOptions): Promise<TestRegistry> {
    const registry = await startRegistry(kind, options);
    this.context.after(() => registry.stop());
    return registry;
  }

  /** Not through the proxy. Forgets what it knew, so that it sees what is there now. */
  repository(registry: TestRegistry, name: string): Repository {
    this.#client.forget();
    return this.#client.repository(registry.direct, name);
  }
}

export const writes = (registry: TestRegistry): number =>
  registry.requests().filter(({ method }) => method !== "GET" && method !== "HEAD").length;

/** The same request made twice says that something forgot what it knew. */
export function repeated(registry: TestRegistry): string[] {
  const seen = new Map<string, number>();
  for (const { method, path, status } of registry.requests()) {
    // Looking again until something has settled is not forgetting, and neither is asking again with
    // a token.
    if (status === 401 || status === 404) continue;
    seen.set(`${method} ${path}`, (seen.get(`${method} ${path}`) ?? 0) + 1);
  }
  return [...seen]
    .filter(([, count]) => count > 1)
    .map(([request, count]) => `${count} x ${request}`);
}

export interface Party {
  identity: string;
  rootFile: string;
  leaf: Issued;
  sign: (store: Store, subject: Descriptor) => Promise<Manifest>;
}

/** Somebody with a key, a root that can be trusted, and a hand to sign with. */
export async function party(organisation: string): Promise<Party> {
  const folder = tempDir("party");
  const root = issue({
    subject: { C: "US", ST: "WA", O: organisation, CN: `${organisation} root` },
    basicConstraints: { ca: true, critical: true },
    keyUsage: ["keyCertSign", "cRLSign"],
  });
  const leaf = issue({
    subject: { C: "US", ST: "WA", O: organisation, CN: "signer" },
    issuer: root,
    keyUsage: ["digitalSignature"],
    purposes: ["codeSigning"],
  });
  const [rootFile, keyFile, certificateChainFile] = ["root.pem", "key.pem", "chain.pem"].map(
    (name) => join(folder, name),
  ) as [string, string, string];
  writeFileSync(rootFile, root.pem);
  writeFileSync(keyFile, leaf.keyPem);
  writeFileSync(certificateChainFile, leaf.chainPem);
  const signer = await localSigner({ keyFile, certificateChainFile });
  const sign = async (store: Store, subject: Descriptor): Promise<Manifest> => {
    const packed = packSignature({
      subject,
      envelope: await signEnvelope({ target: subject, signer, signingTime: new Date() }),
    });
    await pushArtifact(store, packed);
    return packed.manifest;
  };
  return { identity: `x509.subject: C=US, ST=WA, O=${organisation}`, rootFile, leaf, sign };
}

export function trusting(...parties: Party[]): Record<string, unknown> {
  return {
    signatureVerification: { level: "strict", override: { revocation: "skip" } },
    roots: { ca: parties.map(({ rootFile }) => rootFile) },
    trustedIdentities: parties.map(({ identity }) => identity),
  };
}

/** A claim, by default a public VEX document. */
export async function pushClaim(
  store: Store,
  subject: Descriptor,
  options: {
    type?: string;
    audience?: "internal" | "public";
    note?: string;
    annotations?: Record<string, string>;
  } = {},
): Promise<Manifest> {
  const {
    type = "https://example.test/remark/v1",
    audience = "public",
    note = "",
    annotations,
  } = options;
  const packed = packClaim({
    type,
    subject,
    predicate: { note },
    audience,
    ...(annotations === undefined ? {} : { annotations }),
  });
  await pushArtifact(store, packed);
  return packed.manifest;
}
