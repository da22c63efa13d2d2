// SPDX-License-Identifier: Apache-2.0
import { z } from "zod";
import { ConsignError } from "../../errors";
import {
  descriptorSchema,
  plainDescriptor,
  type Annotations,
  type Descriptor,
} from "../../oci/descriptor";
import { parseStrictJson } from "../../oci/strict-json";

/** What a signature is about. */
export interface Payload {
  targetArtifact: Descriptor;
}

const payloadSchema = z.looseObject({ targetArtifact: descriptorSchema });

const RESERVED = "io.cncf.notary";

/**
 * The payload of a new signature: media type, digest and size of the artifact, and the signer's own
 * metadata as its annotations.
 * @throws ConsignError `INPUT_INVALID` for metadata under the reserved prefix `io.cncf.notary`
 */
export function encodePayload(target: Descriptor, userMetadata: Annotations = {}): Uint8Array {
  const keys = Object.keys(userMetadata).sort();
  const reserved = keys.find((key) => key.startsWith(RESERVED));
  if (reserved !== undefined) {
    throw new ConsignError(
      "INPUT_INVALID",
      `metadata "${reserved}" cannot be signed: names that begin with ${RESERVED} are reserved`,
      { path: "userMetadata" },
    );
  }
  const annotations = Object.fromEntries(keys.map((key) => [key, userMetadata[key]]));
  return Buffer.from(
    JSON.stringify({
      targetArtifact: { ...plainDescriptor(target), ...(keys.length === 0 ? {} : { annotations }) },
    }),
  );
}

/** @throws ConsignError `ENVELOPE_INVALID` */
export function decodePayload(bytes: Uint8Array): Payload {
  try {
    return { targetArtifact: payloadSchema.parse(parseStrictJson(bytes)).targetArtifact };
  } catch (cause) {
    throw new ConsignError(
      "ENVELOPE_INVALID",
      `the payload of the signature envelope does not name an artifact: ${firstReason(cause)}`,
      { cause },
    );
  }
}

function firstReason(cause: unknown): string {
  const issue = cause instanceof z.ZodError ? cause.issues[0] : undefined;
  return issue === undefined
    ? (cause as Error).message
    : `${issue.path.join(".") || "(root)"}: ${issue.message}`;
}
