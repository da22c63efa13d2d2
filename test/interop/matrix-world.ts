// SPDX-License-Identifier: Apache-2.0
import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bytesBlob, packManifest, type PackedArtifact } from "../../provider/content/pack";
import { COSE_ALGORITHMS, algorithmFor, signBytes } from "../../provider/cose";
import { isConsignError, type ErrorCode } from "../../provider/errors";
import { encodePayload } from "../../provider/notation/envelope/payload";
import { revocationChecker } from "../../provider/notation/revocation/revocation";
import { policyFromNotation } from "../../provider/notation/trust/policy-document";
import { resolveTrustPolicy } from "../../provider/notation/trust/trust-store";
import { verifyArtifact, type Outcome } from "../../provider/notation/verify";
import type { Descriptor } from "../../provider/oci/descriptor";
import { MEDIA_TYPES } from "../../provider/oci/media-types";
import { RegistryClient, type Repository } from "../../provider/registry";
import type { Issued } from "../harness/keys";
import { httpFetch } from "../harness/pki";
import { tempDir } from "../harness/temp";
import { forge, type Forgery } from "../notation/envelope/forge";
import { PlainRepository, notation } from "./notation-cli";

/**
 * A trust policy as notation's configuration directory holds it. What a row leaves out is the
 * strict policy for the good signer.
 */
export interface Trust {
  level?: "strict" | "permissive" | "audit" | "skip";
  override?: Record<string, string>;
  verifyTimestamp?: "always" | "afterCertExpiry";
  identities?: string[];
  scopes?: string[];
  /** Statements beside this one. */
  others?: object[];
  ca?: readonly Issued[];
  signingAuthority?: readonly Issued[];
  tsa?: readonly Issued[];
}

export type Answer = readonly [outcome: Outcome | "error", code?: ErrorCode];

/** One artifact in the registry, with what refers to it. */
export interface Attached {
  artifact: PackedArtifact;
  reference: string;
}

const REPOSITORY = "net-monitor";
let count = 0;

/**
 * The registry, notation and Consign, all looking at the same artifacts under the same
 * configuration directories.
 */
export class World {
  readonly #plain: PlainRepository;
  readonly #client: RegistryClient;
  readonly #store: Repository;
  readonly #revocation = revocationChecker({ fetch: httpFetch });
  readonly #configs = new Map<string, { env: Record<string, string>; folder: string }>();

  constructor(host: string) {
    this.#plain = new PlainRepository(host, REPOSITORY);
    this.#client = new RegistryClient({
      baseDir: "/nonexistent",
      env: {},
      settings: { [host]: { plainHttp: true } },
    });
    this.#store = this.#client.repository(host, REPOSITORY);
  }

  async artifact(): Promise<Attached> {
    const artifact = packManifest({
      artifactType: "application/vnd.example.net-monitor",
      layers: [bytesBlob(Buffer.from(`net-monitor ${++count}`), MEDIA_TYPES.octetStream)],
    });
    return { artifact, reference: await this.#plain.push(artifact) };
  }

  push(artifact: PackedArtifact): Promise<string> {
    return this.#plain.push(artifact);
  }

  /** What `notation verify` makes of it: true for exit code 0. */
  async asNotation(
    reference: string,
    trust: Trust,
    ...more: string[]
  ): Promise<{ verified: boolean; output: string }> {
    return this.asNotationIn(this.config(trust), reference, ...more);
  }

  async asNotationIn(
    config: { env: Record<string, string> },
    reference: string,
    ...more: string[]
  ): Promise<{ verified: boolean; output: string }> {
    const { code, stderr } = await notation(
      config,
      "verify",
      "--insecure-registry",
      ...more,
      reference,
    );
    return { verified: code === 0, output: stderr };
  }

  /**
   * What we make of it, with the policy and the certificates from notation's own configuration
   * directory.
   */
  async asWe(
    manifest: PackedArtifact["manifest"],
    trust: Trust,
  ): Promise<{ answer: Answer; reason: string }> {
    return this.asWeIn(this.config(trust).folder, manifest);
  }

  async asWeIn(
    folder: string,
    { descriptor }: PackedArtifact["manifest"],
    scope = this.#store.name,
  ): Promise<{ answer: Answer; reason: string }> {
    try {
      const policy = await resolveTrustPolicy(await policyFromNotation(folder, scope), {
        baseDir: folder,
        notationConfigDir: folder,
      });
      const context = { now: new Date(), baseDir: folder, scope, revocation: this.#revocation };
      const {
        outcome,
        code,
        reason = "",
      } = await verifyArtifact(this.#store, descriptor, policy, context);
      return { answer: code === undefined ? [outcome] : [outcome, code], reason };
    } catch (error) {
      if (!isConsignError(error)) throw error;
      return { answer: ["error", error.code], reason: error.message };
    }
  }

  config(trust: Trust): { env: Record<string, string>; folder: string } {
    const stores = {
      ca: trust.ca ?? [],
      signingAuthority: trust.signingAuthority ?? [],
      tsa: trust.tsa ?? [],
    };
    const {
      level = "strict",
      override,
      verifyTimestamp,
      identities = ["x509.subject: C=US, ST=WA, O=Wabbit Networks"],
      scopes = ["*"],
    } = trust;
    const named = Object.entries(stores)
      .filter(([, roots]) => roots.length > 0)
      .map(([type]) => `${type}:store`);
    const statement = {
      name: "policy",
      registryScopes: scopes.map((scope) =>
        scope.replace("HERE", `${this.#plain.host}/${REPOSITORY}`),
      ),
      signatureVerification: {
        level,
        ...(override && { override }),
        ...(verifyTimestamp && { verifyTimestamp }),
      },
      ...(level === "skip" ? {} : { trustStores: named, trustedIdentities: identities }),
    };
    const statements = [...(trust.others ?? []), statement];
    const key = createHash("sha256")
      .update(
        JSON.stringify([
          statements,
          Object.values(stores).map((roots) => roots.map(({ pem }) => pem)),
        ]),
      )
      .digest("hex");
    const config = this.#configs.get(key) ?? writeConfig(statements, stores);
    this.#configs.set(key, config);
    return config;
  }

  close(): Promise<void> {
    return this.#client.close();
  }
}

function writeConfig(
  statements: readonly object[],
  stores: Record<string, readonly Issued[]>,
): { env: Record<string, string>; folder: string } {
  const home = tempDir("matrix");
  const folder = join(home, "notation");
  for (const [type, roots] of Object.entries(stores)) {
    const store = join(folder, "truststore", "x509", type, "store");
    mkdirSync(store, { recursive: true });
    roots.forEach(({ pem }, index) => writeFileSync(join(store, `${index}.crt`), pem));
  }
  writeFileSync(
    join(folder, "trustpolicy.json"),
    JSON.stringify({ version: "1.0", trustPolicies: statements }),
    { mode: 0o600 },
  );
  return { env: { XDG_CONFIG_HOME: home, XDG_CACHE_HOME: home }, folder };
}

export interface Envelope {
  bytes: Uint8Array;
  mediaType: string;
}

/** A COSE envelope for the target, with something changed and then properly signed. */
export async function cose(
  target: Descriptor,
  { by, ...change }: Forgery & { by?: Issued } = {},
): Promise<Envelope> {
  const bytes = await forge({
    payload: encodePayload(target),
    ...(by === undefined ? change : signedBy(by, change)),
  });
  return { bytes, mediaType: MEDIA_TYPES.cose };
}

function signedBy(issued: Issued, change: Forgery): Forgery {
  const alg = isAllowed(issued) ? COSE_ALGORITHMS[algorithmFor(issued.key.publicKey)].id : -7;
  return {
    ...(isAllowed(issued) ? { key: issued } : { signature: () => new Uint8Array(128) }),
    ...change,
    headers: { alg, ...change.headers },
    unprotected: {
      x5chain: issued.chain.map((der) => Uint8Array.from(der)),
      ...change.unprotected,
    },
  };
}

function isAllowed({ key }: Issued): boolean {
  try {
    return algorithmFor(key.publicKey) !== undefined;
  } catch {
    return false;
  }
}

export const JWS_HEADER = {
  alg: "ES256",
  crit: ["io.cncf.notary.signingScheme"],
  cty: "application/vnd.cncf.notary.payload.v1+json",
  "io.cncf.notary.signingScheme": "notary.x509",
  "io.cncf.notary.signingTime": "",
};

export interface JwsForgery {
  by: Issued;
  /** Changes to the protected header, or all of its text; undefined removes a member. */
  header?: Record<string, unknown> | string;
  unprotected?: Record<string, unknown>;
  payload?: string;
  /** Changes the finished members. */
  members?: (good: Record<string, unknown>) => unknown;
  signature?: (good: Uint8Array) => Uint8Array;
}

/** A JWS envelope for the target, with something changed and then properly signed. */
export async function jws(
  target: Descriptor,
  {
    by,
    header = {},
    unprotected = {},
    payload,
    members = (good) => good,
    signature = (good) => good,
  }: JwsForgery,
): Promise<Envelope> {
  const encode = (text: string) => Buffer.from(text).toString("base64url");
  const now = `${new Date().toISOString().slice(0, 19)}Z`;
  const head = encode(
    typeof header === "string"
      ? header
      : JSON.stringify({ ...JWS_HEADER, "io.cncf.notary.signingTime": now, ...header }),
  );
  const body = encode(payload ?? Buffer.from(encodePayload(target)).toString());
  const signed = signature(await signBytes(by.key.privateKey, Buffer.from(`${head}.${body}`)));
  const x5c = by.chain.map((der) => der.toString("base64"));
  const made = members({
    payload: body,
    protected: head,
    header: { x5c, ...unprotected },
    signature: Buffer.from(signed).toString("base64url"),
  });
  return {
    bytes: Buffer.from(typeof made === "string" ? made : JSON.stringify(made)),
    mediaType: MEDIA_TYPES.jws,
  };
}

/** The manifest under which a signature lies, right but for what is given. */
export function signatureManifest(
  subject: Descriptor,
  envelopes: readonly Envelope[],
  o: { artifactType?: string; config?: string } = {},
): PackedArtifact {
  const layers = envelopes.map(({ bytes, mediaType }) => bytesBlob(bytes, mediaType));
  const annotations = {
    "io.cncf.notary.x509chain.thumbprint#S256": JSON.stringify(["0".repeat(64)]),
    "org.opencontainers.image.created": "2026-01-01T00:00:00Z",
  };
  const config = o.config === undefined ? {} : { config: bytesBlob(Buffer.from("{}"), o.config) };
  return packManifest({
    artifactType: o.artifactType ?? MEDIA_TYPES.notarySignature,
    ...config,
    layers,
    subject,
    annotations,
  });
}
