// SPDX-License-Identifier: Apache-2.0
import { reachOf, tagsNow, type Root } from "../keeping/reach";
import type { Digest } from "../oci/digest";
import { isIndexType } from "../oci/media-types";
import { archiveTag } from "./record";
import type { ArchiveTask, Decided } from "./task";

/**
 * What tags and records lead to beside what is going, each with what does. @throws ConsignError where
 * something cannot be read, which may contain anything
 */
export async function neededElsewhere(
  { archive, entries }: ArchiveTask,
  going: Pick<ReadonlySet<Digest>, "has">,
): Promise<ReadonlyMap<Digest, string>> {
  const { tags, unread } = await tagsNow(archive);
  const roots: Root[] = [];
  for (const [tag, { digest, mediaType }] of tags)
    if (!going.has(digest) || tag !== archiveTag(digest))
      roots.push({ digest, by: `tag ${tag}`, isLeaf: !isIndexType(mediaType) });
  for (const [digest, { inArchive, mediaType }] of Object.entries(entries) as Decided[])
    if (inArchive === true && !going.has(digest) && isIndexType(mediaType))
      roots.push({ digest, by: "a record" });
  const reach = await reachOf(archive, roots);
  const [first] = [...unread, ...reach.unread];
  if (first !== undefined) throw first.cause;
  return reach.manifests;
}
