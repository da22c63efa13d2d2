// SPDX-License-Identifier: Apache-2.0
import type { Digest } from "../oci/digest";
import { parseReference, pinned } from "../oci/reference";
import { referenceOf } from "../world/arguments";
import type { ResourceContext } from "../world/context";
import { endOfStay } from "./clock";
import { staysOf } from "./history";
import type { PromotionInputs, Recorded } from "./arguments";
import { slotOf, type PromotionAnswer } from "./resolve";
import { lacksContent } from "../judging/content";
import { describeMove, describeRunning } from "../deployments/record";
import type { Properties } from "../world/reconciler";
import { ABSENT } from "../world/tags";

export function plannedProperties(
  inputs: PromotionInputs,
  digest: Digest,
  answer: PromotionAnswer,
  recorded: Recorded,
  context: ResourceContext,
): Properties {
  const { descriptor, record, history, replaced, before, judgement, promotedAt, seen, against } =
    answer;
  const slot = slotOf(inputs.environment, inputs.to, inputs.tag);
  // What the environment runs stays there, whatever is known of it by now; put there again is
  // nothing that would not be put there now.
  const stays = answer.done && seen === digest;
  const done = stays && recorded.digest === digest && recorded.verified === true;
  const same: Recorded = record !== undefined && recorded.record === record.digest ? recorded : {};
  const verified = stays || judgement.verified;
  if (judgement.unmet.length > 0)
    context.warn(
      `${referenceOf(inputs.artifact)} ${stays ? "is promoted, and would not be now" : "is not promoted"}: ${judgement.unmet.join("; ")}`,
    );
  for (const line of movedByHand(inputs, digest, answer, recorded)) context.warn(line);
  const promotions = history.map(({ predicate: _, ...promoted }) => promoted);
  const running =
    seen === undefined || answer.runsRevoked === undefined
      ? undefined
      : { [seen]: `${describeRunning(slot, seen)}, ${answer.runsRevoked}` };
  for (const line of Object.values(running ?? {}))
    context.warn(
      `${line}${verified && seen !== digest ? `; this promotion replaces it by ${digest}` : ""}`,
    );
  return {
    digest,
    ...(verified && !lacksContent(judgement)
      ? { reference: pinned(parseReference(`${inputs.to}@${digest}`).location, digest) }
      : {}),
    promotedAt,
    revoked: verified && seen !== digest ? undefined : running,
    move:
      seen === digest
        ? (same.move ?? describeMove(slot, replaced, digest))
        : describeMove(slot, seen, digest),
    tagged: { [inputs.tag]: digest },
    seen: seen ?? ABSENT,
    promotions,
    history: staysOf(history),
    ...(replaced === undefined
      ? {}
      : { previous: pinned(parseReference(`${inputs.to}@${replaced}`).location, replaced) }),
    ...(descriptor === undefined ? {} : { descriptor }),
    ...(record === undefined ? {} : { record: record.digest, summary: record.predicate }),
    // What was promoted stays promoted; its verdict is that of the day.
    verdict: done ? recorded.verdict : judgement.verdict,
    verified,
    unmet: stays ? [] : judgement.unmet,
    ...(Object.keys(against).length === 0 ? {} : { against }),
    carries: answer.carries ?? recorded.carries ?? {},
    windows: {
      ...(before === undefined || before.digest === digest
        ? {}
        : {
            [before.digest]: same.windows?.[before.digest] ?? {
              ...slot,
              from: before.promotedAt,
              until: answer.done
                ? later(promotedAt, before.promotedAt)
                : endOfStay(before.promotedAt, promotedAt, context),
            },
          }),
      [digest]: { ...slot, from: promotedAt },
    },
  };
}

/** What the tag points at, where neither a promotion nor the last refresh had left it. */
function movedByHand(
  inputs: PromotionInputs,
  digest: Digest,
  { seen, done, history, before }: PromotionAnswer,
  recorded: Recorded,
): string[] {
  if (seen === undefined || seen === digest) return [];
  const known = recorded.tagged?.[inputs.tag];
  const left = known ?? (done ? history[0]?.digest : before?.digest);
  if (left === seen) return [];
  const what = `tag ${inputs.tag} of ${inputs.to} is at ${seen}, where no promotion of ${inputs.environment} that counts has put it`;
  return [
    known === undefined
      ? `${what}; this one would move it to ${digest}`
      : `${what}: refresh, or this one will not move it`,
  ];
}

function later(a: string, b: string): string {
  return a < b ? b : a;
}
