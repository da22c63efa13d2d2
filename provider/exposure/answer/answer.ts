// SPDX-License-Identifier: Apache-2.0
import { forEachBounded } from "../../content/bounded";
import type { Digest } from "../../oci/digest";
import { isIndexType } from "../../oci/media-types";
import type { Advisories } from "../advisories/folder";
import { statusOf, type ExposureStatus } from "../findings";
import { lookAt, membersOf, type Looked } from "../places/look";
import {
  add,
  CONCURRENCY,
  tagged,
  type Candidate,
  type Fault,
  type Looking,
} from "../places/places";
import type { Scope, Subject } from "../subject";
import { entryOf, isInScope, type ExposureEntry } from "./entry";

/** What `exposure` answers. */
export interface ExposureAnswer {
  /** `none`: everything was read, and nothing is affected. */
  status: "some" | "none" | "unknown";
  /** RFC 3339. */
  askedAt: string;
  about: Subject["is"];
  /** Which advisories SBOMs were held against. */
  advisories?: { digest: string; lastUpdate?: string };
  counts: Record<ExposureStatus, number> & {
    /** Of all that was looked at, what was not there at the time that is asked about. */
    elsewhere: number;
  };
  /** What was there: the worst first, then by digest. */
  entries: ExposureEntry[];
  /** What could not be read at all: places, tags, files of advisories. */
  faults: Fault[];
}

export interface Asked {
  places: readonly string[];
  subject: Subject;
  scope: Scope;
  advisories: Advisories;
}

const EVERY = 500;

/**
 * Looks at everything at the places, and at what was there before it by the records of promotions,
 * one digest at a time; what is kept of each is its entry alone.
 * @throws ConsignError `GRAPH_TOO_LARGE`, `TRUST_*`, `REFERENCE_INVALID`
 */
export async function answer(asked: Asked, looking: Looking): Promise<ExposureAnswer> {
  const { candidates, faults } = await tagged(asked.places, looking);
  const entries = new Map<Digest, ExposureEntry | undefined>();
  let level = [...candidates.values()];
  let done = 0;
  while (level.length > 0) {
    const led = new Map<Digest, Candidate>();
    await forEachBounded(level, CONCURRENCY, async (candidate) => {
      const { entry, before } = await examine(candidate, asked, looking);
      entries.set(candidate.digest, entry);
      for (const each of before) {
        const next = follow(each, candidates, asked.scope);
        if (next !== undefined) led.set(next.digest, next);
      }
      done += 1;
      if (done % EVERY === 0) looking.progress(`${done} of ${candidates.size} artifacts looked at`);
    });
    level = [...led.values()];
  }
  const found = [...entries.values()].filter((entry) => entry !== undefined);
  const { digest, lastUpdate } = asked.advisories;
  return {
    askedAt: looking.now.toISOString(),
    about: asked.subject.is,
    ...(digest === ""
      ? {}
      : { advisories: { digest, ...(lastUpdate === undefined ? {} : { lastUpdate }) } }),
    ...summary(found, entries.size - found.length, [
      ...faults,
      ...advisoryFaults(asked.advisories),
    ]),
  };
}

/** What was there before, where it is not known of that place yet. */
function follow(
  { place, digest, environment, until }: Looked["before"][number],
  candidates: Map<Digest, Candidate>,
  { environments, from }: Scope,
): Candidate | undefined {
  const known = candidates.get(digest);
  if (known?.at.some((each) => each.place.location === place.location) === true) return undefined;
  add(candidates, digest, place, undefined);
  const found = candidates.get(digest);
  const isMeant =
    (environments === undefined || environments.includes(environment)) &&
    (from === undefined || Date.parse(until) >= from);
  if (found !== undefined && isMeant)
    found.led = [...(found.led ?? []), `it was in ${environment} until ${until}, and is gone`];
  return found;
}

async function examine(candidate: Candidate, { subject, scope }: Asked, looking: Looking) {
  const asked = subject.is === "claim" ? subject.type : undefined;
  const looked = await lookAt(candidate, asked, looking);
  const { before, evidence, mediaType } = looked;
  if (!isInScope(evidence, scope)) return { entry: undefined, before };
  const members =
    mediaType !== undefined && isIndexType(mediaType)
      ? await membersOf(candidate, evidence, { asked, looking })
      : [];
  return { entry: entryOf(looked, members, subject, looking.now), before };
}

function advisoryFaults({ faults }: Advisories): Fault[] {
  return faults.map(({ file, reason }) => ({ where: file, reason }));
}

const ORDER: readonly ExposureStatus[] = ["affected", "unknown", "fixed", "not-affected"];

function summary(
  entries: ExposureEntry[],
  elsewhere: number,
  faults: Fault[],
): Pick<ExposureAnswer, "status" | "counts" | "entries" | "faults"> {
  entries.sort(
    (a, b) =>
      ORDER.indexOf(a.status) - ORDER.indexOf(b.status) ||
      Number(b.running) - Number(a.running) ||
      (a.digest < b.digest ? -1 : 1),
  );
  const count = (status: ExposureStatus) =>
    entries.filter((entry) => entry.status === status).length;
  const worst = statusOf(entries);
  return {
    status:
      worst === "affected" ? "some" : worst === "unknown" || faults.length > 0 ? "unknown" : "none",
    counts: {
      affected: count("affected"),
      unknown: count("unknown"),
      fixed: count("fixed"),
      "not-affected": count("not-affected"),
      elsewhere,
    },
    entries,
    faults: faults.sort((a, b) => (a.where < b.where ? -1 : 1)),
  };
}
