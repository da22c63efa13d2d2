// SPDX-License-Identifier: Apache-2.0
import type { Descriptor } from "../oci/descriptor";
import { isIndexType, isManifestType } from "../oci/media-types";
import { forEachBounded } from "./bounded";
import { presenceOf } from "./presence";
import type { ReadStore } from "./storage";

/** What of an index is not there. */
export interface AbsentMembers {
  /** Those that were looked at and are gone. */
  gone: Descriptor[];
  /** Whether that is all of them, so that there is nothing to use. */
  all: boolean;
}

const AT_ONCE = 8;

/**
 * Looks for an index's manifests until one of them is there; in a sparse mirror others are not. What
 * builders put beside the images is none of them.
 * @throws ConsignError what the store throws, and where it cannot be told whether one is there
 */
export async function absentMembers(
  store: ReadStore,
  artifact: Descriptor,
): Promise<AbsentMembers> {
  if (!isIndexType(artifact.mediaType)) return { gone: [], all: false };
  const manifest = await store.manifest(artifact.digest);
  const members = manifest.kind === "index" ? manifest.value.manifests.filter(isMember) : [];
  const gone: Descriptor[] = [];
  for (const looked of [members.slice(0, 1), members.slice(1)]) {
    let found = false;
    await forEachBounded(looked, AT_ONCE, async (member) => {
      if (found) return;
      const presence = await presenceOf(store, member);
      if (presence.is === "unknown") throw presence.why;
      if (presence.is === "there") found = true;
      else gone.push(member);
    });
    if (found) return { gone, all: false };
  }
  return { gone, all: members.length > 0 };
}

function isMember({ mediaType, annotations }: Descriptor): boolean {
  return (
    isManifestType(mediaType) &&
    annotations?.["vnd.docker.reference.type"] !== "attestation-manifest"
  );
}
