// SPDX-License-Identifier: Apache-2.0
import {
  archivedSchema,
  claimTypeOf,
  contentPurgedSchema,
  deploymentSchema,
  endOfLifeSchema,
  names,
  together,
  typeKey,
  type KnownIssuer,
  type LifecycleIssuers,
  type Signer,
  type ReadClaim,
} from "../claims/index";
import type { ReadStore } from "../content/storage";
import { isConsignError } from "../errors";
import type { ResolvedTrustPolicy } from "../notation/index";
import type { Descriptor } from "../oci/descriptor";
import type { Digest } from "../oci/digest";
import {
  decodeEvidence,
  encodeEvidence,
  formatInstant,
  type Evidence,
  type Facts,
} from "../retention/index";
import { named, sourcesIn, type Ownership } from "./owners";
import type { Place } from "./places";
import { weighClaim, type WeighedClaim } from "../judging/believed-claims";
import { revocationOfClaim } from "../judging/revocation-of-claim";
import type { ResourceContext } from "../world/context";

/** Of records that are not believed: one is enough to keep. */
const MAX_CLAIMED = 3;

export interface EvidenceQuestion {
  trust: ResolvedTrustPolicy;
  holds: ReadonlySet<string>;
  /** Digests on hold. */
  held: ReadonlySet<Digest>;
  issuers: Pick<LifecycleIssuers, "revocation" | "endOfLife">;
  /** Verify again what was believed before. */
  again: boolean;
  ownership: Ownership;
}

/** What is asked of the claims about one artifact, at one place after the other. */
export interface EvidenceInquiry {
  places: readonly Place[];
  question: EvidenceQuestion;
  context: ResourceContext;
  /** Claims that a list has named for what they are. */
  seen: Set<Digest>;
}

/**
 * What the claims about an artifact at one place say that retention depends on. A claim that was
 * believed before and whose signature has since died with its certificate, or been purged, is taken
 * as it was recorded; one that is refused now is a doubt, and keeps.
 */
export async function evidenceAt(
  { store, role }: Place,
  subject: Digest,
  recorded: Facts["evidence"],
  { question, context, seen }: EvidenceInquiry,
): Promise<Facts["evidence"]> {
  const found: Facts["evidence"] = {};
  // Who may end support is not recorded with what was said, so with a list of those it is asked
  // again.
  const changeable = (kind: Kind, known: Evidence) =>
    kind === "hold" ||
    (kind === "endOfLife" && question.issuers.endOfLife !== undefined) ||
    known.kind === "claimed" ||
    (known.kind === "archived" && known.sources === undefined);
  for (const descriptor of await store.referrers(subject)) {
    const kind = kindOfEvidence(descriptor, question.holds, role === "archive");
    if (kind === undefined) continue;
    const text = recorded[descriptor.digest];
    const known = text === undefined ? undefined : decodeEvidence(text);
    const certain =
      known !== undefined && known.kind !== "doubt" && !question.again && !changeable(kind, known);
    if (!certain && (await isOfAnother(store, descriptor.digest, subject))) continue;
    seen.add(descriptor.digest);
    const evidence = certain
      ? known
      : await judged(store, descriptor, subject, kind, known, question, context);
    if (evidence !== undefined) found[descriptor.digest] = encodeEvidence(evidence);
  }
  const claimed = (Object.keys(found) as Digest[])
    .filter((digest) => found[digest]?.startsWith("claimed "))
    .sort();
  for (const digest of claimed.slice(MAX_CLAIMED)) delete found[digest];
  return found;
}

/** The holds that are claimed of an artifact or of a part of one. What cannot be told keeps. */
export async function holdsOn(
  { store }: Place,
  subject: Digest,
  { question, context, seen }: EvidenceInquiry,
): Promise<Facts["evidence"]> {
  const found: Facts["evidence"] = {};
  for (const descriptor of await store.referrers(subject)) {
    if (kindOfEvidence(descriptor, question.holds, false) !== "hold") continue;
    if (await isOfAnother(store, descriptor.digest, subject)) continue;
    seen.add(descriptor.digest);
    const evidence = await judged(store, descriptor, subject, "hold", undefined, question, context);
    if (evidence !== undefined) found[descriptor.digest] = encodeEvidence(evidence);
  }
  return found;
}

/**
 * Anybody who may push may put the claims of another artifact on a list. What cannot be read is not
 * told from one about this.
 */
async function isOfAnother(store: ReadStore, claim: Digest, subject: Digest): Promise<boolean> {
  try {
    return (await store.manifest(claim)).value.subject?.digest !== subject;
  } catch (error) {
    if (!isConsignError(error)) throw error;
    return false;
  }
}

/** But for `hold`, the short names of their types. */
type Kind = "deployment" | "endOfLife" | "hold" | "archived" | "content-purged";

export function kindOfEvidence(
  descriptor: Descriptor,
  holds: ReadonlySet<string>,
  isArchive: boolean,
): Kind | undefined {
  const type = typeKey(claimTypeOf(descriptor) ?? "");
  if (holds.has(type)) return "hold";
  if (type === "deployment" || type === "endOfLife") return type;
  return isArchive && (type === "archived" || type === "content-purged") ? type : undefined;
}

export async function judged(
  store: ReadStore,
  descriptor: Descriptor,
  subject: Digest,
  kind: Kind,
  before: Evidence | undefined,
  question: EvidenceQuestion,
  context: ResourceContext,
): Promise<Evidence | undefined> {
  const known = before?.kind === "doubt" || before?.kind === "claimed" ? undefined : before;
  const weighed = await weighClaim(store, descriptor, subject, question.trust, context);
  const objection =
    kind === "endOfLife" && weighed.worth !== "refused"
      ? objectionTo(weighed, question.issuers.endOfLife)
      : undefined;
  const { worth, reason } =
    objection === undefined ? weighed : { worth: "refused" as const, reason: objection };
  if (worth === "believed") return believed(store, weighed, subject, kind, question, context);
  if (worth === "inconclusive") return { kind: "doubt", reason };
  if (worth === "expired" || worth === "unsigned") {
    if (known !== undefined) return withSources(known, weighed, question);
    return worth === "expired"
      ? { kind: "doubt", reason: `it was never seen while its signature was good: ${reason}` }
      : undefined;
  }
  if (known !== undefined)
    return { kind: "doubt", reason: `it was believed before, and is not now: ${reason}` };
  const others = kind === "archived" ? await claimed(weighed, question) : undefined;
  if (others !== undefined) return others;
  context.warn(`${store.name}@${subject}: a claim about ${kind} does not count: ${reason}`);
  return undefined;
}

/**
 * Another policy's record, by a signer whom this one need not trust: no reason to keep anything
 * here, and one not to take it away.
 */
async function claimed(
  { claim }: WeighedClaim,
  { ownership }: EvidenceQuestion,
): Promise<Evidence | undefined> {
  const { others } =
    "broken" in claim ? { others: [] } : await sourcesIn(claim.predicate, ownership);
  return others.length === 0 ? undefined : { kind: "claimed", sources: others.slice(0, 1) };
}

/**
 * Versions before recorded no sources. What was believed under this digest says now what it said
 * then.
 */
async function withSources(
  known: Evidence,
  { claim }: WeighedClaim,
  { ownership }: EvidenceQuestion,
): Promise<Evidence> {
  if (known.kind !== "archived" || known.sources !== undefined) return known;
  return "broken" in claim
    ? { kind: "doubt", reason: `where it was archived from cannot be read: ${claim.broken.reason}` }
    : archivedFrom(known.at, claim.predicate, ownership);
}

async function archivedFrom(
  at: string,
  predicate: unknown,
  ownership: Ownership,
): Promise<Evidence> {
  const { own, others, byName } = await sourcesIn(predicate, ownership);
  return {
    kind: "archived",
    at,
    sources:
      byName && ownership.policy !== undefined ? [named(ownership.policy)] : [...others, ...own],
  };
}

/** Why a claim that support ends does not count, whoever trusts its signer otherwise. */
function objectionTo(
  { verdict, words, signers: believed }: WeighedClaim,
  allowed: readonly KnownIssuer[] | undefined,
): string | undefined {
  const signers: Signer[] = words.length > 0 ? words : [verdict.signer ?? []].flat();
  if (
    signers.length === 0 ||
    allowed === undefined ||
    signers.some((signer) => allowed.some((entry) => names(entry, signer)))
  )
    return undefined;
  const who = believed.length > 0 ? believed : signers.map(({ subject }) => subject);
  return `its signer, ${together(who)}, is not among those who may issue an endOfLife here`;
}

async function believed(
  store: ReadStore,
  weighed: WeighedClaim,
  subject: Digest,
  kind: Kind,
  { trust, issuers, ownership }: EvidenceQuestion,
  context: ResourceContext,
): Promise<Evidence | undefined> {
  const { claim } = weighed;
  if ("broken" in claim) return { kind: "doubt", reason: claim.broken.reason };
  const revoked = () =>
    revocationOfClaim(store, weighed, subject, { trust, issuers: issuers.revocation }, context);
  if (kind === "hold")
    return (await revoked()) === "revoked"
      ? undefined
      : { kind: "hold", type: typeKey(claim.type) };
  // A list of referrers can call a claim what it is not.
  if (typeKey(claim.type) !== kind)
    return {
      kind: "doubt",
      reason: `it is listed as a claim about ${kind}, and is one of type ${typeKey(claim.type)}`,
    };
  const evidence = await evidenceIn(claim, kind, ownership);
  const shortens =
    evidence.kind === "end-of-life" ||
    (evidence.kind === "deployment" && evidence.until !== undefined);
  return shortens && (await revoked()) !== undefined
    ? { kind: "doubt", reason: "it has been revoked" }
    : evidence;
}

async function evidenceIn(
  { predicate }: ReadClaim,
  kind: Exclude<Kind, "hold">,
  ownership: Ownership,
): Promise<Evidence> {
  const unfit: Evidence = { kind: "doubt", reason: `what it says about ${kind} cannot be read` };
  if (kind === "deployment") {
    const { data } = deploymentSchema.safeParse(predicate);
    if (data === undefined) return unfit;
    const { environment, from, until, resource } = data;
    return {
      kind,
      environment,
      ...(typeof resource === "string" ? { resource } : {}),
      from: instant(from),
      ...(until === undefined ? {} : { until: instant(until) }),
    };
  }
  if (kind === "endOfLife") {
    const { data } = endOfLifeSchema.safeParse(predicate);
    return data === undefined ? unfit : { kind: "end-of-life", date: instant(data.date) };
  }
  if (kind === "archived") {
    const { data } = archivedSchema.safeParse(predicate);
    return data === undefined
      ? unfit
      : archivedFrom(instant(data.archivedAt), predicate, ownership);
  }
  const at = contentPurgedSchema.safeParse(predicate).data?.purgedAt;
  return at === undefined ? unfit : { kind, at: instant(at) };
}

function instant(text: string): string {
  return formatInstant(Date.parse(text));
}
