// SPDX-License-Identifier: Apache-2.0
import { isConsignError } from "../errors";
import type { Digest } from "../oci/digest";
import { readState } from "../world/arguments";
import type { ResourceContext } from "../world/context";
import { readHistory, type HistoryQuestion, type Promoted } from "./history";
import {
  artifactQuestion,
  historyQuestion,
  plannedPromotionSchema,
  type PlannedPromotion,
} from "./arguments";
import { revocationIn } from "../judging/objections";
import { lifecycleOf } from "./plan";
import { rememberedIn } from "../judging/against";
import { describeRunning } from "../deployments/record";
import type { Properties } from "../world/reconciler";
import { ABSENT, observedTags } from "../world/tags";

export async function observePromotion(
  state: Properties,
  context: ResourceContext,
): Promise<Properties | undefined> {
  const recorded = readState(plannedPromotionSchema, state);
  const question = await historyQuestion(recorded, context);
  const tagged = await observedTags(question.store, [recorded.tag]);
  const history = await readHistory(
    question,
    tagged[recorded.tag] === ABSENT ? undefined : (tagged[recorded.tag] as Digest),
    [],
    context,
  );
  const mine =
    history.find(({ record }) => record === recorded.record) ??
    (await recordOnArtifact(question, recorded, context));
  if (
    mine === undefined &&
    tagged[recorded.tag] === ABSENT &&
    !(await isThere(question, recorded.digest))
  )
    return undefined;
  return {
    ...state,
    tagged,
    status: statusOf(mine, tagged[recorded.tag], recorded),
    ...(await observedLifecycle(question, recorded, tagged[recorded.tag], context)),
  };
}

async function recordOnArtifact(
  question: HistoryQuestion,
  recorded: PlannedPromotion,
  context: ResourceContext,
): Promise<Promoted | undefined> {
  const onArtifact = await readHistory(question, recorded.digest, [], context);
  return onArtifact.find(({ record }) => record === recorded.record);
}

/** What was said against what runs is remembered, whatever lists say of it by the next run. */
async function observedLifecycle(
  question: HistoryQuestion,
  recorded: PlannedPromotion,
  tag: string | undefined,
  context: ResourceContext,
): Promise<Properties> {
  if (tag === undefined || tag === ABSENT) return { revoked: undefined };
  const remembered = rememberedIn(recorded);
  const running = await lifecycleOf(
    { ...question, ...(await artifactQuestion(recorded, context)), remembered },
    tag as Digest,
    context,
  );
  const against = { ...remembered, ...running.against };
  const memory = Object.keys(against).length === 0 ? {} : { against };
  const reason = revocationIn(running);
  if (reason === undefined) return { ...memory, revoked: undefined };
  const line = `${describeRunning(question.slot, tag as Digest)}, ${reason}`;
  context.warn(line);
  return { ...memory, revoked: { [tag]: line } };
}

async function isThere({ store }: HistoryQuestion, digest: Digest): Promise<boolean> {
  try {
    await store.resolve(digest);
    return true;
  } catch (error) {
    if (isConsignError(error, "MANIFEST_UNKNOWN")) return false;
    throw error;
  }
}

function statusOf(
  mine: Promoted | undefined,
  tag: string | undefined,
  { digest, tag: name }: PlannedPromotion,
): string {
  if (mine === undefined) return "its record is missing, or not believed any more";
  return tag === digest ? "promoted" : `replaced: tag ${name} is at ${tag ?? ABSENT}`;
}
