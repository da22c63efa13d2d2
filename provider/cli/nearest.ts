// SPDX-License-Identifier: Apache-2.0

/** Longer words are not compared: no name here is as long. */
const MAX_LENGTH = 64;

/**
 * The name that was probably meant: the one with the fewest letters changed, at most a third of
 * them, without regard to case. Of equals, the first.
 */
export function nearest(word: string, names: readonly string[]): string | undefined {
  if (word.length > MAX_LENGTH) return undefined;
  const asked = word.toLowerCase();
  const ranked = names
    .map((name) => ({ name, changes: changes(asked, name.toLowerCase()) }))
    .filter(({ name, changes: needed }) => needed <= Math.max(1, Math.floor(name.length / 3)))
    .sort((a, b) => a.changes - b.changes);
  return ranked[0]?.name;
}

/** The end of a message about a word that is no name. */
export function didYouMean(word: string, names: readonly string[]): string {
  const name = nearest(word, names);
  return name === undefined ? "" : `; did you mean ${name}?`;
}

/** Letters put in, left out, changed, or swapped with their neighbour. */
function changes(from: string, to: string): number {
  let before: number[] = [];
  let last = Array.from({ length: to.length + 1 }, (_, at) => at);
  for (let i = 1; i <= from.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= to.length; j += 1) {
      const same = from[i - 1] === to[j - 1] ? 0 : 1;
      let best = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + same);
      if (from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1])
        best = Math.min(best, (before[j - 2] ?? 0) + 1);
      row[j] = best;
    }
    before = last;
    last = row;
  }
  return last[to.length] ?? 0;
}
