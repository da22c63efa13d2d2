// SPDX-License-Identifier: Apache-2.0
import { isConsignError, type ConsignError, type ErrorCode, type Side } from "../errors";

/** These speak of one thing that a place holds, or is to take, whatever becomes of the others. */
const OF_ONE: readonly ErrorCode[] = [
  "MANIFEST_UNKNOWN",
  "BLOB_UNKNOWN",
  "MANIFEST_INVALID",
  "MANIFEST_TOO_LARGE",
  "DIGEST_MISMATCH",
  "SIZE_MISMATCH",
  "GRAPH_TOO_DEEP",
  "GRAPH_TOO_LARGE",
];

/** These may speak of one thing, or of the place as a whole: what becomes of the others tells. */
const OF_ONE_OR_ALL: readonly ErrorCode[] = [
  "REGISTRY_DENIED",
  "REGISTRY_FAILED",
  "REGISTRY_UNSUPPORTED",
  "REGISTRY_RESPONSE_INVALID",
  "REFERRERS_UNKNOWN",
  "READ_BACK_FAILED",
  "REDIRECT_REFUSED",
  "LAYOUT_INVALID",
  "FILE_UNREADABLE",
];

/**
 * Whether a fault is that of one item among many, which refuses that one and holds up nothing else.
 * @param othersWork whether the same was done for another item at the same place
 */
export function isOfOneItem(error: unknown, othersWork: boolean): boolean {
  return (
    isConsignError(error, ...OF_ONE) || (othersWork && isConsignError(error, ...OF_ONE_OR_ALL))
  );
}

/** Whether a fault is that of one item for certain, or if others work. */
export function mayBeOfOneItem(error: unknown): error is ConsignError {
  return isOfOneItem(error, true);
}

/** On one line, with the side where it was found. */
export function reasonOf(error: ConsignError, side: Side): string {
  const [first = ""] = error.message.split("\n");
  return `${error.side ?? side}: ${first} [${error.code}]`;
}
