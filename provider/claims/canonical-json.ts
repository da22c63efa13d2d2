// SPDX-License-Identifier: Apache-2.0
import { ConsignError, type ErrorCode } from "../errors";
import { parseStrictJson } from "../oci/strict-json";

/** JSON that a claim is made of nests at most this deep. */
export const MAX_JSON_DEPTH = 128;

const LONE_SURROGATE = /\p{Surrogate}/u;

/**
 * The one text of a JSON value: members sorted by the UTF-16 code units of their names, no white
 * space, numbers and strings as ECMAScript writes them, so that the same value packs to the same
 * digest on every machine. Members that are `undefined` are left out.
 * @throws ConsignError `code` (default `PREDICATE_INVALID`) with `path`, for what JSON cannot
 * carry: functions, class instances, NaN, lone surrogates
 * @see https://www.rfc-editor.org/rfc/rfc8785
 */
export function canonicalJson(value: unknown, code: ErrorCode = "PREDICATE_INVALID"): string {
  return write(value, "", 0, code);
}

function write(value: unknown, path: string, depth: number, code: ErrorCode): string {
  if (depth > MAX_JSON_DEPTH)
    throw refused(code, path, `nests deeper than ${MAX_JSON_DEPTH} levels`);
  if (value === null || typeof value === "boolean") return String(value);
  if (typeof value === "number") {
    if (Number.isFinite(value)) return JSON.stringify(value);
    throw refused(code, path, `${value} is no JSON number`);
  }
  if (typeof value === "string") {
    if (!LONE_SURROGATE.test(value)) return JSON.stringify(value);
    throw refused(code, path, "holds half of a surrogate pair, which UTF-8 cannot carry");
  }
  if (Array.isArray(value))
    return `[${value.map((item, index) => write(item, `${path}[${index}]`, depth + 1, code)).join(",")}]`;
  if (isPlainObject(value)) {
    const members = Object.keys(value)
      .filter((name) => value[name] !== undefined)
      .sort()
      .map(
        (name) =>
          `${write(name, path, depth, code)}:${write(value[name], path === "" ? name : `${path}.${name}`, depth + 1, code)}`,
      );
    return `{${members.join(",")}}`;
  }
  throw refused(
    code,
    path,
    `a ${typeof value === "object" ? "class instance" : typeof value} is no JSON value`,
  );
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function refused(code: ErrorCode, path: string, why: string): ConsignError {
  return new ConsignError(
    code,
    `${path === "" ? "the value" : path} cannot be written as JSON: ${why}`,
    { path },
  );
}

/**
 * Parses UTF-8 JSON that came from elsewhere, of which no two readers make different things.
 * @throws ConsignError `code`, if it is no JSON, no UTF-8, has a member twice, or nests deeper than
 * {@link MAX_JSON_DEPTH}
 */
export function parseJson(bytes: Uint8Array, what: string, code: ErrorCode): unknown {
  try {
    return parseStrictJson(bytes, MAX_JSON_DEPTH);
  } catch (cause) {
    throw new ConsignError(
      code,
      `${what} is not UTF-8 JSON that all read alike: ${(cause as Error).message}`,
      { cause },
    );
  }
}
