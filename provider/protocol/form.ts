// SPDX-License-Identifier: Apache-2.0
import { ConsignError } from "../errors";
import type { Properties, Reconciler } from "../world/reconciler";

type Kind = Pick<Reconciler, "upgrades">;

/** Says in which form properties were recorded. What does not have it has the first. */
const FORM = "__v";

/** The form in which this version records a kind. */
function formOf({ upgrades = [] }: Kind): number {
  return upgrades.length + 1;
}

/** Outputs as they are recorded. */
export function markedOutputs(kind: Kind, outputs: Properties): Properties {
  return { ...outputs, [FORM]: formOf(kind) };
}

/** Inputs as they are recorded. Those of the first form were never marked, and states that have it are to show no new line. */
export function markedInputs(kind: Kind, inputs: Properties): Properties {
  return formOf(kind) === 1 ? inputs : { ...inputs, [FORM]: formOf(kind) };
}

export function isRecorded(properties: Properties): boolean {
  return FORM in properties;
}

/**
 * Recorded inputs or outputs in today's form, whichever they have, without `__` members.
 * @throws ConsignError `STATE_INVALID`, at no argument, for a form that this version does not know
 */
export function upgrade(kind: Kind, recorded: Properties): Properties {
  const form = recorded[FORM] === undefined ? 1 : recorded[FORM];
  const known = formOf(kind);
  if (typeof form !== "number" || !Number.isInteger(form) || form < 1 || form > known) {
    throw new ConsignError(
      "STATE_INVALID",
      `this state was written by another version of pulumi-consign (form ${String(form)}, known is ${known}): install that one or a newer one`,
      { path: "" },
    );
  }
  return (kind.upgrades ?? [])
    .slice(form - 1)
    .reduce((properties, step) => step(properties), visible(recorded));
}

/** Without the engine's and our own `__` members. */
export function visible(properties: Properties): Properties {
  return Object.fromEntries(Object.entries(properties).filter(([name]) => !name.startsWith("__")));
}
