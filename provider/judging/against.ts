// SPDX-License-Identifier: Apache-2.0
import { z } from "zod";
import type { EffectiveClaims, ObservedClaim, RequirementResult } from "../claims/index";
import { mayForbid, resolveType } from "../claims/index";
import { manifestIfThere } from "../content/presence";
import type { ReadStore } from "../content/storage";
import { isConsignError } from "../errors";
import { ANNOTATIONS } from "../oci/annotations";
import type { Descriptor } from "../oci/descriptor";
import { digestSchema, type Digest } from "../oci/digest";
import { referrerDescriptor } from "../oci/manifest";
import { MEDIA_TYPES, mediaTypeSchema } from "../oci/media-types";

/** Claims that are remembered of one artifact; those that a place still lists need not be. */
const MAX_REMEMBERED = 500;

/**
 * What has been said against an artifact, by the digest of the claim, as it was last seen. A list
 * is rewritten by whoever may push, so what it leaves out counts on until it is gone.
 */
export const againstSchema = z.record(
  digestSchema,
  z.object({
    /** The place's name. */
    at: z.string(),
    /** What it is listed under. */
    subject: digestSchema,
    mediaType: mediaTypeSchema,
    size: z.number().int().nonnegative(),
    /** Predicate type, where it is known. */
    type: z.string().optional(),
    /** That count, or may. */
    signatures: z.array(digestSchema).max(1_000),
  }),
);
export type Against = z.infer<typeof againstSchema>;

export interface Recorded {
  against: Against;
  /** That not all of it is recorded. */
  warning?: string;
}

/** Of a claim that was recorded before its place was. */
const ANYWHERE = "";

const stateSchema = z.looseObject({
  against: againstSchema.optional(),
  claims: z
    .record(digestSchema, z.looseObject({ type: z.string(), status: z.string() }))
    .optional()
    .catch(undefined),
  verdict: z.looseObject({ digest: digestSchema.optional() }).optional(),
});

/** What is remembered in a state of any version: the first ones have only the claims' types. */
export function rememberedIn(state: unknown): Against {
  const parsed = stateSchema.safeParse(state ?? {});
  if (!parsed.success) return {};
  const { against, claims = {}, verdict } = parsed.data;
  const subject = verdict?.digest;
  if (against !== undefined || subject === undefined) return against ?? {};
  return Object.fromEntries(
    Object.entries(claims)
      .filter(
        ([, { type, status }]) => mayForbid(type) && /^(?:effective|inconclusive):/.test(status),
      )
      .map(([digest, { type }]) => [
        digest,
        {
          at: ANYWHERE,
          subject,
          mediaType: MEDIA_TYPES.manifest,
          size: 0,
          type: resolveType(type),
          signatures: [],
        },
      ]),
  );
}

/** A store that goes on listing what is remembered, until it is gone. */
export function remembering(store: ReadStore, against: Against): ReadStore {
  const here = Object.entries(against).filter(([, { at }]) => at === store.name || at === ANYWHERE);
  if (here.length === 0) return store;
  return {
    name: store.name,
    resolve: (reference, options) => store.resolve(reference, options),
    manifest: (target, options) => store.manifest(target, options),
    blob: (target, options) => store.blob(target, options),
    has: (target, options) => store.has(target, options),
    tags: (options) => store.tags(options),
    async referrers(subject, options) {
      const listed = await store.referrers(subject, options);
      const known = new Set(listed.map(({ digest }) => digest));
      const missed = rememberedUnder(here as [Digest, Against[Digest]][], subject).filter(
        ({ digest }) => !known.has(digest),
      );
      const left = await Promise.all(missed.map((entry) => whileThere(store, entry, subject)));
      return [...listed, ...left.flat()].sort((a, b) => (a.digest < b.digest ? -1 : 1));
    },
  };
}

function rememberedUnder(
  here: readonly [Digest, Against[Digest]][],
  subject: Digest,
): Descriptor[] {
  return here.flatMap(([digest, { subject: of, mediaType, size, type, signatures }]) => [
    ...(of === subject
      ? [
          {
            mediaType,
            digest,
            size,
            artifactType: MEDIA_TYPES.statement,
            annotations: type === undefined ? {} : { [ANNOTATIONS.claimType]: type },
          },
        ]
      : []),
    ...(digest === subject
      ? signatures.map((signature) => ({
          mediaType: MEDIA_TYPES.manifest,
          digest: signature,
          size: 0,
          artifactType: MEDIA_TYPES.notarySignature,
        }))
      : []),
  ]);
}

async function whileThere(
  store: ReadStore,
  entry: Descriptor,
  subject: Digest,
): Promise<Descriptor[]> {
  try {
    const manifest = await manifestIfThere(store, entry.digest);
    return manifest?.value.subject?.digest === subject ? [referrerDescriptor(manifest)] : [];
  } catch (error) {
    // It is there, and whoever reads it is told what is wrong with it.
    if (
      isConsignError(
        error,
        "DIGEST_MISMATCH",
        "SIZE_MISMATCH",
        "MANIFEST_TOO_LARGE",
        "MANIFEST_INVALID",
      )
    )
      return [entry];
    throw error;
  }
}

/**
 * What is to be remembered: what forbids, or may; what keeps a requirement from being met; and what
 * has replaced something that would meet it.
 */
export function againstIn(
  at: string,
  observed: readonly ObservedClaim[],
  { claims }: EffectiveClaims,
  results: readonly RequirementResult[],
): Recorded {
  const evidence = new Set(results.flatMap(({ met, claims: by }) => (met ? by : [])));
  const opposing = new Set(results.flatMap(({ met, claims: by }) => (met ? [] : by)));
  const replacing = new Set(claims.flatMap(({ by }) => by ?? []));
  const counting = new Set(
    claims
      .filter(
        ({ digest, status, type }) =>
          (status === "effective" || status === "inconclusive") &&
          (mayForbid(type) ||
            opposing.has(digest) ||
            (replacing.has(digest) && !evidence.has(digest))),
      )
      .map(({ digest }) => digest),
  );
  const spoken = observed.filter(({ claim }) => counting.has(claim.digest));
  const against = Object.fromEntries(
    spoken.slice(0, MAX_REMEMBERED).flatMap((each) => entryOf(at, each)),
  );
  if (spoken.length <= MAX_REMEMBERED) return { against };
  const warning = `has ${spoken.length} claims that speak against it, or may: ${MAX_REMEMBERED} of them are remembered, and the others count only as long as ${at} lists them`;
  return { against, warning };
}

function entryOf(
  at: string,
  { claim, verdict }: ObservedClaim,
): (readonly [Digest, Against[Digest]])[] {
  const subject =
    "broken" in claim ? (claim.head?.subject.digest ?? claim.listedUnder) : claim.subject.digest;
  if (subject === undefined) return [];
  const { mediaType, size } = claim.descriptor;
  const type = claim.type === undefined ? {} : { type: claim.type };
  const signatures = signaturesOf(verdict);
  return [[claim.digest, { at, subject, mediaType, size, ...type, signatures }]];
}

/** Those that are good, or may be, or only have outlived a certificate. */
function signaturesOf({ signatures = [] }: ObservedClaim["verdict"]): Digest[] {
  return signatures
    .filter(
      ({ outcome, checks = [] }) =>
        outcome === "verified" ||
        outcome === "inconclusive" ||
        checks.some(({ check, result }) => check === "authenticity" && result === "passed"),
    )
    .flatMap(({ signature }) => signature ?? [])
    .sort();
}
