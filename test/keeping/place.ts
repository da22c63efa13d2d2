// SPDX-License-Identifier: Apache-2.0
import { MemoryStore } from "../../provider/content/memory";
import { pushArtifact, type PackedArtifact } from "../../provider/content/pack";
import type { ReferrersOptions, TagOrDigest } from "../../provider/content/storage";
import { ConsignError } from "../../provider/errors";
import type { Leaving, LeavingManifest } from "../../provider/keeping/leaving";
import type { Descriptor } from "../../provider/oci/descriptor";
import type { Digest } from "../../provider/oci/digest";
import type { Manifest } from "../../provider/oci/manifest";
import { artifact, indexOf, signatureOf } from "../content/sample-graph";

/**
 * A place whose lists anybody may have rewritten, and which may fail to show something for a number
 * of times.
 */
export class OpenPlace extends MemoryStore {
  /** By subject, what somebody has put on its list. */
  readonly planted = new Map<Digest, Descriptor[]>();
  /** By subject or tag list (`""`), what a list leaves out this many times more. */
  readonly leftOut = new Map<string, { what: string; times: number }>();
  /** By reference, how often it is "not there", or what is said instead. */
  readonly faults = new Map<string, { times: number; error?: ConsignError }>();
  readonly deleted: Digest[] = [];
  /** Called before each removal. */
  beforeDelete: () => Promise<void> = async () => {};

  override async resolve(reference: TagOrDigest): Promise<Descriptor> {
    this.#fail(reference);
    return super.resolve(reference);
  }

  override async manifest(target: Descriptor | TagOrDigest): Promise<Manifest> {
    this.#fail(typeof target === "string" ? target : target.digest);
    return super.manifest(target);
  }

  /** Where a tag leads, without any fault. */
  async whereIs(tag: string): Promise<Descriptor> {
    return super.resolve(tag);
  }

  override async tags(): Promise<string[]> {
    return this.#without("", await super.tags(), (tag) => tag);
  }

  override async referrers(subject: Digest, _options?: ReferrersOptions): Promise<Descriptor[]> {
    this.#fail(`referrers of ${subject}`);
    const listed = [...(await super.referrers(subject)), ...(this.planted.get(subject) ?? [])];
    return this.#without(subject, listed, ({ digest }) => digest);
  }

  override async deleteManifest(target: Descriptor): Promise<void> {
    await this.beforeDelete();
    this.deleted.push(target.digest);
    return super.deleteManifest(target);
  }

  #without<T>(list: string, all: T[], nameOf: (one: T) => string): T[] {
    const fault = this.leftOut.get(list);
    if (fault === undefined || fault.times-- <= 0) return all;
    return all.filter((one) => nameOf(one) !== fault.what);
  }

  #fail(reference: string): void {
    const fault = this.faults.get(reference);
    if (fault === undefined || fault.times-- <= 0) return;
    throw (
      fault.error ??
      new ConsignError("MANIFEST_UNKNOWN", `${reference} is not there`, { reference })
    );
  }
}

export async function pushed(store: MemoryStore, packed: PackedArtifact): Promise<Manifest> {
  await pushArtifact(store, packed);
  return packed.manifest;
}

export async function pushedIndex(
  store: MemoryStore,
  ...images: readonly Manifest[]
): Promise<Manifest> {
  const index = indexOf([...images]);
  await store.pushManifest(index);
  return index;
}

/** An artifact with a signature on it, which goes only with it. */
export async function signed(
  store: MemoryStore,
  text: string,
): Promise<{ root: Manifest; signature: Manifest }> {
  const root = await pushed(store, artifact(text));
  return { root, signature: await pushed(store, signatureOf(root)) };
}

export const digestOfManifest = ({ descriptor }: Manifest): Digest => descriptor.digest;

export function leaving(
  store: MemoryStore,
  manifests: readonly (Manifest | [Manifest, LeavingManifest])[],
  others: Partial<Leaving> = {},
): Leaving {
  return {
    store,
    manifests: new Map(
      manifests.map((each) =>
        Array.isArray(each) ? [each[0].descriptor.digest, each[1]] : [each.descriptor.digest, {}],
      ),
    ),
    isOwnTag: () => false,
    ...others,
  };
}
