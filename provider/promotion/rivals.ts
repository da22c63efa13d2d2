// SPDX-License-Identifier: Apache-2.0
import { manifestIfThere } from "../content/presence";
import { plainDescriptor } from "../oci/descriptor";
import type { Digest } from "../oci/digest";
import { packClosing } from "../deployments/record";
import { attachRecord } from "../signing/record-signing";
import type { ResourceContext } from "../world/context";
import { endOfStay } from "./clock";
import { recordsOn, staysOn } from "./history";
import type { PromotionTask } from "./task";

/**
 * Whoever moved the tag at the same time, from the same stay, has said that its own stay began. Each
 * says first, on what was there before, that it ends; so they find each other there, and the one
 * that has the tag ends what the other had begun.
 */
export async function closeRivals(
  task: PromotionTask,
  opening: Digest,
  context: ResourceContext,
): Promise<void> {
  const { before, store, descriptor } = task;
  if (before === undefined || before.digest === descriptor.digest) return;
  context.stores.forget();
  const rivals = (await staysOn(task, before.digest, context)).flatMap(({ stay }) =>
    stay.opening === before.record && stay.closing !== undefined && stay.closing !== opening
      ? [stay.closing]
      : [],
  );
  const known = new Set(task.history.map(({ record }) => record));
  for (const rival of new Set(rivals)) {
    if (known.has(rival)) continue;
    const subject = (await manifestIfThere(store, rival))?.value.subject;
    if (subject === undefined) continue;
    const record = (await recordsOn(task, subject.digest, context)).find(
      (each) => each.record === rival && each.previous?.record === before.record,
    );
    const isOver =
      record === undefined ||
      (await staysOn(task, subject.digest, context)).some(
        ({ stay }) => stay.opening === rival && stay.until !== undefined,
      );
    if (isOver) continue;
    const { promotedAt: from } = record;
    const stay = {
      from,
      until: endOfStay(from, task.promotedAt, context),
      opening: rival,
      closing: opening,
    };
    await attachRecord(
      task.signing,
      packClosing(plainDescriptor(subject), task.slot, stay),
      context,
    );
  }
}
