// SPDX-License-Identifier: Apache-2.0
import { ConsignError } from "../errors";
import type { Descriptor } from "../oci/descriptor";
import type { Digest } from "../oci/digest";
import { successorsOf, type Manifest } from "../oci/manifest";
import { isManifestType } from "../oci/media-types";
import { forEachBounded } from "./bounded";
import type { CopySession } from "./copy-session";
import { presenceOf } from "./presence";

/**
 * Asks the destination, fresh, for every blob of what was copied or found there: that an upload was
 * answered proves nothing, nor does a manifest that is there. What is missing is sent once more.
 * @throws ConsignError `READ_BACK_FAILED`, or what leaves it unknown
 */
export async function proveBlobs(
  session: CopySession,
  manifests: readonly Manifest[],
): Promise<void> {
  const blobs = new Map<Digest, Descriptor>();
  for (const manifest of manifests)
    for (const part of successorsOf(manifest))
      if (!isManifestType(part.mediaType) && part["urls"] === undefined)
        blobs.set(part.digest, part);
  await forEachBounded(blobs.values(), session.concurrency, async (blob) => {
    if (await isThere(session, blob)) return;
    await session.sendAgain(blob);
    if (await isThere(session, blob)) return;
    const { name } = session.destination;
    throw new ConsignError(
      "READ_BACK_FAILED",
      `${name} took ${blob.digest} and does not show it afterwards: no tag was set; run again, or look at the registry`,
      { side: "destination", reference: `${name}@${blob.digest}` },
    );
  });
}

async function isThere(session: CopySession, blob: Descriptor): Promise<boolean> {
  if (session.proven.has(blob.digest)) return true;
  const presence = await session.io("destination", blob, () =>
    presenceOf(session.destination, blob),
  );
  if (presence.is === "unknown") throw presence.why;
  if (presence.is === "there") session.proven.add(blob.digest);
  return presence.is === "there";
}
