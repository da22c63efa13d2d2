// SPDX-License-Identifier: Apache-2.0
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

export interface Collection {
  type: "minor" | "major";
  /** `last-resort` also gives memory back that V8 would keep for later. */
  flavor?: "last-resort";
}

let collector: ((what: Collection & { execution: "sync" }) => void) | undefined;

/**
 * Collects garbage now. The flag holds for contexts made after it, so that nothing else in this
 * process gets a `gc`.
 */
export function collect(what: Collection): void {
  collector ??= makeCollector();
  collector({ ...what, execution: "sync" });
}

function makeCollector(): (what: object) => void {
  setFlagsFromString("--expose-gc");
  const gc: unknown = runInNewContext("gc");
  setFlagsFromString("--no-expose-gc");
  return typeof gc === "function" ? (what) => void Reflect.apply(gc, undefined, [what]) : () => {};
}
