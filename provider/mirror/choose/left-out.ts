// SPDX-License-Identifier: Apache-2.0
import { forEachBounded } from "../../content/bounded";
import { isAttestation } from "../../oci/attestation";
import type { Descriptor } from "../../oci/descriptor";
import type { Digest } from "../../oci/digest";
import { isIndexType } from "../../oci/media-types";
import { takenBelow } from "./children";
import type { SourceView } from "./source-view";

const AT_ONCE = 16;

export interface LeavingOut {
  attestations: "include" | "exclude";
  absent: "fail" | "skip";
}

/**
 * Parts of an index that stay behind although the platforms take them: evidence that buildkit has
 * put into it, and what nobody has, as after a garbage collection or behind a sparse mirror. The
 * view takes note of them.
 * @see https://docs.docker.com/build/metadata/attestations/attestation-storage/
 * @returns by digest, why
 */
export async function partsLeftOut(
  view: SourceView,
  root: Descriptor,
  { attestations, absent }: LeavingOut,
): Promise<Map<Digest, string>> {
  const left = new Map<Digest, string>();
  if (!isIndexType(root.mediaType) || (attestations === "include" && absent === "fail"))
    return left;
  const index = await view.manifest(root.digest);
  if (index === undefined) return left;
  const parts = await takenBelow(view.source, index, view.takesChild);
  await forEachBounded(parts, AT_ONCE, async (part) => {
    if (attestations === "exclude" && isAttestation(part))
      left.set(part.digest, "it is an attestation");
    else if (absent === "skip" && !(await isThere(view, part)))
      left.set(part.digest, "the source does not have it");
  });
  for (const digest of left.keys()) view.leftOut.add(digest);
  return left;
}

/** Asked twice, the second time fresh: what is left out is not looked for again. */
async function isThere({ source }: SourceView, part: Descriptor): Promise<boolean> {
  return (await source.has(part)) || source.has(part, { fresh: true });
}
