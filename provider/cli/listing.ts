// SPDX-License-Identifier: Apache-2.0
import { forEachBounded, groupedBy } from "../content/bounded";
import { presenceOf } from "../content/presence";
import type { ReadStore } from "../content/storage";
import { asConsignError, type ErrorCode } from "../errors";
import type { Digest } from "../oci/digest";
import type { ClaimReport, ObservedArtifact } from "../report/observation";
import type { SignatureReport } from "../report/signature-report";
import type { VerificationReport } from "../report/verification";

/** Tags that are looked at; what is beyond them is counted and told. */
export const MAX_TAGS = 1_000;
const TAGS_AT_ONCE = 8;

/** Where cosign keeps what it attaches: no artifacts of their own, told with what they are about. */
const BESIDE = /^sha256-[0-9a-f]{64}\.(?:att|sbom|sig)$/;

export interface Tagged {
  digest: Digest;
  tags: string[];
}

export interface Unknown {
  tags: string[];
  digest?: Digest;
  code: ErrorCode;
  reason: string;
}

export interface TagsFound {
  artifacts: Tagged[];
  /** Tags of which it could not be told what they lead to. */
  unknown: Unknown[];
  /** Tags under which other tools keep what they attach. */
  beside: string[];
  /** How many further tags nobody looked at. */
  left: number;
}

export interface TagsOptions {
  /** @default MAX_TAGS */
  limit?: number;
  /** Whether tags under which other tools keep what they attach are told apart. @default true */
  beside?: boolean;
}

/** All tags of a place with what they lead to, each artifact once, in the order of its first tag. */
export async function tagsFound(store: ReadStore, options: TagsOptions = {}): Promise<TagsFound> {
  const names = await store.tags();
  const beside = options.beside === false ? [] : names.filter((tag) => BESIDE.test(tag));
  const own = options.beside === false ? names : names.filter((tag) => !BESIDE.test(tag));
  const looked = own.slice(0, options.limit ?? MAX_TAGS);
  const found: { tag: string; digest: Digest }[] = [];
  const unknown: Unknown[] = [];
  await forEachBounded(looked, TAGS_AT_ONCE, async (tag) => {
    try {
      found.push({ tag, digest: (await store.resolve(tag)).digest });
    } catch (error) {
      const missing = await reasonFor(store, tag, error);
      if (missing !== undefined) unknown.push({ tags: [tag], ...missing });
    }
  });
  found.sort((a, b) => (a.tag < b.tag ? -1 : 1));
  const artifacts = [...groupedBy(found, ({ digest }) => digest)].map(([digest, of]) => ({
    digest,
    tags: of.map(({ tag }) => tag),
  }));
  unknown.sort((a, b) => ((a.tags[0] ?? "") < (b.tags[0] ?? "") ? -1 : 1));
  return { artifacts, unknown, beside, left: own.length - looked.length };
}

/** A tag that was removed while the list was read is none any more. */
async function reasonFor(
  store: ReadStore,
  tag: string,
  error: unknown,
): Promise<Pick<Unknown, "code" | "reason"> | undefined> {
  const { code, message } = asConsignError(error);
  if (code === "MANIFEST_UNKNOWN") {
    const tags = await store.tags({ fresh: true });
    if (!tags.includes(tag) && (await presenceOf(store, tag)).is === "gone") return undefined;
  }
  return { code, reason: message };
}

/** Claims of one type, issuer and standing. */
export interface ClaimCount {
  type: string;
  /** Who signed them; absent where nobody is known to have. */
  by?: string[];
  status: ClaimReport["status"];
  count: number;
}

export interface SignerCount {
  status: SignatureReport["status"];
  /** Absent where the signature is not whole. */
  by?: string;
  count: number;
}

export interface ForeignCount {
  origin: string;
  type?: string;
  status: string;
  count: number;
}

export interface ListedArtifact extends Tagged {
  mediaType: string;
  artifactType?: string;
  /** Under the trust policy; absent without one. */
  verified?: VerificationReport["verified"];
  /** Nothing that is listed as its signature is whole, or there is none. */
  unsigned: boolean;
  signatures: SignerCount[];
  claims: ClaimCount[];
  foreign: ForeignCount[];
  /** What is broken, a line each. */
  faults: string[];
}

export interface Listing extends Omit<TagsFound, "artifacts" | "unknown"> {
  repository: string;
  policy?: string;
  artifacts: ListedArtifact[];
  /** What could not be looked at. */
  unknown: Unknown[];
  /** See `ObservedArtifact.listedByTags`. */
  listedByTags?: true;
}

export function signersOf({ signatures }: ObservedArtifact): SignerCount[] {
  return counted(
    signatures.map(({ status, signer }) => ({
      status,
      ...(signer === undefined ? {} : { by: signer.subject }),
    })),
  );
}

export function claimCounts({ claims }: ObservedArtifact): ClaimCount[] {
  return counted(
    claims.map((claim) => {
      const by = issuersOf(claim);
      return { type: claim.name, ...(by.length === 0 ? {} : { by }), status: claim.status };
    }),
  );
}

/** Where no policy says who counts, those whose signature is whole. */
function issuersOf({ issuer, issuers, signatures }: ClaimReport): string[] {
  if (issuers !== undefined) return issuers.map((each) => each.issuer).sort();
  if (issuer !== undefined) return [issuer];
  const signers = signatures.flatMap(({ signer }) =>
    signer === undefined ? [] : [signer.subject],
  );
  return [...new Set(signers)].sort();
}

export function foreignCounts({ foreign }: ObservedArtifact): ForeignCount[] {
  return counted(
    foreign.map(({ origin, type, status }) => ({
      origin,
      ...(type === undefined ? {} : { type }),
      status,
    })),
  );
}

function counted<T extends object>(items: readonly T[]): (T & { count: number })[] {
  return [...groupedBy(items, (item) => JSON.stringify(item))]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([, [first, ...more]]) =>
      first === undefined ? [] : [{ ...first, count: more.length + 1 }],
    );
}
