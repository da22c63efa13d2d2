// SPDX-License-Identifier: Apache-2.0
import { packManifest, pushArtifact, type PackedArtifact } from "../content/pack";
import { manifestIfThere, presenceOf } from "../content/presence";
import type { ReadStore, Store } from "../content/storage";
import { ConsignError, isConsignError } from "../errors";
import type { Manifest } from "../oci/manifest";
import { hexOf, isDigest, type Digest } from "../oci/digest";

/** So long a lease counts from when it was first seen, whatever it says. */
export const LEASE_LASTS_MS = 24 * 60 * 60 * 1_000;

const LEASE_TYPE = "application/vnd.consign.lease.v1+json";
const HOLDER = "dev.consign.lease.holder";
const CREATED = "dev.consign.lease.created";
const RELIES_ON = "dev.consign.lease.relies-on";

/** As many as a manifest has room for. */
const DIGESTS_EACH = 10_000;
/** Anybody who may push may write leases; state holds when they were seen. */
const MAX_LEASES = 1_000;

/** Says for a while that its holder relies on what is at a place. */
export interface Lease {
  tag: string;
  packed: PackedArtifact;
}

/** @param at RFC 3339: when it is written */
export function packLeases(holder: string, at: string, reliesOn: ReadonlySet<Digest>): Lease[] {
  const digests = [...reliesOn].sort();
  const leases: Lease[] = [];
  for (let start = 0; start < digests.length; start += DIGESTS_EACH) {
    const packed = packManifest({
      artifactType: LEASE_TYPE,
      layers: [],
      annotations: {
        [HOLDER]: holder,
        [CREATED]: at,
        [RELIES_ON]: digests.slice(start, start + DIGESTS_EACH).join(" "),
      },
    });
    const { digest } = packed.manifest.descriptor;
    leases.push({ tag: `consign-lease-${hexOf(digest).slice(0, 32)}`, packed });
  }
  return leases;
}

export async function placeLease(store: Store, { tag, packed }: Lease): Promise<void> {
  await pushArtifact(store, packed);
  await store.tag(packed.manifest, tag);
}

/**
 * Takes a lease away again, which nobody but its holder knows of. @returns why the registry does
 * not let it go, where it does not
 */
export async function removeLease(
  store: Store,
  { tag, manifest }: Pick<Lease, "tag"> & { manifest: Manifest },
): Promise<ConsignError | undefined> {
  try {
    await store.deleteManifest(manifest.descriptor);
  } catch (error) {
    if (!isConsignError(error, "REGISTRY_UNSUPPORTED", "REGISTRY_DENIED")) throw error;
  }
  // Some registries go on answering to the tag of what is deleted.
  if ((await presenceOf(store, tag)).is === "gone") return undefined;
  try {
    await store.untag(tag);
    return undefined;
  } catch (error) {
    if (!isConsignError(error, "REGISTRY_UNSUPPORTED", "REGISTRY_DENIED")) throw error;
    return error;
  }
}

/** When leases at a place were first seen, by tag. */
export type Sightings = Record<string, string>;

export interface LeaseQuestion {
  own: ReadonlySet<string>;
  holder: string;
  before: Sightings;
  now: Date;
}

export interface LeaseView {
  /** Everything that a lease names which counts now, with the lease that does. */
  named: Map<Digest, string>;
  /** When each lease that is there was first seen. */
  sightings: Sightings;
  /** What a run of the same holder has left behind that was killed. */
  leftBehind: { tag: string; manifest: Manifest }[];
}

/**
 * What leases of others name, asked fresh. One that was seen a day ago counts no more.
 * @param own tags of leases that the caller has written now
 * @param holder by which its earlier ones are known
 * @param before when leases were first seen by earlier looks
 * @throws ConsignError where a lease that counts cannot be read
 */
export async function lookAtLeases(
  store: ReadStore,
  { own, holder, before, now }: LeaseQuestion,
): Promise<LeaseView> {
  const view: LeaseView = { named: new Map(), sightings: {}, leftBehind: [] };
  const tags = (await store.tags({ leases: true, fresh: true })).filter((tag) => !own.has(tag));
  if (tags.length > MAX_LEASES)
    throw new ConsignError(
      "GRAPH_TOO_LARGE",
      `${store.name} has more than ${MAX_LEASES} leases: remove tags that begin with consign-lease-`,
      { reference: store.name },
    );
  for (const tag of tags) {
    const seen = before[tag] ?? now.toISOString();
    view.sightings[tag] = seen;
    if (now.getTime() - Date.parse(seen) >= LEASE_LASTS_MS) continue;
    const manifest = await manifestIfThere(store, tag);
    if (manifest === undefined) continue;
    const { [HOLDER]: by, [RELIES_ON]: digests = "" } = manifest.value.annotations ?? {};
    if (by === holder) {
      view.leftBehind.push({ tag, manifest });
      delete view.sightings[tag];
      continue;
    }
    for (const digest of digests.split(" ")) if (isDigest(digest)) view.named.set(digest, tag);
  }
  return view;
}
