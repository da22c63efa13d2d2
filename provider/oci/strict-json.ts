// SPDX-License-Identifier: Apache-2.0

const MAX_DEPTH = 64;
const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Parses JSON of which no two readers can make different things: UTF-8 without a byte order mark,
 * no object member twice, at most 64 levels deep unless told otherwise, no member named
 * `__proto__`.
 * @throws SyntaxError saying what is wrong
 */
export function parseStrictJson(bytes: Uint8Array, maxDepth = MAX_DEPTH): unknown {
  let text: string;
  try {
    text = UTF8.decode(bytes);
  } catch {
    throw new SyntaxError("it is not UTF-8");
  }
  const value: unknown = JSON.parse(text);
  // JSON.parse keeps one of two members of a name, so fewer are left than the text has.
  if (countMembers(value, maxDepth) !== memberNames(text)) throw new SyntaxError(twice(text));
  return value;
}

function countMembers(value: unknown, levels: number): number {
  if (typeof value !== "object" || value === null) return 0;
  if (levels === 0) throw new SyntaxError("it is too many levels deep");
  let count = 0;
  if (Array.isArray(value)) {
    for (const item of value as unknown[]) count += countMembers(item, levels - 1);
    return count;
  }
  const members = value as Readonly<Record<string, unknown>>;
  for (const name of Object.keys(members)) {
    if (name === "__proto__") throw new SyntaxError("it has a member named __proto__");
    count += 1 + countMembers(members[name], levels - 1);
  }
  return count;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;

/**
 * How many strings of a text that is known to be JSON are names of members: a colon follows. It
 * jumps from string to string, as each manifest that is copied comes through here.
 */
function memberNames(text: string, each?: (from: number, to: number) => void): number {
  let count = 0;
  for (let start = text.indexOf('"'); start !== -1;) {
    const end = endOfString(text, start);
    let next = end + 1;
    // White space is all that is below a quotation mark between a string and what follows it.
    while (text.charCodeAt(next) < QUOTE) next++;
    if (text.charCodeAt(next) === COLON) {
      count++;
      each?.(start, end + 1);
    }
    start = text.indexOf('"', next);
  }
  return count;
}

function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); ; end = text.indexOf('"', end + 1)) {
    let escapes = 0;
    while (text.charCodeAt(end - 1 - escapes) === BACKSLASH) escapes++;
    if (escapes % 2 === 0) return end;
  }
}

/** Names one that is there twice, for whoever wrote it: the first that {@link memberNames} meets. */
function twice(text: string): string {
  const open: Set<string>[] = [new Set()];
  let found = "";
  let last = 0;
  memberNames(text, (from, to) => {
    follow(open, withoutStrings(text.slice(last, from)));
    last = to;
    const name = String(JSON.parse(text.slice(from, to)));
    if (open.at(-1)?.has(name) && found === "") found = name;
    open.at(-1)?.add(name);
  });
  return `the member "${found.slice(0, 64)}" is there twice`;
}

function withoutStrings(text: string): string {
  return text.replace(/"(?:[^"\\]|\\.)*"/g, "");
}

function follow(open: Set<string>[], brackets: string): void {
  for (const bracket of brackets) {
    if (bracket === "{") open.push(new Set());
    else if (bracket === "}") open.pop();
  }
}
