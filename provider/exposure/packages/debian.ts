// SPDX-License-Identifier: Apache-2.0

/** Epoch, upstream version and revision. */
const VERSION = /^(?:(\d{1,9}):)?(\d[A-Za-z0-9.+~:-]*?)(?:-([A-Za-z0-9.+~]+))?$/;

/**
 * The order of Debian's versions; undefined where one is none. It is written here as no package that
 * is kept has it without faults, and it is held against dpkg.
 * @see https://www.debian.org/doc/debian-policy/ch-controlfields.html#version
 */
export function compareDebian(a: string, b: string): number | undefined {
  const [first, second] = [VERSION.exec(a), VERSION.exec(b)];
  if (first === null || second === null) return undefined;
  return (
    Number(first[1] ?? 0) - Number(second[1] ?? 0) ||
    compareParts(first[2] ?? "", second[2] ?? "") ||
    compareParts(first[3] ?? "0", second[3] ?? "0")
  );
}

/** By turns what is no digit, letter by letter, and digits, as a number. */
function compareParts(a: string, b: string): number {
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    while (isText(a[i]) || isText(b[j])) {
      const order = weight(a[i]) - weight(b[j]);
      if (order !== 0) return order;
      i += 1;
      j += 1;
    }
    const [left, right] = [digitsAt(a, i), digitsAt(b, j)];
    i += left.length;
    j += right.length;
    const [x, y] = [left.replace(/^0+/, ""), right.replace(/^0+/, "")];
    if (x.length !== y.length) return x.length - y.length;
    if (x !== y) return x < y ? -1 : 1;
  }
  return 0;
}

function isText(character: string | undefined): boolean {
  return character !== undefined && !/\d/.test(character);
}

/** A tilde is before the end, the end before letters, and letters before all else. */
function weight(character: string | undefined): number {
  if (character === undefined || /\d/.test(character)) return 0;
  if (character === "~") return -1;
  const code = character.charCodeAt(0);
  return /[A-Za-z]/.test(character) ? code : code + 256;
}

function digitsAt(text: string, at: number): string {
  return /^\d*/.exec(text.slice(at))?.[0] ?? "";
}
