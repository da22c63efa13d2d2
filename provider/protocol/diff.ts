// SPDX-License-Identifier: Apache-2.0
import { isDeepStrictEqual } from "node:util";
import type { Properties, Reconciler } from "../world/reconciler";
import { samePlace } from "../world/same-place";
import type { Asked } from "./check";
import { hold } from "./ensure";
import { asEngineError } from "./failures";
import { upgrade } from "./form";
import { holdsUnknown } from "./unknowns";

export interface Difference {
  changes: boolean;
  /** Properties for which a new resource is made. */
  replaces: string[];
}

/** The engine asks this about what the program still has, and nothing about what it is about to take away. */
export async function compare(
  { kind, context }: Asked,
  id: string,
  olds: Properties,
  news: Properties,
): Promise<Difference> {
  try {
    const state = upgrade(kind, olds);
    const result = diff(kind, state, news);
    if (result.changes === false) await hold(kind, context, state);
    return result;
  } catch (error) {
    throw asEngineError(error, id, undefined);
  }
}

/** Compares what is recorded with what is planned. No I/O, and never "perhaps". */
export function diff(kind: Reconciler, olds: Properties, news: Properties): Difference {
  const skipped = new Set([...kind.ignore, ...kind.ensured]);
  const names = [...new Set([...Object.keys(olds), ...Object.keys(news)])].filter(
    (name) => !skipped.has(name),
  );
  const changed = names.filter(
    (name) =>
      !isDeepStrictEqual(olds[name], news[name]) &&
      !(kind.acknowledged?.(name, olds[name]) ?? false),
  );
  // What is no argument and not planned either is not known yet, as a plan leaves that out.
  const isKnown = (name: string) =>
    (name in news || name in kind.schema.shape) && !holdsUnknown(news[name]);
  const replaces = changed.filter(
    (name) =>
      kind.replaceOn.includes(name) &&
      isKnown(name) &&
      !(kind.places?.includes(name) === true && samePlace(olds[name], news[name])),
  );
  return { changes: changed.length > 0 || (kind.unsettled?.(news) ?? false), replaces };
}
