// SPDX-License-Identifier: Apache-2.0
import { bytesBlob, packManifest, type PackedArtifact } from "../content/pack";
import { ConsignError } from "../errors";
import { ANNOTATIONS } from "../oci/annotations";
import type { Annotations, Descriptor } from "../oci/descriptor";
import { isDigest, type Digest } from "../oci/digest";
import { MEDIA_TYPES } from "../oci/media-types";
import { checkLayer, statementLimit } from "./layer";
import { dayOf } from "./lifecycle";
import { baseMediaType, isStatementType } from "./recognise";
import { makeStatement } from "./statement";
import { kindOf, resolveType, type ClaimKind } from "./types";

/** A claim replaces at most this many others by name. */
export const MAX_SUPERSEDES = 100;
/** Layer annotation that other tools read to tell statements apart without fetching them. */
const PREDICATE_TYPE_ANNOTATION = "in-toto.io/predicate-type";

export type Audience = "internal" | "public";

export interface ClaimContent {
  /** Short name or predicate type URI. */
  type: string;
  /** The artifact that the claim is about. */
  subject: Descriptor;
  /** What people call the subject; nothing is decided by it. */
  subjectName?: string;
  /** Exactly one of `predicate` and `document`. */
  predicate?: unknown;
  /** An SBOM, or an in-toto statement, as a tool wrote it. The bytes are kept. */
  document?: { bytes: Uint8Array; mediaType: string };
  /** Whom a mirror to the public may show it to. */
  audience: Audience;
  /** Digests of claims that this one replaces. */
  supersedes?: Digest[];
  annotations?: Annotations;
}

/**
 * Packs a claim: a manifest that refers to its subject, with one layer, the statement or the
 * document. Deterministic. A claim is trusted only once a signature refers to this manifest.
 * @throws ConsignError `INPUT_INVALID`, `PREDICATE_INVALID`, `STATEMENT_INVALID`,
 * `SUBJECT_MISMATCH`, `DIGEST_INVALID`
 */
export function packClaim(content: ClaimContent): PackedArtifact {
  const type = resolveType(content.type);
  const kind = kindOf(type);
  const supersedes = [...new Set(content.supersedes ?? [])].sort();
  checkSupersedes(supersedes);
  if ((content.predicate === undefined) === (content.document === undefined)) {
    throw new ConsignError("INPUT_INVALID", "a claim has either a predicate or a document", {
      path: "predicate",
    });
  }
  const own: Annotations = {
    [ANNOTATIONS.claimType]: type,
    [ANNOTATIONS.claimAudience]: content.audience,
    ...(supersedes.length === 0 ? {} : { [ANNOTATIONS.claimSupersedes]: supersedes.join(",") }),
    ...lifecycleAnnotation(kind, content.predicate),
  };
  for (const key of Object.keys(content.annotations ?? {})) {
    if (key.startsWith("dev.consign.claim.") || Object.hasOwn(own, key)) {
      throw new ConsignError(
        "INPUT_INVALID",
        `the annotation "${key}" is written by Consign itself`,
        { path: `annotations["${key}"]` },
      );
    }
  }
  const { document } = content;
  const { bytes, mediaType } = document ?? statementLayer(content, type, kind);
  if (document !== undefined) checkLayer(bytes, mediaType, content.subject.digest, type, kind);
  const statement = isStatementType(mediaType);
  return packManifest({
    artifactType: statement
      ? (kind?.artifactType ?? MEDIA_TYPES.statement)
      : baseMediaType(mediaType),
    layers: [
      bytesBlob(bytes, mediaType, statement ? { [PREDICATE_TYPE_ANNOTATION]: type } : undefined),
    ],
    subject: content.subject,
    annotations: { ...content.annotations, ...own },
  });
}

function statementLayer(
  content: ClaimContent,
  type: string,
  kind: ClaimKind | undefined,
): { bytes: Uint8Array; mediaType: string } {
  kind?.check(content.predicate);
  const { subject, subjectName, predicate } = content;
  const bytes = makeStatement({
    subject: subject.digest,
    subjectName,
    predicateType: type,
    predicate,
  });
  const limit = statementLimit(kind);
  if (bytes.byteLength > limit) {
    throw new ConsignError(
      "PREDICATE_INVALID",
      `the statement has ${bytes.byteLength} bytes; at most ${limit} are allowed`,
      { path: "" },
    );
  }
  return { bytes, mediaType: MEDIA_TYPES.statement };
}

function lifecycleAnnotation(kind: ClaimKind | undefined, predicate: unknown): Annotations {
  if (kind?.name !== "endOfLife" || predicate === undefined) return {};
  kind.check(predicate);
  return { [ANNOTATIONS.lifecycleEndOfLife]: dayOf((predicate as { date: string }).date) };
}

function checkSupersedes(digests: string[]): asserts digests is Digest[] {
  if (digests.length > MAX_SUPERSEDES) {
    throw new ConsignError("INPUT_INVALID", `a claim supersedes at most ${MAX_SUPERSEDES} others`, {
      path: "supersedes",
    });
  }
  for (const [index, digest] of digests.entries()) {
    if (!isDigest(digest))
      throw new ConsignError("DIGEST_INVALID", `"${digest}" is not a digest`, {
        path: `supersedes[${index}]`,
      });
  }
}
