// SPDX-License-Identifier: Apache-2.0
import { claimTypeOf, deploymentSchema, endOfLifeSchema, typeKey, type ReadClaim } from "../claims";
import type { ReadStore } from "../content/storage";
import type { ResolvedTrustPolicy } from "../notation";
import type { Descriptor } from "../oci/descriptor";
import type { Digest } from "../oci/digest";
import { decodeEvidence, encodeEvidence, formatInstant, type Evidence, type Facts } from "../retention";
import { ARCHIVED, archivedSchema, CONTENT_PURGED, contentPurgedSchema } from "./archive-record";
import { weighClaim, type WeighedClaim } from "./believed-claims";
import type { ResourceContext } from "./context";

export interface EvidenceQuestion {
  trust: ResolvedTrustPolicy;
  holds: ReadonlySet<string>;
  /** Verify again what was believed before. */
  again: boolean;
}

/**
 * What the claims about an artifact at one place say that retention depends on. A claim that was believed before and whose signature has since
 * died with its certificate, or been purged, is taken as it was recorded; one that is refused now is a doubt, and keeps.
 */
export async function evidenceAt(store: ReadStore, subject: Digest, recorded: Facts["evidence"], isArchive: boolean, question: EvidenceQuestion, context: ResourceContext): Promise<Facts["evidence"]> {
  const found: Facts["evidence"] = {};
  for (const descriptor of await store.referrers(subject)) {
    const kind = kindOfEvidence(descriptor, question.holds, isArchive);
    if (kind === undefined) continue;
    const text = recorded[descriptor.digest];
    const known = text === undefined ? undefined : decodeEvidence(text);
    const certain = known !== undefined && known.kind !== "doubt" && !question.again && kind !== "hold";
    const evidence = certain ? known : await judged(store, descriptor, subject, kind, known, question, context);
    if (evidence !== undefined) found[descriptor.digest] = encodeEvidence(evidence);
  }
  return found;
}

type Kind = "deployment" | "endOfLife" | "hold" | "archived" | "content-purged";

function kindOfEvidence(descriptor: Descriptor, holds: ReadonlySet<string>, isArchive: boolean): Kind | undefined {
  const type = typeKey(claimTypeOf(descriptor) ?? "");
  if (holds.has(type)) return "hold";
  if (type === "deployment" || type === "endOfLife") return type;
  if (!isArchive) return undefined;
  return type === ARCHIVED ? "archived" : type === CONTENT_PURGED ? "content-purged" : undefined;
}

async function judged(store: ReadStore, descriptor: Descriptor, subject: Digest, kind: Kind, before: Evidence | undefined, { trust }: EvidenceQuestion, context: ResourceContext): Promise<Evidence | undefined> {
  const known = before?.kind === "doubt" ? undefined : before;
  const weighed = await weighClaim(store, descriptor, subject, trust, context);
  const { worth, reason } = weighed;
  if (worth === "believed") return believed(store, weighed, kind, trust, context);
  if (worth === "inconclusive") return { kind: "doubt", reason };
  if (worth === "expired" || worth === "unsigned") {
    if (known !== undefined) return known;
    return worth === "expired" ? { kind: "doubt", reason: `it was never seen while its signature was good: ${reason}` } : undefined;
  }
  if (known !== undefined) return { kind: "doubt", reason: `it was believed before, and is not now: ${reason}` };
  context.warn(`${store.name}@${subject}: a claim about ${kind} does not count: ${reason}`);
  return undefined;
}

async function believed(store: ReadStore, { claim }: WeighedClaim, kind: Kind, trust: ResolvedTrustPolicy, context: ResourceContext): Promise<Evidence | undefined> {
  if ("broken" in claim) return { kind: "doubt", reason: claim.broken.reason };
  const revoked = await revocationOf(store, claim.digest, trust, context);
  if (kind === "hold") return revoked === "believed" ? undefined : { kind: "hold", type: typeKey(claim.type) };
  const evidence = evidenceIn(claim, kind);
  const shortens = evidence.kind === "end-of-life" || (evidence.kind === "deployment" && evidence.until !== undefined);
  return revoked !== undefined && shortens ? { kind: "doubt", reason: "it has been revoked" } : evidence;
}

function evidenceIn({ predicate }: ReadClaim, kind: Exclude<Kind, "hold">): Evidence {
  const unfit: Evidence = { kind: "doubt", reason: `what it says about ${kind} cannot be read` };
  if (kind === "deployment") {
    const { data } = deploymentSchema.safeParse(predicate);
    if (data === undefined) return unfit;
    const { environment, from, until, resource } = data;
    return { kind, environment, ...(typeof resource === "string" ? { resource } : {}), from: instant(from), ...(until === undefined ? {} : { until: instant(until) }) };
  }
  if (kind === "endOfLife") {
    const { data } = endOfLifeSchema.safeParse(predicate);
    return data === undefined ? unfit : { kind: "end-of-life", date: instant(data.date) };
  }
  const at = kind === "archived" ? archivedSchema.safeParse(predicate).data?.archivedAt : contentPurgedSchema.safeParse(predicate).data?.purgedAt;
  return at === undefined ? unfit : { kind, at };
}

function instant(text: string): string {
  return formatInstant(Date.parse(text));
}

/** Whether somebody who is trusted has revoked a claim, or may have. */
async function revocationOf(store: ReadStore, claim: Digest, trust: ResolvedTrustPolicy, context: ResourceContext): Promise<"believed" | "possible" | undefined> {
  let found: "believed" | "possible" | undefined;
  for (const descriptor of (await store.referrers(claim)).filter((each) => typeKey(claimTypeOf(each) ?? "") === "revocation")) {
    const { worth } = await weighClaim(store, descriptor, claim, trust, context);
    if (worth === "believed") return "believed";
    if (worth === "inconclusive" || worth === "expired") found = "possible";
  }
  return found;
}
