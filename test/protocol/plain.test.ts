// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { plain } from "../../provider/protocol/plain";

const SEED = 20_261_124;

class Instance {
  own = 1;
  nothing = undefined;
}

const leaf = fc.oneof(
  fc.string(),
  fc.integer(),
  fc.double(),
  fc.boolean(),
  fc.constantFrom(
    null,
    undefined,
    NaN,
    Infinity,
    () => 1,
    Symbol("s"),
    new Instance(),
    new Date(0),
  ),
);
const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    leaf,
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(fc.string({ maxLength: 4 }), tie("value"), { maxKeys: 4 }),
  ),
}));

test("what is carried is what JSON would carry", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), value), (properties) => {
      // JSON has no negative zero.
      assert.deepEqual(JSON.stringify(plain(properties)), JSON.stringify(properties));
      assert.deepEqual(plain(plain(properties)), plain(properties));
    }),
    { seed: SEED },
  );
  const carried = plain({
    gone: undefined,
    list: [undefined, , NaN],
    time: new Date(0),
    instance: new Instance(),
  });
  assert.deepEqual(carried, {
    list: [null, null, null],
    time: "1970-01-01T00:00:00.000Z",
    instance: { own: 1 },
  });
  assert.equal(plain(undefined), undefined);
  assert.throws(() => plain({ big: 1n }), TypeError);
});

test("what is plain already is the same object, beside what is not", () => {
  const entries = { a: { tags: ["v1"], size: 1, none: null } };
  const carried = plain({ entries, upcoming: undefined }) as { entries: unknown };
  assert.equal(carried.entries, entries);
  assert.deepEqual(Object.keys(carried), ["entries"]);
});
