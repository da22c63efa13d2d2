// SPDX-License-Identifier: Apache-2.0
import { asConsignError } from "../errors";
import type { Descriptor } from "../oci/descriptor";
import { CopyBatch } from "./copy-batch";
import type { CopyAllOptions, CopyItem, CopyOptions, CopyReport } from "./copy-options";
import { CopySession } from "./copy-session";
import type { ReadStore, Store } from "./storage";

export type {
  CopyAllOptions,
  CopyItem,
  CopyOptions,
  CopyProgress,
  CopyReport,
  SendBlob,
  TagMove,
} from "./copy-options";
export { wasBegun } from "./copy-traces";

/**
 * Copies a manifest with everything in it and everything that refers to it, at any depth. Bytes
 * stay as they are, and each digest moves once. Blobs stream. Order: blobs, children, the root by
 * digest, the deepest referrers first, all of it read back, tags last: whoever resolves the tag
 * finds every claim, and whoever finds a claim finds its signature. A copy that fails leaves what
 * it wrote for the next one to go on with.
 * @throws ConsignError the code of what failed, with `side` telling where; `GRAPH_TOO_DEEP`,
 * `GRAPH_TOO_LARGE`, `READ_BACK_FAILED`, `TAG_MOVED`, `COPY_FAILED`
 */
export async function copy(
  source: ReadStore,
  destination: Store,
  root: Descriptor,
  options: CopyOptions = {},
): Promise<CopyReport> {
  const { tags, ...common } = options;
  return copyAll(source, destination, [{ root, tags }], common);
}

/**
 * Copies several artifacts, as {@link copy} does one: what they share moves once, and no tag of a
 * batch is set before all of the batch is there, so a registry that loses writes which come at once
 * is caught before anybody can see it.
 */
export async function copyAll(
  source: ReadStore,
  destination: Store,
  items: readonly CopyItem[],
  options: CopyAllOptions = {},
): Promise<CopyReport> {
  const session = new CopySession(source, destination, options);
  const size = Math.max(1, options.batch ?? 64);
  for (let start = 0; start < items.length; start += size) {
    const batch = items.slice(start, start + size);
    try {
      await new CopyBatch(session).run(batch);
    } catch (error) {
      throw asConsignError(error, "COPY_FAILED", {
        reference: `${source.name}@${batch[0]?.root.digest}`,
      });
    }
  }
  return session.report;
}
