// SPDX-License-Identifier: Apache-2.0
import type { CallOptions, ReadStore, Store } from "../content/storage";
import { ConsignError, isConsignError } from "../errors";
import type { Descriptor } from "../oci/descriptor";
import type { Digest } from "../oci/digest";

/** How drift shows a tag that is not there. */
export const ABSENT = "absent";

/**
 * Refuses to move a tag that is not where the state has it: somebody moved it, and no preview has
 * shown that. What a refresh has shown may be moved back, and what is gone made again, as nothing
 * of anybody's is lost by that.
 * @param seen where each tag was when it was last set, or last looked at
 * @throws ConsignError `TAG_MOVED`
 */
export async function requireUnmoved(
  store: ReadStore,
  target: Digest,
  tags: readonly string[],
  seen: Record<string, string>,
): Promise<void> {
  for (const tag of tags) {
    const expected = seen[tag];
    if (expected === undefined) continue;
    const now = await tagDigest(store, tag);
    if (now === undefined || now === target || now === expected) continue;
    throw new ConsignError(
      "TAG_MOVED",
      `tag ${tag} is at ${now}, and was last seen ${expected === ABSENT ? "absent" : `at ${expected}`}: somebody else moved it; refresh first, to see it, and run again`,
      { path: "tags", reference: `${store.name}:${tag}` },
    );
  }
}

/**
 * Points a tag at an artifact unless it is there; from where it was last seen, and not from where
 * somebody puts it at this moment.
 * @returns whether it was set, and not found there
 */
export async function pointTag(
  store: Store,
  target: Descriptor,
  tag: string,
  seen: string | undefined,
): Promise<boolean> {
  const now = await tagDigest(store, tag);
  if (now === target.digest) return false;
  const manifest = await store.manifest(target);
  if (seen !== undefined) await requireUnmoved(store, target.digest, [tag], { [tag]: seen });
  await store.tag(manifest, tag, seen === undefined ? {} : { expected: now });
  return true;
}

/** Where each tag points now: a digest, or {@link ABSENT}. */
export async function observedTags(
  store: ReadStore,
  tags: readonly string[],
): Promise<Record<string, string>> {
  const entries = await Promise.all(
    tags.map(async (tag) => [tag, (await tagDigest(store, tag)) ?? ABSENT] as const),
  );
  return Object.fromEntries(entries);
}

export async function tagDigest(
  store: ReadStore,
  tag: string,
  options: CallOptions = {},
): Promise<Digest | undefined> {
  try {
    return (await store.resolve(tag, options)).digest;
  } catch (error) {
    if (isConsignError(error, "MANIFEST_UNKNOWN")) return undefined;
    throw error;
  }
}
