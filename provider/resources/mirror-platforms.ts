// SPDX-License-Identifier: Apache-2.0
import { z } from "zod";
import { packClaim } from "../claims";
import { MemoryStore } from "../content/memory";
import { pushArtifact, type PackedArtifact } from "../content/pack";
import type { ReadStore } from "../content/storage";
import { ConsignError, isConsignError } from "../errors";
import type { Descriptor } from "../oci/descriptor";
import { hexOf, algorithmOf, type Digest } from "../oci/digest";
import { parseManifest, type Manifest } from "../oci/manifest";
import { isIndexType } from "../oci/media-types";

const platformSchema = z.string().regex(/^[a-z0-9]+\/[a-z0-9_]+(?:\/[a-z0-9_.]+)?$/, "must be a platform, as linux/amd64 or linux/arm/v7");

export const platformsSchema = z.strictObject({
  only: z.array(platformSchema).min(1).max(100),
  /**
   * `sparse`: the index stays byte for byte, so its digest and signatures hold, and some of what it names is not there; not every registry
   * takes that. `derived`: a new index with what is left of it, and a claim, signed by `signer`, that says what it was made from.
   */
  index: z.enum(["sparse", "derived"]),
});
export type Platforms = z.infer<typeof platformsSchema>;

/** Whether a child of an index is for one of the platforms. What names no platform, as build evidence, goes with what it is about. */
export function forPlatforms(only: readonly string[], index: Manifest): (child: Descriptor) => boolean {
  const children = index.kind === "index" ? index.value.manifests : [];
  const taken = new Set(children.filter((child) => only.some((platform) => isFor(child, platform))).map(({ digest }) => digest));
  return (child) => taken.has(child.digest) || (child.annotations?.["vnd.docker.reference.digest"] !== undefined && taken.has(child.annotations["vnd.docker.reference.digest"] as Digest));
}

function isFor({ platform }: Descriptor, wanted: string): boolean {
  if (platform === undefined) return false;
  const [os, architecture, variant] = wanted.split("/");
  return platform.os === os && platform.architecture === architecture && (variant === undefined || platform.variant === variant);
}

/** Decides about children as a mirror with this contract does, once it has been told what the index looks like. */
export function childFilter(platforms: Platforms | undefined): ((child: Descriptor, index: Descriptor) => boolean) & { learn(index: Manifest): void } {
  const filters = new Map<Digest, (child: Descriptor) => boolean>();
  const takes = (child: Descriptor, index: Descriptor): boolean => platforms === undefined || (filters.get(index.digest)?.(child) ?? true);
  const learn = (index: Manifest): void => {
    if (platforms !== undefined && index.kind === "index") filters.set(index.descriptor.digest, forPlatforms(platforms.only, index));
  };
  return Object.assign(takes, { learn });
}

export interface Derived {
  index: Manifest;
  /** Says what the index was made from. */
  claim: PackedArtifact;
}

/**
 * Makes the index that is left when only some platforms are taken along. Deterministic: the same index and platforms give the same digest.
 * @returns undefined where every platform is wanted, so that nothing has to change
 * @throws ConsignError `INPUT_INVALID` where none of the platforms is there
 */
export function derive(original: Manifest, only: readonly string[], sourceName: string): Derived | undefined {
  if (original.kind !== "index") return undefined;
  const takes = forPlatforms(only, original);
  const manifests = original.value.manifests.filter(takes);
  if (manifests.length === original.value.manifests.length) return undefined;
  if (manifests.length === 0) {
    throw new ConsignError("INPUT_INVALID", `${sourceName}@${original.descriptor.digest} has nothing for ${only.join(", ")}`, { path: "platforms.only", side: "source" });
  }
  const { subject: _, ...kept } = original.value;
  const index = parseManifest(Buffer.from(JSON.stringify({ ...kept, manifests })), original.descriptor.mediaType);
  const digest = original.descriptor.digest;
  const claim = packClaim({
    type: "derived-from",
    subject: index.descriptor,
    predicate: { source: { uri: sourceName, digest: { [algorithmOf(digest)]: hexOf(digest) } }, relation: `platforms ${[...only].sort().join(", ")}` },
    audience: "public",
  });
  return { index, claim };
}

/** A source with derived indexes and the claims about them, which exist nowhere yet, laid over it. */
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

  async manifest(target: Parameters<ReadStore["manifest"]>[0], options?: Parameters<ReadStore["manifest"]>[1]): Promise<Manifest> {
    return (await ifThere(() => this.#made.manifest(target))) ?? this.source.manifest(target, options);
  }

  async blob(target: Descriptor, options?: Parameters<ReadStore["blob"]>[1]): ReturnType<ReadStore["blob"]> {
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

export function needsDeriving(root: Descriptor, platforms: Platforms | undefined): platforms is Platforms {
  return platforms?.index === "derived" && isIndexType(root.mediaType);
}
