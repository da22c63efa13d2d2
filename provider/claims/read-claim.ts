// SPDX-License-Identifier: Apache-2.0
import type { CallOptions, ReadStore } from "../content/storage";
import { readSmall } from "../content/verify";
import { ConsignError, isConsignError, type ErrorCode } from "../errors";
import { ANNOTATIONS } from "../oci/annotations";
import type { Annotations, Descriptor } from "../oci/descriptor";
import { isDigest, type Digest } from "../oci/digest";
import { artifactTypeOf, type ImageManifest } from "../oci/manifest";
import { MEDIA_TYPES } from "../oci/media-types";
import { MAX_SUPERSEDES, type Audience } from "./claim";
import { MAX_READ_DOCUMENT, readDocument } from "./document";
import { checkLayer, statementLimit } from "./layer";
import { dayOf } from "./lifecycle";
import { audienceOf, claimTypeOf, isEnvelopeType, isStatementType } from "./recognise";
import { MAX_DOCUMENT_SIZE, type Statement } from "./statement";
import { kindOf, LIFECYCLE_ARTIFACT_TYPE, type ClaimKind } from "./types";

/**
 * A claim as a store holds it: complete, about the right subject, of the type it says. Whether to
 * believe it is another question.
 */
export interface ReadClaim {
  /** Of the claim's manifest; signatures refer to it. */
  digest: Digest;
  descriptor: Descriptor;
  /** Predicate type URI. */
  type: string;
  audience: Audience;
  supersedes: Digest[];
  subject: Descriptor;
  artifactType: string | undefined;
  annotations: Annotations;
  /** Absent if the claim is a document, or only annotations. */
  statement?: Statement;
  /**
   * The statement's predicate, or the document where it is read as JSON: see {@link readDocument}.
   * What has none has not been read, and nobody can say what is in it.
   */
  predicate?: unknown;
  /** Where the document is; read it with `store.blob`. */
  document?: Descriptor;
}

/** A claim that is there and cannot be used, with the reason. */
export interface BrokenClaim {
  digest: Digest;
  descriptor: Descriptor;
  type: string | undefined;
  /**
   * What its manifest says, where that could be read: a signature covers it, as it does not cover
   * what is listed.
   */
  head?: ClaimHead;
  /** Under which referrers it was found, where its manifest cannot be read. */
  listedUnder?: Digest;
  broken: { code: ErrorCode; reason: string };
}

export interface ReadContentOptions extends CallOptions {
  /**
   * Whether somebody asks about the content: a document of a type that is not in the vocabulary is
   * read only then. @default false
   */
  asked?: boolean;
}

export interface ReadClaimOptions extends ReadContentOptions {
  /** The artifact under whose referrers the claim was found. */
  subject?: Digest;
}

/** What a claim's manifest says, and where its content is. */
export interface ClaimHead extends Omit<
  ReadClaim,
  "type" | "statement" | "predicate" | "document"
> {
  /** Predicate type URI; undefined where only the statement itself says it. */
  type: string | undefined;
  /** The statement or document; undefined for a claim that is only annotations. */
  layer: Descriptor | undefined;
}

/**
 * Reads a claim and checks everything about it but its signature. Type, audience and what it
 * supersedes come from the manifest, which the signature covers, never from a list of referrers,
 * which it does not.
 * @throws ConsignError `SUBJECT_MISMATCH`, `STATEMENT_INVALID`, `PREDICATE_INVALID`,
 * `ENVELOPE_UNSUPPORTED`, and whatever the store answers
 */
export async function readClaim(
  store: ReadStore,
  descriptor: Descriptor,
  options: ReadClaimOptions = {},
): Promise<ReadClaim> {
  return readContent(store, await readClaimHead(store, descriptor, options), options);
}

/**
 * Reads a claim's manifest, and no more: one request.
 * @throws ConsignError `SUBJECT_MISMATCH`, `STATEMENT_INVALID`, and whatever the store answers
 */
export async function readClaimHead(
  store: ReadStore,
  descriptor: Descriptor,
  options: ReadClaimOptions = {},
): Promise<ClaimHead> {
  const { head, fault } = await inspectHead(store, descriptor, options);
  if (fault !== undefined) throw fault;
  return head;
}

/**
 * As {@link readClaimHead}, but what is wrong with the claim itself is an answer; it has a head all
 * the same where the manifest says what kind of claim it is and about what.
 * @throws ConsignError what leaves the claim unknown
 */
export async function observeClaimHead(
  store: ReadStore,
  descriptor: Descriptor,
  options: ReadClaimOptions = {},
): Promise<ClaimHead | BrokenClaim> {
  try {
    const { head, fault } = await inspectHead(store, descriptor, options);
    return fault === undefined ? head : brokenClaim(descriptor, fault, head);
  } catch (error) {
    return brokenClaim(descriptor, error, undefined, options.subject);
  }
}

async function inspectHead(
  store: ReadStore,
  descriptor: Descriptor,
  options: ReadClaimOptions,
): Promise<{ head: ClaimHead; fault: ConsignError | undefined }> {
  // By digest alone, as what a list says beside it is a hint.
  const manifest = await store.manifest(descriptor.digest, options);
  const { subject, annotations = {} } = manifest.value;
  if (subject === undefined)
    throw new ConsignError(
      "SUBJECT_MISMATCH",
      `${descriptor.digest} refers to nothing; a claim needs a subject`,
    );
  if (options.subject !== undefined && subject.digest !== options.subject) {
    throw new ConsignError(
      "SUBJECT_MISMATCH",
      `${descriptor.digest} is listed under ${options.subject} but refers to ${subject.digest}`,
    );
  }
  if (manifest.kind === "index")
    throw new ConsignError(
      "STATEMENT_INVALID",
      `${descriptor.digest} is an index; a claim is a manifest`,
    );
  const { layers } = manifest.value;
  const artifactType = artifactTypeOf(manifest);
  const supersedes = supersedesOf(annotations);
  const type = claimTypeOf({
    ...manifest.descriptor,
    ...(artifactType === undefined ? {} : { artifactType }),
    annotations,
  });
  const layer = isAnnotationOnly(manifest.value, artifactType, type)
    ? undefined
    : oneLayer(layers, descriptor.digest);
  const fault = [supersedes, layer].find((found) => found instanceof ConsignError);
  const head: ClaimHead = {
    digest: manifest.descriptor.digest,
    descriptor: manifest.descriptor,
    type,
    audience: audienceOf({ ...descriptor, annotations }),
    supersedes: supersedes instanceof ConsignError ? [] : supersedes,
    subject,
    artifactType,
    annotations,
    layer: layer instanceof ConsignError ? undefined : layer,
  };
  return { head, fault };
}

/**
 * Completes a claim with its content, which is read, digested and checked.
 * @throws ConsignError as {@link readClaim}
 */
export async function readContent(
  store: ReadStore,
  head: ClaimHead,
  options: ReadContentOptions = {},
): Promise<ReadClaim> {
  const { layer, ...rest } = head;
  const kind = head.type === undefined ? undefined : kindOf(head.type);
  const content =
    layer === undefined
      ? annotationOnly(head.annotations)
      : await readLayer(store, layer, head.subject.digest, head.type, kind, options);
  const type = content.statement?.predicateType ?? head.type;
  if (type === undefined)
    throw new ConsignError(
      "STATEMENT_INVALID",
      `${head.digest} does not say which type of claim it is`,
    );
  checkAnnouncedDate(type, content.predicate, head.annotations);
  return { ...rest, type, ...content };
}

/**
 * Completes a claim without its content: the store is only asked whether it has it. What is sure is
 * what the manifest says: type, subject, and the digest of the content, all of which a signature of
 * the claim covers. What is not: that the content is well-formed and says the same, for which there
 * is the signer's word alone, and that the store can hand it out, for which there is the store's.
 * @throws ConsignError `BLOB_UNKNOWN` if the store says that it has no such content;
 * `STATEMENT_INVALID` if only the content says of which type it is
 */
export async function confirmContent(
  store: ReadStore,
  head: ClaimHead,
  options: CallOptions = {},
): Promise<ReadClaim> {
  const { layer, type, ...rest } = head;
  if (type === undefined)
    throw new ConsignError(
      "STATEMENT_INVALID",
      `${head.digest} says only in its content which type of claim it is`,
    );
  if (layer !== undefined && !(await store.has(layer, options))) {
    throw new ConsignError(
      "BLOB_UNKNOWN",
      `${store.name} does not have the claim's content, ${layer.digest}`,
    );
  }
  return {
    ...rest,
    type,
    ...(layer === undefined || isStatementType(layer.mediaType) ? {} : { document: layer }),
  };
}

/**
 * As {@link readClaim}, but what is wrong with the claim itself is an answer and not an error, so
 * that one bad claim hides no other.
 * @throws ConsignError what leaves the claim unknown: no connection, no permission, a server's
 * error
 */
export async function observeClaim(
  store: ReadStore,
  descriptor: Descriptor,
  options: ReadClaimOptions = {},
): Promise<ReadClaim | BrokenClaim> {
  let head: ClaimHead | undefined;
  try {
    head = await readClaimHead(store, descriptor, options);
    return await readContent(store, head, options);
  } catch (error) {
    return brokenClaim(descriptor, error, head, options.subject);
  }
}

/**
 * The claim as broken, where an error of reading it is about the claim itself.
 * @throws the error, where it leaves the claim unknown
 */
export function brokenClaim(
  descriptor: Descriptor,
  error: unknown,
  head?: ClaimHead,
  listedUnder?: Digest,
): BrokenClaim {
  if (!isConsignError(error, ...FAULTS_OF_THE_CLAIM)) throw error;
  // A manifest that can be read says it, or only the content does; what the list says is a hint.
  const type = head === undefined ? claimTypeOf(descriptor) : head.type;
  return {
    digest: descriptor.digest,
    descriptor,
    type,
    ...(head === undefined ? (listedUnder === undefined ? {} : { listedUnder }) : { head }),
    broken: { code: error.code, reason: error.message },
  };
}

/**
 * Whether a claim was read, and is none about the artifact that it was listed under: who may push
 * may list anything.
 */
export function isAboutAnother(claim: ReadClaim | BrokenClaim): boolean {
  return "broken" in claim && claim.head === undefined && claim.broken.code === "SUBJECT_MISMATCH";
}

const FAULTS_OF_THE_CLAIM: readonly ErrorCode[] = [
  "MANIFEST_UNKNOWN",
  "BLOB_UNKNOWN",
  "MANIFEST_INVALID",
  "MANIFEST_TOO_LARGE",
  "DIGEST_MISMATCH",
  "SIZE_MISMATCH",
  "STATEMENT_INVALID",
  "PREDICATE_INVALID",
  "SUBJECT_MISMATCH",
  "ENVELOPE_UNSUPPORTED",
];

type LayerContent = Pick<ReadClaim, "statement" | "predicate" | "document">;

async function readLayer(
  store: ReadStore,
  layer: Descriptor,
  subject: Digest,
  type: string | undefined,
  kind: ClaimKind | undefined,
  options: ReadContentOptions,
): Promise<LayerContent> {
  const statement = isStatementType(layer.mediaType);
  if (isEnvelopeType(layer.mediaType)) {
    throw new ConsignError(
      "ENVELOPE_UNSUPPORTED",
      `the claim is a ${layer.mediaType}, signed in another way; list it with the foreign claims`,
    );
  }
  const limit = statement ? statementLimit(kind) : MAX_DOCUMENT_SIZE;
  if (layer.size > limit)
    throw new ConsignError(
      "STATEMENT_INVALID",
      `the claim's content has ${layer.size} bytes; at most ${limit} are read`,
    );
  const isRead = options.asked === true && layer.size <= MAX_READ_DOCUMENT;
  if (!statement && kind === undefined && !isRead) {
    if (await store.has(layer, options)) return { document: layer };
    throw new ConsignError(
      "BLOB_UNKNOWN",
      `${store.name} does not have the claim's content, ${layer.digest}`,
    );
  }
  const bytes = await readSmall(store, layer, limit, options);
  const parsed = checkLayer(bytes, layer.mediaType, subject, type, kind);
  if (parsed !== undefined)
    return {
      statement: parsed,
      // It was read, and says nothing.
      predicate: parsed.predicate ?? {},
    };
  const predicate = readDocument(bytes, kind);
  return { document: layer, ...(predicate === undefined ? {} : { predicate }) };
}

function oneLayer(layers: Descriptor[], digest: Digest): Descriptor | ConsignError {
  const [layer] = layers;
  if (layer !== undefined && layers.length === 1) return layer;
  return new ConsignError(
    "STATEMENT_INVALID",
    `${digest} has ${layers.length} layers; a claim has one`,
  );
}

/**
 * Lifecycle data as the Microsoft container registry has it: an annotation, and an empty layer or
 * none. An end of life is all that it can say.
 */
function isAnnotationOnly(
  manifest: ImageManifest,
  artifactType: string | undefined,
  type: string | undefined,
): boolean {
  return (
    artifactType === LIFECYCLE_ARTIFACT_TYPE &&
    type !== undefined &&
    kindOf(type)?.name === "endOfLife" &&
    manifest.layers.every((layer) => layer.mediaType === MEDIA_TYPES.empty)
  );
}

function annotationOnly(annotations: Annotations): LayerContent {
  const predicate = { date: annotations[ANNOTATIONS.lifecycleEndOfLife] };
  kindOf("endOfLife")?.check(predicate);
  return { predicate };
}

function checkAnnouncedDate(type: string, predicate: unknown, annotations: Annotations): void {
  const announced = annotations[ANNOTATIONS.lifecycleEndOfLife];
  const kind = kindOf(type);
  if (announced === undefined || kind?.name !== "endOfLife") return;
  kind.check({ date: announced });
  const stated = (predicate as { date: string }).date;
  if (dayOf(announced) === dayOf(stated)) return;
  throw new ConsignError(
    "STATEMENT_INVALID",
    `the claim announces its end of life as ${announced}, but its statement says ${stated}`,
  );
}

function supersedesOf(annotations: Annotations): Digest[] | ConsignError {
  const text = annotations[ANNOTATIONS.claimSupersedes];
  const digests = text === undefined || text === "" ? [] : text.split(",");
  if (digests.length <= MAX_SUPERSEDES && digests.every(isDigest))
    return [...new Set(digests)].sort();
  const key = ANNOTATIONS.claimSupersedes;
  return new ConsignError(
    "STATEMENT_INVALID",
    `the annotation ${key} must be at most ${MAX_SUPERSEDES} digests, joined by commas`,
  );
}
