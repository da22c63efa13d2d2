// SPDX-License-Identifier: Apache-2.0
import { isClaim } from "../../claims/recognise";
import { claimTypeOf, typeKey } from "../../claims";
import { forEachBounded, groupedBy } from "../../content/bounded";
import { manifestIfThere } from "../../content/presence";
import type { ReadStore } from "../../content/storage";
import { asConsignError, isConsignError, type ErrorCode } from "../../errors";
import { isSignature } from "../../notation";
import type { Descriptor } from "../../oci/descriptor";
import type { Digest } from "../../oci/digest";
import { referrerDescriptor, successorsOf, type Manifest } from "../../oci/manifest";
import { isManifestType } from "../../oci/media-types";

/** Manifests that are read at one place; beyond them nothing can be told. */
export const MAX_MANIFESTS = 20_000;
const AT_ONCE = 8;

export type NodeKind = "manifest" | "signature" | "claim" | "related" | "unreadable";

/** A manifest that is there, and what led to it. */
export interface Reached {
  digest: Digest;
  kind: NodeKind;
  /** A claim's type, or an artifact type. */
  type?: string;
  /** What contains it or what it refers to; none for what a tag leads to. */
  from: Digest[];
  blobs: Descriptor[];
  subject?: Digest;
}

/** Something that could not be told. */
export interface Untold {
  what: string;
  code: ErrorCode;
  reason: string;
}

export interface View {
  nodes: Map<Digest, Reached>;
  /** Manifests of which it is not known what they contain, or what refers to them. */
  doubtful: Set<Digest>;
  untold: Untold[];
  /** There was more than the bound. */
  cut: boolean;
}

/**
 * Reads what a place has below the roots and around them: contained manifests, referrers, and
 * theirs. What cannot be told is part of the answer.
 */
export async function reachedFrom(store: ReadStore, roots: Iterable<Digest>): Promise<View> {
  const view: View = { nodes: new Map(), doubtful: new Set(), untold: [], cut: false };
  let level: Step[] = [...new Set(roots)].map((digest) => ({ digest }));
  const looked = new Set<Digest>();
  let visits = 0;
  while (level.length > 0 && !view.cut) {
    const steps = [...groupedBy(level, ({ digest }) => digest)].filter(
      ([digest, ways]) => !looked.has(digest) || addWays(view, digest, ways),
    );
    view.cut = visits + steps.length > MAX_MANIFESTS;
    const next: Step[][] = [];
    const taken = steps.slice(0, MAX_MANIFESTS - visits);
    visits += taken.length;
    await forEachBounded(taken.entries(), AT_ONCE, async ([at, [digest, ways]]) => {
      const below = await visit(store, digest, ways, view);
      // What is no referrer of the one that listed it may still belong to another.
      if (below !== undefined) looked.add(digest);
      next[at] = below ?? [];
    });
    level = next.flat();
  }
  view.untold.sort((a, b) => (a.what < b.what ? -1 : 1));
  return view;
}

interface Step {
  digest: Digest;
  /** The index that contains it. */
  inside?: Digest;
  /** What it is listed as a referrer of. */
  about?: Digest;
}

/** A second way to what is known already. */
function addWays({ nodes }: View, digest: Digest, ways: readonly Step[]): false {
  const node = nodes.get(digest);
  for (const { inside, about } of ways) {
    const from = inside ?? (about === node?.subject ? about : undefined);
    if (node !== undefined && from !== undefined && !node.from.includes(from)) node.from.push(from);
  }
  return false;
}

async function visit(
  store: ReadStore,
  digest: Digest,
  ways: readonly Step[],
  view: View,
): Promise<Step[] | undefined> {
  const manifest = await read(store, digest, ways, view);
  if (manifest === undefined) return [];
  if (manifest === "unreadable") return around(store, digest, view);
  const subject = manifest.value.subject?.digest;
  const from = ways.flatMap(({ inside, about }) =>
    inside !== undefined ? [inside] : about !== undefined && about === subject ? [about] : [],
  );
  const isRoot = ways.some((way) => way.inside === undefined && way.about === undefined);
  // Lists are written by whoever may push: what refers to something else is no referrer.
  if (!isRoot && from.length === 0) return undefined;
  const descriptor = referrerDescriptor(manifest);
  const parts = successorsOf(manifest);
  view.nodes.set(digest, {
    digest,
    ...kindOf(descriptor, subject),
    from: [...new Set(from)],
    blobs: parts.filter(({ mediaType }) => !isManifestType(mediaType)),
    ...(subject === undefined ? {} : { subject }),
  });
  const contained = parts
    .filter(({ mediaType }) => isManifestType(mediaType))
    .map((part): Step => ({ digest: part.digest, inside: digest }));
  return [...contained, ...(await around(store, digest, view))];
}

async function around(store: ReadStore, digest: Digest, view: View): Promise<Step[]> {
  try {
    const referrers = await store.referrers(digest);
    return referrers
      .filter((entry) => entry.digest !== digest)
      .map((entry): Step => ({ digest: entry.digest, about: digest }));
  } catch (error) {
    view.doubtful.add(digest);
    tell(view, `what refers to ${digest}`, error);
    return [];
  }
}

/** @returns undefined for what is gone or cannot be told */
async function read(
  store: ReadStore,
  digest: Digest,
  ways: readonly Step[],
  view: View,
): Promise<Manifest | "unreadable" | undefined> {
  try {
    return await manifestIfThere(store, digest);
  } catch (error) {
    // The same digest stands for the same bytes, whether or not they are a manifest.
    if (isConsignError(error, "MANIFEST_INVALID", "MANIFEST_TOO_LARGE")) {
      const from = ways.flatMap(({ inside, about }) => inside ?? about ?? []);
      view.nodes.set(digest, { digest, kind: "unreadable", from, blobs: [] });
      return "unreadable";
    }
    view.doubtful.add(digest);
    tell(view, digest, error);
    return undefined;
  }
}

function tell({ untold }: View, what: string, error: unknown): void {
  const { code, message } = asConsignError(error);
  untold.push({ what, code, reason: message });
}

function kindOf(
  descriptor: Descriptor,
  subject: Digest | undefined,
): Pick<Reached, "kind" | "type"> {
  const { artifactType } = descriptor;
  const typed = artifactType === undefined ? {} : { type: artifactType };
  if (isSignature(descriptor)) return { kind: "signature" };
  if (!isClaim(descriptor))
    return { kind: subject === undefined ? "manifest" : "related", ...typed };
  const type = claimTypeOf(descriptor);
  return { kind: "claim", ...(type === undefined ? typed : { type: typeKey(type) }) };
}
