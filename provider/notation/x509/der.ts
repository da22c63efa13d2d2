// SPDX-License-Identifier: Apache-2.0

export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  enumerated: 0x0a,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

export interface Tlv {
  tag: number;
  /** Tag, length and content. */
  raw: Uint8Array;
  content: Uint8Array;
}

/**
 * Reads DER from front to back without copying. Unlike a general ASN.1 parser it makes no objects
 * for what is skipped, which is what a revocation list of a million entries needs; definite,
 * shortest lengths and one-byte tags only. Throws a plain Error on anything else.
 */
export class DerReader {
  #at = 0;

  constructor(private readonly bytes: Uint8Array) {}

  get done(): boolean {
    return this.#at >= this.bytes.byteLength;
  }

  /** The next tag, or undefined at the end. */
  peek(): number | undefined {
    return this.bytes[this.#at];
  }

  next(expected?: number): Tlv {
    const start = this.#at;
    const tag = this.#byte();
    if ((tag & 0x1f) === 0x1f) throw new Error("a tag is longer than one byte");
    if (expected !== undefined && tag !== expected)
      throw new Error(`tag ${tag} stands where ${expected} must`);
    const length = this.#length();
    const from = this.#at;
    if (length > this.bytes.byteLength - from) throw new Error("it ends too early");
    this.#at = from + length;
    return {
      tag,
      raw: this.bytes.subarray(start, this.#at),
      content: this.bytes.subarray(from, this.#at),
    };
  }

  enter(expected: number): DerReader {
    return new DerReader(this.next(expected).content);
  }

  integer(): bigint {
    const { content } = this.next(TAG.integer);
    if (content.byteLength === 0 || content.byteLength > 64)
      throw new Error("an integer is empty or too long");
    return BigInt.asIntN(
      content.byteLength * 8,
      BigInt(`0x${Buffer.from(content).toString("hex")}`),
    );
  }

  /** The bytes of a bit string that has whole bytes. */
  bitString(): Uint8Array {
    const { content } = this.next(TAG.bitString);
    if (content[0] !== 0) throw new Error("a bit string does not have whole bytes");
    return content.subarray(1);
  }

  /** Nothing may follow. */
  finish(): void {
    if (!this.done) throw new Error("something follows its end");
  }

  #byte(): number {
    const byte = this.bytes[this.#at++];
    if (byte === undefined) throw new Error("it ends too early");
    return byte;
  }

  #length(): number {
    const first = this.#byte();
    if (first < 0x80) return first;
    const count = first & 0x7f;
    if (count === 0 || count > 4) throw new Error("a length is indefinite or too long");
    let length = 0;
    for (let i = 0; i < count; i++) length = length * 256 + this.#byte();
    if (length < 0x80 || length < 256 ** (count - 1))
      throw new Error("a length is not in its shortest form");
    return length;
  }
}

/** An object identifier's content, as `1.2.840`. */
export function readOid(content: Uint8Array): string {
  const arcs: bigint[] = [];
  let arc = 0n;
  if (content.byteLength === 0 || content.byteLength > 64 || (content.at(-1) ?? 0) >= 0x80)
    throw new Error("an object identifier is malformed");
  for (const byte of content) {
    arc = (arc << 7n) | BigInt(byte & 0x7f);
    if (byte >= 0x80) continue;
    arcs.push(arc);
    arc = 0n;
  }
  const first = arcs[0] ?? 0n;
  const root = first < 40n ? 0n : first < 80n ? 1n : 2n;
  return [root, first - root * 40n, ...arcs.slice(1)].join(".");
}

const TIME = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(?:\.(\d{1,9}))?Z$/;

/**
 * UTCTime or GeneralizedTime, in UTC and with seconds, as certificates and revocation lists must
 * write it.
 */
export function parseTime({ tag, content }: Tlv): Date {
  let text = Buffer.from(content.subarray(0, 32)).toString("latin1");
  if (tag === TAG.utcTime) text = `${text < "5" ? "20" : "19"}${text}`;
  else if (tag !== TAG.generalizedTime) throw new Error(`tag ${tag} stands where a time must`);
  const [, year, month, day, hour, minute, second, fraction = "0"] = TIME.exec(text) ?? [];
  const iso = `${year}-${month}-${day}T${hour}:${minute}:${second}.${fraction.padEnd(3, "0").slice(0, 3)}Z`;
  const time = new Date(iso);
  if (Number.isNaN(time.getTime()) || time.toISOString() !== iso)
    throw new Error("a time is malformed");
  return time;
}

/** Equal non-negative integers, whatever zeros are in front of them. */
export function sameInteger(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(withoutZeros(a), withoutZeros(b)) === 0;
}

function withoutZeros(bytes: Uint8Array): Uint8Array {
  let start = 0;
  while (start < bytes.byteLength - 1 && bytes[start] === 0) start++;
  return bytes.subarray(start);
}
