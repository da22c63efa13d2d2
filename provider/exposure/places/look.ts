// SPDX-License-Identifier: Apache-2.0
import { presenceOf } from "../../content/presence";
import type { Descriptor } from "../../oci/descriptor";
import type { Digest } from "../../oci/digest";
import { isIndexType, isManifestType } from "../../oci/media-types";
import { observeArtifact } from "../../report/collect";
import { noEvidence, union, type Evidence } from "../evidence";
import { claimsAt, type Before, type Found } from "./claims-at";
import { faultAt, type Candidate, type Looking, type Place } from "./places";

/** Where a digest lies, and in which state. */
export interface Whereabouts {
  place: string;
  tags: string[];
  /** `content purged`: its content was taken away, and its manifest and claims stay. */
  state: "there" | "content purged" | "gone" | "cannot tell";
  archivedAt?: string;
  purgedAt?: string;
}

export interface Looked {
  digest: Digest;
  mediaType?: string;
  artifactType?: string;
  evidence: Evidence;
  where: Whereabouts[];
  /** By place, what was in an environment before it. */
  before: (Before & { place: Place })[];
}

export interface Member {
  digest: Digest;
  platform?: string;
  evidence: Evidence;
}

/** Looks at a digest at each place where it lies. A fault is part of what is found. */
export async function lookAt(
  { digest, at, led = [] }: Candidate,
  asked: string | undefined,
  looking: Looking,
): Promise<Looked> {
  const looked: Looked = { digest, evidence: noEvidence(digest), where: [], before: [] };
  const evidences: Evidence[] = [];
  for (const { place, descriptor, tags } of at) {
    const seen = await lookAtPlace(place, digest, descriptor, { asked, looking });
    evidences.push(seen.found.evidence);
    if (seen.artifactType !== undefined) looked.artifactType = seen.artifactType;
    if (seen.mediaType !== undefined) looked.mediaType = seen.mediaType;
    looked.before.push(...seen.found.before.map((before) => ({ place, ...before })));
    const { archivedAt, purgedAt } = seen.found;
    looked.where.push({
      place: place.location,
      tags: [...tags],
      state: purgedAt === undefined || seen.state !== "there" ? seen.state : "content purged",
      ...(archivedAt === undefined ? {} : { archivedAt }),
      ...(purgedAt === undefined ? {} : { purgedAt }),
    });
  }
  looked.evidence = union(...evidences);
  // Of what is gone altogether nothing but the record of what came after it tells.
  if (looked.where.every(({ state }) => state === "gone")) looked.evidence.unsureStays.push(...led);
  return looked;
}

interface Seen {
  found: Found;
  state: Whereabouts["state"];
  mediaType?: string;
  artifactType?: string;
}

interface How {
  asked: string | undefined;
  looking: Looking;
}

async function lookAtPlace(
  place: Place,
  digest: Digest,
  known: Descriptor | undefined,
  { asked, looking }: How,
): Promise<Seen> {
  const nothing: Found = { evidence: noEvidence(digest), before: [] };
  try {
    const descriptor = known ?? (await descriptorAt(place, digest));
    if (descriptor === undefined) return { found: nothing, state: "gone" };
    const observed = await observeArtifact(place.store, descriptor, {
      trust: place.trust,
      now: looking.now,
      baseDir: looking.baseDir,
      scope: place.location,
      revocation: looking.revocation,
      precedence: looking.precedence,
      lifecycleIssuers: looking.lifecycleIssuers,
      extent: "verdict",
    });
    const { artifactType, mediaType, problem } = observed;
    return {
      found: await claimsAt(place.store, observed, asked),
      state: problem === undefined ? "there" : "gone",
      mediaType,
      ...(artifactType === undefined ? {} : { artifactType }),
    };
  } catch (error) {
    const { where, reason } = faultAt(`${place.location}@${digest}`, error);
    nothing.evidence.faults.push(`${where} cannot be read: ${reason}`);
    return { found: nothing, state: "cannot tell" };
  }
}

/** Undefined where it surely is not there. @throws ConsignError where that cannot be told */
async function descriptorAt({ store }: Place, digest: Digest): Promise<Descriptor | undefined> {
  const presence = await presenceOf(store, digest);
  if (presence.is === "unknown") throw presence.why;
  return presence.is === "gone" ? undefined : store.resolve(digest, { fresh: true });
}

const MAX_MEMBERS = 1_000;
const MAX_DEPTH = 8;

/**
 * The images of an index, each with what is said of it and of the indexes that it is in. One that is
 * not there has what claims say of it.
 */
export async function membersOf(
  candidate: Candidate,
  around: Evidence,
  how: How & { depth?: number },
): Promise<Member[]> {
  const { depth = 0, asked, looking } = how;
  const members: Member[] = [];
  const listed = await listMembers(candidate, around, depth);
  for (const { member, at } of listed) {
    const looked = await lookAt({ digest: member.digest, at }, asked, looking);
    const evidence = union(looked.evidence, around);
    const inner = { digest: member.digest, at };
    if (isIndexType(member.mediaType) && looked.evidence.faults.length === 0)
      members.push(...(await membersOf(inner, evidence, { ...how, depth: depth + 1 })));
    else members.push({ digest: member.digest, ...platformOf(member), evidence });
  }
  return members;
}

interface ListedMember {
  member: Descriptor;
  at: Candidate["at"];
}

async function listMembers(
  { digest, at }: Candidate,
  around: Evidence,
  depth: number,
): Promise<ListedMember[]> {
  const listed = new Map<Digest, ListedMember>();
  for (const { place } of at) {
    try {
      const manifest = await place.store.manifest(digest);
      if (manifest.kind !== "index") continue;
      const members = manifest.value.manifests.filter(
        (member) => isManifestType(member.mediaType) && !isAttestation(member),
      );
      if (members.length > MAX_MEMBERS || depth > MAX_DEPTH) {
        around.faults.push(`${digest} has more images than are looked at`);
        continue;
      }
      for (const member of members) {
        const known = listed.get(member.digest) ?? { member, at: [] };
        known.at.push({ place, descriptor: member, tags: [] });
        listed.set(member.digest, known);
      }
    } catch (error) {
      const { where, reason } = faultAt(`${place.location}@${digest}`, error);
      around.faults.push(`the images of ${where} cannot be told: ${reason}`);
    }
  }
  return [...listed.values()];
}

/** What BuildKit puts beside the images. */
function isAttestation({ annotations }: Descriptor): boolean {
  return annotations?.["vnd.docker.reference.type"] === "attestation-manifest";
}

function platformOf({ platform }: Descriptor): { platform?: string } {
  if (platform === undefined) return {};
  const { os, architecture, variant } = platform;
  return { platform: [os, architecture, variant].filter((part) => part !== undefined).join("/") };
}
