// SPDX-License-Identifier: Apache-2.0
import type { ReadStore, Store } from "../content/storage";
import { isConsignError } from "../errors";
import type { Descriptor } from "../oci/descriptor";

/** How drift shows a tag that is not there. */
export const ABSENT = "absent";

/**
 * Points each tag at the artifact, and takes away the tags that this resource had set before and no longer wants, unless somebody has
 * moved them since.
 */
export async function tagAll(store: Store, target: Descriptor, tags: readonly string[], previous: Record<string, string>): Promise<void> {
  const manifest = await store.manifest(target);
  for (const tag of tags) {
    if ((await tagDigest(store, tag)) !== target.digest) await store.tag(manifest, tag);
  }
  for (const [tag, digest] of Object.entries(previous)) {
    if (!tags.includes(tag) && (await tagDigest(store, tag)) === digest) await store.untag(tag);
  }
}

/** Where each tag points now: a digest, or {@link ABSENT}. */
export async function observedTags(store: ReadStore, tags: readonly string[]): Promise<Record<string, string>> {
  const entries = await Promise.all(tags.map(async (tag) => [tag, (await tagDigest(store, tag)) ?? ABSENT] as const));
  return Object.fromEntries(entries);
}

export async function tagDigest(store: ReadStore, tag: string): Promise<string | undefined> {
  try {
    return (await store.resolve(tag)).digest;
  } catch (error) {
    if (isConsignError(error, "MANIFEST_UNKNOWN")) return undefined;
    throw error;
  }
}
