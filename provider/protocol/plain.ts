// SPDX-License-Identifier: Apache-2.0

/**
 * A value as a protobuf Struct can carry it, with no undefined, dates or class instances: what
 * `JSON.parse(JSON.stringify(value))` gives. What is plain already is not copied, as there may be
 * many megabytes of it; the result shares it with the value.
 * @returns undefined for what JSON leaves out
 */
export function plain(value: unknown): unknown {
  if (isPlain(value)) return value;
  if (typeof value === "number") return null;
  if (typeof value === "bigint") throw new TypeError("a bigint is no property's value");
  if (typeof value !== "object" || value === null) return undefined;
  if ("toJSON" in value && typeof value.toJSON === "function")
    return plain(Reflect.apply(value.toJSON, value, []));
  if (Array.isArray(value))
    return Array.from<unknown, unknown>(value, (element) => plain(element) ?? null);
  const members = Object.entries(value).map(([name, member]) => [name, plain(member)] as const);
  return Object.fromEntries(members.filter(([, member]) => member !== undefined));
}

function isPlain(value: unknown): boolean {
  if (typeof value === "number") return Number.isFinite(value);
  if (typeof value !== "object") return typeof value === "string" || typeof value === "boolean";
  if (value === null) return true;
  if ("toJSON" in value) return false;
  if (Array.isArray(value)) {
    // Not by `every`, which passes over holes.
    for (const element of value) if (!isPlain(element)) return false;
    return true;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return false;
  return Object.values(value).every(isPlain);
}
