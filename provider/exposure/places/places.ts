// SPDX-License-Identifier: Apache-2.0
import type { KnownIssuer, LifecycleIssuers } from "../../claims/index";
import { forEachBounded } from "../../content/bounded";
import type { ReadStore } from "../../content/storage";
import { asConsignError, ConsignError } from "../../errors";
import type { ResolvedTrustPolicy, RevocationChecker } from "../../notation/index";
import type { Descriptor } from "../../oci/descriptor";
import type { Digest } from "../../oci/digest";

/** What looking at places needs of the world. */
export interface Looking {
  baseDir: string;
  now: Date;
  revocation: RevocationChecker;
  precedence?: readonly KnownIssuer[] | undefined;
  lifecycleIssuers?: LifecycleIssuers | undefined;
  /** Opens a place to read from. @throws ConsignError */
  open(location: string): Promise<ReadStore>;
  /** Whose word counts there. @throws ConsignError `TRUST_*` */
  trustAt(location: string): Promise<ResolvedTrustPolicy>;
  progress(message: string): void;
}

export interface Place {
  location: string;
  store: ReadStore;
  trust: ResolvedTrustPolicy;
}

/** What could not be read, by place: then what was found is not all. */
export interface Fault {
  where: string;
  reason: string;
}

/** A digest, where it lies, and what it is called there. */
export interface Candidate {
  digest: Digest;
  /** In which environments it was, as far as records of what came after it say. */
  led?: string[];
  at: { place: Place; descriptor: Descriptor | undefined; tags: string[] }[];
}

/** Artifacts that one question is about. */
export const MAX_ARTIFACTS = 100_000;
export const CONCURRENCY = 8;

/**
 * Everything that has a tag at the places. What cannot be opened, listed or resolved is a fault of
 * the answer.
 * @throws ConsignError `GRAPH_TOO_LARGE`, `TRUST_*`, `REFERENCE_INVALID`
 */
export async function tagged(
  locations: readonly string[],
  looking: Looking,
): Promise<{ candidates: Map<Digest, Candidate>; faults: Fault[] }> {
  const candidates = new Map<Digest, Candidate>();
  const faults: Fault[] = [];
  for (const location of new Set(locations)) {
    const trust = await looking.trustAt(location);
    try {
      const place: Place = { location, trust, store: await looking.open(location) };
      await addTagged(place, candidates, faults);
    } catch (error) {
      if (asConsignError(error).code === "GRAPH_TOO_LARGE") throw error;
      faults.push(faultAt(location, error));
    }
  }
  return { candidates, faults };
}

async function addTagged(
  place: Place,
  candidates: Map<Digest, Candidate>,
  faults: Fault[],
): Promise<void> {
  const tags = await place.store.tags();
  await forEachBounded(tags, CONCURRENCY, async (tag) => {
    try {
      const descriptor = await place.store.resolve(tag);
      add(candidates, descriptor.digest, place, descriptor).push(tag);
    } catch (error) {
      faults.push(faultAt(`${place.location}:${tag}`, error));
    }
    if (candidates.size > MAX_ARTIFACTS)
      throw new ConsignError(
        "GRAPH_TOO_LARGE",
        `more than ${MAX_ARTIFACTS} artifacts are at these places: ask about fewer at once`,
        { path: "places" },
      );
  });
  for (const { at } of candidates.values()) for (const each of at) each.tags.sort();
}

/** The tags of a digest at a place, to be added to. */
export function add(
  candidates: Map<Digest, Candidate>,
  digest: Digest,
  place: Place,
  descriptor: Descriptor | undefined,
): string[] {
  const candidate = candidates.get(digest) ?? { digest, at: [] };
  candidates.set(digest, candidate);
  const known = candidate.at.find((each) => each.place.location === place.location);
  if (known !== undefined) return known.tags;
  const tags: string[] = [];
  candidate.at.push({ place, descriptor, tags });
  return tags;
}

export function faultAt(where: string, error: unknown): Fault {
  const { message, code } = asConsignError(error);
  return { where, reason: `${message} [${code}]` };
}
