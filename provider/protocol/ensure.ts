// SPDX-License-Identifier: Apache-2.0
import { holdingsOf } from "../world/holdings";
import { PartialFailure, type Properties, type Reconciler } from "../world/reconciler";
import type { Asked, Context } from "./check";
import { asEngineError } from "./failures";
import { markedOutputs, upgrade, visible } from "./form";
import { plain } from "./plain";

export async function create(
  { kind, context }: Asked,
  inputs: Properties,
): Promise<{ id: string; outs: Properties }> {
  const id = kind.id(inputs);
  try {
    return { id, outs: await ensure(kind, context, visible(inputs), undefined) };
  } catch (error) {
    throw asEngineError(error, id, partial(kind, inputs, error));
  }
}

export async function update(
  { kind, context }: Asked,
  id: string,
  olds: Properties,
  news: Properties,
): Promise<{ outs: Properties }> {
  try {
    return { outs: await ensure(kind, context, visible(news), upgrade(kind, olds)) };
  } catch (error) {
    throw asEngineError(error, id, partial(kind, news, error));
  }
}

/** Removing what is gone succeeds. */
export async function remove(
  { kind, context }: Asked,
  id: string,
  state: Properties,
): Promise<void> {
  try {
    await kind.remove(upgrade(kind, state), context());
  } catch (error) {
    throw asEngineError(error, id, undefined);
  }
}

export async function hold(
  kind: Reconciler,
  context: Context,
  properties: Properties,
): Promise<void> {
  const held = kind.holds?.(properties);
  if (held !== undefined) await holdingsOf(context()).add(held);
}

/** Holds what is planned from the start, as others are at work at the same time, and then what is there. */
async function ensure(
  kind: Reconciler,
  context: Context,
  inputs: Properties,
  previous: Properties | undefined,
): Promise<Properties> {
  await hold(kind, context, inputs);
  try {
    const outputs = recorded(kind, inputs, await kind.ensure(inputs, previous, context()));
    await hold(kind, context, outputs);
    return outputs;
  } catch (error) {
    if (error instanceof PartialFailure) await hold(kind, context, error.properties);
    throw error;
  }
}

export function recorded(kind: Reconciler, inputs: Properties, ensured: Properties): Properties {
  return plain(markedOutputs(kind, { ...visible(inputs), ...ensured })) as Properties;
}

/** What is there after a failure half-way. The host adds the stub to whole states only. */
function partial(kind: Reconciler, inputs: Properties, error: unknown): Properties | undefined {
  return error instanceof PartialFailure
    ? (plain({
        ...recorded(kind, inputs, error.properties),
        __provider: inputs["__provider"],
      }) as Properties)
    : undefined;
}
