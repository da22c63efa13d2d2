// SPDX-License-Identifier: Apache-2.0
import { isConsignError } from "../errors";
import type { Descriptor } from "../oci/descriptor";
import { successorsOf, type Manifest } from "../oci/manifest";
import { isManifestType, MEDIA_TYPES } from "../oci/media-types";
import { at } from "./copy-graph";
import type { CallOptions, ReadStore } from "./storage";

export interface TraceOptions extends CallOptions {
  takesChild?: ((child: Descriptor, index: Manifest) => boolean) | undefined;
}

const DEEPEST = 4;

/**
 * Whether an earlier copy of these manifests, in this order, was begun: a copy that was killed left
 * what it wrote first, and no tag. One blob tells, as a manifest is never there without its blobs;
 * the manifests are read, which copying them takes anyway.
 */
export async function wasBegun(
  source: ReadStore,
  destination: ReadStore,
  targets: readonly Descriptor[],
  options: TraceOptions = {},
): Promise<boolean> {
  const call: CallOptions = { signal: options.signal };
  const found = await Promise.all(
    targets.map(async (target) => {
      const first = await firstWritten(source, target, options, 0);
      return (
        first !== undefined &&
        (await at("destination", destination, first, () => destination.has(first, call)))
      );
    }),
  );
  return found.includes(true);
}

/**
 * The first thing of a manifest's graph that a copy writes and nothing else is likely to have: not
 * the empty config that many share.
 */
async function firstWritten(
  source: ReadStore,
  target: Descriptor,
  options: TraceOptions,
  depth: number,
): Promise<Descriptor | undefined> {
  const { takesChild = () => true, signal } = options;
  try {
    const manifest = await at("source", source, target, () => source.manifest(target, { signal }));
    const parts = successorsOf(manifest).filter(
      (part) =>
        part.mediaType !== MEDIA_TYPES.empty &&
        (!isManifestType(part.mediaType) || takesChild(part, manifest)),
    );
    const [part] = parts;
    if (part === undefined || depth === DEEPEST) return target;
    return isManifestType(part.mediaType)
      ? await firstWritten(source, part, options, depth + 1)
      : part;
  } catch (error) {
    // What the source has lost is told where it is to be copied.
    if (isConsignError(error, "MANIFEST_UNKNOWN")) return undefined;
    throw error;
  }
}
