// SPDX-License-Identifier: Apache-2.0

const MAX_DEPTH = 64;

/**
 * Parses JSON of which no two readers can make different things: UTF-8 without a byte order mark,
 * no object member twice, at most 64 levels deep, no member named `__proto__`.
 * @throws SyntaxError saying what is wrong
 */
export function parseStrictJson(bytes: Uint8Array): unknown {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new SyntaxError("it is not UTF-8");
  }
  const value: unknown = JSON.parse(text);
  checkMembers(text);
  return value;
}

/** Walks text that is known to be JSON, so that only strings and brackets need to be looked at. */
function checkMembers(text: string): void {
  const open: (Set<string> | undefined)[] = [];
  for (let i = 0; i < text.length; i++) {
    switch (text[i]) {
      case "{":
      case "[":
        open.push(text[i] === "{" ? new Set() : undefined);
        if (open.length > MAX_DEPTH)
          throw new SyntaxError(`it is more than ${MAX_DEPTH} levels deep`);
        break;
      case "}":
      case "]":
        open.pop();
        break;
      case '"': {
        const end = endOfString(text, i);
        let next = end + 1;
        while (" \t\r\n".includes(text[next] ?? "$")) next++;
        if (text[next] === ":")
          addMember(open.at(-1), JSON.parse(text.slice(i, end + 1)) as string);
        i = end;
        break;
      }
      default:
        break;
    }
  }
}

function addMember(members: Set<string> | undefined, name: string): void {
  if (members === undefined) return;
  if (name === "__proto__") throw new SyntaxError("it has a member named __proto__");
  if (members.has(name)) throw new SyntaxError(`the member "${name.slice(0, 64)}" is there twice`);
  members.add(name);
}

function endOfString(text: string, start: number): number {
  for (let i = start + 1; ; i++) {
    if (text[i] === "\\") i++;
    else if (text[i] === '"') return i;
  }
}
