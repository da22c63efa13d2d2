// SPDX-License-Identifier: Apache-2.0
import type * as undici from "undici";

type PoolClass = typeof undici.Pool;

let known: PoolClass | undefined;

/**
 * undici's pool, from the module that has it where undici still has it there: all of undici, most
 * of which is `fetch`, web sockets and caches, costs every provider process 50 ms and 7 MB more.
 * Loaded when there is a registry to talk to.
 */
export function poolClass(): PoolClass {
  known ??= poolAt("undici/lib/dispatcher/pool.js");
  return known;
}

/** undici's agent for proxies, which needs what only the package as a whole sets up. */
export function proxyAgentClass(): typeof undici.ProxyAgent {
  return (require("undici") as typeof undici).ProxyAgent;
}

/** The pool by the module that has it alone, or else by the package. */
export function poolAt(module: string): PoolClass {
  let found: unknown;
  try {
    found = require(module);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
  return typeof found === "function"
    ? (found as PoolClass)
    : (require("undici") as typeof undici).Pool;
}

function isMissing(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return code === "MODULE_NOT_FOUND" || code === "ERR_PACKAGE_PATH_NOT_EXPORTED";
}
