// SPDX-License-Identifier: Apache-2.0
import { COSE_ALGORITHMS, decodeSign1, encodeSign1 } from "../cose/index";
import { pushArtifact } from "../content/pack";
import type { Store } from "../content/storage";
import { readSmall } from "../content/verify";
import { isConsignError } from "../errors";
import type { Graph } from "../graph/index";
import {
  ATTRIBUTES,
  MAX_ENVELOPE_SIZE,
  envelopeOf,
  isSignature,
  packSignature,
  parseEnvelope,
  requestTimestamp,
  type SignatureEnvelope,
} from "../notation/index";
import type { Descriptor } from "../oci/descriptor";
import type { Digest } from "../oci/digest";
import { MEDIA_TYPES } from "../oci/media-types";
import { formatInstant, short, type Entry, type Rules } from "../retention/index";
import type { ResourceContext } from "../world/context";
import { at } from "../world/context";
import type { RecordSigner } from "../signing/record-signing";

/**
 * Until when it is kept in the archive, as far as that is known now: never shorter than it will be.
 * @returns undefined: for ever, for all that is known
 */
export function keptUntil(
  { retainUntil }: Pick<Entry, "retainUntil">,
  { retain, since }: Pick<Rules, "retain" | "since">,
  archivedAt: string,
): string | undefined {
  return since === "archived" && retain !== undefined
    ? formatInstant(Date.parse(archivedAt) + retain.ms)
    : retainUntil;
}

interface Found {
  /** What is signed. */
  subject: Descriptor;
  signature: Digest;
  bytes: Uint8Array;
  mediaType: string;
  envelope: SignatureEnvelope;
}

/**
 * Looks for signatures that will die with their certificate while the archive still keeps what they
 * sign. With a timestamp authority they get a timestamp while that is possible: the same signature
 * in a second envelope, beside the first. What is left is told, one line each.
 * @param keptUntil undefined: for ever
 */
export async function preserveSignatures(
  store: Store,
  graph: Graph,
  keptUntil: string | undefined,
  timestamp: RecordSigner["args"]["timestamp"],
  context: ResourceContext,
): Promise<string[]> {
  const found = await signaturesIn(store, graph);
  const stamped = new Set(
    found.filter(({ envelope }) => envelope.timestampToken !== undefined).map(keyOf),
  );
  const until = keptUntil === undefined ? Infinity : Date.parse(keptUntil);
  const notices: string[] = [];
  for (const each of found) {
    const end = Math.min(
      ...each.envelope.certificateChain.map(({ notAfter }) => notAfter.getTime()),
    );
    if (end >= until || stamped.has(keyOf(each))) continue;
    const dies = `the signature ${short(each.signature)} of ${short(each.subject.digest)} ends with its certificate on ${formatInstant(end).slice(0, 10)}`;
    if (end <= context.now().getTime())
      notices.push(`${dies}: it has ended, and cannot be timestamped any more`);
    else if (timestamp === undefined)
      notices.push(`${dies}: give timestamp, so that it can be verified for as long as it is kept`);
    else if (each.mediaType !== MEDIA_TYPES.cose)
      notices.push(`${dies}: it is a JWS, which is not timestamped here`);
    else {
      await addTimestamp(store, each, timestamp.url, context);
      stamped.add(keyOf(each));
    }
  }
  return notices;
}

async function signaturesIn(store: Store, graph: Graph): Promise<Found[]> {
  const found: Found[] = [];
  for (const node of graph.nodes.values()) {
    if (!isSignature(node.descriptor) || node.manifest.value.subject === undefined) continue;
    const { subject } = node.manifest.value;
    try {
      const layer = envelopeOf(node.manifest, subject);
      const bytes = await readSmall(store, layer, MAX_ENVELOPE_SIZE);
      found.push({
        subject,
        signature: node.descriptor.digest,
        bytes,
        mediaType: layer.mediaType,
        envelope: parseEnvelope(bytes, layer.mediaType),
      });
    } catch (error) {
      // What is no signature cannot die.
      if (
        !isConsignError(
          error,
          "ENVELOPE_INVALID",
          "ENVELOPE_UNSUPPORTED",
          "ENVELOPE_TOO_LARGE",
          "SIGNATURE_INVALID",
          "CBOR_INVALID",
          "CERTIFICATE_INVALID",
          "BLOB_UNKNOWN",
        )
      )
        throw error;
    }
  }
  return found;
}

function keyOf({ subject, envelope }: Found): string {
  return `${subject.digest} ${Buffer.from(envelope.signature).toString("base64")}`;
}

async function addTimestamp(
  store: Store,
  { subject, bytes, envelope }: Found,
  url: string,
  context: ResourceContext,
): Promise<void> {
  const message = decodeSign1(bytes, MAX_ENVELOPE_SIZE);
  const token = await at("timestamp", () =>
    requestTimestamp(url, envelope.signature, COSE_ALGORITHMS[envelope.algorithm].digest, {
      fetch: context.fetch,
    }),
  );
  const unprotectedHeaders = new Map(message.unprotectedHeaders).set(
    ATTRIBUTES.timestampSignature,
    Uint8Array.from(token),
  );
  await pushArtifact(
    store,
    packSignature({ subject, envelope: encodeSign1({ ...message, unprotectedHeaders }) }),
  );
}
