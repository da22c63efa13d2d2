// SPDX-License-Identifier: Apache-2.0
import { createContext, Script, type Context } from "node:vm";

let watched: { context: Context; script: Script } | undefined;

/**
 * Runs what somebody else's data could make slow, and stops it after so many milliseconds. V8 can
 * stop a call from outside only if it runs within a script; the script does nothing else.
 * @throws what {@link isTimeout} is true of
 */
export function withinTime<T>(milliseconds: number, run: () => T): T {
  watched ??= { context: createContext({}), script: new Script("run()") };
  const { context, script } = watched;
  const results: T[] = [];
  const outer: unknown = context["run"];
  context["run"] = () => void results.push(run());
  try {
    script.runInContext(context, { timeout: milliseconds });
  } finally {
    context["run"] = outer;
  }
  return results[0] as T;
}

export function isTimeout(error: unknown): boolean {
  return (
    typeof error === "object" &&
    error !== null &&
    "code" in error &&
    error.code === "ERR_SCRIPT_EXECUTION_TIMEOUT"
  );
}
