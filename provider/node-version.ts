// SPDX-License-Identifier: Apache-2.0

/** As `engines` in package.json has it. */
const OLDEST = [22, 19] as const;

/**
 * What is wrong with a version of Node, as `20.11.1`; `undefined` if nothing is. What this package
 * imports breaks on an older one, and does not say why.
 */
export function nodeComplaint(version: string): string | undefined {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const [oldest, least] = OLDEST;
  if (major > oldest || (major === oldest && minor >= least)) return undefined;
  return `pulumi-consign needs Node ${oldest}.${least} or newer, and this is Node ${version}`;
}
