// SPDX-License-Identifier: Apache-2.0
import { z } from "zod";
import { deploymentSchema, endOfLifeSchema, revocationSchema } from "../claims";
import { ConsignError } from "../errors";
import { digestSchema, type Digest } from "../oci/digest";
import type { Status } from "./html/marks";
import type { ClaimReport, ObservedArtifact } from "./observation";

/** What an `ArchivePolicy` decided about an artifact: an entry of its output `entries`. */
export interface Retention {
  state: string;
  reason?: string | undefined;
  archivedAt?: string | undefined;
  /** RFC 3339. It may be purged from then on. */
  retainUntil?: string | undefined;
}

const time = z.iso.datetime({ offset: true });
const retentionSchema = z.record(
  digestSchema,
  z
    .looseObject({
      state: z.string(),
      reason: z.string().optional(),
      archivedAt: time.optional(),
      retainUntil: time.optional(),
    })
    .transform(({ state, reason, archivedAt, retainUntil }): Retention => ({
      state,
      reason,
      archivedAt,
      retainUntil,
    })),
);

/**
 * Reads the output `entries` of an `ArchivePolicy`, as JSON. @throws ConsignError `INPUT_INVALID`
 */
export function parseRetention(value: unknown): Map<Digest, Retention> {
  const parsed = retentionSchema.safeParse(value);
  if (parsed.success) return new Map(Object.entries(parsed.data) as [Digest, Retention][]);
  const issue = parsed.error.issues[0];
  throw new ConsignError(
    "INPUT_INVALID",
    `these are not the entries of an ArchivePolicy: ${issue?.path.join(".") || "(root)"}: ${issue?.message}`,
  );
}

/** Something that lasts. Milliseconds since 1970, UTC. */
export interface Span {
  from: number;
  /** Absent: it lasts. */
  until?: number;
  status: Status;
  title: string;
}

/** Something that happened, or will. */
export interface Moment {
  at: number;
  status: Status;
  title: string;
}

export interface Lane {
  kind: "production" | "claims" | "lifecycle" | "retention";
  name: string;
  spans: Span[];
  moments: Moment[];
}

export interface Timeline {
  lanes: Lane[];
  from: number;
  to: number;
  now: number;
}

const DAY = 86_400_000;

/** Lifecycles of the artifacts themselves; what index members go through is told with the index. */
export function timelineOf(
  observed: readonly ObservedArtifact[],
  retention: ReadonlyMap<Digest, Retention>,
  now: Date,
): Timeline {
  const claims = [
    ...new Map(
      observed.flatMap(({ claims: list }) => list).map((claim) => [claim.digest, claim]),
    ).values(),
  ];
  const lanes = [
    ...productionLanes(claims),
    ...lifecycleLanes(claims),
    ...signatureLanes(observed),
    ...claimLanes(claims),
    ...retentionLanes([...new Set(observed.map(({ digest }) => digest))], retention),
  ];
  const times = lanes.flatMap(({ spans, moments }) => [
    ...spans.flatMap(({ from, until }) => [from, until ?? from]),
    ...moments.map(({ at }) => at),
  ]);
  const all = [...times, now.getTime()].filter(Number.isFinite);
  const from = all.reduce((a, b) => Math.min(a, b));
  const to = all.reduce((a, b) => Math.max(a, b));
  const past = Math.max(now.getTime() - from, DAY);
  // Years of retention ahead would leave no room for what happened.
  const end = Math.min(to, now.getTime() + past * 0.45);
  const margin = (end - from) * 0.02 + DAY / 24;
  return { lanes, from: from - margin, to: end + margin, now: now.getTime() };
}

function productionLanes(claims: readonly ClaimReport[]): Lane[] {
  const lanes = new Map<string, Lane>();
  for (const { name, predicate, digest } of claims) {
    const deployment = deploymentSchema.safeParse(predicate);
    if (name !== "deployment" || !deployment.success) continue;
    const { environment, from, until } = deployment.data;
    const lane = lanes.get(environment) ?? {
      kind: "production",
      name: environment,
      spans: [],
      moments: [],
    };
    const title = `in ${environment} from ${from}${until === undefined ? ", still" : ` until ${until}`} (${digest})`;
    lane.spans.push({
      from: Date.parse(from),
      ...(until === undefined ? {} : { until: Date.parse(until) }),
      status: "effective",
      title,
    });
    lanes.set(environment, lane);
  }
  return [...lanes.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

function lifecycleLanes(claims: readonly ClaimReport[]): Lane[] {
  const moments = claims.flatMap((claim) =>
    claim.name === "endOfLife"
      ? endOfLife(claim)
      : claim.name === "revocation"
        ? revocation(claim)
        : [],
  );
  return moments.length === 0 ? [] : [{ kind: "lifecycle", name: "lifecycle", spans: [], moments }];
}

function endOfLife({ predicate, digest }: ClaimReport): Moment[] {
  const said = endOfLifeSchema.safeParse(predicate);
  return said.success
    ? [
        {
          at: Date.parse(said.data.date),
          status: "expired",
          title: `end of life ${said.data.date}${because(said.data.reason)} (${digest})`,
        },
      ]
    : [];
}

function revocation({ predicate, issuedAt, digest }: ClaimReport): Moment[] {
  const said = revocationSchema.safeParse(predicate);
  const since = said.data?.since ?? issuedAt;
  return said.success && since !== undefined
    ? [
        {
          at: Date.parse(since),
          status: "revoked",
          title: `revoked ${since}${because(said.data.reason)} (${digest})`,
        },
      ]
    : [];
}

function because(reason: string | undefined): string {
  return reason === undefined ? "" : `: ${reason}`;
}

/**
 * Of the artifact itself, wherever it was seen. Those whose signing time nobody can tell have no
 * place on it.
 */
function signatureLanes(observed: readonly ObservedArtifact[]): Lane[] {
  const signatures = [
    ...new Map(
      observed.flatMap((each) => each.signatures).map((each) => [each.digest, each]),
    ).values(),
  ];
  const moments = signatures.flatMap(({ digest, status, signedAt, signer }): Moment[] => {
    if (signedAt === undefined || Number.isNaN(Date.parse(signedAt))) return [];
    return [
      {
        at: Date.parse(signedAt),
        status,
        title: `signed ${signedAt}${signer === undefined ? "" : ` by ${signer.subject}`}, ${status} (${digest})`,
      },
    ];
  });
  return moments.length === 0 ? [] : [{ kind: "claims", name: "signature", spans: [], moments }];
}

function claimLanes(claims: readonly ClaimReport[]): Lane[] {
  const lanes = new Map<string, Lane>();
  for (const claim of claims) {
    const { name, status, digest, signatures, expiresAt = signatures[0]?.expiresAt } = claim;
    const issuedAt = claim.issuedAt ?? signatures[0]?.signedAt;
    if (issuedAt === undefined || Number.isNaN(Date.parse(issuedAt))) continue;
    const lane = lanes.get(name) ?? { kind: "claims", name, spans: [], moments: [] };
    const title = `${name} ${status}, signed ${issuedAt}${expiresAt === undefined ? "" : `, expires ${expiresAt}`} (${digest})`;
    lane.moments.push({ at: Date.parse(issuedAt), status, title });
    if (expiresAt !== undefined)
      lane.spans.push({ from: Date.parse(issuedAt), until: Date.parse(expiresAt), status, title });
    lanes.set(name, lane);
  }
  return [...lanes.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

function retentionLanes(
  digests: readonly Digest[],
  retention: ReadonlyMap<Digest, Retention>,
): Lane[] {
  return digests.flatMap((digest): Lane[] => {
    const { archivedAt, retainUntil, state = "", reason } = retention.get(digest) ?? {};
    if (archivedAt === undefined && retainUntil === undefined) return [];
    const title = `${state}${archivedAt === undefined ? "" : `, archived ${archivedAt}`}${retainUntil === undefined ? "" : `, kept until ${retainUntil}, may be purged after`}${reason === undefined ? "" : `: ${reason}`}`;
    const from = Date.parse(archivedAt ?? retainUntil ?? "");
    return [
      {
        kind: "retention",
        name: "archive",
        spans: [
          {
            from,
            ...(retainUntil === undefined ? {} : { until: Date.parse(retainUntil) }),
            status: "superseded",
            title,
          },
        ],
        moments: [],
      },
    ];
  });
}
