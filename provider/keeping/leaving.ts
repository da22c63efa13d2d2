// SPDX-License-Identifier: Apache-2.0
import type { ReadStore, Store } from "../content/storage";
import type { ConsignError } from "../errors";
import type { Descriptor } from "../oci/descriptor";
import type { Digest } from "../oci/digest";
import type { Manifest } from "../oci/manifest";

/** A manifest that is to go. */
export interface LeavingManifest {
  /** What it refers to, as it is recorded. Else it may refer only to what goes with it. */
  subject?: Digest | undefined;
  /** It is named by an index that is recorded: so is, by its digest, what it refers to. */
  isPart?: boolean | undefined;
  /** It goes only if this one goes too, or is gone: a signature with what it signs. */
  with?: Digest | undefined;
}

/**
 * Says who relies on a digest at a place for a while, whatever else is there.
 * @returns by digest, the lease that names it; asked fresh each time
 */
export type Leases = (store: ReadStore) => Promise<ReadonlyMap<Digest, string>>;

/** Whether a child of an index counts as held by it. */
export type Counts = (child: Descriptor, index: Manifest) => boolean;

/** `isLeaf`: it is known not to be an index, and need not be read. */
export type Staying = Digest | { digest: Digest; isLeaf: boolean };

/** What is to leave a place, and what tells it from what stays there. */
export interface Leaving {
  store: Store;
  /** What is recorded as made by who takes it away (or marked by an earlier run of its archive). */
  manifests: ReadonlyMap<Digest, LeavingManifest>;
  /** Whether a tag that leads to one of these is of who takes it away. */
  isOwnTag: (tag: string, digest: Digest) => boolean;
  /** Content that stays although no tag may lead to it: recorded elsewhere, or planned. */
  staying?: Iterable<Staying> | undefined;
  /** Why somebody else of this run needs a digest. */
  holds?: ((digest: Digest) => Promise<string | undefined>) | undefined;
  leases?: Leases | undefined;
  /**
   * Which children count below a tag, or below what stays: who put an index somewhere knows what it
   * lacks there. @default all
   */
  countsBelow?: ((root: { tag?: string; digest: Digest }) => Counts | undefined) | undefined;
  /** What a tag stands for beside what it leads to. */
  alsoHeldBy?: ((tag: string) => Digest | undefined) | undefined;
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
