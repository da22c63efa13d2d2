// SPDX-License-Identifier: Apache-2.0
import type { z } from "zod";
import { ConsignError } from "../errors";
import { sameContent } from "../oci/descriptor";
import { parseLocation } from "../oci/reference";
import { readState } from "../world/arguments";
import { openOrigin, pushOrigin } from "./origin";
import { COMPLETE, contentStatus } from "./content-status";
import type { ResourceContext } from "../world/context";
import { holdingsOf } from "../world/holdings";
import { formerSignatures } from "../signing/own-marks";
import { PartialFailure, type Properties } from "../world/reconciler";
import { NOT_DUE } from "../signing/renewal";
import { ensureSigned, keptSignatures } from "../signing/signing";
import { dropTag, pointTag, requireUnmoved } from "../world/tags";
import { plannedArtifactSchema, tagsBefore } from "./arguments";

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
  const kept = keptSignatures(before);
  const done = {
    signatures: kept,
    formerSignatures: formerSignatures(before, kept),
    signedReference: undefined as string | undefined,
    tagged: { ...seen },
    placed: { ...placed },
    content: "incomplete",
    signature: "incomplete",
  };
  try {
    await ensureContent(plan, previous !== undefined && previous["content"] !== COMPLETE, context);
    done.content = COMPLETE;
    const request = {
      store,
      target: plan.descriptor,
      args: plan,
      signedBy: plan.signedBy,
      renew: plan.renewal !== NOT_DUE,
      previous,
    };
    const signatures = await ensureSigned(request, context);
    Object.assign(done, {
      signatures,
      formerSignatures: formerSignatures(before, signatures),
      signature: "valid",
      signedReference: plan.reference,
    });
    for (const tag of plan.tags) {
      await pointTag(store, plan.descriptor, tag, seen[tag]);
      done.tagged[tag] = done.placed[tag] = plan.digest;
    }
    for (const [tag, digest] of Object.entries(placed)) {
      if (
        !plan.tags.includes(tag) &&
        !(await holdingsOf(context).hasTag(parseLocation(plan.repository), tag))
      )
        await dropTag(store, tag, [digest], plan.onDelete === "retain", context);
    }
    return { ...done, tagged: plan.tagged, placed: plan.tagged, renewal: NOT_DUE };
  } catch (error) {
    throw new PartialFailure(error as Error, { ...inputs, ...done });
  }
}

async function ensureContent(
  plan: z.infer<typeof plannedArtifactSchema>,
  deep: boolean,
  context: ResourceContext,
): Promise<void> {
  const origin = await openOrigin(plan, context);
  if (!sameContent(origin.root, plan.descriptor)) {
    throw new ConsignError(
      "PLAN_STALE",
      `what is to be pushed is now ${origin.root.digest}, the plan says ${plan.digest}: run again`,
      { reference: plan.reference },
    );
  }
  const store = await context.stores.open(plan.repository);
  await pushOrigin(origin, store, deep);
  const status = await contentStatus(store, plan.descriptor);
  if (status !== COMPLETE) {
    throw new ConsignError(
      "READ_BACK_FAILED",
      `${plan.reference} was pushed, and cannot be read back (${status ?? "missing"}); if its content is damaged, delete it there and run again`,
      { reference: plan.reference },
    );
  }
  context.progress(`${plan.reference} is pushed`);
}
