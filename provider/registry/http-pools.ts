// SPDX-License-Identifier: Apache-2.0
import type * as undici from "undici";

/**
 * undici's classes by name, each from its own module where undici still has it there: loading all of undici, most of which is `fetch`, web
 * sockets and caches, costs every provider process 50 ms and 7 MB more. Where these files have moved, the package as a whole has them.
 */
export const httpPools: Pick<typeof undici, "Pool" | "ProxyAgent"> = {
  get Pool() {
    return classAt("undici/lib/dispatcher/pool.js", "Pool");
  },
  get ProxyAgent() {
    return classAt("undici/lib/dispatcher/proxy-agent.js", "ProxyAgent");
  },
};

/** What undici exports as a name, by the module that has it alone, or else by the package. */
export function classAt<Name extends "Pool" | "ProxyAgent">(module: string, name: Name): (typeof undici)[Name] {
  let found: unknown;
  try {
    found = require(module);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
  return typeof found === "function" ? (found as (typeof undici)[Name]) : (require("undici") as typeof undici)[name];
}

function isMissing(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return code === "MODULE_NOT_FOUND" || code === "ERR_PACKAGE_PATH_NOT_EXPORTED";
}
