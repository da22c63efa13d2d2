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
import { revocationOf } from "./plan";
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
    revoked: await observedRevoked(question, recorded, tagged[recorded.tag], context),
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

async function observedRevoked(
  question: HistoryQuestion,
  recorded: PlannedPromotion,
  tag: string | undefined,
  context: ResourceContext,
): Promise<Record<Digest, string> | undefined> {
  if (tag === undefined || tag === ABSENT) return undefined;
  const reason = await revocationOf(
    {
      ...question,
      ...(await artifactQuestion(recorded, context)),
      remembered: rememberedIn(recorded),
    },
    tag as Digest,
    context,
  );
  if (reason === undefined) return undefined;
  const line = `${describeRunning(question.slot, tag as Digest)}, ${reason}`;
  context.warn(line);
  return { [tag]: line };
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
