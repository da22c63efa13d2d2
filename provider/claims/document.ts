// SPDX-License-Identifier: Apache-2.0
import { isConsignError } from "../errors";
import { parseJson } from "./canonical-json";
import { cyclonedxFromXml } from "./cyclonedx-xml";
import type { ClaimKind } from "./types";

/** Documents of types that are not in the vocabulary, and XML, are read up to this size: 32 MiB. */
export const MAX_READ_DOCUMENT = 32 * 1024 * 1024;

/**
 * What a document says, as JSON: one that is JSON, and one of CycloneDX in XML. Undefined for all
 * else: a condition over it has no answer. What a document is its content says, as media types are
 * written by many tools in many ways.
 */
export function readDocument(bytes: Uint8Array, kind: ClaimKind | undefined): unknown {
  const isXml = firstCharacter(bytes) === "<";
  if (isXml && (kind?.name !== "sbom/cyclonedx" || bytes.byteLength > MAX_READ_DOCUMENT))
    return undefined;
  try {
    return isXml ? cyclonedxFromXml(bytes) : parseJson(bytes, "the document", "PREDICATE_INVALID");
  } catch (error) {
    if (isConsignError(error, "PREDICATE_INVALID")) return undefined;
    throw error;
  }
}

/** After white space and a byte order mark. */
function firstCharacter(bytes: Uint8Array): string | undefined {
  const start = new TextDecoder().decode(bytes.subarray(0, 1024)).trimStart();
  return start[0];
}
