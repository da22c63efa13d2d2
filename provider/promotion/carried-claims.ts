// SPDX-License-Identifier: Apache-2.0
import { z } from "zod";
import { audienceOf, claimTypeOf, typeKey } from "../claims/index";
import type { ReadStore } from "../content/storage";
import { walk } from "../graph/index";
import { isSignature } from "../notation/index";
import type { Descriptor } from "../oci/descriptor";
import type { Digest } from "../oci/digest";
import { MEDIA_TYPES } from "../oci/media-types";

/** Which claims go along with an artifact that is promoted. */
export const carrySelectionSchema = z.strictObject({
  /** Only these types, short names or predicate type URIs. @default all but `deployment` */
  types: z.array(z.string().min(1).max(1024)).min(1).optional(),
  /** Not these. */
  excludeTypes: z.array(z.string().min(1).max(1024)).min(1).optional(),
  /** `public`: only what is explicitly public. @default "any" */
  audience: z.enum(["public", "any"]).optional(),
});
export type CarrySelection = z.infer<typeof carrySelectionSchema>;

const SIGNATURE = "signature";

/**
 * By digest, what of an artifact's referrers goes along, and what it is. Signatures go with what
 * they sign, and what refers to something that stays behind stays behind too. Claims about being in
 * use speak of one place and are closed there, so that copies of them would never end: they go only
 * where they are asked for.
 */
export async function carriedClaims(
  source: ReadStore,
  artifact: Descriptor,
  selection: CarrySelection,
): Promise<Record<Digest, string>> {
  const graph = await walk(source, artifact, {
    referrers: true,
    leafTypes: [MEDIA_TYPES.notarySignature],
  });
  const carried: [Digest, string][] = [];
  const chosen = new Set<Digest>([artifact.digest]);
  for (let level = [artifact.digest]; level.length > 0;) {
    const next: Digest[] = [];
    for (const digest of level) {
      const node = graph.nodes.get(digest);
      const referrers = (node?.referrers ?? []).filter((referrer) => takes(referrer, selection));
      carried.push(
        ...referrers.map((referrer): [Digest, string] => [referrer.digest, typeOf(referrer)]),
      );
      next.push(
        ...[...(node?.children ?? []), ...referrers.map((referrer) => referrer.digest)].filter(
          (each) => !chosen.has(each),
        ),
      );
      for (const each of next) chosen.add(each);
    }
    level = next;
  }
  return Object.fromEntries(carried.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function takes(referrer: Descriptor, { types, excludeTypes, audience }: CarrySelection): boolean {
  if (isSignature(referrer)) return true;
  const type = typeOf(referrer);
  const has = (list: readonly string[]) => list.some((each) => typeKey(each) === type);
  if (types === undefined ? type === "deployment" : !has(types)) return false;
  return !has(excludeTypes ?? []) && (audience !== "public" || audienceOf(referrer) === "public");
}

function typeOf(referrer: Descriptor): string {
  return isSignature(referrer)
    ? SIGNATURE
    : typeKey(claimTypeOf(referrer) ?? referrer.artifactType ?? "unknown");
}
