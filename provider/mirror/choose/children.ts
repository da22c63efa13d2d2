// SPDX-License-Identifier: Apache-2.0
import type { ReadStore } from "../../content/storage";
import { ConsignError, isConsignError } from "../../errors";
import type { Descriptor } from "../../oci/descriptor";
import type { Digest } from "../../oci/digest";
import type { Manifest } from "../../oci/manifest";
import { isIndexType, isManifestType } from "../../oci/media-types";
import type { FullPlan } from "../../upcoming/plan";
import { childFilter, platformOf, type Platforms, type TakesChild } from "./platforms";

const MAX_DEPTH = 32;

/**
 * Which children a planned index goes along with: all of them, or those for the platforms that the
 * plan names.
 */
export function takesOf(
  root: Digest,
  platforms: readonly string[] | undefined,
  without: readonly Digest[] = [],
): TakesChild {
  const takes: TakesChild =
    platforms === undefined
      ? () => true
      : childFilter({ only: [...platforms], index: "sparse" }, (digest) => digest === root);
  return without.length === 0 ? takes : leavingOut(new Set(without), takes);
}

/** The same, and never these. */
export function leavingOut(left: ReadonlySet<Digest>, takes: TakesChild): TakesChild {
  return (child, index) => !left.has(child.digest) && takes(child, index);
}

/**
 * The same for all of a plan: where it says nothing of an index, as in plans from before that was
 * recorded, the mirror's contract counts.
 */
export function takesAsPlanned(plan: FullPlan, contract: Platforms | undefined): TakesChild {
  const known = new Map<Digest, TakesChild>();
  // What is derived, or stays as it was before that was asked for, is complete.
  const contractual =
    contract?.index === "sparse"
      ? childFilter(contract, (digest) => plan.artifacts[digest] !== undefined)
      : () => true;
  return (child, index) => {
    const { digest } = index.descriptor;
    const { platforms, without = [] } = plan.artifacts[digest] ?? {};
    const takes =
      known.get(digest) ??
      (platforms === undefined
        ? leavingOut(new Set(without), contractual)
        : takesOf(digest, platforms, without));
    known.set(digest, takes);
    return takes(child, index);
  };
}

/**
 * Everything below an index that goes along, indexes inside it and what is in those included, each
 * once. One that cannot be read is named, and nothing below it.
 */
export async function takenBelow(
  store: ReadStore,
  index: Manifest,
  takes: TakesChild,
): Promise<Descriptor[]> {
  const found = new Map<Digest, Descriptor>();
  const look = async (manifest: Manifest, depth: number): Promise<void> => {
    const children = manifest.kind === "index" ? manifest.value.manifests : [];
    for (const child of children) {
      if (!isManifestType(child.mediaType) || found.has(child.digest) || !takes(child, manifest))
        continue;
      found.set(child.digest, child);
      const nested =
        isIndexType(child.mediaType) && depth < MAX_DEPTH
          ? await manifestIfPresent(store, child)
          : undefined;
      if (nested !== undefined) await look(nested, depth + 1);
    }
  };
  await look(index, 0);
  return [...found.values()];
}

export async function manifestIfPresent(
  store: ReadStore,
  target: Descriptor | string,
): Promise<Manifest | undefined> {
  try {
    return await store.manifest(target);
  } catch (error) {
    if (isConsignError(error, "MANIFEST_UNKNOWN")) return undefined;
    throw error;
  }
}

/**
 * A source may be a sparse mirror itself. @returns what to tell the user where an index lacks
 * something that is to go along; undefined if it does not
 */
export async function lacksPart(
  source: ReadStore,
  root: Descriptor,
  takes: TakesChild,
  platforms: Platforms | undefined,
): Promise<ConsignError | undefined> {
  const index = isIndexType(root.mediaType) ? await manifestIfPresent(source, root) : undefined;
  if (index === undefined) return undefined;
  const reference = `${source.name}@${root.digest}`;
  for (const part of await takenBelow(source, index, takes)) {
    if (await source.has(part)) continue;
    const held = await platformsHeld(source, await takenBelow(source, index, () => true));
    const narrower =
      held.length === 0
        ? ""
        : `set \`platforms\` to no more than it holds, which is ${held.join(", ")}, or `;
    const advice = `: ${narrower}set \`absent\` to "skip" to take it as it is`;
    const text = `${reference} is there only in part, without ${part.digest}${platformOf(part) === undefined ? "" : ` for ${platformOf(part)}`}${advice}`;
    return new ConsignError("MANIFEST_UNKNOWN", text, {
      path: platforms === undefined ? "platforms" : "platforms.only",
      reference,
      side: "source",
    });
  }
  return undefined;
}

async function platformsHeld(source: ReadStore, parts: readonly Descriptor[]): Promise<string[]> {
  const held = new Set<string>();
  for (const part of parts) {
    const platform = platformOf(part);
    if (platform !== undefined && (await source.has(part))) held.add(platform);
  }
  return [...held].sort();
}
