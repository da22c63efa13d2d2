// SPDX-License-Identifier: Apache-2.0
import { readIssuers } from "../claims/index";
import { forEachBounded } from "../content/bounded";
import { ConsignError } from "../errors";
import type { ResolvedTrustPolicy } from "../notation/index";
import type { Descriptor } from "../oci/descriptor";
import { digestOf, type Digest } from "../oci/digest";
import { isIndexType } from "../oci/media-types";
import {
  decodeEvidence,
  encodeEvidence,
  evidenceIn,
  factsIn,
  type Entries,
  type Entry,
  type Evidence,
  type Facts,
} from "../retention/index";
import { holdTypes, type ArchiveInputs } from "./arguments";
import { evidenceAt, type EvidenceQuestion } from "./evidence";
import { holdsOnParts, unlistedEvidence } from "./evidence-elsewhere";
import { archivedTags, ownersOf, ownershipOf } from "./owners";
import { openPlaces, resolved, wasAt, type Place } from "./places";
import { MAX_ARTIFACTS, predecessorsOf } from "./predecessors";
import { archiveTag } from "./record";
import type { ResourceContext } from "../world/context";
import { openTrust } from "../judging/judgement";
import { placeOfTag } from "../deployments/place";

const CONCURRENCY = 8;

/** What of the arguments says where to look, and whom to believe. */
export type SurveyInputs = Pick<
  ArchiveInputs,
  "sources" | "policy" | "archive" | "retain" | "upcoming" | "trust" | "lifecycleIssuers"
>;

export interface SurveyOptions {
  /** In place of the arguments' `trust`. */
  trust?: ResolvedTrustPolicy | undefined;
  /** Verify again what was believed before. */
  again?: boolean | undefined;
  /** Only these artifacts; the tags of all places are read all the same. */
  only?: readonly Digest[] | undefined;
}

/**
 * Finds out what is known of every artifact at the sources and in the archive: where it is, its
 * tags, which environments' tags point at it, and what believed claims say. Candidates are what has
 * a tag, what the records of promotions lead to from there, and what was recorded before; but for
 * what is in the archive alone, where other policies have brought it.
 * @throws ConsignError what a store throws that cannot be asked: nothing is decided on half of the
 * facts
 */
export async function surveyFacts(
  inputs: SurveyInputs,
  recorded: Readonly<Entries>,
  context: ResourceContext,
  options: SurveyOptions = {},
): Promise<Record<Digest, Facts>> {
  const places = await openPlaces(inputs, recorded, context);
  const archive = places.find(({ role }) => role === "archive");
  const question: EvidenceQuestion = {
    ownership: await ownershipOf(inputs.policy, inputs.sources, context),
    trust: options.trust ?? (await openTrust(inputs.trust, archive?.store.name ?? "", context)),
    holds: holdTypes(inputs.retain),
    held: new Set(inputs.retain.holds.filter((hold) => typeof hold === "string")),
    issuers: (await readIssuers(inputs, context.baseDir)).lifecycleIssuers ?? {},
    again: options.again ?? false,
  };
  const facts: Record<Digest, Facts> = {};
  const wanted = options.only === undefined ? undefined : new Set(options.only);
  const seen = new Set<Digest>();
  let level = candidates(places, recorded, inputs.upcoming ?? []).filter(
    (digest) => wanted === undefined || wanted.has(digest),
  );
  while (level.length > 0) {
    for (const digest of level) seen.add(digest);
    if (seen.size > MAX_ARTIFACTS)
      throw new ConsignError(
        "GRAPH_TOO_LARGE",
        `more than ${MAX_ARTIFACTS} artifacts are at the sources: give them to several policies`,
        { path: "sources" },
      );
    const led = new Set<Digest>();
    await forEachBounded(level, CONCURRENCY, async (digest) => {
      const found = await factsOf(digest, recorded[digest], { places, question, context });
      if (found === undefined) return;
      facts[digest] = found.facts;
      for (const predecessor of found.predecessors) led.add(predecessor);
    });
    level =
      wanted === undefined
        ? [...led].filter((digest) => !seen.has(digest) && recorded[digest]?.state !== "purged")
        : [];
  }
  addUpcoming(facts, inputs.upcoming ?? []);
  await addRunning(facts, recorded, places, context);
  return facts;
}

/**
 * What was recorded, as facts, with what this program's promotions are about to say: no store is
 * asked.
 */
export function recordedFacts(
  recorded: Readonly<Entries>,
  upcoming: ArchiveInputs["upcoming"],
): Record<Digest, Facts> {
  // Not by `Object.fromEntries`, which makes a hidden class for each of a thousand keys before it
  // gives up: 12 MB of them.
  const facts: Record<Digest, Facts> = {};
  for (const [digest, entry] of Object.entries(recorded) as [Digest, Entry][])
    if (entry.at.length > 0 || entry.inArchive === true) facts[digest] = factsIn(entry);
  addUpcoming(facts, upcoming ?? []);
  return facts;
}

function candidates(
  places: readonly Place[],
  recorded: Readonly<Entries>,
  upcoming: NonNullable<ArchiveInputs["upcoming"]>,
): Digest[] {
  const found = new Set<Digest>(
    places
      .filter(({ role }) => role !== "watched")
      .flatMap(({ tags }) => [...tags.values()].map(({ digest }) => digest)),
  );
  for (const [digest, { state }] of Object.entries(recorded) as [Digest, Entry][])
    if (state !== "purged") found.add(digest);
  for (const windows of upcoming)
    for (const digest of Object.keys(windows) as Digest[]) found.add(digest);
  return [...found].sort();
}

/** What is asked of every artifact. */
interface Inquiry {
  places: readonly Place[];
  question: EvidenceQuestion;
  context: ResourceContext;
}

async function factsOf(
  digest: Digest,
  recorded: Entry | undefined,
  inquiry: Inquiry,
): Promise<{ facts: Facts; predecessors: Digest[] } | undefined> {
  const { places, question } = inquiry;
  let descriptor: Descriptor | undefined;
  const facts: Facts = {
    mediaType: "",
    size: 0,
    tags: { ...recorded?.tags },
    at: [],
    evidence: {},
  };
  const seen = new Set<Digest>();
  const predecessors: Digest[] = [];
  for (const place of places) {
    const { location, store, role, tags } = place;
    const own = [...tags].filter(([, target]) => target.digest === digest).map(([tag]) => tag);
    const there =
      [...tags.values()].find((target) => target.digest === digest) ??
      (await resolved(store, digest, wasAt(place, recorded)));
    if (there !== undefined) {
      descriptor ??= there;
      if (role === "source") {
        facts.at.push(location);
        facts.tags[location] = own.sort();
      } else if (role === "archive") {
        facts.inArchive = own.includes(archiveTag(digest));
      }
      if (role === "source" && own.length > 0)
        predecessors.push(...(await predecessorsOf(store, digest)));
    }
    // A watched place may know of an artifact that it does not have any more: claims outlive what
    // they are about in some registries.
    addEvidence(
      facts,
      await evidenceAt(place, digest, recorded?.evidence ?? {}, { ...inquiry, seen }),
    );
    if (there !== undefined && isIndexType(there.mediaType))
      Object.assign(facts.evidence, await holdsOnParts(place, digest, { ...inquiry, seen }));
  }
  if (recorded !== undefined && !isLeaving(recorded))
    addEvidence(facts, await unlistedEvidence(digest, recorded.evidence, { ...inquiry, seen }));
  if (descriptor === undefined) return undefined;
  const { ours, others } = await ownersOf(facts, question.ownership);
  const archive = places.find(({ role }) => role === "archive");
  if (facts.inArchive !== undefined && archive !== undefined && recorded === undefined) {
    if (!ours && facts.at.length === 0 && !Object.values(facts.evidence).some(isDoubt))
      return undefined;
    const { ownership, trust } = question;
    facts.tags = {
      ...(await archivedTags(archive.store, digest, ownership, trust, inquiry.context)),
      ...facts.tags,
    };
  }
  if (others.length > 0) facts.others = others;
  return {
    facts: {
      ...facts,
      mediaType: descriptor.mediaType,
      size: descriptor.size,
      evidence: sorted(facts.evidence),
      tags: sorted(facts.tags),
    },
    predecessors,
  };
}

/** What was purged, or is about to be, is judged by what was recorded of it. */
function isLeaving({ state, decision }: Entry): boolean {
  return state === "purged" || decision === "purge";
}

/** Who doubts may know more, as of a revocation that the archive has not heard of. */
function addEvidence(facts: Facts, found: Facts["evidence"]): void {
  for (const [claim, text] of Object.entries(found) as [Digest, string][])
    if (!isDoubt(facts.evidence[claim])) facts.evidence[claim] = text;
}

function isDoubt(text: string | undefined): boolean {
  return text !== undefined && decodeEvidence(text)?.kind === "doubt";
}

function addUpcoming(
  facts: Record<Digest, Facts>,
  upcoming: NonNullable<ArchiveInputs["upcoming"]>,
): void {
  for (const windows of upcoming) {
    for (const [digest, window] of Object.entries(windows) as [
      Digest,
      (typeof windows)[Digest],
    ][]) {
      const found = facts[digest];
      const { environment, resource, from, until } = window;
      const evidence: Evidence = {
        kind: "deployment",
        environment,
        resource,
        from,
        ...(until === undefined ? {} : { until }),
      };
      const text = encodeEvidence(evidence);
      if (found === undefined || Object.values(found.evidence).includes(text)) continue;
      facts[digest] = { ...found, evidence: sorted({ ...found.evidence, [digestOf(text)]: text }) };
    }
  }
}

/**
 * An environment's tag is where a claim says that the environment looks, however it spells the
 * place; whatever it points at now is in use.
 */
async function addRunning(
  facts: Record<Digest, Facts>,
  recorded: Readonly<Entries>,
  places: readonly Place[],
  context: ResourceContext,
): Promise<void> {
  const claimed = new Map<string, string>();
  for (const known of [...Object.values(recorded), ...Object.values(facts)]) {
    for (const [, each] of evidenceIn(known))
      if (each.kind === "deployment" && each.resource !== undefined)
        claimed.set(each.resource, each.environment);
  }
  const environments = new Map<string, string>();
  for (const [resource, environment] of claimed)
    environments.set(await placeOfTag(resource, context), environment);
  for (const { location, role, tags } of places) {
    if (role === "archive") continue;
    const place = await context.stores.placeOf(location);
    for (const [tag, { digest }] of tags) {
      const resource = `${location}:${tag}`;
      const environment = environments.get(`${place}:${tag}`);
      const found = facts[digest];
      if (environment === undefined || found === undefined) continue;
      found.running = [...(found.running ?? []), `${environment} (${resource})`].sort();
    }
  }
}

function sorted<Value>(record: Record<string, Value>): Record<string, Value> {
  return Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)));
}
