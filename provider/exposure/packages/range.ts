// SPDX-License-Identifier: Apache-2.0
import { ConsignError } from "../../errors";
import { parsePurl, typeOfKey, type Package } from "./identity";
import { compareVersions } from "./versions";

interface Bound {
  operator: "<" | "<=" | ">" | ">=" | "=";
  version: string;
}

/** A package, and of which of its versions the question is. */
export interface PackageRange {
  text: string;
  key: string;
  /** All have to hold; none: every version. */
  bounds: Bound[];
}

const BOUND = /^(<=|>=|<|>|=)?\s*([^\s<>=,]+)$/;

/**
 * `pkg:npm/log4js@<2.1`, `pkg:pypi/django@>=3,<3.2.1`, `pkg:npm/event-stream@3.3.6`, or without a
 * version for all of them.
 * @throws ConsignError `INPUT_INVALID`
 */
export function parsePackageRange(text: string): PackageRange {
  const [, base = "", range] = /^(pkg:[^?#]*?[^/?#])(?:@([^/?#]*))?$/.exec(text) ?? [];
  const parsed = parsePurl(base);
  if (parsed === undefined)
    throw invalid(text, "it is no package URL, as pkg:npm/log4js@<2.1 is, without ? and #");
  const bounds = range === undefined ? [] : range.split(",").map((bound) => boundIn(text, bound));
  const type = typeOfKey(parsed.key);
  for (const { operator, version } of bounds)
    if (
      operator !== "=" &&
      ["1.0", "2.0"].some((other) => compareVersions(type, version, other) === undefined)
    )
      throw invalid(text, `nothing here compares versions of type ${type} with ${version}`);
  return { text, key: parsed.key, bounds };
}

function boundIn(text: string, bound: string): Bound {
  const [, operator = "=", version] = BOUND.exec(bound.trim()) ?? [];
  if (version === undefined) throw invalid(text, `"${bound}" is no bound, as <2.1 or >=1.0 is`);
  const isOperator = (text: string): text is Bound["operator"] => /^(?:[<>]=?|=)$/.test(text);
  return { operator: isOperator(operator) ? operator : "=", version };
}

function invalid(text: string, why: string): ConsignError {
  return new ConsignError("INPUT_INVALID", `package "${text.slice(0, 200)}": ${why}`, {
    path: "package",
  });
}

/** Whether a package of that name is in the range; undefined where that cannot be told. */
export function isInRange(range: PackageRange, { version, key }: Package): boolean | undefined {
  if (range.bounds.length === 0) return true;
  if (version === undefined) return undefined;
  let inside: boolean | undefined = true;
  for (const bound of range.bounds) {
    const order = compareVersions(typeOfKey(key), version, bound.version);
    if (order === undefined) inside = undefined;
    else if (!holds(order, bound.operator)) return false;
  }
  return inside;
}

function holds(order: number, operator: Bound["operator"]): boolean {
  if (order === 0) return operator.includes("=");
  return order < 0 ? operator.startsWith("<") : operator.startsWith(">");
}
