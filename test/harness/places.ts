// SPDX-License-Identifier: Apache-2.0
import { existsSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { OciLayout } from "../../provider/content/oci-layout";
import type { Store } from "../../provider/content/storage";
import { listSignatures } from "../../provider/notation/index";
import type { Digest } from "../../provider/oci/digest";
import { RegistryClient } from "../../provider/registry/index";
import { QUICK_KEY, authority, codeSigner } from "./certificates";
import { writeKeyFiles, type CertificateOptions, type Issued } from "./keys";
import {
  REGISTRY_KINDS,
  registryMissing,
  startRegistry,
  type RegistryKind,
  type TestRegistry,
} from "./registries";
import { tempDir } from "./temp";

/** A place to keep artifacts, of any kind, with a project's folder beside it. */
export interface Place {
  readonly kind: RegistryKind | "layout";
  readonly folder: string;
  /** A location under it. */
  location(name: string): string;
  /** The same as others see it: past every cache of ours, but through the counting proxy. */
  store(name: string): Store;
  /** Requests that changed something since the last `clear`; of a layout, the files that did. */
  writes(): number;
  requests(): number;
  clear(): void;
  readonly registry: TestRegistry | undefined;
}

function registryPlace(registry: TestRegistry, folder: string): Place {
  return {
    kind: registry.kind,
    folder,
    registry,
    location: (name) => `${registry.host}/${name}`,
    store: (name) =>
      new RegistryClient({ baseDir: folder, limits: { mutableCacheMs: 0 } }).repository(
        registry.direct,
        name,
      ),
    writes: () =>
      registry.requests().filter(({ method }) => method !== "GET" && method !== "HEAD").length,
    requests: () => registry.requests().length,
    clear: () => registry.clear(),
  };
}

function layoutPlace(folder: string): Place {
  const seen = new Map<string, number>();
  const files = (): string[] => {
    const root = join(folder, "layouts");
    return existsSync(root)
      ? readdirSync(root, { recursive: true, withFileTypes: true })
          .filter((entry) => entry.isFile())
          .map((entry) => join(entry.parentPath, entry.name))
      : [];
  };
  return {
    kind: "layout",
    folder,
    registry: undefined,
    location: (name) => `oci:layouts/${name}`,
    store: (name) => OciLayout.open(join(folder, "layouts", name), { create: true }),
    writes: () => files().filter((file) => seen.get(file) !== statSync(file).mtimeMs).length,
    requests: () => 0,
    clear: () => files().forEach((file) => seen.set(file, statSync(file).mtimeMs)),
  };
}

export async function openPlace(
  kind: RegistryKind | "layout",
  context: { after(done: () => Promise<void>): void },
): Promise<Place> {
  return openPlaceIn(kind, tempDir("project"), context);
}

export async function openPlaceIn(
  kind: RegistryKind | "layout",
  folder: string,
  context: { after(done: () => Promise<void>): void },
): Promise<Place> {
  if (kind === "layout") return layoutPlace(folder);
  const registry = await startRegistry(kind);
  context.after(() => registry.stop());
  return registryPlace(registry, folder);
}

/** One test for each kind of registry, and one for layouts. */
export function forEachPlace(
  name: string,
  run: (place: Place, context: TestContext) => Promise<void>,
  kinds: readonly (RegistryKind | "layout")[] = [...REGISTRY_KINDS, "layout"],
): void {
  for (const kind of kinds) {
    test(
      `${name} [${kind}]`,
      { skip: kind === "layout" ? false : registryMissing(kind) },
      async (context) => run(await openPlace(kind, context), context),
    );
  }
}

/** Takes a manifest away behind everybody's back. */
export async function removeManifest(place: Place, name: string, digest: string): Promise<void> {
  const store = place.store(name);
  await store.deleteManifest(await store.resolve(digest));
}

/** Damages a blob of a layout: its file is gone, or other bytes of the same size are in it. */
export function damageLayoutBlob(
  place: Place,
  name: string,
  digest: string,
  how: "gone" | "altered",
): void {
  const path = join(place.folder, "layouts", name, "blobs", ...digest.split(":"));
  if (how === "gone") rmSync(path);
  else writeFileSync(path, Buffer.alloc(statSync(path).size, 0x20));
}

export interface Keys {
  issued: Issued;
  args: { keyFile: string; certificateChainFile: string };
  rootFile: string;
}

export const root = authority();

/** A signer's files, and the argument that names them. */
export function signerFiles(
  name = "signer",
  options: Partial<CertificateOptions> = {},
  issuer: Issued = root,
): Keys {
  const issued = codeSigner(issuer, { key: QUICK_KEY, ...options });
  const files = writeKeyFiles(issued, tempDir(`keys-${name}`));
  return {
    issued,
    args: { keyFile: files.keyFile, certificateChainFile: files.certificateChainFile },
    rootFile: files.rootFile,
  };
}

export async function signaturesOf(
  place: Pick<Place, "store">,
  name: string,
  digest: string,
): Promise<string[]> {
  return (await listSignatures(place.store(name), digest as Digest)).map(
    (signature) => signature.digest,
  );
}
