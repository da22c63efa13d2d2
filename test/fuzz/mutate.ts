// SPDX-License-Identifier: Apache-2.0
import type { Random } from "./random";

const MAX_SIZE = 16 * 1024;
const INTERESTING = [
  0x00, 0x01, 0x18, 0x1b, 0x20, 0x22, 0x2c, 0x3d, 0x5c, 0x7f, 0x80, 0x81, 0x9f, 0xa0, 0xbf, 0xc2,
  0xd2, 0xf6, 0xff,
];

type Mutation = (
  input: Uint8Array,
  random: Random,
  pool: readonly Uint8Array[],
  words: readonly Uint8Array[],
) => Uint8Array;

const join = (...parts: readonly Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts));

function range(input: Uint8Array, random: Random): [from: number, to: number] {
  const from = random.below(input.byteLength + 1);
  const longest = input.byteLength - from;
  return [
    from,
    from + Math.min(longest, 1 + random.below(random.below(4) === 0 ? longest + 1 : 8)),
  ];
}

function withByte(input: Uint8Array, random: Random, change: (byte: number) => number): Uint8Array {
  const copy = Uint8Array.from(input);
  const at = random.below(copy.byteLength);
  if (at < copy.byteLength) copy[at] = change(copy[at] ?? 0);
  return copy;
}

const MUTATIONS: readonly Mutation[] = [
  (input, random) => withByte(input, random, (byte) => byte ^ (1 << random.below(8))),
  (input, random) => withByte(input, random, () => random.below(256)),
  (input, random) => withByte(input, random, () => random.pick(INTERESTING)),
  (input, random) => withByte(input, random, (byte) => byte + random.pick([-1, 1, -16, 16])),
  function remove(input, random) {
    const [from, to] = range(input, random);
    return join(input.subarray(0, from), input.subarray(to));
  },
  function repeat(input, random) {
    const [from, to] = range(input, random);
    const part = input.subarray(from, to);
    return join(
      input.subarray(0, to),
      ...Array.from({ length: 1 + random.below(random.below(8) === 0 ? 64 : 2) }, () => part),
      input.subarray(to),
    );
  },
  function insert(input, random) {
    const at = random.below(input.byteLength + 1);
    return join(
      input.subarray(0, at),
      Uint8Array.from({ length: 1 + random.below(4) }, () => random.below(256)),
      input.subarray(at),
    );
  },
  function word(input, random, _pool, words) {
    if (words.length === 0) return input;
    const [from, to] = range(input, random);
    return join(
      input.subarray(0, from),
      random.pick(words),
      input.subarray(random.below(2) === 0 ? from : to),
    );
  },
  function splice(input, random, pool) {
    const other = random.pick(pool);
    const [from, to] = [random.below(input.byteLength + 1), random.below(other.byteLength + 1)];
    return join(input.subarray(0, from), other.subarray(to));
  },
  function move(input, random, pool) {
    const other = random.pick(pool);
    const [from, to] = range(other, random);
    const at = random.below(input.byteLength + 1);
    return join(input.subarray(0, at), other.subarray(from, to), input.subarray(at));
  },
  (input, random) => input.subarray(0, random.below(input.byteLength + 1)),
];

/** Changes an input in one or a few ways; the pool and the words give material. */
export function mutate(
  input: Uint8Array,
  random: Random,
  pool: readonly Uint8Array[],
  words: readonly Uint8Array[],
): Uint8Array {
  let output = input;
  for (let left = 1 + random.below(random.below(3) === 0 ? 6 : 2); left > 0; left--)
    output = random.pick(MUTATIONS)(output, random, pool, words);
  return output.subarray(0, MAX_SIZE);
}
