// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseStrictJson } from "../../provider/oci/strict-json";
import { Random } from "../fuzz/random";

const parse = (text: string, depth?: number) => parseStrictJson(Buffer.from(text), depth);

test("JSON that all read alike is read as JSON.parse reads it", () => {
  for (const text of [
    "null",
    ' "a:b" ',
    '{"a":{"a":[{"a":1},{"a":2}]},"b":"\\"","":0}',
    '{ "a" \t\r\n : 1, "\\\\" : "\\\\" , "x": "y\\"" }',
    '["a", "b" , {"toString":1,"constructor":2}]',
    '{"a:":":","{":"}"}',
  ])
    assert.deepEqual(parse(text), JSON.parse(text), text);
});

const TWICE: Record<string, string> = {
  a: '{"a":1,"a":1}',
  "": '{"":1,"":2}',
  b: '[{"a":1},{"a":{"b":{}, "b" :0}}]',
  "a:": '{"a:":"a","a:":"\\""}',
  c: '{"c":1,"d":{"e":1},"\\u0063":2}',
};

test("a member that is there twice is refused by name, in whichever way it is written", () => {
  for (const [name, text] of Object.entries(TWICE))
    assert.throws(
      () => parse(text),
      (error) => error instanceof SyntaxError && error.message.includes(`"${name}" is there twice`),
      text,
    );
});

test("so are __proto__, a byte order mark, bytes that are no UTF-8, and what is too deep", () => {
  assert.throws(() => parse('{"a":{"__proto__":{}}}'), SyntaxError);
  assert.throws(() => parse('{"a":{"\\u005f_proto__":{}}}'), SyntaxError);
  assert.throws(() => parse("\ufeff{}"), SyntaxError);
  assert.throws(() => parseStrictJson(Uint8Array.of(0x22, 0xff, 0x22)), SyntaxError);
  assert.throws(() => parse("[".repeat(65) + "]".repeat(65)), SyntaxError);
  assert.doesNotThrow(() => parse("[".repeat(64) + "]".repeat(64)));
  assert.throws(() => parse("[[[]]]", 2), SyntaxError);
  assert.throws(() => parse("[".repeat(200_000) + "]".repeat(200_000)), SyntaxError);
});

test("whatever a value is, a copy of one of its members is found", () => {
  const random = new Random(7);
  const names = ["", "a", '"', "\\", ":", "{", "}", 'x":', "é", '\\\\"'];
  const pick = () => names[random.below(names.length)] ?? "";
  const value = (depth: number): unknown => {
    const kind = random.below(depth === 0 ? 2 : 4);
    if (kind === 0) return pick();
    if (kind === 1) return random.below(100);
    const items = Array.from({ length: random.below(4) }, () => value(depth - 1));
    return kind === 2 ? items : Object.fromEntries(items.map((item) => [pick(), item]));
  };
  for (let round = 0; round < 2_000; round++) {
    const inner = Object.entries({ ...{ first: 1 }, ...Object(value(4)) });
    const text = (members: [string, unknown][]) =>
      `[${members.map(([name, item]) => `{"x":{${JSON.stringify(name)}: ${JSON.stringify(item)}}}`).join()}]`;
    assert.deepEqual(parse(text(inner)), JSON.parse(text(inner)));
    const doubled = [...inner, inner[random.below(inner.length)] ?? ["", 0]] as const;
    const flat = `{${doubled.map(([name, item]) => `${JSON.stringify(name)} :${JSON.stringify(item)}`).join(" ,")}}`;
    assert.throws(() => parse(flat), SyntaxError, flat);
  }
});
