// SPDX-License-Identifier: Apache-2.0
import type { z } from "zod";
import { ConsignError } from "../errors";
import { MEDIA_TYPES } from "../oci/media-types";
import * as lifecycle from "./lifecycle";
import * as published from "./predicates";

/**
 * Artifact type under which registries and tools of the Microsoft container registry list lifecycle
 * data.
 */
export const LIFECYCLE_ARTIFACT_TYPE = "application/vnd.microsoft.artifact.lifecycle";

/** One kind of claim: what it is called, how it is stored, what its predicate looks like. */
export interface ClaimKind {
  /** Short name, as users write it. */
  readonly name: string;
  /**
   * Predicate type, the URI written into statements and into the annotation
   * `dev.consign.claim.type`.
   */
  readonly type: string;
  /** Media type written as the manifest's `artifactType` when the claim is a statement. */
  readonly artifactType: string;
  /**
   * Media type of the layer, and the artifact type, when the claim is a document of its own; absent
   * where only statements exist.
   */
  readonly documentType?: string;
  /**
   * Whether a predicate type URI is of this kind: its own, or another version of it that has the
   * same meaning.
   */
  includes(type: string): boolean;
  /** @throws ConsignError `PREDICATE_INVALID`, `path` naming the member at fault */
  check(predicate: unknown): void;
  /**
   * What the claim speaks about within its type. Claims of one issuer, type and scope supersede
   * each other; others stand side by side.
   */
  scopeOf(predicate: unknown): string;
  /**
   * When, by its own words, what it reports was found out. RFC 3339; undefined if it does not say.
   */
  observedAt(predicate: unknown): string | undefined;
}

function kind<S extends z.ZodType>(o: {
  name: string;
  type: string;
  versions?: RegExp;
  artifactType?: string;
  documentType?: string;
  predicate: S;
  scope?: (predicate: z.output<S>) => string;
  observedAt?: (predicate: z.output<S>) => string | undefined;
}): ClaimKind {
  return {
    name: o.name,
    type: o.type,
    artifactType: o.artifactType ?? MEDIA_TYPES.statement,
    ...(o.documentType === undefined ? {} : { documentType: o.documentType }),
    includes: (type) => type === o.type || (o.versions?.test(type) ?? false),
    check: (predicate) => void checked(o.name, o.predicate, predicate),
    scopeOf: (predicate) => o.scope?.(checked(o.name, o.predicate, predicate)) ?? "",
    observedAt: (predicate) => o.observedAt?.(checked(o.name, o.predicate, predicate)),
  };
}

function checked<S extends z.ZodType>(name: string, schema: S, predicate: unknown): z.output<S> {
  const parsed = schema.safeParse(predicate);
  if (parsed.success) return parsed.data;
  const issue = innermost(parsed.error.issues[0]);
  const path =
    issue?.path
      .map((step) => (typeof step === "number" ? `[${step}]` : `.${String(step)}`))
      .join("")
      .replace(/^\./, "") ?? "";
  throw new ConsignError(
    "PREDICATE_INVALID",
    `the predicate does not fit ${name}: ${path || "(root)"}: ${issue?.message}`,
    { path },
  );
}

/** Of the forms that a predicate may have, what is wrong with the one that it comes closest to. */
function innermost(issue: z.core.$ZodIssue | undefined): z.core.$ZodIssue | undefined {
  if (issue?.code !== "invalid_union") return issue;
  const [closest] = issue.errors.toSorted((a, b) => a.length - b.length);
  const inner = innermost(closest?.[0]);
  return inner === undefined ? issue : { ...inner, path: [...issue.path, ...inner.path] };
}

const own = (name: string) => `https://consign.dev/claims/${name}/v1`;

/** A package URL without its version: a newer release of a scanner is still the same scanner. */
const withoutVersion = (uri: string) => (uri.startsWith("pkg:") ? uri.replace(/@[^?#]*/, "") : uri);
const parts = (...values: (string | undefined)[]) => values.map((value) => value ?? "").join("\n");

/**
 * The vocabulary. Statements are stored as `application/vnd.in-toto+json`, SBOM documents under
 * their own media types, and an end of life as `application/vnd.microsoft.artifact.lifecycle`, so
 * that tools which know only those find them; what is claimed is in the annotation
 * `dev.consign.claim.type`.
 *
 * | name | scope |
 * |---|---|
 * | sbom/spdx, sbom/cyclonedx, vex, redirect, endOfLife, archived, content-purged | the artifact |
 * | provenance | the build type |
 * | vulnerabilities | the scanner, without its version |
 * | test-result | the names of the configurations |
 * | vsa | the policy and the resource |
 * | deployment | the environment |
 * | revocation | the target |
 * | derived-from | the source |
 */
export const CLAIM_KINDS: readonly ClaimKind[] = [
  kind({
    name: "sbom/spdx",
    type: "https://spdx.dev/Document/v2.3",
    versions: /^https:\/\/spdx\.dev\/Document(?:\/v[0-9.]+)?$/,
    documentType: "application/spdx+json",
    predicate: published.spdxSchema,
  }),
  kind({
    name: "sbom/cyclonedx",
    type: "https://cyclonedx.org/bom",
    versions: /^https:\/\/cyclonedx\.org\/bom\/v[0-9.]+$/,
    documentType: "application/vnd.cyclonedx+json",
    predicate: published.cyclonedxSchema,
  }),
  kind({
    name: "provenance",
    type: "https://slsa.dev/provenance/v1",
    predicate: published.provenanceSchema,
    scope: (p) => p.buildDefinition.buildType,
    observedAt: (p) => p.runDetails.metadata?.finishedOn,
  }),
  kind({
    name: "vulnerabilities",
    type: "https://in-toto.io/attestation/vulns/v0.2",
    predicate: published.vulnerabilitiesSchema,
    scope: (p) => withoutVersion(p.scanner.uri),
    observedAt: (p) => p.metadata.scanFinishedOn,
  }),
  kind({
    name: "test-result",
    type: "https://in-toto.io/attestation/test-result/v0.1",
    predicate: published.testResultSchema,
    scope: (p) =>
      parts(...p.configuration.map((c) => c.name ?? c.uri ?? c.downloadLocation).sort()),
  }),
  kind({
    name: "vex",
    type: "https://openvex.dev/ns/v0.2.0",
    versions: /^https:\/\/openvex\.dev\/ns(?:\/v0\.2\.[0-9]+)?$/,
    predicate: published.vexSchema,
    observedAt: (p) => p.timestamp,
  }),
  kind({
    name: "vsa",
    type: "https://slsa.dev/verification_summary/v1",
    predicate: published.verificationSummarySchema,
    scope: (p) => parts(p.policy.uri, p.resourceUri),
    observedAt: (p) => p.timeVerified,
  }),
  kind({
    name: "deployment",
    type: own("deployment"),
    predicate: lifecycle.deploymentSchema,
    scope: (p) => p.environment,
  }),
  kind({
    name: "revocation",
    type: own("revocation"),
    predicate: lifecycle.revocationSchema,
    scope: (p) => p.target,
  }),
  kind({ name: "redirect", type: own("redirect"), predicate: lifecycle.redirectSchema }),
  kind({
    name: "endOfLife",
    type: own("endOfLife"),
    artifactType: LIFECYCLE_ARTIFACT_TYPE,
    predicate: lifecycle.endOfLifeSchema,
  }),
  kind({
    name: "archived",
    type: own("archived"),
    predicate: lifecycle.archivedSchema,
    observedAt: (p) => p.archivedAt,
  }),
  kind({
    name: "content-purged",
    type: own("content-purged"),
    predicate: lifecycle.contentPurgedSchema,
    observedAt: (p) => p.purgedAt,
  }),
  kind({
    name: "derived-from",
    type: own("derived-from"),
    predicate: lifecycle.derivedFromSchema,
    scope: (p) =>
      parts(
        p.source.uri ?? p.source.name,
        ...Object.entries(p.source.digest)
          .map(([a, d]) => `${a}:${d}`)
          .sort(),
      ),
  }),
];

const URI = /^[a-z][a-z0-9+.-]*:[^\s]+$/i;

/**
 * The kind of a short name or predicate type URI; undefined for types that are not in the
 * vocabulary.
 */
export function kindOf(nameOrType: string): ClaimKind | undefined {
  if (kinds.has(nameOrType)) return kinds.get(nameOrType);
  const kind = CLAIM_KINDS.find((k) => k.name === nameOrType || k.includes(nameOrType));
  // Names come from registries too, so there may be any number of them.
  if (kinds.size >= MOST_KINDS) kinds.clear();
  kinds.set(nameOrType, kind);
  return kind;
}

/** What was asked for before: a large mirror names the same few types thousands of times. */
const kinds = new Map<string, ClaimKind | undefined>();
const MOST_KINDS = 1_000;

/**
 * The predicate type URI of a short name (`"vex"`) or of a URI, which stands for itself; any URI is
 * a type.
 * @throws ConsignError `INPUT_INVALID`
 */
export function resolveType(name: string): string {
  const known = CLAIM_KINDS.find((k) => k.name === name);
  if (known !== undefined) return known.type;
  if (URI.test(name) && name.length <= 1024) return name;
  const names = CLAIM_KINDS.map((k) => k.name).join(", ");
  throw new ConsignError(
    "INPUT_INVALID",
    `"${name.slice(0, 128)}" is no claim type: write a predicate type's URI, or one of ${names}`,
  );
}

/** True if both mean the same kind of claim, whichever names or versions of the URI they use. */
export function sameType(a: string, b: string): boolean {
  return typeKey(a) === typeKey(b);
}

/**
 * One word for a type, equal for all its names and versions: the short name where there is one,
 * else the URI.
 */
export function typeKey(nameOrType: string): string {
  return kindOf(nameOrType)?.name ?? nameOrType;
}
