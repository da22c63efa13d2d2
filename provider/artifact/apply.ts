// SPDX-License-Identifier: Apache-2.0
import type { z } from "zod";
import { ConsignError } from "../errors";
import { happened, signatureDeed } from "../keeping/happened";
import { Made } from "../keeping/made";
import { sameContent } from "../oci/descriptor";
import type { Digest } from "../oci/digest";
import { parseLocation } from "../oci/reference";
import { NOT_DUE } from "../signing/renewal";
import { ensureSigned, keptSignatures, recordedSignatures } from "../signing/signing";
import { readState } from "../world/arguments";
import type { ResourceContext } from "../world/context";
import { holdingsOf } from "../world/holdings";
import { PartialFailure, type Properties } from "../world/reconciler";
import { pointTag, requireUnmoved } from "../world/tags";
import { plannedArtifactSchema, tagsBefore } from "./arguments";
import { COMPLETE, contentStatus } from "./content-status";
import { dropTag } from "./drop-tag";
import { openOrigin, pushOrigin } from "./origin";

type PlannedArtifact = z.infer<typeof plannedArtifactSchema>;

const INCOMPLETE = "incomplete";

export async function ensureArtifact(
  inputs: Properties,
  previous: Properties | undefined,
  context: ResourceContext,
): Promise<Properties> {
  const plan = readState(plannedArtifactSchema, inputs);
  const { seen, placed } = tagsBefore(previous);
  const store = await context.stores.open(plan.repository);
  await requireUnmoved(store, plan.digest, plan.tags, seen);
  const before = previous?.["digest"] === plan.digest ? previous : undefined;
  const made = Made.of(before);
  const done = {
    signatures: keptSignatures(before),
    signedReference: undefined as string | undefined,
    tagged: { ...seen },
    placed: { ...placed },
    content: INCOMPLETE,
    signature: "incomplete",
  };
  try {
    const deep = previous !== undefined && previous["content"] !== COMPLETE;
    const brought = await ensureContent(plan, deep, context);
    if (brought.made) made.add(plan.digest);
    const known = before !== undefined && before["content"] !== INCOMPLETE;
    done.content = COMPLETE;
    const signedNow = new Set<string>();
    const request = {
      store,
      target: plan.descriptor,
      args: plan,
      signedBy: plan.signedBy,
      renew: plan.renewal !== NOT_DUE,
      previous,
      onMade: (signature: Digest) => {
        made.add(signature);
        signedNow.add(signature);
      },
    };
    const signatures = await ensureSigned(request, context);
    const signature = signatureDeed(signatures, {
      before: recordedSignatures(previous),
      made: signedNow,
    });
    context.progress(
      `${plan.reference} is ${happened({ ...brought, known })}; its signature is ${signature}`,
    );
    Object.assign(done, {
      signatures,
      signature: "valid",
      signedReference: plan.reference,
    });
    for (const tag of plan.tags) {
      const isSet = await pointTag(store, plan.descriptor, tag, seen[tag]);
      done.tagged[tag] = plan.digest;
      if (isSet) done.placed[tag] = plan.digest;
    }
    for (const [tag, digest] of Object.entries(placed)) {
      if (plan.tags.includes(tag)) continue;
      if (!(await holdingsOf(context).hasTag(parseLocation(plan.repository), tag)))
        await dropTag(store, { tag, placed: digest, keep: plan.onDelete === "retain" }, context);
      delete done.placed[tag];
    }
    if (!made.isMarked) warnOfUnmarkedTags(plan, seen, context);
    return { ...done, ...marks(plan, made), tagged: plan.tagged, renewal: NOT_DUE };
  } catch (error) {
    throw new PartialFailure(error as Error, { ...inputs, ...done, ...marks(plan, made) });
  }
}

/** @returns whether it was not there before, or something of it */
async function ensureContent(
  plan: z.infer<typeof plannedArtifactSchema>,
  deep: boolean,
  context: ResourceContext,
): Promise<{ made: boolean; mended: boolean }> {
  const origin = await openOrigin(plan, context);
  if (!sameContent(origin.root, plan.descriptor)) {
    throw new ConsignError(
      "PLAN_STALE",
      `what is to be pushed is now ${origin.root.digest}, the plan says ${plan.digest}: run again`,
      { reference: plan.reference },
    );
  }
  const store = await context.stores.open(plan.repository);
  const brought = await pushOrigin(origin, store, deep);
  const status = await contentStatus(store, plan.descriptor, { fresh: true });
  if (status !== COMPLETE) {
    throw new ConsignError(
      "READ_BACK_FAILED",
      `${plan.reference} cannot be read back (${status ?? "missing"}); if its content is damaged, delete it there and run again`,
      { reference: plan.reference },
    );
  }
  return brought;
}

function warnOfUnmarkedTags(
  { tags, repository }: PlannedArtifact,
  seen: Record<string, string>,
  context: ResourceContext,
): void {
  const left = Object.keys(seen).filter((tag) => !tags.includes(tag));
  if (left.length > 0)
    context.warn(
      `${repository}: ${left.join(", ")} stays, although no longer wanted: the state was recorded by 0.1.0, which did not tell what it had set from what it had found`,
    );
}

/** What is ours, and what that means for a destroy, which asks nobody in its preview. */
function marks({ reference, digest, onDelete }: PlannedArtifact, made: Made): Properties {
  const line =
    onDelete === "retain"
      ? `destroy will keep ${reference} and its tags: onDelete is "retain"`
      : onDelete === "untag"
        ? `destroy will keep ${reference}, and remove the tags that this resource has set`
        : made.has(digest)
          ? `destroy will remove ${reference}, the tags that this resource has set and its signatures, unless others need it`
          : `destroy will keep ${reference}, which was there before this resource, and remove the tags that this resource has set`;
  return { made: made.record(), onDestroy: [line] };
}
