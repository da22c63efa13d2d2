// SPDX-License-Identifier: Apache-2.0
import type { ResourceContext } from "../world/context";
import type { Properties, Reconciler } from "../world/reconciler";
import { asCheckFailure, forCheck } from "./failures";
import { markedInputs, upgrade, visible } from "./form";
import { plain } from "./plain";
import { checkInputs, type Failure } from "./unknowns";

/** What is asked about a kind, and the world in which it is asked. */
export interface Asked {
  kind: Reconciler;
  context: Context;
}

/** Asked for when it is needed: a bad setting is an error of the resource that needs the world. */
export type Context = () => ResourceContext;

export interface Checked {
  inputs: Properties;
  failures?: Failure[];
}

/** `olds` are recorded inputs, or empty where the resource is new. */
export async function check(
  { kind, context }: Asked,
  olds: Properties,
  news: Properties,
): Promise<Checked> {
  try {
    const plannedBefore = Object.keys(visible(olds)).length === 0 ? undefined : upgrade(kind, olds);
    const { known, unknown, failures } = checkInputs(kind.schema, news);
    if (failures.length > 0) return { inputs: news, failures: failures.map(forCheck) };
    const { planned } = await kind.plan(known, unknown, plannedBefore, context());
    return { inputs: plain(markedInputs(kind, { ...news, ...planned })) as Properties };
  } catch (error) {
    return {
      inputs: news,
      failures: [asCheckFailure(error, Object.keys(kind.schema.shape)[0] ?? "")],
    };
  }
}
