// SPDX-License-Identifier: Apache-2.0
import { packClaim, type ClaimContent } from "../../provider/claims/index";
import { MemoryStore } from "../../provider/content/memory";
import {
  bytesBlob,
  packManifest,
  pushArtifact,
  type PackedArtifact,
} from "../../provider/content/pack";
import type { Store } from "../../provider/content/storage";
import { keySigner, packSignature, signEnvelope } from "../../provider/notation/index";
import { plainDescriptor, type Descriptor } from "../../provider/oci/descriptor";
import type { Digest } from "../../provider/oci/digest";
import { formatLocation, parseLocation, type Location } from "../../provider/oci/reference";
import { RegistryClient } from "../../provider/registry/index";
import { Stores } from "../../provider/world/context";
import { QUICK_KEY, authority, codeSigner, selfSigned } from "./certificates";
import { writeKeyFiles, type Issued } from "./keys";
import { tempDir } from "./temp";

/**
 * Registries that live in memory, one store per location, in front of which anything can be put.
 */
export class MemoryStores extends Stores {
  readonly #stores = new Map<string, MemoryStore>();
  /** Put in front of every store that is opened. */
  wrap: (store: MemoryStore) => Store = (store) => store;

  constructor() {
    super(new RegistryClient({ baseDir: "/nonexistent" }), "/nonexistent");
  }

  at(location: string): MemoryStore {
    const found = this.#stores.get(location) ?? new NamedStore(location);
    this.#stores.set(location, found);
    return found;
  }

  override async open(location: Location | string): Promise<Store> {
    return this.wrap(
      this.at(formatLocation(typeof location === "string" ? parseLocation(location) : location)),
    );
  }

  override async close(): Promise<void> {
    // Memory outlives the phases of a run, as registries do.
  }

  locations(): string[] {
    return [...this.#stores.keys()];
  }
}

/** Called by its location, as a real one is. */
class NamedStore extends MemoryStore {
  override readonly name: string;
  constructor(location: string) {
    super(location);
    this.name = location;
  }
}

const WRITES = [
  "pushBlob",
  "pushManifest",
  "tag",
  "untag",
  "deleteManifest",
  "deleteBlob",
] as const;
type Write = (typeof WRITES)[number];

/**
 * A store whose writes are counted and may be forbidden from some point on, as when a process is
 * killed.
 */
export function guarded(store: MemoryStore, before: (write: Write) => void): Store {
  return new Proxy<Store>(store, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== "function") return member;
      const call = member as (...args: unknown[]) => unknown;
      if (!WRITES.some((write) => write === name)) return call.bind(target);
      return async (...args: unknown[]) => {
        before(name as Write);
        return call.apply(target, args);
      };
    },
  });
}

/** A signer as an argument, with its certificates. */
export interface Party {
  issued: Issued;
  signer: { keyFile: string; certificateChainFile: string };
  root: Issued;
}

/**
 * One certificate that is root and signer at once, with a key that verifies fast: for tests that
 * verify thousands of signatures.
 */
export function quickParty(organization: string): Party {
  const issued = selfSigned({
    subject: { C: "US", ST: "WA", O: organization, CN: `${organization} Signing` },
    key: "rsa-2048",
  });
  const { keyFile, certificateChainFile } = writeKeyFiles(issued, tempDir("party"));
  return { issued, signer: { keyFile, certificateChainFile }, root: issued };
}

export function party(
  organization: string,
  overrides: Parameters<typeof codeSigner>[1] = {},
): Party {
  const root = authority({
    subject: { C: "US", ST: "WA", O: organization, CN: `${organization} Root` },
  });
  const issued = codeSigner(root, {
    key: QUICK_KEY,
    subject: { C: "US", ST: "WA", O: organization, CN: `${organization} Signing` },
    ...overrides,
  });
  const { keyFile, certificateChainFile } = writeKeyFiles(issued, tempDir("party"));
  return { issued, signer: { keyFile, certificateChainFile }, root };
}

export function trustOf(...parties: readonly Party[]): {
  signatureVerification: { level: "strict" };
  roots: { ca: string[] };
  trustedIdentities: string[];
} {
  return {
    signatureVerification: { level: "strict" },
    roots: { ca: parties.map(({ root }) => root.pem) },
    trustedIdentities: ["*"],
  };
}

/** Signs something that is in a store. */
export async function sign(
  store: Store,
  target: Descriptor,
  { issued }: Party,
  signingTime = new Date(),
): Promise<void> {
  const envelope = await signEnvelope({
    target,
    signer: keySigner(issued.key.privateKey, issued.chain),
    signingTime,
  });
  await pushArtifact(store, packSignature({ subject: target, envelope }));
}

/** A signed artifact with content of its own beside a layer that all have in common. */
export async function publish(
  store: Store,
  name: string,
  by: Party,
  tag?: string,
): Promise<Descriptor> {
  const packed = packManifest({
    artifactType: "application/vnd.example.app",
    layers: [
      bytesBlob(Buffer.from("what all have in common\n"), "text/plain"),
      bytesBlob(Buffer.from(`the content of ${name}\n`), "text/plain"),
    ],
  });
  await pushArtifact(store, packed);
  const descriptor = plainDescriptor(packed.manifest.descriptor);
  await sign(store, descriptor, by);
  if (tag !== undefined) await store.tag(packed.manifest, tag);
  return descriptor;
}

/** A claim, signed or, with `null`, not. */
export async function claim(
  store: Store,
  content: ClaimContent,
  by: Party | null,
): Promise<PackedArtifact> {
  const packed = packClaim(content);
  await pushArtifact(store, packed);
  if (by !== null) await sign(store, plainDescriptor(packed.manifest.descriptor), by);
  return packed;
}

/** Everything that refers to a manifest, at any depth, itself included. */
export async function family(store: Store, digest: Digest): Promise<Digest[]> {
  const found: Digest[] = [digest];
  for (const { digest: referrer } of await store.referrers(digest))
    found.push(...(await family(store, referrer)));
  return found;
}
