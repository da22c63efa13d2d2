// SPDX-License-Identifier: Apache-2.0
import { forEachBounded } from "../content/bounded";
import type { CallOptions, ReadStore } from "../content/storage";
import { isConsignError } from "../errors";
import type { Descriptor } from "../oci/descriptor";
import { successorsOf } from "../oci/manifest";

export const COMPLETE = "complete";

/**
 * Whether an artifact is as its digest says: its manifest is read, and what the manifest names is
 * looked for. `undefined` if the manifest is definitely gone; `complete`, or in one line what is
 * wrong.
 */
export async function contentStatus(
  store: ReadStore,
  descriptor: Descriptor,
  options: CallOptions = {},
): Promise<string | undefined> {
  try {
    const manifest = await store.manifest(descriptor, options);
    const absent: string[] = [];
    await forEachBounded(successorsOf(manifest), 8, async (successor) => {
      if (successor.urls === undefined && !(await store.has(successor, options)))
        absent.push(successor.digest);
    });
    return absent.length === 0
      ? COMPLETE
      : `damaged: ${absent.sort().slice(0, 3).join(", ")}${absent.length > 3 ? " and others" : ""} is missing [BLOB_UNKNOWN]`;
  } catch (error) {
    if (isConsignError(error, "MANIFEST_UNKNOWN")) return undefined;
    if (
      isConsignError(
        error,
        "DIGEST_MISMATCH",
        "SIZE_MISMATCH",
        "MANIFEST_INVALID",
        "MANIFEST_TOO_LARGE",
      )
    )
      return `altered: ${error.message} [${error.code}]`;
    throw error;
  }
}
