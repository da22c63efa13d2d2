// SPDX-License-Identifier: Apache-2.0
import type { Descriptor } from "./descriptor";

/** What BuildKit puts beside the images; it is among the claims of other tools. */
export function isAttestation({ annotations }: Descriptor): boolean {
  return annotations?.["vnd.docker.reference.type"] === "attestation-manifest";
}
