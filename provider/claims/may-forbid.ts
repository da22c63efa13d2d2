// SPDX-License-Identifier: Apache-2.0
import type { Descriptor } from "../oci/descriptor";
import { forbids } from "./effective/lapsed";
import { claimTypeOf, isEnvelopeType, isStatementType } from "./recognise";

/**
 * Whether a referrer may speak against what it refers to, going by how it is listed alone, as where
 * it cannot be read. What does not say its type, or says it only inside, may.
 */
export function mayForbid(listed: Descriptor): boolean {
  const type = claimTypeOf(listed);
  if (type !== undefined) return forbids(type);
  const { artifactType = "" } = listed;
  return artifactType === "" || isStatementType(artifactType) || isEnvelopeType(artifactType);
}
