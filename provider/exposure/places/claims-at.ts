// SPDX-License-Identifier: Apache-2.0
import {
  contentPurgedSchema,
  readClaim,
  typeKey,
  vulnerabilitiesSchema,
  type ReadClaim,
} from "../../claims/index";
import type { ReadStore } from "../../content/storage";
import { staysIn, type StayClaim } from "../../deployments/stays";
import { recordSchema } from "../../deployments/record";
import { asConsignError, isConsignError } from "../../errors";
import type { Digest } from "../../oci/digest";
import { MEDIA_TYPES } from "../../oci/media-types";
import type { ClaimReport, ObservedArtifact } from "../../report/observation";
import { noEvidence, type Basis, type Doubtful, type Evidence } from "../evidence";
import { readSbom } from "../sbom/read-sbom";

/** What is known of one digest at one place. */
export interface Found {
  evidence: Evidence;
  archivedAt?: string;
  purgedAt?: string;
  /** What was in an environment before it, as the records of promotions say. */
  before: Before[];
}

/** What the record of a promotion says of the artifact before. */
export interface Before {
  digest: Digest;
  environment: string;
  /** When something else took its place. */
  until: string;
}

/** What may say something although it is not, or cannot be, judged. */
const DOUBTFUL = new Set(["inconclusive", "tampered", "malformed"]);
const SBOMS = new Set(["sbom/spdx", "sbom/cyclonedx"]);
/** What is history is told by claims that others have taken the place of as well. */
const HISTORY = new Set(["deployment", "archived", "content-purged", "vsa"]);

/**
 * What the claims about an artifact say that a question may need. Claims that count, but for
 * history, which is told by superseded ones too.
 * @param asked the type of claim that is asked for
 */
export async function claimsAt(
  store: ReadStore,
  observed: ObservedArtifact,
  asked: string | undefined,
): Promise<Found> {
  const found: Found = { evidence: noEvidence(observed.digest), before: [] };
  found.evidence.vex = observed.vex;
  const stays: StayClaim[] = [];
  for (const claim of observed.claims) {
    if (HISTORY.has(claim.name)) await addHistory(store, claim, found, stays);
    addClaim(claim, found.evidence, asked);
  }
  const told = staysIn(stays);
  found.evidence.stays = told.stays;
  found.evidence.unsureStays.push(...told.unread);
  return found;
}

function addClaim(claim: ClaimReport, evidence: Evidence, asked: string | undefined): void {
  const { name, status, reason, type, predicate, issuedAt } = claim;
  const by = basisOf(claim);
  const doubtful: Doubtful = { ...by, reason };
  if (DOUBTFUL.has(status)) {
    evidence.doubts.push(doubtful);
    return;
  }
  if (status !== "effective") {
    if (SBOMS.has(name)) evidence.refused.push(doubtful);
    return;
  }
  if (SBOMS.has(name)) evidence.inventories.push({ ...readSbom(predicate), by });
  if (name === "vulnerabilities") addScan(predicate, by, evidence);
  if (asked !== undefined && type !== undefined && typeKey(type) === typeKey(asked))
    evidence.claims.push({ by, type, predicate, issuedAt });
}

function addScan(predicate: unknown, by: Basis, evidence: Evidence): void {
  const { data } = vulnerabilitiesSchema.safeParse(predicate);
  if (data === undefined) evidence.doubts.push({ ...by, reason: "its predicate cannot be read" });
  else
    evidence.scans.push({
      by,
      ids: data.scanner.result.map(({ id }) => id),
      finishedAt: data.metadata.scanFinishedOn,
    });
}

async function addHistory(
  store: ReadStore,
  claim: ClaimReport,
  found: Found,
  stays: StayClaim[],
): Promise<void> {
  const { name, status, reason } = claim;
  if (DOUBTFUL.has(status)) {
    if (name === "deployment" || name === "archived")
      found.evidence.unsureStays.push(`a claim about ${name} is ${status}: ${reason}`);
    return;
  }
  if (status !== "effective" && status !== "superseded" && status !== "expired") return;
  const predicate = await predicateOf(store, claim);
  if (predicate instanceof Unreadable) {
    found.evidence.unsureStays.push(`a claim about ${name} cannot be read: ${predicate.reason}`);
    return;
  }
  if (name === "deployment" || name === "archived")
    stays.push({ name, predicate, ends: status !== "expired" });
  if (status !== "expired") addRecord(claim, predicate, found);
}

function addRecord(
  { name, status, issuedAt }: ClaimReport,
  predicate: unknown,
  found: Found,
): void {
  if (name === "archived" && status === "effective" && issuedAt !== undefined)
    found.archivedAt = issuedAt;
  if (name === "content-purged") {
    const at = contentPurgedSchema.safeParse(predicate).data?.purgedAt;
    if (at !== undefined) found.purgedAt = at;
  }
  if (name === "vsa") found.before.push(...beforeIn(predicate));
}

class Unreadable {
  constructor(readonly reason: string) {}
}

/** A report has the predicates of effective claims alone. */
async function predicateOf(
  store: ReadStore,
  { digest, status, subject, predicate }: ClaimReport,
): Promise<unknown> {
  if (status === "effective") return predicate;
  try {
    const claim: ReadClaim = await readClaim(
      store,
      { mediaType: MEDIA_TYPES.manifest, digest, size: 0 },
      { subject },
    );
    return claim.predicate;
  } catch (error) {
    if (isConsignError(error))
      return new Unreadable(`${error.message} [${asConsignError(error).code}]`);
    throw error;
  }
}

function beforeIn(predicate: unknown): Before[] {
  const { data } = recordSchema.safeParse(predicate);
  if (data === undefined) return [];
  const { timeVerified: until, lineage } = data;
  const { previous, replaced, environment } = lineage;
  return [previous?.digest, replaced]
    .filter((digest) => digest !== undefined)
    .map((digest) => ({ digest, environment, until }));
}

export function basisOf({ digest, name, issuer, status }: ClaimReport): Basis {
  return { claim: digest, type: name, ...(issuer === undefined ? {} : { issuer }), status };
}
