// SPDX-License-Identifier: Apache-2.0

/** More changes than these make another word of one. */
const MAX_CHANGES = 2;

/** The name that was meant by a misspelt one, if one is near enough. */
export function closest(word: string, names: readonly string[]): string | undefined {
  const [best] = names
    .map((name) => ({ name, changes: changesBetween(word.toLowerCase(), name.toLowerCase()) }))
    .filter(({ name, changes }) => changes <= MAX_CHANGES && changes < name.length / 2)
    .sort((a, b) => a.changes - b.changes);
  return best?.name;
}

/** Characters to add, remove or replace. */
function changesBetween(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > MAX_CHANGES) return Infinity;
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (const [index, character] of [...a].entries()) {
    const next = [index + 1];
    for (let at = 1; at <= b.length; at++)
      next.push(
        Math.min(
          (row[at] ?? 0) + 1,
          (next[at - 1] ?? 0) + 1,
          (row[at - 1] ?? 0) + (character === b[at - 1] ? 0 : 1),
        ),
      );
    row = next;
  }
  return row[b.length] ?? Infinity;
}
