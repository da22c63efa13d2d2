// SPDX-License-Identifier: Apache-2.0
import { forEachBounded } from "../content/bounded";
import type { ReadStore } from "../content/storage";
import { ConsignError } from "../errors";
import {
  saysNothing,
  verifyArtifact,
  type ArtifactVerdict,
  type ResolvedTrustPolicy,
  type VerifyContext,
} from "../notation";
import { ANNOTATIONS } from "../oci/annotations";
import { plainDescriptor, type Descriptor } from "../oci/descriptor";
import type { Digest } from "../oci/digest";
import {
  brokenClaim,
  confirmContent,
  observeClaimHead,
  readContent,
  type BrokenClaim,
  type ClaimHead,
  type ReadClaim,
} from "./read-claim";
import { claimTypeOf, isClaim } from "./recognise";
import { lapsedSignings } from "./effective/signers";
import { kindOf, typeKey } from "./types";
import { isLost, mayForbid } from "./effective/unreadable";
import type { ObservedClaim } from "./effective/terms";
import { targetOf } from "./effective/claim-by-signer";
import type { ClaimVerdict } from "./effective/claim-verdict";

/** Claims that are looked at for one artifact, revocations of its claims included. */
export const MAX_CLAIMS = 10_000;
/** Signatures that are looked at for all claims of one artifact together. */
export const MAX_CLAIM_SIGNATURES = 20_000;
/** Bytes of content that are read for all claims of one artifact together: 512 MiB. */
export const MAX_CLAIM_BYTES = 512 * 1024 * 1024;
/**
 * Content up to this size, 256 KiB, is read whether anyone asks about it or not: asking if it is
 * there costs as much.
 */
const SMALL_CONTENT = 256 * 1024;

export interface GatherOptions {
  /** Claims under way at once. @default 8 */
  concurrency?: number | undefined;
  /**
   * Types that the answer is wanted for, as predicate type URIs. Claims of other types are left out
   * unless they supersede a claim by name.
   * @default all
   */
  about?: ((type: string) => boolean) | undefined;
  /**
   * Types whose predicates somebody asks about. An SBOM, or a claim of a type that is not in the
   * vocabulary, of which this is false is not downloaded where it is large: see {@link
   * confirmContent} for what is sure of it then. @default all
   */
  predicates?: ((type: string) => boolean) | undefined;
}

/**
 * Collects what {@link effectiveClaims} judges: the claims about an artifact, and the revocations
 * attached to those, each with the verdict on its signatures. Other claims about claims are not
 * about the artifact and are left out. Sorted by digest.
 *
 * All signatures of a claim are looked at, as each signer's word counts. They come first: of a
 * claim that no trusted signer vouches for, only the manifest is read. What a list of referrers
 * says decides nothing but what is not looked at, which the list could as well have left out.
 * @throws ConsignError `GRAPH_TOO_LARGE` beyond {@link MAX_CLAIMS}, {@link MAX_CLAIM_SIGNATURES} or
 * {@link MAX_CLAIM_BYTES}: a claim that is not looked at could be the one that forbids; and what
 * the store throws where it cannot be asked
 */
export async function gatherClaims(
  store: ReadStore,
  artifact: Descriptor,
  policy: ResolvedTrustPolicy,
  context: VerifyContext,
  options: GatherOptions = {},
): Promise<ObservedClaim[]> {
  const gathering = new Gathering(store, artifact, policy, context, options);
  let level: Listed[] = (await store.referrers(artifact.digest))
    .filter((descriptor) => gathering.concerns(descriptor))
    .map((descriptor) => ({ descriptor, subject: artifact.digest }));
  while (level.length > 0) level = await gathering.look(level);
  return gathering.found();
}

/** A claim, and under whose referrers it was found. */
interface Listed {
  descriptor: Descriptor;
  subject: Digest;
}

class Gathering {
  readonly #found = new Map<Digest, ObservedClaim>();
  #claims = 0;
  #signatures = 0;
  #bytes = 0;

  constructor(
    readonly store: ReadStore,
    readonly artifact: Descriptor,
    readonly policy: ResolvedTrustPolicy,
    readonly context: VerifyContext,
    readonly options: GatherOptions,
  ) {}

  found(): ObservedClaim[] {
    return [...this.#found.values()].sort((a, b) => (a.claim.digest < b.claim.digest ? -1 : 1));
  }

  /** Whether a referrer of the artifact may matter, going by the list. */
  concerns(descriptor: Descriptor): boolean {
    const type = claimTypeOf(descriptor);
    return (
      mayBeClaim(descriptor) &&
      (type === undefined ||
        this.#wanted(type) ||
        descriptor.annotations?.[ANNOTATIONS.claimSupersedes] !== undefined)
    );
  }

  /** Looks at claims, and resolves to the revocations that are attached to them. */
  async look(level: readonly Listed[]): Promise<Listed[]> {
    this.#claims = this.#charge(this.#claims, level.length, MAX_CLAIMS, "claims");
    const next: Listed[] = [];
    await forEachBounded(level, this.options.concurrency ?? 8, async (listed) => {
      const observed = await this.#observe(listed);
      if (observed === undefined) return;
      this.#found.set(observed.claim.digest, observed);
      if (!this.#mayBeRevoked(observed) || ("broken" in observed.claim && !isLost(observed.claim)))
        return;
      const attached = (await this.store.referrers(observed.claim.digest)).filter(
        (descriptor) => mayRevoke(descriptor) && !this.#found.has(descriptor.digest),
      );
      next.push(...attached.map((descriptor) => ({ descriptor, subject: observed.claim.digest })));
    });
    return next;
  }

  async #observe({ descriptor, subject }: Listed): Promise<ObservedClaim | undefined> {
    const attached = subject !== this.artifact.digest;
    const head = await observeClaimHead(this.store, descriptor, { subject });
    if (!turnsOutClaim(descriptor, head)) return undefined;
    if ("broken" in head) return this.#observeBroken(head, attached);
    if (!attached && !this.#matters(head)) return undefined;
    const verdict = await this.#verify(head);
    const claim = await orBroken(descriptor, () => this.#complete(head, verdict), head);
    if (
      attached &&
      !("broken" in claim
        ? claim.type === undefined || isRevocation(claim.type)
        : targetOf(claim) === subject)
    )
      return undefined;
    return { claim, verdict };
  }

  /** Who has signed it is known also where it is not there, or makes no sense. */
  async #observeBroken(claim: BrokenClaim, attached: boolean): Promise<ObservedClaim | undefined> {
    const { type, head, descriptor } = claim;
    if (attached && type !== undefined && !isRevocation(type)) return undefined;
    const looks = isLost(claim) && (head === undefined || this.#matters(head));
    return {
      claim,
      verdict: looks
        ? await this.#verify(head ?? { descriptor: plainDescriptor(descriptor) })
        : NOT_LOOKED_AT,
    };
  }

  /** What counts, or what only a certificate's end keeps from that. */
  #mayBeRevoked({ claim: { type }, verdict }: ObservedClaim): boolean {
    return verdict.outcome === "verified" || this.#lapsed(type, verdict);
  }

  #lapsed(type: string | undefined, verdict: ClaimVerdict): boolean {
    return mayForbid(type) && lapsedSignings(verdict, this.context.now).length > 0;
  }

  async #verify({ descriptor }: Pick<ClaimHead, "descriptor">): Promise<ArtifactVerdict> {
    const verdict = await verifyArtifact(this.store, descriptor, this.policy, {
      ...this.context,
      signers: "every",
    });
    this.#signatures = this.#charge(
      this.#signatures,
      verdict.signatures.length,
      MAX_CLAIM_SIGNATURES,
      "signatures of claims",
    );
    return verdict;
  }

  async #complete(head: ClaimHead, verdict: ClaimVerdict): Promise<ReadClaim> {
    const { type, layer } = head;
    // What a revocation names has to be known also while its signer cannot be asked about, as it
    // may be a claim.
    const mayCount =
      verdict.outcome === "verified" ||
      (verdict.outcome === "inconclusive" && isRevocation(type)) ||
      this.#lapsed(type, verdict);
    if (type !== undefined && !mayCount) return withoutContent(head, type);
    if (type !== undefined && (layer?.size ?? 0) > SMALL_CONTENT && !this.#asked(type))
      return confirmContent(this.store, head);
    this.#bytes = this.#charge(this.#bytes, layer?.size ?? 0, MAX_CLAIM_BYTES, "bytes of claims");
    return readContent(this.store, head, { asked: type === undefined || this.#asked(type) });
  }

  /**
   * Whether the algorithm of `effective.ts`, or a condition, looks into the content of claims of a
   * type.
   */
  #asked(type: string): boolean {
    const kind = kindOf(type);
    const isDocument = kind === undefined || kind.documentType !== undefined;
    return !isDocument || (this.options.predicates?.(type) ?? true);
  }

  #wanted(type: string): boolean {
    return this.options.about?.(type) ?? true;
  }

  #matters({ type, supersedes }: ClaimHead): boolean {
    return type === undefined || this.#wanted(type) || supersedes.length > 0;
  }

  #charge(spent: number, more: number, limit: number, of: string): number {
    if (spent + more <= limit) return spent + more;
    const reference = `${this.store.name}@${this.artifact.digest}`;
    throw new ConsignError(
      "GRAPH_TOO_LARGE",
      `more than ${limit} ${of} belong to ${reference}: not all can be looked at, so nothing is said of it`,
      { reference },
    );
  }
}

/** A claim of which not even the manifest says what it is about is refused whoever signed it. */
const NOT_LOOKED_AT: ClaimVerdict = {
  outcome: "inconclusive",
  reason: "its signature was not looked at, as the claim itself cannot be used",
};

/** What the list said nothing of may be anything, until its manifest says what it is. */
export function turnsOutClaim(listed: Descriptor, read: Described | BrokenClaim): boolean {
  const known = "broken" in read ? read.head : read;
  return !saysNothing(listed) || known === undefined || isClaim(describedBy(known));
}

type Described = Pick<ClaimHead, "descriptor" | "artifactType" | "annotations">;

/** As a list that is whole describes it. */
function describedBy({ descriptor, artifactType, annotations }: Described): Descriptor {
  return {
    ...descriptor,
    ...(artifactType === undefined ? {} : { artifactType }),
    annotations,
  };
}

function withoutContent({ layer: _, ...head }: ClaimHead, type: string): ReadClaim {
  return { ...head, type };
}

/** What is wrong with one claim hides no other. */
async function orBroken<T>(
  descriptor: Descriptor,
  read: () => Promise<T>,
  head?: ClaimHead,
): Promise<T | BrokenClaim> {
  try {
    return await read();
  } catch (error) {
    return brokenClaim(descriptor, error, head);
  }
}

function isRevocation(type: string | undefined): boolean {
  return type !== undefined && typeKey(type) === "revocation";
}

/** By the list alone: says that it is a claim, or nothing at all. */
export function mayBeClaim(descriptor: Descriptor): boolean {
  return isClaim(descriptor) || saysNothing(descriptor);
}

/** By the list alone: says that it revokes something, or does not say what it is. */
function mayRevoke(descriptor: Descriptor): boolean {
  const type = claimTypeOf(descriptor);
  return mayBeClaim(descriptor) && (type === undefined || isRevocation(type));
}
