// SPDX-License-Identifier: Apache-2.0
import { ConsignError } from "../errors";
import type { Properties, Reconciler } from "../world/reconciler";
import { check, type Asked, type Context } from "./check";
import { recorded } from "./ensure";
import { asEngineError } from "./failures";
import { isRecorded, markedInputs, upgrade, visible } from "./form";

export async function read(
  { kind, context }: Asked,
  id: string,
  props: Properties,
): Promise<{ id: string; props: Properties; inputs?: Properties }> {
  try {
    const state = isRecorded(props) ? upgrade(kind, props) : await adopted(kind, context, props);
    const observed = await kind.observe(state, context());
    if (observed === undefined) return { id: "", props: {} };
    const outputs = recorded(kind, state, observed);
    const inputs = Object.fromEntries(
      Object.entries(visible(outputs)).filter(([name]) => !kind.ensured.includes(name)),
    );
    return { id, props: outputs, inputs: markedInputs(kind, inputs) };
  } catch (error) {
    throw asEngineError(error, id, undefined);
  }
}

/** `Kind.get(…)`: there is no recorded state, only the program's arguments. */
async function adopted(kind: Reconciler, context: Context, props: Properties): Promise<Properties> {
  const { inputs, failures } = await check({ kind, context }, {}, visible(props));
  const failure = failures?.[0];
  if (failure !== undefined)
    throw new ConsignError("INPUT_INVALID", failure.reason, { path: failure.property });
  return visible(inputs);
}
