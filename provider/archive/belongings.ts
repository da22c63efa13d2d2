// SPDX-License-Identifier: Apache-2.0
import { manifestIfThere } from "../content/presence";
import type { ReadStore } from "../content/storage";
import { ConsignError, isConsignError } from "../errors";
import type { LeavingManifest } from "../keeping/leaving";
import type { Descriptor } from "../oci/descriptor";
import type { Digest } from "../oci/digest";
import { successorsOf, type Manifest } from "../oci/manifest";
import { isManifestType } from "../oci/media-types";

const MAX_MANIFESTS = 100_000;

/** A manifest that belongs to an artifact. */
export interface Belonging {
  manifest: Manifest;
  /** Whether it refers to the artifact, one of its parts, or to what does. */
  isReferrer: boolean;
}

export type Belongings = ReadonlyMap<Digest, Belonging>;

/**
 * Everything that belongs to an artifact: itself, its parts, and all that refers to any of them, at
 * any depth. A list says where to look: what it names counts only where its own manifest says so. A
 * purge that was cut short may have left holes.
 */
export async function belongingsOf(store: ReadStore, root: Digest): Promise<Belongings> {
  const found = new Map<Digest, Belonging>();
  let level: { digest: Digest; refersTo?: Digest; isReferrer: boolean }[] = [
    { digest: root, isReferrer: false },
  ];
  while (level.length > 0) {
    const next: typeof level = [];
    for (const { digest, refersTo, isReferrer } of level) {
      if (found.has(digest)) continue;
      const manifest = await content(store, digest);
      if (manifest === undefined) continue;
      if (refersTo !== undefined && manifest.value.subject?.digest !== refersTo) continue;
      if (found.size >= MAX_MANIFESTS) throw tooLarge(store, root);
      found.set(digest, { manifest, isReferrer });
      for (const part of successorsOf(manifest))
        if (isManifestType(part.mediaType)) next.push({ digest: part.digest, isReferrer });
      for (const referrer of await store.referrers(digest, { fresh: true, settled: () => true }))
        next.push({ digest: referrer.digest, refersTo: digest, isReferrer: true });
    }
    level = next;
  }
  return found;
}

function tooLarge(store: ReadStore, root: Digest): ConsignError {
  return new ConsignError(
    "GRAPH_TOO_LARGE",
    `more than ${MAX_MANIFESTS} manifests belong to ${store.name}@${root}`,
  );
}

async function content(store: ReadStore, digest: Digest): Promise<Manifest | undefined> {
  try {
    return await store.manifest(digest);
  } catch (error) {
    if (!isConsignError(error, "MANIFEST_UNKNOWN")) throw error;
    return manifestIfThere(store, digest);
  }
}

/** As what leaves: a referrer goes only with what it refers to. */
export function asLeaving(belongings: Belongings): Map<Digest, LeavingManifest> {
  const leaving = new Map<Digest, LeavingManifest>();
  for (const [digest, { manifest, isReferrer }] of belongings) {
    const subject = manifest.value.subject?.digest;
    leaving.set(digest, {
      ...(subject === undefined ? {} : { subject }),
      ...(isReferrer && subject !== undefined && belongings.has(subject) ? { with: subject } : {}),
    });
  }
  return leaving;
}

/** What a manifest has of its own: config and layers. */
export function blobsOf({ manifest }: Belonging): Descriptor[] {
  return successorsOf(manifest).filter(({ mediaType }) => !isManifestType(mediaType));
}
