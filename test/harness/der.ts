// SPDX-License-Identifier: Apache-2.0

/**
 * The few pieces of DER that certificates are made of. Written by hand so that tests can also make
 * what no tool would.
 */
export type Der = Buffer;

export function tlv(tag: number, ...content: readonly Uint8Array[]): Der {
  const body = Buffer.concat(content);
  return Buffer.concat([Buffer.from([tag]), length(body.length), body]);
}

function length(size: number): Der {
  if (size < 0x80) return Buffer.from([size]);
  const hex = size.toString(16);
  const bytes = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, "hex");
  return Buffer.concat([Buffer.from([0x80 | bytes.length]), bytes]);
}

export const sequence = (...items: readonly Uint8Array[]): Der => tlv(0x30, ...items);
export const set = (...items: readonly Uint8Array[]): Der => tlv(0x31, ...items);
export const nil = (): Der => tlv(0x05);
export const boolean = (value: boolean): Der => tlv(0x01, Buffer.from([value ? 0xff : 0]));
export const octets = (bytes: Uint8Array): Der => tlv(0x04, bytes);
export const utf8 = (text: string): Der => tlv(0x0c, Buffer.from(text, "utf8"));
export const printable = (text: string): Der => tlv(0x13, Buffer.from(text, "ascii"));
/** `[number]` with content of its own, or, primitive, in place of another tag. */
export const context = (number: number, ...items: readonly Uint8Array[]): Der =>
  tlv(0xa0 | number, ...items);
export const contextPrimitive = (number: number, bytes: Uint8Array): Der =>
  tlv(0x80 | number, bytes);

export function integer(value: number | bigint | Uint8Array): Der {
  if (value instanceof Uint8Array)
    return tlv(0x02, (value[0] ?? 0) & 0x80 ? Buffer.concat([Buffer.from([0]), value]) : value);
  const hex = value.toString(16);
  return integer(Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, "hex"));
}

/** A BIT STRING of whole bytes, or, with `unused`, of fewer bits. */
export const bits = (bytes: Uint8Array, unused = 0): Der => tlv(0x03, Buffer.from([unused]), bytes);

/**
 * A BIT STRING in which the bits of these numbers are set, without trailing zeros, as DER wants
 * named bits.
 */
export function namedBits(numbers: readonly number[]): Der {
  const highest = Math.max(-1, ...numbers);
  const bytes = Buffer.alloc(Math.ceil((highest + 1) / 8));
  for (const number of numbers)
    bytes[number >> 3] = (bytes[number >> 3] ?? 0) | (0x80 >> (number & 7));
  return bits(bytes, highest < 0 ? 0 : 7 - (highest & 7));
}

export function oid(dotted: string): Der {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  return tlv(0x06, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]));
}

function base128(value: number): number[] {
  const digits = [value & 0x7f];
  for (let left = value >>> 7; left > 0; left >>>= 7) digits.unshift(0x80 | (left & 0x7f));
  return digits;
}

/** UTCTime until 2049, GeneralizedTime from 2050, as RFC 5280 says. */
export function time(moment: Date): Der {
  const text = `${moment.toISOString().replace(/[-:T]/g, "").slice(0, 14)}Z`;
  return moment.getUTCFullYear() < 2050
    ? tlv(0x17, Buffer.from(text.slice(2)))
    : tlv(0x18, Buffer.from(text));
}

export const generalizedTime = (moment: Date): Der =>
  tlv(0x18, Buffer.from(`${moment.toISOString().replace(/[-:T]/g, "").slice(0, 14)}Z`));

export function pem(label: string, bytes: Uint8Array): string {
  const lines =
    Buffer.from(bytes)
      .toString("base64")
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}
