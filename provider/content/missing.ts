// SPDX-License-Identifier: Apache-2.0
import type { Descriptor } from "../oci/descriptor";
import { successorsOf, type Manifest } from "../oci/manifest";
import { isManifestType } from "../oci/media-types";
import { forEachBounded } from "./bounded";
import { presenceOf, type Presence } from "./presence";
import type { ReadStore } from "./storage";

const LOOKS_AT_ONCE = 16;

/** Something that was not found to be there. */
export interface Missing {
  descriptor: Descriptor;
  /** The manifest that needs it: what contains it, or it itself. */
  neededBy: Descriptor;
  presence: Exclude<Presence, { is: "there" }>;
}

export interface MissingOptions {
  /**
   * Parts that may be absent, as the images of other platforms in a sparse index; they are not
   * asked for. @default none
   */
  mayLack?: ((part: Descriptor, of: Manifest) => boolean) | undefined;
  signal?: AbortSignal | undefined;
}

/**
 * Asks a store, fresh, for manifests and for all that they consist of: what a push was answered
 * with proves nothing, as a registry may say 201 and drop what came. A part is asked for once,
 * however many share it; what a manifest's children consist of is asked for where they are among
 * `manifests`.
 * @param manifests an artifact with its members and referrers, or several
 * @returns what is gone, and what cannot be told; nothing if all is there
 */
export async function missingFrom(
  store: ReadStore,
  manifests: Iterable<Manifest>,
  { mayLack = () => false, signal }: MissingOptions = {},
): Promise<Missing[]> {
  const wanted = new Map<string, Pick<Missing, "descriptor" | "neededBy">>();
  const want = (descriptor: Descriptor, neededBy: Descriptor): void => {
    // The same bytes may be there as a blob, and not as a manifest.
    const key = `${isManifestType(descriptor.mediaType) ? "manifest" : "blob"} ${descriptor.digest}`;
    if (!wanted.has(key)) wanted.set(key, { descriptor, neededBy });
  };
  for (const manifest of manifests) {
    want(manifest.descriptor, manifest.descriptor);
    for (const part of successorsOf(manifest))
      if (!mayLack(part, manifest)) want(part, manifest.descriptor);
  }
  const missing: Missing[] = [];
  await forEachBounded(wanted.values(), LOOKS_AT_ONCE, async ({ descriptor, neededBy }) => {
    signal?.throwIfAborted();
    const presence = await presenceOf(store, descriptor);
    if (presence.is !== "there") missing.push({ descriptor, neededBy, presence });
  });
  return missing.sort((a, b) => (a.descriptor.digest < b.descriptor.digest ? -1 : 1));
}
