// SPDX-License-Identifier: Apache-2.0
import { Tag, decode, encode } from "cbor2";
import { ConsignError } from "../errors";

/** COSE header labels are integers or text; nothing else may be a key. */
export type Label = number | string;

/**
 * A decoded header. Integers are `bigint` and floating-point numbers `number`, so that `1` and
 * `1.0` are told apart; byte strings are `Uint8Array`, tags {@link Tag}, maps `Map`.
 */
export type Headers = ReadonlyMap<Label, unknown>;

export { Tag };

const MAX_ITEMS = 10_000;
const MAX_DEPTH = 16;

/**
 * Decodes exactly one data item under COSE's rules: definite lengths, no duplicate keys (also none
 * that differ only in their encoding), integer or text keys, UTF-8 text, nothing trailing; at most
 * `maxBytes`, 10,000 items and 16 levels, of which an array takes two. Tags are kept, never
 * interpreted.
 * @throws ConsignError `CBOR_INVALID`
 * @see https://www.rfc-editor.org/rfc/rfc9052#section-9
 */
export function decodeCbor(bytes: Uint8Array, maxBytes: number): unknown {
  if (bytes.byteLength > maxBytes)
    throw invalid(`there are ${bytes.byteLength} bytes; at most ${maxBytes} are read`);
  const view = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  checkHeads(view);
  try {
    return decode(view, {
      maxDepth: MAX_DEPTH,
      rejectStreaming: true,
      rejectSimple: true,
      preferMap: true,
      preferBigInt: true,
      ignoreGlobalTags: true,
      createObject: (entries) => strictMap(entries),
    });
  } catch (cause) {
    throw cause instanceof ConsignError ? cause : invalid((cause as Error).message, cause);
  }
}

/**
 * Encodes deterministically: shortest integers and lengths, keys in the order of their encoded
 * bytes. Byte strings are `Uint8Array`.
 * @see https://www.rfc-editor.org/rfc/rfc8949#section-4.2.1
 */
export function encodeCbor(value: unknown): Uint8Array {
  return encode(value, { cde: true, rejectUndefined: true, rejectDuplicateKeys: true });
}

/** Visits the head of every item, and so bounds their number before anything is built from them. */
function checkHeads(bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let items = 0;
  for (let at = 0; at < bytes.byteLength; items++) {
    if (items >= MAX_ITEMS) throw invalid(`there are more than ${MAX_ITEMS} items`);
    const head = view.getUint8(at++);
    const info = head & 0x1f;
    if (info > 27) throw invalid("there is an indefinite length or a reserved head");
    const extra = info < 24 ? 0 : 1 << (info - 24);
    if (at + extra > bytes.byteLength) throw invalid("the bytes end in the middle of an item");
    const argument = argumentOf(view, at, info);
    at += extra;
    const major = head >> 5;
    if (major !== BYTE_STRING && major !== TEXT_STRING) continue;
    if (argument > BigInt(bytes.byteLength - at))
      throw invalid("a string is longer than the bytes that are there");
    at += Number(argument);
  }
}

const BYTE_STRING = 2;
const TEXT_STRING = 3;

function argumentOf(view: DataView, at: number, info: number): bigint {
  switch (info) {
    case 24:
      return BigInt(view.getUint8(at));
    case 25:
      return BigInt(view.getUint16(at));
    case 26:
      return BigInt(view.getUint32(at));
    case 27:
      return view.getBigUint64(at);
    default:
      return BigInt(info);
  }
}

function strictMap(
  entries: readonly (readonly [unknown, unknown, ...unknown[]])[],
): Map<Label, unknown> {
  const map = new Map<Label, unknown>();
  for (const [key, value] of entries) {
    const label = typeof key === "bigint" ? Number(key) : key;
    if (typeof key === "number" || !isLabel(label))
      throw invalid("a map has a key that is neither an integer nor text");
    if (map.has(label)) throw invalid(`a map has the key ${JSON.stringify(label)} twice`);
    map.set(label, value);
  }
  return map;
}

function isLabel(value: unknown): value is Label {
  return typeof value === "string" || (typeof value === "number" && Number.isSafeInteger(value));
}

function invalid(why: string, cause?: unknown): ConsignError {
  return new ConsignError(
    "CBOR_INVALID",
    `the bytes are not the strict CBOR that COSE needs: ${why}`,
    { cause },
  );
}
