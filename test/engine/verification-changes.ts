// SPDX-License-Identifier: Apache-2.0

/** One line of what Pulumi shows: a property that is new, gone (`undefined`) or another. */
export interface Change {
  path: string;
  value: unknown;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/**
 * Where two sets of properties differ. What is new or gone as a whole is one change, as in Pulumi's
 * display.
 */
export function changes(before: unknown, after: unknown, path = ""): Change[] {
  if (!isObject(before) || !isObject(after))
    return JSON.stringify(before) === JSON.stringify(after) ? [] : [{ path, value: after }];
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return names.flatMap((name) => changes(before[name], after[name], member(path, name)));
}

function member(path: string, name: string): string {
  if (!/^[a-zA-Z_]\w*$/.test(name)) return `${path}["${name}"]`;
  return path === "" ? name : `${path}.${name}`;
}
