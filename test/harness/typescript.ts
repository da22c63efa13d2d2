// SPDX-License-Identifier: Apache-2.0
/**
 * Arguments for a process of Node that shall load TypeScript as this one does: what `npm test` has
 * compiled, or by tsx where a test is run for itself.
 */
export const LOAD_TYPESCRIPT: readonly string[] = loaders(process.execArgv);

function loaders(given: readonly string[]): string[] {
  const compiled = given.filter(
    (argument, at) => argument === "--require" || given[at - 1] === "--require",
  );
  return compiled.some((argument) => argument.endsWith("load-compiled.cjs"))
    ? compiled
    : ["--import", require.resolve("tsx")];
}
