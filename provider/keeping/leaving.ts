// SPDX-License-Identifier: Apache-2.0
import type { ReadStore, Store } from "../content/storage";
import type { ConsignError } from "../errors";
import type { Digest } from "../oci/digest";

/** A manifest that is to go. */
export interface LeavingManifest {
  /** What it refers to, as it is recorded. Else it may refer only to what goes with it. */
  subject?: Digest | undefined;
  /** It goes only if this one goes too, or is gone: a signature with what it signs. */
  with?: Digest | undefined;
}

/**
 * Says who relies on a digest at a place for a while, whatever else is there.
 * @returns by digest, the lease that names it; asked fresh each time
 */
export type Leases = (store: ReadStore) => Promise<ReadonlyMap<Digest, string>>;

/** What is to leave a place, and what tells it from what stays there. */
export interface Leaving {
  store: Store;
  /** What is recorded as made by who takes it away (or marked by an earlier run of its archive). */
  manifests: ReadonlyMap<Digest, LeavingManifest>;
  /** Whether a tag that leads to one of these is of who takes it away. */
  isOwnTag: (tag: string, digest: Digest) => boolean;
  /** Content that stays although no tag may lead to it: recorded elsewhere, or planned. */
  staying?: Iterable<Digest> | undefined;
  /** Why somebody else of this run needs a digest. */
  holds?: ((digest: Digest) => Promise<string | undefined>) | undefined;
  leases?: Leases | undefined;
  /**
   * `parts first`: the root goes after its parts, so that a removal that is cut short is found
   * again from it. @default "whole first"
   */
  order?: "whole first" | "parts first" | undefined;
}

/** Something that stays. */
export interface Kept {
  digest: Digest;
  reason: string;
  /** Why it cannot be told whether it is needed, or why the registry does not remove it. */
  cause?: ConsignError | undefined;
}

export interface Removed {
  removed: Digest[];
  /** It was not there: looked for twice, fresh. */
  gone: Digest[];
  kept: Kept[];
}

/** The first of what was kept because it could not be told whether it is needed. */
export function untold({ kept }: Removed): ConsignError | undefined {
  return kept.find(({ cause }) => cause !== undefined && cause.code !== "REGISTRY_UNSUPPORTED")
    ?.cause;
}

/** Why the registry removes nothing, if it does not. */
export function unsupported({ kept }: Removed): ConsignError | undefined {
  return kept.find(({ cause }) => cause?.code === "REGISTRY_UNSUPPORTED")?.cause;
}
