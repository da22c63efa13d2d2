// SPDX-License-Identifier: Apache-2.0
import { copy } from "../content/copy";
import { MEDIA_TYPES } from "../oci/media-types";
import { attachRecord } from "../signing/record-signing";
import type { ResourceContext } from "../world/context";
import { descriptorOf } from "./places";
import { proveComplete, unverifiedIn } from "./proof";
import { ARCHIVED, archiveTag, packArchived } from "./record";
import type { ArchiveTask, Decided } from "./task";
import { keptUntil, preserveSignatures } from "./timestamps";
import { removeUnsigned } from "./unsigned-records";

const LEAVES = { leafTypes: [MEDIA_TYPES.notarySignature] };

/** Brings an artifact to the archive, proves that all of it is there, and records that. */
export async function archiveOne(
  task: ArchiveTask,
  [digest, entry]: Decided,
  context: ResourceContext,
): Promise<string[]> {
  const { archive, inputs, rules, asOf } = task;
  const root = descriptorOf(digest, entry);
  for (const location of entry.at) {
    const report = await copy(await context.stores.open(location), archive, root, {
      ...LEAVES,
      deep: true,
    });
    if (report.manifests > 0)
      context.progress(
        `${inputs.archive}@${digest}: ${report.manifests} manifests, ${report.blobs} blobs, ${report.bytes} bytes ${entry.archivedAt === undefined ? "archived" : "restored"} from ${location}`,
      );
  }
  const graph = await proveComplete({ archive, root, ...LEAVES });
  const unverified = await unverifiedIn(archive, root, inputs, context);
  const until = keptUntil(entry, rules, asOf);
  const ending = await preserveSignatures(archive, graph, until, inputs.timestamp, context);
  await removeUnsigned(task, digest, ARCHIVED, context);
  await attachRecord(task.signing, packArchived(root, entry, rules, asOf, inputs.policy), context);
  await archive.tag(await archive.manifest(root), archiveTag(digest));
  return [...(unverified === undefined ? [] : [unverified]), ...ending];
}
