// SPDX-License-Identifier: Apache-2.0
import { followRedirects, redirectRefused, redirectsIn, type Visited } from "../claims";
import { isConsignError } from "../errors";
import type { Descriptor } from "../oci/descriptor";
import {
  formatReference,
  parseReference,
  pinned,
  type Location,
  type Reference,
} from "../oci/reference";
import type { Inspector } from "./inspector";
import type { ObservedArtifact } from "./observation";
import { effectiveAmong, type VerificationReport } from "./verification";

/** An artifact as it was looked at, and what that comes to. */
export interface Verified {
  observed: ObservedArtifact;
  verification: VerificationReport;
}

/**
 * Verifies an artifact, and where it is redirected, what it is redirected to, as the resource
 * `Verification` does. The answer is about the end of that; where a redirect was to be followed and
 * cannot be, it is no.
 * @param look verifies one artifact at its place, under the trust policy that applies there
 * @throws ConsignError what `look` throws, and what leaves it unknown where a redirect leads
 */
export async function verifyFollowing(
  inspector: Inspector,
  reference: string,
  look: (reference: string, location: Location) => Promise<Verified>,
): Promise<Verified> {
  const { location } = parseReference(reference);
  const first = await look(reference, location);
  const { digest, mediaType, size } = first.observed;
  const { end, stops, refusal } = await followRedirects(
    { location, artifact: { digest, mediaType, size }, judged: visited(first) },
    {
      resolve: (target) => locate(inspector, target),
      visit: async (place, artifact) => visited(await look(pinned(place, artifact.digest), place)),
    },
  );
  const { observed, verification } = end.judged;
  const answer = refusal === undefined ? verification : refused(verification, refusal);
  return { observed, verification: stops.length > 1 ? { ...answer, followed: stops } : answer };
}

function visited(verified: Verified): Verified & Visited {
  const { redirectDoubt } = verified.observed;
  return {
    ...verified,
    ...(redirectDoubt === undefined ? {} : { redirectDoubt }),
    signed: verified.verification.signature.outcome === "verified",
    redirects: redirectsIn(effectiveAmong(verified.observed)),
  };
}

function refused(verification: VerificationReport, refusal: string): VerificationReport {
  return {
    ...verification,
    verified: verification.verified === "yes" ? "no" : verification.verified,
    requirements: [...verification.requirements, redirectRefused(refusal)],
  };
}

async function locate(inspector: Inspector, target: Reference): Promise<Descriptor | undefined> {
  try {
    return (await inspector.locate(formatReference(target))).descriptor;
  } catch (error) {
    if (isConsignError(error, "MANIFEST_UNKNOWN")) return undefined;
    throw error;
  }
}
