// SPDX-License-Identifier: Apache-2.0
import {
  audienceOf,
  claimTypeOf,
  effectiveClaims,
  isClaim,
  MAX_CLAIMS,
  mayBeClaim,
  observeClaim,
  redirectDoubt,
  turnsOutClaim,
  typeKey,
  type BrokenClaim,
  type ClaimVerdict,
  type EffectiveClaims,
  type JudgedClaim,
  type ReadClaim,
  type VexEntry,
} from "../claims";
import { isBundleType } from "../claims/recognise";
import { forEachBounded } from "../content/bounded";
import type { ReadStore } from "../content/storage";
import { ConsignError } from "../errors";
import { isSignature } from "../notation";
import { plainDescriptor, type Descriptor } from "../oci/descriptor";
import type { Digest } from "../oci/digest";
import type { ClaimReport, ObserveOptions, RelatedReport } from "./observation";
import { observeSignatures } from "./signatures";
import type { SignatureReport } from "./signature-report";

/** Claims about claims about claims. */
const MAX_DEPTH = 8;
const CONCURRENCY = 8;

/** A claim with its signatures and what is said about it, not judged yet. */
interface Found {
  subject: Digest;
  claim: ReadClaim | BrokenClaim;
  verdict: ClaimVerdict;
  signatures: SignatureReport[];
  about: Found[];
  related: RelatedReport[];
}

export interface ClaimFindings {
  claims: ClaimReport[];
  vex: VexEntry[];
  /** Why it may be that the artifact is redirected, where nobody can tell. */
  redirectDoubt?: string;
}

/**
 * Reads the claims among an artifact's referrers, with their signatures and the claims about them,
 * and says of each whether it counts.
 * @throws ConsignError `GRAPH_TOO_LARGE`, `GRAPH_TOO_DEEP`, `TRUST_POLICY_NOT_APPLICABLE`, and
 * whatever the store answers
 */
export async function observeClaims(
  store: ReadStore,
  artifact: Digest,
  referrers: readonly Descriptor[],
  o: ObserveOptions,
): Promise<ClaimFindings> {
  const budget = { left: MAX_CLAIMS };
  const found = await findClaims(store, artifact, referrers, o, budget, 1);
  const all = (list: readonly Found[]): Found[] =>
    list.flatMap((each) => [each, ...all(each.about)]);
  const counting = [...found, ...found.flatMap(({ about }) => all(about)).filter(isRevocation)];
  const effective = judge(artifact, counting, o);
  const doubt = redirectDoubt(effective, o.lifecycleIssuers);
  return {
    claims: reports(found, byDigest(effective), o),
    vex: effective.vex,
    ...(doubt === undefined ? {} : { redirectDoubt: doubt }),
  };
}

async function findClaims(
  store: ReadStore,
  subject: Digest,
  referrers: readonly Descriptor[],
  o: ObserveOptions,
  budget: { left: number },
  depth: number,
): Promise<Found[]> {
  const descriptors = referrers.filter(isOwnClaim);
  budget.left -= descriptors.length;
  if (budget.left < 0)
    throw new ConsignError(
      "GRAPH_TOO_LARGE",
      `more than ${MAX_CLAIMS} claims belong to ${store.name}@${subject}`,
    );
  if (depth > MAX_DEPTH && descriptors.length > 0)
    throw new ConsignError(
      "GRAPH_TOO_DEEP",
      `more than ${MAX_DEPTH} claims lead up to ${store.name}@${subject}`,
    );
  const found: Found[] = [];
  await forEachBounded(
    descriptors.entries(),
    depth === 1 ? CONCURRENCY : 1,
    async ([place, descriptor]) => {
      const around = await store.referrers(descriptor.digest);
      const claim = await observeClaim(store, descriptor, { subject, asked: true });
      if (!turnsOutClaim(descriptor, claim)) return;
      const { verdict, reports: signatures } = await observeSignatures(
        store,
        plainDescriptor(descriptor),
        around,
        { ...o, signers: "every" },
      );
      const about = await findClaims(store, descriptor.digest, around, o, budget, depth + 1);
      found[place] = {
        subject,
        claim,
        verdict: trustworthy(verdict, o),
        signatures,
        about,
        related: relatedAmong(around),
      };
    },
  );
  return Object.values(found);
}

/** Bundles carry their own kind of signature, and are read as claims of other tools. */
function isOwnClaim(descriptor: Descriptor): boolean {
  return mayBeClaim(descriptor) && !isBundleType(descriptor.artifactType ?? "");
}

export function relatedAmong(referrers: readonly Descriptor[]): RelatedReport[] {
  return referrers
    .filter((descriptor) => !isSignature(descriptor) && !isClaim(descriptor))
    .map(({ digest, artifactType }) => ({
      digest,
      ...(artifactType === undefined ? {} : { artifactType }),
    }));
}

/** Where nobody said whom to trust, nobody is trusted, so that nothing becomes effective. */
function trustworthy(verdict: ClaimVerdict, { trust }: ObserveOptions): ClaimVerdict {
  return trust === undefined && verdict.outcome === "verified"
    ? { outcome: "untrusted", reason: "signer not checked against a policy" }
    : verdict;
}

/** What nobody can tell the type of may be one. */
function isRevocation({ claim }: Found): boolean {
  return claim.type === undefined || typeKey(claim.type) === "revocation";
}

function judge(subject: Digest, found: readonly Found[], o: ObserveOptions): EffectiveClaims {
  return effectiveClaims({
    subject,
    now: o.now,
    claims: found,
    precedence: o.precedence,
    lifecycleIssuers: o.lifecycleIssuers,
  });
}

function byDigest({ claims }: EffectiveClaims): Map<Digest, JudgedClaim> {
  return new Map(claims.map((claim) => [claim.digest, claim]));
}

function reports(
  found: readonly Found[],
  judged: ReadonlyMap<Digest, JudgedClaim>,
  o: ObserveOptions,
): ClaimReport[] {
  return found.map((each) => describe(each, judged, o)).sort(inOrder);
}

function describe(
  found: Found,
  judged: ReadonlyMap<Digest, JudgedClaim>,
  o: ObserveOptions,
): ClaimReport {
  const { claim, subject, signatures, related } = found;
  const {
    type = claimTypeOf(claim.descriptor),
    status,
    ...judgement
  } = judgedAs(claim.digest, judged);
  // What revokes a claim that stands is judged with the artifact's claims; whatever else is said
  // about a claim, with that claim as its subject.
  const below = byDigest(judge(claim.digest, found.about, o));
  for (const { claim: each } of found.about.filter(isRevocation)) {
    const outer = judged.get(each.digest);
    if (outer !== undefined && outer.status !== "subject-mismatch") below.set(each.digest, outer);
  }
  return {
    ...judgement,
    ...(type === undefined ? {} : { type }),
    name: type === undefined ? "unknown" : typeKey(type),
    audience: "broken" in claim ? audienceOf(claim.descriptor) : claim.audience,
    subject,
    status: status === "untrusted" && o.trust === undefined ? "unchecked" : status,
    signatures,
    claims: reports(found.about, below, o),
    related,
  };
}

function judgedAs(digest: Digest, judged: ReadonlyMap<Digest, JudgedClaim>): JudgedClaim {
  return (
    judged.get(digest) ?? {
      digest,
      type: undefined,
      scope: "",
      status: "inconclusive",
      reason: "it was not judged",
    }
  );
}

function inOrder(a: ClaimReport, b: ClaimReport): number {
  const key = ({ name, issuedAt = "", digest }: ClaimReport) => `${name}\n${issuedAt}\n${digest}`;
  return key(a) < key(b) ? -1 : 1;
}
