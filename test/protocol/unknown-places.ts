// SPDX-License-Identifier: Apache-2.0
import { UNKNOWN } from "../../provider/protocol/unknowns";
import type { Properties } from "../../provider/world/reconciler";

export type Path = (string | number)[];

/** Every place at which a value may be unknown. */
export function places(value: unknown, path: Path = []): Path[] {
  if (typeof value !== "object" || value === null) return [path];
  return [
    path,
    ...Object.entries(value).flatMap(([key, member]) =>
      places(member, [...path, Array.isArray(value) ? Number(key) : key]),
    ),
  ];
}

/** The same value, unknown at one place. */
export function withUnknown(value: unknown, path: readonly (string | number)[]): unknown {
  const [first, ...rest] = path;
  if (first === undefined) return UNKNOWN;
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value))
    return value.map((member: unknown, index) =>
      index === first ? withUnknown(member, rest) : member,
    );
  return { ...value, [first]: withUnknown((value as Properties)[first], rest) };
}
