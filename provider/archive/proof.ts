// SPDX-License-Identifier: Apache-2.0
import { missingFrom } from "../content/missing";
import type { ReadStore } from "../content/storage";
import { ConsignError, isConsignError } from "../errors";
import { walk, type Graph } from "../graph/index";
import { openTrust } from "../judging/judgement";
import { verifyArtifact } from "../notation/index";
import type { Descriptor } from "../oci/descriptor";
import type { Digest } from "../oci/digest";
import type { ResourceContext } from "../world/context";
import type { ArchiveInputs } from "./arguments";

export interface Proven {
  archive: ReadStore;
  root: Descriptor;
  /** What the archive has to have of it. @default what it lists itself */
  wanted?: Iterable<Digest> | undefined;
  /** Artifact types whose own referrers are not looked for. */
  leafTypes?: readonly string[] | undefined;
}

/**
 * Asks the archive, and no memory of ours, for everything that belongs to an artifact: each
 * manifest is read again, and each blob is there.
 * @throws ConsignError `READ_BACK_FAILED`
 */
export async function proveComplete({
  archive,
  root,
  wanted = [],
  leafTypes = [],
}: Proven): Promise<Graph> {
  const lacks = (digest: Digest): ConsignError =>
    new ConsignError(
      "READ_BACK_FAILED",
      `the archive ${archive.name} does not show ${digest}, which belongs to ${root.digest}`,
      { side: "archive", reference: `${archive.name}@${root.digest}` },
    );
  let graph: Graph;
  try {
    graph = await walk(archive, root, { leafTypes, fresh: true });
  } catch (error) {
    throw isConsignError(error, "MANIFEST_UNKNOWN") ? error.within({ side: "archive" }) : error;
  }
  for (const digest of wanted) if (!graph.nodes.has(digest)) throw lacks(digest);
  const manifests = [...graph.nodes.values()].map(({ manifest }) => manifest);
  const [first] = await missingFrom(archive, manifests, {
    mayLack: (part) => part["urls"] !== undefined,
  });
  if (first?.presence.is === "unknown") throw first.presence.why;
  if (first !== undefined) throw lacks(first.descriptor.digest);
  return graph;
}

/** @returns why the artifact does not verify in the archive; undefined if it does */
export async function unverifiedIn(
  archive: ReadStore,
  root: Descriptor,
  { trust }: Pick<ArchiveInputs, "trust">,
  context: ResourceContext,
): Promise<string | undefined> {
  const verdict = await verifyArtifact(
    archive,
    root,
    await openTrust(trust, archive.name, context),
    {
      now: context.now(),
      baseDir: context.baseDir,
      scope: archive.name,
      revocation: context.revocation,
    },
  );
  return verdict.outcome === "verified"
    ? undefined
    : `its signature does not verify in the archive: ${verdict.outcome}: ${verdict.reason ?? ""} [${verdict.code ?? "SIGNATURE_INVALID"}]`;
}
