// SPDX-License-Identifier: Apache-2.0
import { readClaim, type ReadClaim } from "../../provider/claims/read-claim";
import { packClaim, type ClaimContent } from "../../provider/claims/claim";
import { effectiveClaims, type EffectiveClaims } from "../../provider/claims/effective/effective";
import { resolveType } from "../../provider/claims/types";
import { MemoryStore } from "../../provider/content/memory";
import {
  bytesBlob,
  packManifest,
  pushArtifact,
  type PackedArtifact,
} from "../../provider/content/pack";
import type { Descriptor } from "../../provider/oci/descriptor";
import { digestOf, type Digest } from "../../provider/oci/digest";
import type { EffectiveInput } from "../../provider/claims/effective/terms";
import type { ObservedClaim } from "../../provider/claims/effective/terms";
import type { ClaimVerdict } from "../../provider/claims/effective/claim-verdict";

export const WABBIT = "C=US,ST=WA,O=Wabbit Networks";
export const ACME = "C=US,ST=NY,O=ACME Rockets";
export const STRANGER = "C=US,ST=CA,O=Stranger";
/** Thumbprints of two trusted roots; who signs is under the first where nothing else is said. */
export const ROOT = "a".repeat(64);
export const OTHER_ROOT = "b".repeat(64);
export const identity = (subject: string) => `x509.subject: ${subject}`;
export const NOW = new Date("2026-06-01T00:00:00Z");
/** A time so many days before NOW. */
export const daysAgo = (days: number) => new Date(NOW.getTime() - days * 86_400_000).toISOString();

export const ARTIFACT = digestOf("the artifact");

export const predicates = {
  scan: (o: { scanner?: string; finished?: string; scores?: string[] } = {}) => ({
    scanner: {
      uri: o.scanner ?? "pkg:github/example/scanner@1.0.0",
      db: { lastUpdate: daysAgo(30) },
      result: (o.scores ?? []).map((score, index) => ({
        id: `CVE-2026-${index}`,
        severity: [{ method: "nvd", score }],
      })),
    },
    metadata: {
      scanStartedOn: o.finished ?? daysAgo(20),
      scanFinishedOn: o.finished ?? daysAgo(20),
    },
  }),
  test: (result = "PASSED") => ({ result, configuration: [{ name: "unit" }] }),
  revocation: (target: Digest, since?: string) => ({
    target,
    reason: "found to be unsafe",
    ...(since === undefined ? {} : { since }),
  }),
  vex: (statements: object[], o: { timestamp?: string; version?: number } = {}) => ({
    "@context": "https://openvex.dev/ns/v0.2.0",
    "@id": "https://example.com/vex/1",
    author: "Wabbit Networks",
    timestamp: o.timestamp ?? daysAgo(10),
    version: o.version ?? 1,
    statements,
  }),
};

/** A claim as if it had been read, with a digest made from `name`. */
export function readClaimOf(
  name: string,
  type: string,
  predicate: unknown,
  o: { supersedes?: Digest[]; subject?: Digest } = {},
): ReadClaim {
  const digest = digestOf(name);
  const descriptor: Descriptor = {
    mediaType: "application/vnd.oci.image.manifest.v1+json",
    digest,
    size: 1,
  };
  return {
    digest,
    descriptor,
    type: resolveType(type),
    audience: "internal",
    supersedes: o.supersedes ?? [],
    subject: { ...descriptor, digest: o.subject ?? ARTIFACT },
    artifactType: "application/vnd.in-toto+json",
    annotations: {},
    predicate,
  };
}

export function signedBy(
  subject: string,
  signedAt = daysAgo(5),
  more: Partial<ClaimVerdict> = {},
): ClaimVerdict {
  return { outcome: "verified", signer: { subject, root: ROOT }, signedAt, ...more };
}

export function observed(
  name: string,
  o: {
    type?: string;
    predicate?: unknown;
    by?: string;
    at?: string;
    supersedes?: Digest[];
    subject?: Digest;
    verdict?: ClaimVerdict;
  } = {},
): ObservedClaim {
  const type = o.type ?? "test-result";
  return {
    claim: readClaimOf(name, type, o.predicate ?? predicates.test(), {
      ...(o.supersedes && { supersedes: o.supersedes }),
      ...(o.subject && { subject: o.subject }),
    }),
    verdict: o.verdict ?? signedBy(o.by ?? WABBIT, o.at),
  };
}

export function judge(claims: ObservedClaim[], o: Partial<EffectiveInput> = {}): EffectiveClaims {
  return effectiveClaims({ subject: ARTIFACT, now: NOW, claims, ...o });
}

/** Status of each claim by the name it was made from. */
export function statuses(result: EffectiveClaims, ...names: string[]): string[] {
  return names.map(
    (name) => result.claims.find((claim) => claim.digest === digestOf(name))?.status ?? "absent",
  );
}

/** A store with one artifact in it. */
export async function storeWithArtifact(): Promise<{ store: MemoryStore; artifact: Descriptor }> {
  const store = new MemoryStore();
  const packed = packManifest({
    artifactType: "application/vnd.example",
    layers: [bytesBlob(Buffer.from("content"), "text/plain")],
  });
  await pushArtifact(store, packed);
  return { store, artifact: packed.manifest.descriptor };
}

export async function pushClaim(
  store: MemoryStore,
  content: ClaimContent,
): Promise<PackedArtifact> {
  const packed = packClaim(content);
  await pushArtifact(store, packed);
  return packed;
}

export async function roundTrip(content: ClaimContent, store: MemoryStore): Promise<ReadClaim> {
  const packed = await pushClaim(store, content);
  return readClaim(store, packed.manifest.descriptor, { subject: content.subject.digest });
}
