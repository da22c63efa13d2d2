// SPDX-License-Identifier: Apache-2.0
import { claimTypeOf, typeKey } from "../claims/index";
import { manifestIfThere } from "../content/presence";
import type { ReadStore } from "../content/storage";
import type { ResolvedTrustPolicy } from "../notation/index";
import type { Descriptor } from "../oci/descriptor";
import type { Digest } from "../oci/digest";
import { referrerDescriptor } from "../oci/manifest";
import type { ResourceContext } from "../world/context";
import { weighClaim, type WeighedClaim } from "./believed-claims";

/** One claim, with where it is. */
export interface Testimony extends WeighedClaim {
  descriptor: Descriptor;
}

export interface TestimonyQuestion {
  store: ReadStore;
  trust: ResolvedTrustPolicy;
  subject: Digest;
  /** Short name, or predicate type URI. */
  type: string;
  /**
   * Claims of which it was recorded that they were there: each counts until it is gone itself,
   * whatever a list says by now. @default none
   */
  known?: Iterable<Digest> | undefined;
}

/** Everything that claims of one type say about one subject, each weighed, in the list's order. */
export async function testimonyOn(
  question: TestimonyQuestion,
  context: ResourceContext,
): Promise<Testimony[]> {
  const { store, trust, subject } = question;
  const found: Testimony[] = [];
  for (const descriptor of await claimsOfType(question))
    found.push({
      descriptor,
      ...(await weighClaim(store, descriptor, subject, trust, context)),
    });
  return found;
}

async function claimsOfType({
  store,
  subject,
  type,
  known = [],
}: TestimonyQuestion): Promise<Descriptor[]> {
  const isOfType = (descriptor: Descriptor): boolean =>
    typeKey(claimTypeOf(descriptor) ?? "") === typeKey(type);
  const listed = (await store.referrers(subject)).filter(isOfType);
  for (const digest of known) {
    if (listed.some((each) => each.digest === digest)) continue;
    const manifest = await manifestIfThere(store, digest);
    if (manifest?.value.subject?.digest !== subject) continue;
    const descriptor = referrerDescriptor(manifest);
    if (isOfType(descriptor)) listed.push(descriptor);
  }
  return listed;
}
