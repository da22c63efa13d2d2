// SPDX-License-Identifier: Apache-2.0
import type { Descriptor } from "../oci/descriptor";
import { forbids } from "./effective/lapsed";
import { claimTypeOf, isEnvelopeType, isStatementType } from "./recognise";

const UNKNOWN = "unknown";

/**
 * Whether a referrer may speak against what it refers to, going by how it is listed alone, as where
 * it cannot be read.
 */
export function referrerMayForbid(listed: Descriptor): boolean {
  return typeMayForbid(claimTypeOf(listed) ?? (listed.artifactType || UNKNOWN));
}

/** The same of a type as a plan names it. What does not say its type, or says it only inside, may. */
export function typeMayForbid(type: string): boolean {
  return forbids(type) || type === UNKNOWN || isStatementType(type) || isEnvelopeType(type);
}
