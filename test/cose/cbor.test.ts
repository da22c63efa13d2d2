// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Tag, decodeCbor, encodeCbor } from "../../provider/cose/index";
import { isConsignError } from "../../provider/errors";

const hex = (text: string): Uint8Array =>
  Uint8Array.from(Buffer.from(text.replaceAll(" ", ""), "hex"));
const LIMIT = 64 * 1024;

const REFUSED: Record<string, string> = {
  "no bytes": "",
  "bytes after the item": "0101",
  "an array that ends early": "8201",
  "a map without its last value": "a101",
  "a text that ends early": "6361",
  "an array of indefinite length": "9f01ff",
  "a map of indefinite length": "bf0101ff",
  "a text of indefinite length": "7f6161ff",
  "bytes of indefinite length": "5f4161ff",
  "a break alone": "ff",
  "a reserved head": "1c",
  "a key twice": "a201010102",
  "a key twice, in two encodings": "a20101180102",
  "a text key twice": "a2616101616102",
  "a key that is a floating-point number": "a1f93c0001",
  "a key that is bytes": "a1416101",
  "a key that is an array": "a1800000",
  "a key that is null": "a1f601",
  "a key beyond what counts exactly": "a11bffffffffffffffff01",
  "text that is not UTF-8": "61ff",
  "an unassigned simple value": "f8ff",
  "a length of 2^63": "5b8000000000000000",
  "an array that claims 2^40 items": "9b0000010000000000",
  "17 arrays in each other": `${"81".repeat(17)}00`,
  "a thousand tags in each other": `${"c1".repeat(1000)}00`,
};

for (const [name, bytes] of Object.entries(REFUSED)) {
  test(`refuses ${name}`, () =>
    assert.throws(() => decodeCbor(hex(bytes), LIMIT), { code: "CBOR_INVALID" }));
}

test("refuses more bytes than the limit", () => {
  assert.throws(() => decodeCbor(encodeCbor(new Uint8Array(100)), 100), {
    code: "CBOR_INVALID",
    message: /102 bytes/,
  });
});

test("refuses a million items before it builds one", () => {
  const bytes = Buffer.concat([hex("9a000f4240"), Buffer.alloc(1_000_000, 0x80)]);
  assert.throws(() => decodeCbor(bytes, 2 ** 21), { code: "CBOR_INVALID", message: /items/ });
});

test("tells integers, floating-point numbers and tags apart", () => {
  assert.equal(decodeCbor(hex("01"), LIMIT), 1n);
  assert.equal(decodeCbor(hex("f93c00"), LIMIT), 1);
  const time = decodeCbor(hex("c11a6553f100"), LIMIT);
  assert.ok(time instanceof Tag);
  assert.deepEqual([time.tag, time.contents], [1, 1_700_000_000n]);
});

test("keeps text keys that mean something to JavaScript as plain keys", () => {
  const map = decodeCbor(encodeCbor(new Map([["__proto__", 1]])), LIMIT);
  assert.deepEqual(map, new Map([["__proto__", 1n]]));
});

test("encodes keys by their encoded bytes, integers and lengths as short as can be", () => {
  const map = new Map<string | number, unknown>([
    ["bb", 1],
    ["c", 500],
    [33, -1],
    [1, 2],
    [-7, 3],
  ]);
  assert.equal(
    Buffer.from(encodeCbor(map)).toString("hex"),
    "a501021821202603616319 01f462626201".replace(" ", ""),
  );
});

const value = fc.letrec((tie) => ({
  item: fc.oneof(
    { depthSize: "small" },
    fc.maxSafeInteger().map(BigInt),
    fc.string({ unit: "grapheme" }),
    fc.uint8Array({ maxLength: 40 }).map((bytes) => Uint8Array.from(bytes)),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie("item"), { maxLength: 4 }),
    fc
      .array(fc.tuple(fc.oneof(fc.integer(), fc.string()), tie("item")), { maxLength: 4 })
      .map((entries) => new Map(entries)),
  ),
})).item;

test("decodes what it encodes, and encodes that the same", () => {
  fc.assert(
    fc.property(value, (item) => {
      const bytes = encodeCbor(item);
      let decoded: unknown;
      try {
        decoded = decodeCbor(bytes, LIMIT);
      } catch (error) {
        return isConsignError(error, "CBOR_INVALID") && /depth/i.test((error as Error).message);
      }
      return Buffer.compare(encodeCbor(decoded), bytes) === 0;
    }),
    { numRuns: 500 },
  );
});

test("whatever the bytes, it ends with a value or with CBOR_INVALID", () => {
  const headed = fc
    .tuple(
      fc.constantFrom(0x81, 0x9b, 0xa1, 0xb9, 0xc1, 0xd2, 0x5a, 0x7b, 0xf8, 0xfb),
      fc.uint8Array({ maxLength: 60 }),
    )
    .map(([head, rest]) => Uint8Array.of(head, ...rest));
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), headed), (bytes) => {
      try {
        decodeCbor(bytes, LIMIT);
        return true;
      } catch (error) {
        return isConsignError(error, "CBOR_INVALID");
      }
    }),
    { numRuns: 5000 },
  );
});
