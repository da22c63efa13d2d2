// SPDX-License-Identifier: Apache-2.0
import type { Digest } from "../oci/digest";
import { successorsOf, type Manifest } from "../oci/manifest";
import type { Leaving } from "./leaving";

/** In which order some manifests go, and which of them are parts of others. */
export interface RemovalOrder {
  list: readonly Digest[];
  parts: ReadonlySet<Digest>;
}

/**
 * What refers to something goes before that, so that nothing is left pointing at nothing; an index
 * before its parts, or after them.
 */
export function removalOrder(
  free: ReadonlyMap<Digest, Manifest>,
  order: Leaving["order"],
): RemovalOrder {
  const earlier = new Map<Digest, Digest[]>();
  const parts = new Set<Digest>();
  const goesBefore = (first: Digest, then: Digest): void => {
    if (first === then || !free.has(first) || !free.has(then)) return;
    const listed = earlier.get(then);
    if (listed === undefined) earlier.set(then, [first]);
    else listed.push(first);
  };
  for (const [digest, manifest] of free) {
    const subject = manifest.value.subject?.digest;
    if (subject !== undefined) goesBefore(digest, subject);
    for (const { digest: part } of manifest.kind === "index" ? successorsOf(manifest) : []) {
      parts.add(part);
      if (order === "parts first") goesBefore(part, digest);
      else goesBefore(digest, part);
    }
  }
  return { list: inOrder([...free.keys()].sort(), earlier), parts };
}

function inOrder(all: readonly Digest[], earlier: ReadonlyMap<Digest, Digest[]>): Digest[] {
  const begun = new Set<Digest>();
  const list: Digest[] = [];
  const visit = (digest: Digest): void => {
    if (begun.has(digest)) return;
    begun.add(digest);
    for (const first of earlier.get(digest) ?? []) visit(first);
    list.push(digest);
  };
  for (const digest of all) visit(digest);
  return list;
}
