// SPDX-License-Identifier: Apache-2.0
import { signerOfDue } from "../../signing/planned-signer";
import { signedBySchema, type SignedBy } from "../../signing/signer";
import type { FullPlan } from "../../upcoming/plan";
import type { ResourceContext } from "../../world/context";
import type { Inputs, PlannedMirror } from "../arguments";
import { DERIVED_FROM } from "../choose/derived";

/** What a mirror signs is what its derived indexes were made from, at each destination. */
export async function dueMirrorSigner(
  { signer, destinations = [] }: Partial<Inputs>,
  signedBy: unknown,
  {
    plan,
    base,
    before,
  }: { plan: FullPlan; base: FullPlan | undefined; before: PlannedMirror | undefined },
  context: ResourceContext,
): Promise<SignedBy | undefined> {
  const planned = signedBySchema.safeParse(signedBy).data;
  if (signer === undefined || planned === undefined) return planned;
  const claims = originClaims(plan);
  const signed =
    base === undefined || before?.signedBy?.thumbprint !== planned.thumbprint
      ? []
      : originClaims(base);
  const isNewPlace = destinations.some((place) => before?.destinations.includes(place) !== true);
  const isDue = claims.some((claim) => isNewPlace || !signed.includes(claim));
  return isDue ? signerOfDue(signer, planned, context) : planned;
}

function originClaims(plan: FullPlan): string[] {
  return Object.values(plan.artifacts).flatMap(({ related }) =>
    Object.entries(related)
      .filter(([, { type }]) => type === DERIVED_FROM)
      .map(([claim]) => claim),
  );
}
