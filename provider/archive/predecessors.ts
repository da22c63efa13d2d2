// SPDX-License-Identifier: Apache-2.0
import { claimTypeOf, observeClaim, typeKey } from "../claims/index";
import type { ReadStore } from "../content/storage";
import { recordSchema } from "../deployments/record";
import type { Digest } from "../oci/digest";

/** Artifacts that one policy looks after. */
export const MAX_ARTIFACTS = 100_000;

/**
 * Where the records of promotions lead. They are not verified for this: each artifact is judged by
 * its own claims.
 */
export async function predecessorsOf(store: ReadStore, digest: Digest): Promise<Digest[]> {
  const found: Digest[] = [];
  for (const descriptor of (await store.referrers(digest)).filter(
    (each) => typeKey(claimTypeOf(each) ?? "") === "vsa",
  )) {
    const claim = await observeClaim(store, descriptor, { subject: digest });
    const record = "broken" in claim ? undefined : recordSchema.safeParse(claim.predicate).data;
    const before = record?.lineage.previous?.digest ?? record?.lineage.replaced;
    if (before !== undefined) found.push(before, ...(await chain(store, before)));
  }
  return found;
}

/** Further back, over artifacts that have no tag any more. */
async function chain(store: ReadStore, from: Digest): Promise<Digest[]> {
  const found = new Set<Digest>([from]);
  for (let level = [from]; level.length > 0 && found.size < MAX_ARTIFACTS;) {
    const next: Digest[] = [];
    for (const digest of level) {
      for (const descriptor of (await store.referrers(digest)).filter(
        (each) => typeKey(claimTypeOf(each) ?? "") === "vsa",
      )) {
        const claim = await observeClaim(store, descriptor, { subject: digest });
        const record = "broken" in claim ? undefined : recordSchema.safeParse(claim.predicate).data;
        for (const before of [record?.lineage.previous?.digest, record?.lineage.replaced]) {
          if (before === undefined || found.has(before)) continue;
          found.add(before);
          next.push(before);
        }
      }
    }
    level = next;
  }
  return [...found];
}
