// SPDX-License-Identifier: Apache-2.0
import { packClaim } from "../../claims/index";
import { MemoryStore } from "../../content/memory";
import { pushArtifact, type PackedArtifact } from "../../content/pack";
import type { ReadStore } from "../../content/storage";
import { isConsignError } from "../../errors";
import type { Descriptor } from "../../oci/descriptor";
import { hexOf, algorithmOf } from "../../oci/digest";
import { parseManifest, type Manifest } from "../../oci/manifest";
import { isIndexType } from "../../oci/media-types";
import { forPlatforms, type Platforms } from "./platforms";

/** How a plan names the claim that says what a derived index was made from. */
export const DERIVED_FROM = "derived-from";

export interface Derived {
  index: Manifest;
  /** Says what the index was made from. */
  claim: PackedArtifact;
}

/**
 * Makes the index that is left when only some platforms are taken along. Deterministic: the same
 * index and platforms give the same digest.
 * @returns undefined where every platform is wanted, so that nothing has to change, and where none
 * of them is there, so that nothing is left
 */
export function derive(
  original: Manifest,
  only: readonly string[],
  sourceName: string,
): Derived | undefined {
  if (original.kind !== "index") return undefined;
  const takes = forPlatforms(only, original);
  const manifests = original.value.manifests.filter(takes);
  if (manifests.length === original.value.manifests.length || manifests.length === 0)
    return undefined;
  const { subject: _, ...kept } = original.value;
  const index = parseManifest(
    Buffer.from(JSON.stringify({ ...kept, manifests })),
    original.descriptor.mediaType,
  );
  const digest = original.descriptor.digest;
  const claim = packClaim({
    type: DERIVED_FROM,
    subject: index.descriptor,
    predicate: {
      source: { uri: sourceName, digest: { [algorithmOf(digest)]: hexOf(digest) } },
      relation: `platforms ${[...only].sort().join(", ")}`,
    },
    audience: "public",
  });
  return { index, claim };
}

/**
 * A source with derived indexes and the claims about them, which exist nowhere yet, laid over it.
 */
export class DerivedSource implements ReadStore {
  readonly #made = new MemoryStore("derived");

  constructor(private readonly source: ReadStore) {}

  get name(): string {
    return this.source.name;
  }

  async add({ index, claim }: Derived): Promise<void> {
    await this.#made.pushManifest(index);
    await pushArtifact(this.#made, claim);
  }

  resolve: ReadStore["resolve"] = (reference, options) => this.source.resolve(reference, options);
  referrers: ReadStore["referrers"] = (subject, options) => this.source.referrers(subject, options);
  tags: ReadStore["tags"] = (options) => this.source.tags(options);

  async manifest(
    target: Parameters<ReadStore["manifest"]>[0],
    options?: Parameters<ReadStore["manifest"]>[1],
  ): Promise<Manifest> {
    return (
      (await ifThere(() => this.#made.manifest(target))) ?? this.source.manifest(target, options)
    );
  }

  async blob(
    target: Descriptor,
    options?: Parameters<ReadStore["blob"]>[1],
  ): ReturnType<ReadStore["blob"]> {
    return (await ifThere(() => this.#made.blob(target))) ?? this.source.blob(target, options);
  }

  async has(target: Descriptor, options?: Parameters<ReadStore["has"]>[1]): Promise<boolean> {
    return (await this.#made.has(target)) || this.source.has(target, options);
  }
}

async function ifThere<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (isConsignError(error, "MANIFEST_UNKNOWN", "BLOB_UNKNOWN")) return undefined;
    throw error;
  }
}

export function needsDeriving(
  root: Descriptor,
  platforms: Platforms | undefined,
): platforms is Platforms {
  return platforms?.index === "derived" && isIndexType(root.mediaType);
}
