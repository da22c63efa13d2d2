// SPDX-License-Identifier: Apache-2.0

/**
 * Whether a value fits a pattern in which `*` stands for any text, also none, and `?` for one
 * character; everything else stands for itself. Values are no paths: a slash, a leading dot or a
 * line's end is a character like any other. Takes at most length times length steps.
 */
export function fitsPattern(value: string, pattern: string): boolean {
  const [text, wanted] = [[...value], [...pattern]];
  let [at, next] = [0, 0];
  // Where the last star was, and how far into the value it reaches so far.
  let star: { after: number; reach: number } | undefined;
  while (at < text.length) {
    if (wanted[next] === "*") {
      star = { after: ++next, reach: at };
    } else if (next < wanted.length && (wanted[next] === "?" || wanted[next] === text[at])) {
      at++;
      next++;
    } else if (star !== undefined) {
      at = ++star.reach;
      next = star.after;
    } else {
      return false;
    }
  }
  return wanted.slice(next).every((character) => character === "*");
}
