// SPDX-License-Identifier: Apache-2.0
import { manifestIfThere } from "../content/presence";
import { digestOf, type Digest } from "../oci/digest";
import { referrerDescriptor } from "../oci/manifest";
import { decodeEvidence, encodeEvidence, type Facts } from "../retention/index";
import { holdsOn, judged, kindOfEvidence, type EvidenceInquiry } from "./evidence";
import { partsOf } from "./parts";
import type { Place } from "./places";

const ON_DIGEST = "digest ";

/** An index does not go while a part of it is on hold, by its digest or by a claim about it. */
export async function holdsOnParts(
  place: Place,
  index: Digest,
  inquiry: EvidenceInquiry,
): Promise<Facts["evidence"]> {
  const { held, holds } = inquiry.question;
  const found: Facts["evidence"] = {};
  if (held.size === 0 && holds.size === 0) return found;
  for (const part of await partsOf(place.store, index)) {
    if (held.has(part)) found[part] = encodeEvidence({ kind: "hold", type: `${ON_DIGEST}${part}` });
    if (holds.size > 0) Object.assign(found, await holdsOn(place, part, inquiry));
  }
  return found;
}

/**
 * What claims say that were recorded and that no list names any more. Whoever may push may rewrite
 * a list, so each counts until it is itself gone, wherever it may be.
 */
export async function unlistedEvidence(
  subject: Digest,
  recorded: Facts["evidence"],
  inquiry: EvidenceInquiry,
): Promise<Facts["evidence"]> {
  const found: Facts["evidence"] = {};
  for (const [claim, text] of Object.entries(recorded) as [Digest, string][]) {
    if (inquiry.seen.has(claim) || !isOfClaim(claim, text)) continue;
    const said = await unlisted(claim, text, subject, inquiry);
    if (said !== undefined) found[claim] = said;
  }
  return found;
}

/** What arguments say of a part, and what promotions are about to say, is recorded beside claims. */
function isOfClaim(claim: Digest, text: string): boolean {
  const said = decodeEvidence(text);
  return !(said?.kind === "hold" && said.type.startsWith(ON_DIGEST)) && claim !== digestOf(text);
}

async function unlisted(
  claim: Digest,
  text: string,
  subject: Digest,
  { places, question, context }: EvidenceInquiry,
): Promise<string | undefined> {
  for (const { store, role } of places) {
    const manifest = await manifestIfThere(store, claim);
    if (manifest === undefined) continue;
    const descriptor = referrerDescriptor(manifest);
    const kind = kindOfEvidence(descriptor, question.holds, role === "archive");
    if (kind === undefined) continue;
    // A hold on a part of an index is recorded with the index.
    const about = manifest.value.subject?.digest ?? subject;
    const known = decodeEvidence(text);
    const evidence = await judged(store, descriptor, about, kind, known, question, context);
    return evidence === undefined ? undefined : encodeEvidence(evidence);
  }
  return undefined;
}
