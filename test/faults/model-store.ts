// SPDX-License-Identifier: Apache-2.0
// Registries in memory that can be looked into, lie, lose and stop answering.
import { MemoryStore } from "../../provider/content/memory";
import type {
  Content,
  PushOptions,
  Store,
  TagOptions,
  TagOrDigest,
} from "../../provider/content/storage";
import { ConsignError } from "../../provider/errors";
import type { Descriptor } from "../../provider/oci/descriptor";
import type { Digest } from "../../provider/oci/digest";
import { referrerDescriptor, successorsOf, type Manifest } from "../../provider/oci/manifest";
import { isManifestType } from "../../provider/oci/media-types";
import { MemoryStores } from "../harness/memory-world";

/** What goes wrong in one run, at which of its calls. */
export interface Mishap {
  at: number;
  kind: "killed" | "gone" | "fails" | "drops" | "lists less" | "meanwhile";
}

const READS = ["resolve", "manifest", "blob", "has", "referrers", "tags"];
const CALLS = [
  ...READS,
  "pushBlob",
  "pushManifest",
  "tag",
  "untag",
  "deleteManifest",
  "deleteBlob",
];

/** A store whose content a test sees without asking it. */
export class OpenStore extends MemoryStore {
  override readonly name: string;
  readonly manifests = new Map<Digest, Manifest>();
  readonly blobs = new Map<Digest, Uint8Array>();
  readonly labels = new Map<string, Digest>();
  /** What those who may push have written into lists, by subject. */
  readonly rewritten = new Map<Digest, { more: Descriptor[]; less: Set<Digest> }>();

  /** Of which the bytes that are handed out are others. */
  readonly broken = new Set<Digest>();

  constructor(location: string) {
    super(location);
    this.name = location;
  }

  override async manifest(target: Descriptor | TagOrDigest): Promise<Manifest> {
    const found = await super.manifest(target);
    this.#whole(found.descriptor.digest);
    return found;
  }

  override async blob(target: Descriptor): Promise<Content> {
    this.#whole(target.digest);
    return super.blob(target);
  }

  #whole(digest: Digest): void {
    if (this.broken.has(digest))
      throw new ConsignError("DIGEST_MISMATCH", `${this.name}@${digest} has other bytes`);
  }

  /** Loses a manifest, whose entry stays in the list. */
  async loseListed(manifest: Manifest): Promise<void> {
    const subject = manifest.value.subject?.digest;
    if (subject !== undefined) {
      const lie = this.rewritten.get(subject) ?? { more: [], less: new Set<Digest>() };
      lie.more.push(referrerDescriptor(manifest));
      this.rewritten.set(subject, lie);
    }
    await this.deleteManifest(manifest.descriptor);
  }

  override async referrers(subject: Digest): Promise<Descriptor[]> {
    const real = await super.referrers(subject);
    const lie = this.rewritten.get(subject);
    if (lie === undefined) return real;
    const all = new Map([...real, ...lie.more].map((entry) => [entry.digest, entry]));
    return [...all.values()]
      .filter(({ digest }) => !lie.less.has(digest))
      .sort((a, b) => (a.digest < b.digest ? -1 : 1));
  }

  override async pushBlob(
    target: Descriptor,
    open: () => Promise<Content>,
    options?: PushOptions,
  ): Promise<boolean> {
    let bytes = Buffer.alloc(0);
    const sent = await super.pushBlob(
      target,
      async () => {
        const chunks: Uint8Array[] = [];
        for await (const chunk of await open()) chunks.push(chunk);
        bytes = Buffer.concat(chunks);
        return (async function* () {
          yield bytes;
        })();
      },
      options,
    );
    if (sent) this.blobs.set(target.digest, bytes);
    return sent;
  }

  override async pushManifest(manifest: Manifest): Promise<void> {
    await super.pushManifest(manifest);
    this.manifests.set(manifest.descriptor.digest, manifest);
  }

  override async tag(manifest: Manifest, tag: string, options?: TagOptions): Promise<void> {
    await super.tag(manifest, tag, options);
    this.labels.set(tag, manifest.descriptor.digest);
  }

  override async untag(tag: string): Promise<void> {
    await super.untag(tag);
    this.labels.delete(tag);
  }

  override async deleteManifest(target: Descriptor): Promise<void> {
    await super.deleteManifest(target);
    this.manifests.delete(target.digest);
    for (const [tag, digest] of this.labels) if (digest === target.digest) this.labels.delete(tag);
  }

  override async deleteBlob(target: Descriptor): Promise<void> {
    await super.deleteBlob(target);
    this.blobs.delete(target.digest);
  }

  /** The same content in another store. */
  async copyTo(other: OpenStore): Promise<void> {
    for (const [digest, bytes] of this.blobs)
      await other.pushBlob(
        { mediaType: "application/octet-stream", digest, size: bytes.byteLength },
        async () =>
          (async function* () {
            yield bytes;
          })(),
      );
    for (const manifest of this.manifests.values()) await other.pushManifest(manifest);
    for (const [tag, digest] of this.labels) {
      const manifest = this.manifests.get(digest);
      if (manifest !== undefined) await other.tag(manifest, tag);
    }
  }

  /** Everything that these need and that is there, with all that refers to any of it. */
  reach(roots: Iterable<string>): Set<string> {
    const found = new Set<string>();
    const visit = (digest: Digest): void => {
      const manifest = this.manifests.get(digest);
      if (manifest === undefined || found.has(digest)) return;
      found.add(digest);
      for (const part of successorsOf(manifest))
        if (isManifestType(part.mediaType)) visit(part.digest);
        else if (this.blobs.has(part.digest)) found.add(part.digest);
      for (const [referrer, { value }] of this.manifests)
        if (value.subject?.digest === digest) visit(referrer);
    };
    for (const root of roots) visit(root as Digest);
    return found;
  }

  holds(digest: string): boolean {
    return this.manifests.has(digest as Digest) || this.blobs.has(digest as Digest);
  }

  /** What a manifest needs and is not there. */
  holes(digest: Digest): Digest[] {
    const manifest = this.manifests.get(digest);
    if (manifest === undefined) return [digest];
    return successorsOf(manifest).flatMap((part) =>
      isManifestType(part.mediaType)
        ? this.holes(part.digest)
        : this.blobs.has(part.digest)
          ? []
          : [part.digest],
    );
  }
}

/** All registries of a model, of which one run may see less than there is. */
export class OpenStores extends MemoryStores {
  readonly #open = new Map<string, OpenStore>();
  #calls = 0;
  #mishap: Mishap | undefined;
  #meanwhile: () => Promise<void> = async () => undefined;

  constructor() {
    super();
    this.wrap = (store) => this.#inFrontOf(store);
  }

  override at(location: string): OpenStore {
    const found = this.#open.get(location) ?? new OpenStore(location);
    this.#open.set(location, found);
    return found;
  }

  all(): OpenStore[] {
    return [...this.#open.values()];
  }

  async copy(): Promise<OpenStores> {
    const other = new OpenStores();
    for (const store of this.all()) await store.copyTo(other.at(store.name));
    return other;
  }

  /** For one run, whatever becomes of it. */
  async during(
    mishap: Mishap | undefined,
    meanwhile: () => Promise<void>,
    run: () => Promise<unknown>,
  ): Promise<Error | undefined> {
    [this.#calls, this.#mishap, this.#meanwhile] = [0, mishap, meanwhile];
    try {
      await run();
      return undefined;
    } catch (error) {
      return error as Error;
    } finally {
      this.#mishap = undefined;
    }
  }

  #inFrontOf(store: MemoryStore): Store {
    return new Proxy<Store>(store, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name, target);
        if (typeof member !== "function" || typeof name !== "string") return member;
        const call = member as (...args: unknown[]) => Promise<unknown>;
        if (!CALLS.includes(name)) return call.bind(target);
        return async (...args: unknown[]) => {
          const instead = await this.#strike(name, args[0]);
          return instead === undefined ? call.apply(target, args) : instead.answer;
        };
      },
    });
  }

  async #strike(name: string, about: unknown): Promise<{ answer: unknown } | undefined> {
    const mishap = this.#mishap;
    const call = this.#calls++;
    if (mishap === undefined) return undefined;
    if (mishap.kind === "killed") {
      if (call >= mishap.at) throw new Error("killed");
      return undefined;
    }
    if (call < mishap.at) return undefined;
    if (mishap.kind === "meanwhile") {
      this.#mishap = undefined;
      await this.#meanwhile();
      return undefined;
    }
    const fits = {
      gone: READS.includes(name) && name !== "tags",
      fails: true,
      drops: name === "pushBlob",
      "lists less": name === "referrers" || name === "tags",
    }[mishap.kind];
    if (!fits) return undefined;
    this.#mishap = undefined;
    if (mishap.kind === "fails")
      throw new ConsignError("REGISTRY_FAILED", `${name} is broken`, { status: 500 });
    if (mishap.kind === "drops") return { answer: true };
    if (mishap.kind === "lists less" || name === "referrers") return { answer: [] };
    if (name === "has") return { answer: false };
    const code = name === "blob" ? "BLOB_UNKNOWN" : "MANIFEST_UNKNOWN";
    throw new ConsignError(code, `${JSON.stringify(about)} is not there`, { status: 404 });
  }
}
