// SPDX-License-Identifier: Apache-2.0
import type { Store } from "../content/storage";
import type { Descriptor } from "../oci/descriptor";
import { isDigest, type Digest } from "../oci/digest";
import type { Location } from "../oci/reference";
import type { ResourceContext } from "../world/context";
import { holdingsOf } from "../world/holdings";
import { untold, unsupported, type LeavingManifest } from "./leaving";
import { warnOfUnmarked, type Made } from "./made";
import { removeManifests, removeStaleTags, removeTags } from "./remove";

export type OnDelete = "retain" | "untag" | "purge";

export interface TakenAway {
  store: Store;
  location: Location;
  target: Descriptor;
  /** By tag, where the resource had pointed it. Pointing elsewhere it is somebody else's. */
  tags: Readonly<Record<string, readonly string[]>>;
  /** Of the artifact and of what refers to it, what the resource has made. */
  made: Made;
  /** Of what was made, what belongs to this artifact, with what it refers to. */
  related: ReadonlyMap<Digest, LeavingManifest>;
}

/**
 * Takes an artifact away as `onDelete` says. Its own tags go first. With `purge` the artifact goes
 * too, if this resource made it and nobody needs it; else it stays as it is, with a warning.
 * @returns whether the artifact has gone
 * @throws ConsignError what leaves it unknown whether somebody needs it; `REGISTRY_UNSUPPORTED`
 */
export async function takeAway(
  leaving: TakenAway,
  onDelete: OnDelete,
  context: ResourceContext,
): Promise<boolean> {
  if (onDelete === "retain") return false;
  const { store, location, target, tags, made, related } = leaving;
  const held = holdingsOf(context);
  const { stuck, refusal } = await removeTags(store, new Map(Object.entries(tags)), (tag) =>
    held.hasTag(location, tag),
  );
  if (onDelete === "untag") {
    if (refusal !== undefined) throw refusal;
    return false;
  }
  if (await held.has(location, target.digest)) return false;
  const manifests = new Map<Digest, LeavingManifest>(related);
  if (made.has(target.digest)) manifests.set(target.digest, {});
  const result = await removeManifests(
    {
      store,
      manifests,
      isOwnTag: (tag, digest) => stuck.get(tag) === digest,
      holds: async (digest) =>
        (await held.has(location, digest)) ? "another resource of this program has it" : undefined,
    },
    context,
  );
  const failure = untold(result) ?? unsupported(result);
  if (failure !== undefined) throw failure;
  await removeStaleTags(store, [...stuck.keys()], result.removed);
  const what = `${store.name}@${target.digest}`;
  if (!made.has(target.digest)) {
    warnOfUnmarked(made, what, context);
    return false;
  }
  const kept = result.kept.find(({ digest }) => digest === target.digest);
  if (kept !== undefined)
    context.warn(
      `${what} is not purged, as ${kept.reason}${stuck.size === 0 ? "" : `; ${[...stuck.keys()].join(", ")} stays too, as this registry does not remove a tag alone`}`,
    );
  return kept === undefined;
}

/** Signatures on an artifact go with it, or not at all: what stays, stays signed. */
export function ownSignaturesOn(target: Digest, made: Made): Map<Digest, LeavingManifest> {
  return new Map(
    made
      .record()
      .filter((digest): digest is Digest => isDigest(digest) && digest !== target)
      .map((digest) => [digest, { subject: target, with: target }]),
  );
}
